"""Conditions while they are run: what each has come to so far, and in the end its result."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import polars as pl
import polars.selectors as cs

from .error_reasons import ReasonTally
from .mixed import Outcome, run
from .plan import Plan, Planned, Refused
from .results import CountResult, InterpretedClause, Tally
from .snapshot import DEFAULT_CHUNK_ROWS, Snapshot

POLARS_FAILURES = (pl.exceptions.PolarsError, pl.exceptions.PanicException)
"""What Polars raises where a condition cannot be run: that condition fails alone."""


@dataclass(slots=True)
class Running:
    """A condition's outcome so far.

    Attributes:
        reasons: of its errors; None where they were not asked for.
        error: why it has no counts; None where it has.
    """

    planned: Planned
    reasons: ReasonTally | None = None
    tally: Tally = field(default_factory=Tally)
    interpreted: list[InterpretedClause] = field(default_factory=list)
    error: str | None = None


class Chunk(NamedTuple):
    """Some rows of a snapshot.

    Attributes:
        rows: at least the columns that the conditions read, cut to the parts that are used.
        wanted: the columns that were asked for besides, whole; the first is the id, where any is.
        start: the number of rows before them.
    """

    rows: pl.DataFrame
    wanted: pl.DataFrame
    start: int


def read_chunks(
    snapshot: Snapshot, planning: Plan, wanted: Sequence[str], rows: int = DEFAULT_CHUNK_ROWS
) -> Iterator[Chunk]:
    """The snapshot in its order, with the columns of the plan and others that are wanted.

    Raises:
        SnapshotError: it cannot be read, or was changed meanwhile.
    """
    used = {name: shape for name, shape in planning.used.items() if name not in wanted}
    columns = list(dict.fromkeys([*planning.columns, *wanted]))
    start = 0
    for frame in snapshot.narrowed(used).chunks(columns, rows):
        yield Chunk(planning.projected(frame), frame.select(cs.by_name(*wanted)), start)
        start += frame.height
    snapshot.check_unchanged()


def run_alone(planning: Plan, one: Running, chunk: Chunk, now: int) -> Outcome | None:
    """Runs one condition on a chunk and adds what it finds; None where it fails."""
    outcome = _run(planning, one, chunk, now)
    if outcome is not None:
        one.tally.members += int(outcome.values.sum())
        one.tally.errors += outcome.values.null_count()
        one.interpreted += outcome.interpreted
    return outcome


def find_reasons(planning: Plan, one: Running, chunk: Chunk, now: int) -> None:
    """Adds the reasons of a condition's errors on a chunk on which it was counted."""
    _run(planning, one, chunk, now)


def _run(planning: Plan, one: Running, chunk: Chunk, now: int) -> Outcome | None:
    try:
        outcome = run(planning, one.planned, chunk.rows, now=now, reasons=one.reasons is not None, segment=True)
    except POLARS_FAILURES as failure:
        one.error = f"failed while it was run: {str(failure).partition(chr(10))[0]}"
        return None
    if one.reasons is not None:
        assert outcome.errors is not None
        one.reasons.add(outcome.errors, chunk.start, chunk.wanted.to_series() if chunk.wanted.width else None)
    return outcome


def result_of(
    name: str, text: str, planned: Planned | Refused, running: Mapping[int, Running], scanned: float
) -> CountResult:
    """The result of a condition.

    Args:
        name: what the result is called.
        text: the condition.
        planned: as the plan has it.
        running: the conditions that were run, by the identity of ``planned``.
        scanned: seconds that the scan took.
    """
    if isinstance(planned, Refused):
        return CountResult(name, text, None, None, None, planned.duration, str(planned.error))
    one = running[id(planned)]
    duration = planned.duration + scanned
    if one.error is not None:
        return CountResult(name, text, None, None, None, duration, one.error)
    return CountResult(
        name,
        text,
        one.tally.members,
        one.tally.errors,
        planned.mode,
        duration,
        interpreted=_summed(one.interpreted),
        reasons=None if one.reasons is None else one.reasons.reasons(),
    )


def _summed(clauses: Sequence[InterpretedClause]) -> tuple[InterpretedClause, ...]:
    """The chunks' figures of each clause added up."""
    totals: dict[tuple[str, str], InterpretedClause] = {}
    for clause in clauses:
        key = (clause.text, clause.reason)
        so_far = totals.get(key, InterpretedClause(clause.text, clause.reason, 0, 0))
        totals[key] = InterpretedClause(*key, so_far.rows + clause.rows, so_far.distinct + clause.distinct)
    return tuple(totals.values())
