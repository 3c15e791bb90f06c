"""What a calculation found and cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

import polars as pl

from compiler.values import NANOSECONDS

MICROSECOND = 1_000
"""Nanoseconds in the unit of ``now``."""


class Mode(StrEnum):
    """How conditions are to be answered.

    ``auto`` compiles what it can and interprets the rest; ``compiled`` refuses what cannot be compiled; ``interpreted``
    compiles nothing.
    """

    AUTO = "auto"
    COMPILED = "compiled"
    INTERPRETED = "interpreted"


@dataclass(slots=True)
class Tally:
    """Counts so far: members, and rows that are errors."""

    members: int = 0
    errors: int = 0


class InterpretedClause(NamedTuple):
    """A part of a condition that was interpreted.

    Attributes:
        text: the clause.
        reason: why it has no columnar form.
        rows: on how many rows its answer was needed.
        distinct: how many times it was evaluated: once for each distinct combination of the values it reads, chunk by
            chunk.
        seconds: the wall time that took.
    """

    text: str
    reason: str
    rows: int
    distinct: int
    seconds: float = 0.0

    def plus(self, other: InterpretedClause) -> InterpretedClause:
        """The figures of the same clause on more rows added up."""
        return self._replace(
            rows=self.rows + other.rows,
            distinct=self.distinct + other.distinct,
            seconds=self.seconds + other.seconds,
        )

    def to_dict(self) -> dict[str, object]:
        """The clause as JSON has it; the time in seconds."""
        return {
            "clause": self.text,
            "reason": self.reason,
            "rows": self.rows,
            "distinct": self.distinct,
            "seconds": round(self.seconds, 6),
        }


class Evaluation(NamedTuple):
    """The value of an expression on each row of a frame.

    Attributes:
        values: one a row, of the Polars type of the expression's CEL type; null where it is CEL's null or an error.
        errors: String, one a row: the reason where the row is an error, null elsewhere.
        mode: ``compiled``, ``mixed`` (some clauses were interpreted) or ``interpreted`` (all of it was).
        type: the CEL type of the expression.
        interpreted: what was interpreted.
    """

    values: pl.Series
    errors: pl.Series
    mode: str
    type: str
    interpreted: tuple[InterpretedClause, ...] = ()


class ErrorReason(NamedTuple):
    """Why users are errors of a condition.

    Attributes:
        reason: as in ``age is null in `age > 30` ``.
        rows: on how many users it is the reason; a user has one, the first in source order.
        row: the place of the first of them in the snapshot, from 0.
        user_id: his id; None where the snapshot has no ids.
    """

    reason: str
    rows: int
    row: int
    user_id: int | str | None

    def to_dict(self) -> dict[str, object]:
        """The reason as JSON has it."""
        return {"reason": self.reason, "rows": self.rows, "example_row": self.row, "example_id": self.user_id}


class ConditionWarning(NamedTuple):
    """What is legal in a condition and almost surely not what its author means.

    Attributes:
        message: what it comes to.
        hint: what to write instead; None where there is nothing to say.
        line: of the place in the condition, from 1.
        column: of the place, in code points, from 1.
        text: all of it, with the line and a caret, as a terminal shows it.
    """

    message: str
    hint: str | None
    line: int
    column: int
    text: str

    def to_dict(self) -> dict[str, object]:
        """The warning as JSON has it."""
        return {"message": self.message, "hint": self.hint, "line": self.line, "column": self.column}


class Reach(NamedTuple):
    """How many of a condition's users can be reached in one way.

    Attributes:
        channel: ``any``, ``email``, ``sms`` or ``pass_push``.
        consent: whether only those count who have given the segment's consent.
        user_count: None where ``error`` says why there is no count.
        error: None, or the message of what failed.
    """

    channel: str
    consent: bool
    user_count: int | None
    error: str | None = None

    def to_dict(self) -> dict[str, object]:
        """The cell as JSON has it."""
        return {
            "channel": self.channel,
            "consent": self.consent,
            "user_count": self.user_count,
            "error": self.error,
        }


class CountResult(NamedTuple):
    """One condition's part of a count.

    Attributes:
        name: the segment's name; of a condition without a name, its text.
        condition: its text.
        user_count: users for whom it is true; None where ``error`` says why there is no count.
        error_count: users on whom it ends in an error, who are no members.
        mode: ``compiled``, ``mixed`` or ``interpreted``; None where it failed.
        duration: seconds: the sum of the three that follow last.
        error: None, or the message of a condition that failed alone.
        interpreted: what was interpreted.
        reasons: of the errors, the most frequent first; None where they were not asked for.
        reach: by each channel, without consent and, where the segment names one, with it, in the segment's organization
            and edition; None where it was not asked for. Of a condition that does not compile, nothing.
        compile: seconds that its own compilation took.
        scan: seconds of wall time of the scan that answered it, without interpretation; 0 where there was none.
        interpretation: seconds of wall time that its own interpretation took.
        audience: whom the segment may reach, under the keys of a file of segments; what is not set is not there.
        shared_by: the number of conditions, itself included, that shared that scan: nobody pays it alone.
        warnings: what is almost surely not meant, where that was asked for.
    """

    name: str
    condition: str
    user_count: int | None
    error_count: int | None
    mode: str | None
    duration: float
    error: str | None = None
    interpreted: tuple[InterpretedClause, ...] = ()
    reasons: tuple[ErrorReason, ...] | None = None
    reach: tuple[Reach, ...] | None = None
    compile: float = 0.0
    scan: float = 0.0
    interpretation: float = 0.0
    shared_by: int = 0
    audience: Mapping[str, str | int] = MappingProxyType({})
    warnings: tuple[ConditionWarning, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """The result as JSON has it; times in seconds. Whom it may reach is told where that is not everyone, what was
        interpreted, and warnings, where there are any, reasons and reach where they were asked for.
        """
        known: dict[str, object] = {
            "name": self.name,
            "condition": self.condition,
            "user_count": self.user_count,
            "error_count": self.error_count,
            "mode": self.mode,
            "duration": round(self.duration, 6),
            "error": self.error,
            "compile": round(self.compile, 6),
            "scan": round(self.scan, 6),
            "interpretation": round(self.interpretation, 6),
            "shared_by": self.shared_by,
        }
        if self.audience:
            known["audience"] = dict(self.audience)
        if self.interpreted:
            known["interpreted"] = [clause.to_dict() for clause in self.interpreted]
        if self.warnings:
            known["warnings"] = [warning.to_dict() for warning in self.warnings]
        if self.reasons is not None:
            known["reasons"] = [r.to_dict() for r in self.reasons]
        if self.reach is not None:
            known["reach"] = [r.to_dict() for r in self.reach]
        return known


@dataclass(frozen=True, slots=True)
class CountReport:
    """The outcome of one count.

    Attributes:
        snapshot: the snapshot's name.
        fingerprint: of its files; None for a frame.
        rows: the number of users in it.
        now: the time of the run, in UTC.
        duration: seconds, from the conditions' text to the counts.
        results: in the order asked.
        compile: seconds from the conditions' text to what is run.
        scan: seconds of wall time of the one pass over the snapshot, without interpretation.
        interpretation: seconds of wall time that interpretation took, of all conditions.
    """

    snapshot: str
    fingerprint: str | None
    rows: int
    now: datetime
    duration: float
    results: tuple[CountResult, ...]
    compile: float = 0.0
    scan: float = 0.0
    interpretation: float = 0.0

    def __getitem__(self, name: str) -> CountResult:
        """The result of the condition of that name."""
        for result in self.results:
            if result.name == name:
                return result
        raise KeyError(name)

    def to_dict(self) -> dict[str, object]:
        """The report as JSON has it; times in seconds."""
        return {
            "snapshot": self.snapshot,
            "rows": self.rows,
            "now": show_time(self.now),
            "duration": round(self.duration, 6),
            "compile": round(self.compile, 6),
            "scan": round(self.scan, 6),
            "interpretation": round(self.interpretation, 6),
            "results": [result.to_dict() for result in self.results],
        }


def run_time(now: datetime | str | None) -> int:
    """The time of a run, in nanoseconds since the epoch: a whole number of microseconds.

    Args:
        now: a time with a zone (without: UTC), as a datetime or in ISO 8601; None is this moment.

    Raises:
        ValueError: the text is no time.
    """
    moment = datetime.fromisoformat(now) if isinstance(now, str) else now or datetime.now(UTC)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * NANOSECONDS + since.microseconds * MICROSECOND


def moment(nanoseconds: int) -> datetime:
    """A time of a run as a datetime in UTC."""
    seconds, rest = divmod(nanoseconds, NANOSECONDS)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest // MICROSECOND)


def show_time(time: datetime) -> str:
    """A time in RFC 3339."""
    return time.isoformat().replace("+00:00", "Z")


def mode_of(*, interpreted_whole: bool, clauses: Sequence[object]) -> str:
    """What a calculation's mode is called in results."""
    if interpreted_whole:
        return "interpreted"
    return "mixed" if clauses else "compiled"
