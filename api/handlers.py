"""Exceptions as problem responses: each kind in one place."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import InterfaceError, OperationalError
from starlette.exceptions import HTTPException
from starlette.routing import Match

from engine import AudienceError, CompileError, SnapshotError

from .children import BusyError, ChildError, DeadlineError, TooMuchMemoryError
from .evaluations import FormatError, SnapshotGoneError
from .problems import MEDIA_TYPE, FieldError, Problem, ProblemType, of_condition
from .schemas import NO_NUL
from .service import service_of
from .store import ChangedError, NotFoundError, StatusError, TextError

_RETRY_SECONDS = "1"

_OF_STATUS: Mapping[int, tuple[ProblemType, str]] = {
    HTTPStatus.BAD_REQUEST: (ProblemType.BAD_REQUEST, "the body cannot be read"),
    HTTPStatus.NOT_FOUND: (ProblemType.NOT_FOUND, "nothing is served here"),
    HTTPStatus.METHOD_NOT_ALLOWED: (ProblemType.METHOD_NOT_ALLOWED, "the method is not allowed here"),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: (ProblemType.TOO_LARGE, "the body is too long"),
}


def problem_of(error: Exception) -> Problem:
    """The problem that an exception is; of one that nobody expected, that the service failed."""
    match error:
        case Problem():
            return error
        case CompileError():
            return of_condition(error)
        case RequestValidationError():
            return _of_validation(error)
        case NotFoundError():
            return Problem(ProblemType.NOT_FOUND, "there is no such segment")
        case ChangedError():
            return Problem(ProblemType.CHANGED, f"{error}; get it again, and change that")
        case StatusError():
            return Problem(ProblemType.CONFLICT, str(error))
        case TextError() | AudienceError():
            return Problem(ProblemType.BAD_REQUEST, str(error), [FieldError(("body",), str(error))])
        case SnapshotGoneError():
            return Problem(ProblemType.SNAPSHOT_GONE, f"{error}: recalculate the segment")
        case SnapshotError():
            return Problem(ProblemType.SNAPSHOT_UNUSABLE, str(error), headers={"Retry-After": _RETRY_SECONDS})
        case FormatError():
            return Problem(ProblemType.NOT_ACCEPTABLE, str(error))
        case BusyError():
            return Problem(ProblemType.BUSY, str(error), headers={"Retry-After": _RETRY_SECONDS})
        case DeadlineError() | TooMuchMemoryError():
            return Problem(ProblemType.TOO_EXPENSIVE, str(error))
        case OperationalError() | InterfaceError():
            return Problem(ProblemType.BUSY, "the store does not answer", headers={"Retry-After": _RETRY_SECONDS})
        case HTTPException():
            type_, detail = _OF_STATUS.get(error.status_code, (ProblemType.INTERNAL, "the service failed"))
            return Problem(type_, detail, headers=dict(error.headers or {}))
        case _:
            return Problem(ProblemType.INTERNAL, "the service failed; its log says more")


def response_of(problem: Problem) -> JSONResponse:
    """A problem as a response."""
    return JSONResponse(
        problem.to_dict(), status_code=problem.status, headers=dict(problem.headers), media_type=MEDIA_TYPE
    )


def add_handlers(app: FastAPI) -> None:
    """Has an app answer what is raised with problems. What nobody expected is left to who logs it."""

    def answer(request: Request, error: Exception) -> JSONResponse:
        if isinstance(error, ChildError):
            service_of(request).metrics.ended(type(error).__name__.removesuffix("Error"))
        problem = problem_of(error)
        if problem.type is ProblemType.METHOD_NOT_ALLOWED:
            problem.headers = {"Allow": ", ".join(_allowed(app, request))}
        return response_of(problem)

    for kind in (
        Problem,
        CompileError,
        RequestValidationError,
        NotFoundError,
        ChangedError,
        StatusError,
        TextError,
        AudienceError,
        SnapshotGoneError,
        SnapshotError,
        FormatError,
        ChildError,
        OperationalError,
        InterfaceError,
        HTTPException,
    ):
        app.add_exception_handler(kind, answer)


def _allowed(app: FastAPI, request: Request) -> list[str]:
    """The methods that some route takes for the path."""
    found = set()
    for method in ("DELETE", "GET", "PATCH", "POST"):
        scope = {**request.scope, "method": method}
        if any(route.matches(scope)[0] is Match.FULL for route in app.routes):
            found.add(method)
    return sorted(found)


def _of_validation(error: RequestValidationError) -> Problem:
    errors = [_field_error(one["loc"], one["type"], one["msg"], one.get("ctx", {})) for one in error.errors()]
    first = errors[0]
    if first.place[0] == "path":
        return Problem(ProblemType.NOT_FOUND, "there is no such thing")
    place = "/".join(str(part) for part in first.place[1:])
    detail = f"{place}: {first.message}" if place else first.message
    return Problem(ProblemType.BAD_REQUEST, detail, errors)


def _field_error(place: tuple[str | int, ...], type_: str, message: str, context: Mapping[str, object]) -> FieldError:
    match type_:
        case "extra_forbidden":
            return FieldError(place, "there is no such field")
        case "missing":
            return FieldError(place, "is missing")
        case "json_invalid":
            return FieldError(place[:1], f"is no JSON: {context.get('error')} at character {place[-1]}")
        case "string_pattern_mismatch" if context.get("pattern") == NO_NUL:
            return FieldError(place, "holds a character that cannot be kept")
        case "string_pattern_mismatch":
            return FieldError(place, f"is not of the form {context.get('pattern')}")
        case "model_attributes_type" | "model_type":
            return FieldError(place, "must be a JSON object")
        case _:
            return FieldError(place, message[:1].lower() + message[1:])
