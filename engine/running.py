"""Conditions while they are run: what each has come to so far, and in the end its result."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import polars as pl
import polars.selectors as cs

from .error_reasons import ReasonTally
from .evaluated import TooManyElements
from .mixed import Outcome, reasons_of, run
from .plan import Plan, Planned, Reaching, Refused
from .results import CountResult, InterpretedClause, Reach, Tally
from .snapshot import DEFAULT_CHUNK_ROWS, Snapshot

if TYPE_CHECKING:
    from .batch import Batch
    from .bitmaps import Bitmaps

FAILURES = (pl.exceptions.PolarsError, pl.exceptions.PanicException, TooManyElements)
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

    @property
    def ids(self) -> pl.Series | None:
        """The users' ids, where they are wanted."""
        return self.wanted.to_series() if self.wanted.width else None


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


class Run:
    """The conditions of a plan, run over chunk after chunk: those that are compiled together, the others one by one.

    Attributes:
        running: the conditions that could be planned, by the identity of what the plan says of them.
    """

    def __init__(self, planning: Plan, now: int, *, errors: bool) -> None:
        """``errors``: also tell the reasons of errors."""
        self.running = {id(one): Running(one) for one in planning.to_run()}
        if errors:
            for one in planning.planned:
                if isinstance(one, Planned):
                    self.running[id(one)].reasons = ReasonTally()
        self._planning = planning
        self._errors = errors
        self._now = now
        self._alone = [r for r in self.running.values() if r.planned.cell is None or r.planned.clauses]
        self._together = [r for r in self.running.values() if r.planned.cell is not None and not r.planned.clauses]
        self._batch: Batch | None = None
        if self._together:
            from .batch import batch  # brings numpy, which one query does not need

            self._batch = batch([r.planned for r in self._together], planning.lowering)

    def count(self, chunk: Chunk) -> None:
        """Adds a chunk's counts, and reasons where they are asked for."""
        if self._errors:
            for _ in self._answers(chunk):
                pass
        elif self._batch is not None:
            try:
                self._batch.tally(chunk.rows, [r.tally for r in self._together])
            except FAILURES:
                self._separate()
        for one in self._alone:
            self._run_alone(one, chunk)

    def members(self, chunk: Chunk) -> Iterator[tuple[Running, pl.Series]]:
        """Adds a chunk's counts, and reasons where they are asked for. Yields for each condition that does not fail the
        rows that it holds for, by their numbers in the chunk.
        """
        for one, found in self._answers(chunk):
            from .bitmaps import rows_of

            yield one, rows_of(found.surely, chunk.rows.height)
        for one in self._alone:
            outcome = self._run_alone(one, chunk)
            if outcome is not None:
                yield one, outcome.values.cast(pl.Boolean).arg_true()

    def _answers(self, chunk: Chunk) -> Iterator[tuple[Running, Bitmaps]]:
        """Adds what a chunk comes to for the conditions that are run together, and yields it for those that work."""
        if self._batch is None:
            return
        try:
            answers = self._batch.answers(chunk.rows)
        except FAILURES:
            self._separate()
            return
        for one, found in zip(self._together, answers, strict=True):
            self._add(one, found, chunk)
            if one.error is None:
                yield one, found

    def _separate(self) -> None:
        """One of the conditions that are run together fails, and nothing of a chunk is counted: each is run by itself,
        from that chunk on, so that it fails alone.
        """
        self._alone, self._together, self._batch = [*self._alone, *self._together], [], None

    def _add(self, one: Running, found: Bitmaps, chunk: Chunk) -> None:
        from .bitmaps import count, rows_of

        members = count(found.surely)
        one.tally.members += members
        erring = count(found.maybe) - members if found.maybe is not found.surely else 0
        one.tally.errors += erring
        if erring and one.reasons is not None and one.error is None:
            rows = rows_of(found.maybe & ~found.surely, chunk.rows.height)
            read = chunk.rows.select(cs.by_name(*one.planned.condition.columns))
            try:
                why = reasons_of(self._planning, one.planned, read[rows], segment=True)
            except FAILURES as failure:
                one.error = _failure(failure)
            else:
                one.reasons.add(why, rows, chunk.start, chunk.ids)

    def _run_alone(self, one: Running, chunk: Chunk) -> Outcome | None:
        if one.error is not None:
            return None
        asked = one.reasons is not None
        try:
            outcome = run(self._planning, one.planned, chunk.rows, now=self._now, reasons=asked, segment=True)
        except FAILURES as failure:
            one.error = _failure(failure)
            return None
        one.tally.members += int(outcome.values.sum())
        one.tally.errors += outcome.values.null_count()
        one.interpreted += outcome.interpreted
        if one.reasons is not None:
            assert outcome.errors is not None
            erring = outcome.errors.is_not_null().arg_true()
            one.reasons.add(outcome.errors.gather(erring), erring, chunk.start, chunk.ids)
        return outcome


def _failure(failure: BaseException) -> str:
    return f"failed while it was run: {str(failure).partition(chr(10))[0]}"


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


def reach_of(cells: Sequence[Reaching], running: Mapping[int, Running]) -> tuple[Reach, ...]:
    """The reach matrix of a condition."""
    found = []
    for cell in cells:
        if isinstance(cell.planned, Refused):
            found.append(Reach(cell.channel.value, cell.consent, None, str(cell.planned.error)))
            continue
        one = running[id(cell.planned)]
        count = one.tally.members if one.error is None else None
        found.append(Reach(cell.channel.value, cell.consent, count, one.error))
    return tuple(found)


def _summed(clauses: Sequence[InterpretedClause]) -> tuple[InterpretedClause, ...]:
    """The chunks' figures of each clause added up."""
    totals: dict[tuple[str, str], InterpretedClause] = {}
    for clause in clauses:
        key = (clause.text, clause.reason)
        so_far = totals.get(key, InterpretedClause(clause.text, clause.reason, 0, 0))
        totals[key] = InterpretedClause(*key, so_far.rows + clause.rows, so_far.distinct + clause.distinct)
    return tuple(totals.values())
