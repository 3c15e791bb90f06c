"""Conditions while they are run: what each has come to so far. One that fails does so alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from textwrap import shorten
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import polars as pl
import polars.selectors as cs

from .budget import DEFAULT_BUDGET, Budget, BudgetSpent, Spending
from .chunks import Chunk, decoded
from .error_reasons import ReasonTally
from .evaluated import TooManyElements
from .interpreted import InterpreterFailed
from .interpreter import Interpreter
from .mixed import Outcome, reasons_of, run
from .plan import Plan, Planned
from .results import InterpretedClause, Tally

if TYPE_CHECKING:
    from .batch import Batch
    from .bitmaps import Bitmaps

T = TypeVar("T")

Progress = Callable[[float], None]
"""Told which share of a chunk is done."""

_LONGEST_CLAUSE = 120

FAILURES = (Exception, pl.exceptions.PanicException)
"""What is raised where a condition cannot be run, by Polars or by a fault of Cellar's own: that condition fails alone.
"""

_KNOWN = (pl.exceptions.PolarsError, pl.exceptions.PanicException, TooManyElements, InterpreterFailed)
"""Failures whose texts say what they are."""


@dataclass(slots=True)
class Running:
    """A condition's outcome so far.

    Attributes:
        reasons: of its errors; None where they were not asked for.
        spending: what interpretation has cost.
        interpreted: what was interpreted, by the text of the clause and the reason.
        error: why it has no counts; None where it has.
    """

    planned: Planned
    spending: Spending
    reasons: ReasonTally | None = None
    tally: Tally = field(default_factory=Tally)
    interpreted: dict[tuple[str, str], InterpretedClause] = field(default_factory=dict)
    error: str | None = None


class _Group(NamedTuple):
    """Conditions that are run together."""

    running: Sequence[Running]
    batch: Batch


class Run:
    """The conditions of a plan, run over chunk after chunk: those that are compiled together, the others one by one.

    Close it: interpreting may have started processes.

    Attributes:
        running: the conditions that could be planned, by the identity of what the plan says of them.
        tells_errors: whether the reasons of errors are asked for.
    """

    def __init__(self, planning: Plan, now: int, *, errors: bool, budget: Budget = DEFAULT_BUDGET) -> None:
        """Conditions before the first chunk.

        Args:
            planning: what is to be run.
            now: the time of the run, in nanoseconds since the epoch.
            errors: also tell the reasons of errors.
            budget: what interpreting each condition may cost.
        """
        self.running = {id(one): Running(one, Spending(budget)) for one in planning.to_run()}
        if errors:
            for one in planning.planned:
                if isinstance(one, Planned):
                    self.running[id(one)].reasons = ReasonTally()
        self.tells_errors = errors
        self._planning = planning
        self._alone = [r for r in self.running.values() if r.planned.cell is None or r.planned.clauses]
        together = [r for r in self.running.values() if r.planned.cell is not None and not r.planned.clauses]
        self._groups = [self._group(together)] if together else []
        self._interpreter = Interpreter(planning.lowering.schema, now)

    def __enter__(self) -> Run:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._interpreter.close()

    @property
    def encoded(self) -> frozenset[str]:
        """The columns of texts that may come as Enum."""
        if self._alone or self.tells_errors or len(self._groups) != 1:
            return frozenset()
        return self._groups[0].batch.encoded

    def count(self, chunk: Chunk, progress: Progress | None = None) -> None:
        """Adds a chunk's counts, and reasons where they are asked for; tells of interpretation which share is done."""
        if self.tells_errors:
            for _ in self._answers(chunk):
                pass
        else:
            for _ in self._together(
                lambda group: group.batch.tally(chunk.rows, [r.tally for r in group.running], chunk.facts)
            ):
                pass
        for place, one in enumerate(self._alone):
            self._run_alone(one, chunk, _part_of(progress, place, len(self._alone)))

    def members(self, chunk: Chunk, progress: Progress | None = None) -> Iterator[tuple[Running, pl.Series]]:
        """As :meth:`count`; yields for each condition that does not fail the numbers of the chunk's rows that it holds
        for.
        """
        for one, found in self._answers(chunk):
            from .bitmaps import rows_of

            yield one, rows_of(found.true, chunk.rows.height)
        for place, one in enumerate(self._alone):
            outcome = self._run_alone(one, chunk, _part_of(progress, place, len(self._alone)))
            if outcome is not None:
                yield one, outcome.values.cast(pl.Boolean).arg_true()

    def _answers(self, chunk: Chunk) -> Iterator[tuple[Running, Bitmaps]]:
        """Adds what a chunk comes to for the conditions that are run together, and yields it for those that work."""
        for running, answers in self._together(lambda group: group.batch.answers(chunk.rows, chunk.facts)):
            for one, found in zip(running, answers, strict=True):
                self._add(one, found, chunk)
                if one.error is None:
                    yield one, found

    def _together(self, work: Callable[[_Group], T]) -> Iterator[tuple[Sequence[Running], T]]:
        """Does a chunk's work for the conditions that are run together, all at once where that succeeds.

        Where it fails, which leaves nothing counted, it is done for each half of them, and so on. What fails by itself
        is run alone from this chunk on, so that it says why, and all others are together again in the next chunk.
        """
        failing: list[Running] = []
        working: list[_Group] = []
        pending = list(self._groups)
        while pending:
            group = pending.pop()
            try:
                done = work(group)
            except FAILURES:
                half = len(group.running) // 2
                if half:
                    pending += [self._group(part) for part in (group.running[half:], group.running[:half])]
                else:
                    failing += group.running
                continue
            working.append(group)
            yield group.running, done
        if failing:
            self._alone = [*failing, *self._alone]
            rest = [one for group in working for one in group.running]
            working = [self._group(rest)] if rest else []
        # Where only more than one together fail, as with too little memory, they stay divided.
        self._groups = working

    def _group(self, running: Sequence[Running]) -> _Group:
        from .batch import batch  # brings numpy, which one query does not need

        planned = [one.planned for one in running]
        return _Group(running, batch(planned, self._planning.lowering, self._planning.optimisations))

    def _add(self, one: Running, found: Bitmaps, chunk: Chunk) -> None:
        from .bitmaps import count, rows_of

        one.tally.members += count(found.true)
        error = found.error
        if error is None:
            return
        erring = count(error)
        one.tally.errors += erring
        if erring and one.reasons is not None and one.error is None:
            rows = rows_of(error, chunk.rows.height)
            read = chunk.rows.select(cs.by_name(*one.planned.condition.columns))
            try:
                why = reasons_of(self._planning, one.planned, read[rows], segment=True)
            except FAILURES as failure:
                one.error = _failure_message(one.planned, failure)
            else:
                one.reasons.add(why, rows, chunk.start, chunk.ids)

    def _run_alone(self, one: Running, chunk: Chunk, progress: Callable[[int, int], None] | None) -> Outcome | None:
        if one.error is not None:
            return None
        asked = one.reasons is not None
        try:
            outcome = run(
                self._planning,
                one.planned,
                decoded(chunk.rows, self._planning.lowering.schema),
                interpreter=self._interpreter,
                spending=one.spending,
                reasons=asked,
                segment=True,
                progress=progress,
            )
        except BudgetSpent as spent:
            one.error = _spent_message(one.planned, spent, chunk.start)
            return None
        except FAILURES as failure:
            one.error = _failure_message(one.planned, failure)
            return None
        one.tally.members += int(outcome.values.sum())
        one.tally.errors += outcome.values.null_count()
        for clause in outcome.interpreted:
            known = one.interpreted.get((clause.text, clause.reason))
            one.interpreted[clause.text, clause.reason] = clause if known is None else known.plus(clause)
        if one.reasons is not None:
            assert outcome.errors is not None
            erring = outcome.errors.is_not_null().arg_true()
            one.reasons.add(outcome.errors.gather(erring), erring, chunk.start, chunk.ids)
        return outcome


