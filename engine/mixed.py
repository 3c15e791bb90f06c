"""One condition over one frame: the compiled part columnar, the rest row by row where it still matters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from compiler.cell import Cell
from compiler.reasons import error_column
from compiler.types import is_settled

from .budget import UNLIMITED, Spending
from .columnar import select
from .plan import InterpretedPart, Plan, Planned, unknown_clauses
from .results import InterpretedClause

if TYPE_CHECKING:
    # Brought by whoever may have something to interpret.
    from .interpreted import Interpretation
    from .interpreter import Interpreter

_VALUE, _FAILED, _REASON = "value", "failed", "reason"

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """A condition's values on a frame.

    Attributes:
        values: null where it is CEL's null or an error.
        errors: the reasons; None where they were not asked for.
        interpreted: what was interpreted.
    """

    values: pl.Series
    errors: pl.Series | None
    interpreted: tuple[InterpretedClause, ...]


def run_whole(plan: Plan, planned: Planned, frame: pl.DataFrame, *, now: int, segment: bool) -> Outcome:
    """As :func:`run`, of one frame alone, with reasons and whatever interpreting it costs.

    ``now``: the time of the run, in nanoseconds since the epoch.
    """
    from .interpreter import Interpreter

    with Interpreter(plan.lowering.schema, now, remembers=False) as interpreter:
        spending = Spending(UNLIMITED)
        return run(plan, planned, frame, interpreter=interpreter, spending=spending, reasons=True, segment=segment)


def run(
    plan: Plan,
    planned: Planned,
    frame: pl.DataFrame,
    *,
    interpreter: Interpreter,
    spending: Spending,
    reasons: bool,
    segment: bool,
    progress: Progress | None = None,
) -> Outcome:
    """Evaluates one condition of a plan on every row of a frame.

    Args:
        plan: what the conditions share.
        planned: the condition.
        frame: the rows, with the columns that the condition reads.
        interpreter: answers what is not compiled.
        spending: what that costs is added to it.
        reasons: whether the errors' reasons are asked for.
        segment: whether a null value is an error.
        progress: told of interpretation: how much is done, and of how much.

    Raises:
        BudgetSpent: interpreting it costs more than it may.
        InterpreterFailed: the interpreter itself did.
    """
    asking = _Asking(interpreter, spending, progress, len(planned.interpreted_parts()))
    if planned.cell is None:
        return _interpreted(planned, frame, asking, segment=segment)
    cell = planned.cell
    if not planned.clauses:
        values, failed = _evaluate(planned, cell, frame)
        return _outcome(plan, planned, frame, values, failed, reasons=reasons, segment=segment, interpreted=())
    # What is undecided when all clauses but the first are asked is all that the next is asked of, and so on.
    columns = unknown_clauses(planned)
    known, _ = _evaluate(planned, cell, frame.with_columns(**columns))
    rows = known.is_null().arg_true()
    undecided = frame[rows].with_columns(**columns)
    open_ = pl.int_range(undecided.height, eager=True)
    for clause, part in zip(planned.clauses, planned.interpreted_parts(), strict=True):
        asked = undecided[open_]
        truths, why = asking.interpret(part, asked).condition()
        undecided = undecided.with_columns(
            _scatter(open_, truths, undecided.height).alias(clause.name),
            _scatter(open_, why, undecided.height).alias(error_column(clause)),
        )
        if clause is not planned.clauses[-1]:
            values, _ = _evaluate(planned, cell, undecided[open_])
            open_ = open_.filter(values.is_null())
    values, failed = _evaluate(planned, cell, undecided)
    interpreted = tuple(asking.answered)
    found = _outcome(
        plan, planned, undecided, values, failed, reasons=reasons, segment=segment, interpreted=interpreted
    )
    errors = None if found.errors is None else _scatter(rows, found.errors, frame.height)
    return Outcome(_replaced(known, rows, found.values), errors, found.interpreted)


@dataclass(slots=True)
class _Asking:
    """The clauses of one condition on their way to the interpreter and back.

    Attributes:
        count: how many there are.
        answered: what those that were answered cost.
    """

    interpreter: Interpreter
    spending: Spending
    progress: Progress | None
    count: int
    answered: list[InterpretedClause] = field(default_factory=list)

    def interpret(self, part: InterpretedPart, rows: pl.DataFrame) -> Interpretation:
        """Has a clause answered on rows."""
        before = self.spending.seconds
        answers = self.interpreter.interpret(part, rows, self.spending, self._tell)
        seconds = self.spending.seconds - before
        self.answered.append(InterpretedClause(part.text, part.reason, rows.height, answers.evaluated, seconds))
        return answers

    def _tell(self, done: int, total: int) -> None:
        if self.progress is not None:
            self.progress(len(self.answered) * total + done, self.count * total)


def _replaced(whole: pl.Series, rows: pl.Series, values: pl.Series) -> pl.Series:
    """The values with others in some rows. By their places, since Polars sets no lists in place."""
    places = pl.int_range(len(whole), eager=True).scatter(
        rows, pl.int_range(len(whole), len(whole) + len(rows), eager=True)
    )
    return pl.concat([whole, values]).gather(places)


def _scatter(rows: pl.Series, values: pl.Series, height: int) -> pl.Series:
    whole = pl.Series(values.name, [None], dtype=values.dtype).new_from_index(0, height)
    return whole.scatter(rows, values) if len(rows) else whole


def _evaluate(planned: Planned, cell: Cell, frame: pl.DataFrame) -> tuple[pl.Series, pl.Series | None]:
    failed = cell.failed()
    cells = {_VALUE: cell.value} if failed is None else {_VALUE: cell.value, _FAILED: failed}
    columns = select(frame, planned.steps, cells)
    return columns.get_column(_VALUE), None if failed is None else columns.get_column(_FAILED)


def _outcome(
    plan: Plan,
    planned: Planned,
    frame: pl.DataFrame,
    values: pl.Series,
    failed: pl.Series | None,
    *,
    reasons: bool,
    segment: bool,
    interpreted: tuple[InterpretedClause, ...],
) -> Outcome:
    if not reasons:
        return Outcome(values, None, interpreted)
    erring = values.is_null() if segment else failed
    if erring is None or not erring.any():
        return Outcome(values, pl.Series([None], dtype=pl.String()).new_from_index(0, frame.height), interpreted)
    rows = erring.arg_true()
    why = reasons_of(plan, planned, frame[rows], segment=segment)
    return Outcome(values, _scatter(rows, why, frame.height), interpreted)


def reasons_of(plan: Plan, planned: Planned, frame: pl.DataFrame, *, segment: bool) -> pl.Series:
    """The reasons of the rows of a frame, each of which is an error of a condition that is not interpreted as a whole.

    What the interpreter said of its clauses is in columns of the frame.
    """
    why = plan.reasons.of(planned.condition, segment=segment)
    return select(frame, why.steps, {_REASON: why.expression}).get_column(_REASON)


def _interpreted(planned: Planned, frame: pl.DataFrame, asking: _Asking, *, segment: bool) -> Outcome:
    (part,) = planned.interpreted_parts()
    answers = asking.interpret(part, frame)
    if segment:
        values, errors = answers.condition()
    else:
        type_ = planned.condition.type
        values = answers.values(type_ if is_settled(type_) else None)
        errors = answers.errors()
    return Outcome(values, errors, tuple(asking.answered))
