"""What goes wrong, as RFC 9457 has it: the one list of problems, and how the service's exceptions become them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus

from compiler.diagnostics import CompileError, Diagnostic
from compiler.source import Source

MEDIA_TYPE = "application/problem+json"


class ProblemType(StrEnum):
    """What kind of problem it is, as a client's program asks: the last part of the problem's ``type``."""

    BAD_CONDITION = "bad-condition"
    BAD_REQUEST = "bad-request"
    BUSY = "busy"
    CHANGED = "changed"
    CONFLICT = "conflict"
    FORBIDDEN = "forbidden"
    INTERNAL = "internal"
    METHOD_NOT_ALLOWED = "method-not-allowed"
    NOT_ACCEPTABLE = "not-acceptable"
    NOT_FOUND = "not-found"
    SNAPSHOT_GONE = "snapshot-gone"
    SNAPSHOT_UNUSABLE = "snapshot-unusable"
    TOO_EXPENSIVE = "too-expensive"
    TOO_LARGE = "too-large"
    TOO_MANY_REQUESTS = "too-many-requests"
    UNAUTHENTICATED = "unauthenticated"
    UNSUPPORTED_MEDIA_TYPE = "unsupported-media-type"


_STATUS: Mapping[ProblemType, HTTPStatus] = {
    ProblemType.BAD_CONDITION: HTTPStatus.UNPROCESSABLE_ENTITY,
    ProblemType.BAD_REQUEST: HTTPStatus.UNPROCESSABLE_ENTITY,
    ProblemType.BUSY: HTTPStatus.SERVICE_UNAVAILABLE,
    ProblemType.CHANGED: HTTPStatus.PRECONDITION_FAILED,
    ProblemType.CONFLICT: HTTPStatus.CONFLICT,
    ProblemType.FORBIDDEN: HTTPStatus.FORBIDDEN,
    ProblemType.INTERNAL: HTTPStatus.INTERNAL_SERVER_ERROR,
    ProblemType.METHOD_NOT_ALLOWED: HTTPStatus.METHOD_NOT_ALLOWED,
    ProblemType.NOT_ACCEPTABLE: HTTPStatus.NOT_ACCEPTABLE,
    ProblemType.NOT_FOUND: HTTPStatus.NOT_FOUND,
    ProblemType.SNAPSHOT_GONE: HTTPStatus.CONFLICT,
    ProblemType.SNAPSHOT_UNUSABLE: HTTPStatus.SERVICE_UNAVAILABLE,
    ProblemType.TOO_EXPENSIVE: HTTPStatus.UNPROCESSABLE_ENTITY,
    ProblemType.TOO_LARGE: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    ProblemType.TOO_MANY_REQUESTS: HTTPStatus.TOO_MANY_REQUESTS,
    ProblemType.UNAUTHENTICATED: HTTPStatus.UNAUTHORIZED,
    ProblemType.UNSUPPORTED_MEDIA_TYPE: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
}

TITLES: Mapping[ProblemType, str] = {
    ProblemType.BAD_CONDITION: "The condition cannot be compiled",
    ProblemType.BAD_REQUEST: "The request is not what the service takes",
    ProblemType.BUSY: "The service is busy",
    ProblemType.CHANGED: "The segment was changed since",
    ProblemType.CONFLICT: "The segment's state does not allow it",
    ProblemType.FORBIDDEN: "The key does not allow it",
    ProblemType.INTERNAL: "The service failed",
    ProblemType.METHOD_NOT_ALLOWED: "The method is not allowed here",
    ProblemType.NOT_ACCEPTABLE: "There is no such format",
    ProblemType.NOT_FOUND: "There is no such thing",
    ProblemType.SNAPSHOT_GONE: "The snapshot that the segment was counted on is gone",
    ProblemType.SNAPSHOT_UNUSABLE: "The snapshot cannot be used",
    ProblemType.TOO_EXPENSIVE: "The condition costs more than is allowed",
    ProblemType.TOO_LARGE: "The request is too large",
    ProblemType.TOO_MANY_REQUESTS: "Too many requests",
    ProblemType.UNAUTHENTICATED: "A key is needed",
    ProblemType.UNSUPPORTED_MEDIA_TYPE: "The body is not JSON",
}


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one part of a request.

    Attributes:
        place: ``body``, ``query``, ``path`` or ``header``, then the names and numbers that lead there.
        message: what is wrong with it.
    """

    place: tuple[str | int, ...]
    message: str

    def to_dict(self) -> dict[str, object]:
        """The error as JSON has it; ``pointer`` is a JSON pointer (RFC 6901) into the body or the parameters."""
        where, *path = self.place or ("body",)
        pointer = "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in path)
        return {"in": str(where), "pointer": pointer, "message": self.message}


@dataclass(eq=False)
class Problem(Exception):  # noqa: N818 -- it is what the RFC calls it
    """A request that the service does not fulfil.

    Attributes:
        type: its kind.
        detail: one sentence on this occurrence.
        errors: what is wrong with the parts of the request.
        diagnostics: what is wrong with a condition, as :func:`diagnostic_dict` has it.
        headers: to be sent besides.
    """

    type: ProblemType
    detail: str
    errors: Sequence[FieldError] = ()
    diagnostics: Sequence[Mapping[str, object]] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def status(self) -> HTTPStatus:
        """The status code that goes with its kind."""
        return status_of(self.type)

    def to_dict(self) -> dict[str, object]:
        """The problem as JSON has it (RFC 9457, section 3)."""
        known: dict[str, object] = {
            "type": f"urn:cellar:problem:{self.type}",
            "title": TITLES[self.type],
            "status": int(self.status),
            "detail": self.detail,
        }
        if self.errors:
            known["errors"] = [error.to_dict() for error in self.errors]
        if self.diagnostics:
            known["diagnostics"] = list(self.diagnostics)
        return known


def status_of(type_: ProblemType) -> HTTPStatus:
    """The status code of a kind of problem."""
    return _STATUS[type_]


def of_condition(error: CompileError) -> Problem:
    """The problem of a condition that does not compile, or of an audience's rule that it needs."""
    first = error.diagnostics[0]
    line, column = error.source.position(first.span.start)
    return Problem(
        ProblemType.BAD_CONDITION,
        f"{line}:{column}: {first.message}",
        diagnostics=[diagnostic_dict(one, error.source) for one in error.diagnostics],
    )


def diagnostic_dict(diagnostic: Diagnostic, source: Source) -> dict[str, object]:
    """A diagnostic as JSON has it: lines and columns count from 1; ``start`` and ``end`` are code points from 0."""
    line, column = source.position(diagnostic.span.start)
    return {
        "severity": diagnostic.severity.value,
        "message": diagnostic.message,
        "hint": diagnostic.hint,
        "line": line,
        "column": column,
        "start": diagnostic.span.start - source.start,
        "end": diagnostic.span.end - source.start,
        "rendered": diagnostic.render(source),
    }