def _part_of(progress: Progress | None, place: int, count: int) -> Callable[[int, int], None] | None:
    """The progress of one of several, as the share of all."""
    return None if progress is None else lambda done, total: progress((place + done / max(total, 1)) / count)


def _spent_message(planned: Planned, spent: BudgetSpent, users: int) -> str:
    """What a condition's result says where interpreting it costs more than it may, after so many users."""
    clauses = ", ".join(
        f"`{shorten(part.text, _LONGEST_CLAUSE, placeholder=' …')}`, since {part.reason}"
        for part in planned.interpreted_parts()
    )
    return (
        f"ERROR: {planned.condition.source.name}: the budget for interpreting is spent: {spent}, and {users:,} users "
        f"are done; raise it, or rewrite what is interpreted: {clauses}"
    )


def _failure_message(planned: Planned, failure: BaseException) -> str:
    """What a condition's result says where running it failed."""
    text = str(failure).partition("\n")[0]
    problem = text if isinstance(failure, _KNOWN) else f"{type(failure).__name__}: {text}"
    return f"ERROR: {planned.condition.source.name}: failed while it was run: {problem}"


def seconds_interpreting(running: Iterable[Running]) -> float:
    """The wall time that interpretation has taken."""
    return sum((one.spending.seconds for one in running), start=0.0)
