"""One condition over one frame: the compiled part columnar, the rest row by row where it still matters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

import polars as pl

from compiler.cell import Cell
from compiler.reasons import error_column
from compiler.types import is_settled

from .columnar import select
from .plan import Plan, Planned, unknown_clauses
from .results import InterpretedClause

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


def run(
    plan: Plan,
    planned: Planned,
    frame: pl.DataFrame,
    *,
    now: int,
    reasons: bool,
    segment: bool,
    progress: Progress | None = None,
) -> Outcome:
    """Evaluates one condition of a plan on every row of a frame.

    Args:
        plan: what the conditions share.
        planned: the condition.
        frame: the rows, with the columns that the condition reads.
        now: the time of the run, in nanoseconds since the epoch.
        reasons: whether the errors' reasons are asked for.
        segment: whether a null value is an error.
        progress: told of interpretation.
    """
    if planned.cell is None:
        return _interpreted(plan, planned, frame, now=now, segment=segment, progress=progress)
    cell = planned.cell
    if not planned.clauses:
        values, failed = _evaluate(planned, cell, frame)
        return _outcome(plan, planned, frame, values, failed, reasons=reasons, segment=segment, interpreted=())
    from .interpreted import interpret  # only where something is interpreted

    known, _ = _evaluate(planned, cell, frame.with_columns(**unknown_clauses(planned)))
    undecided = frame.filter(known.is_null())
    schema = plan.lowering.schema
    columns: dict[str, pl.Series] = {}
    interpreted = []
    for clause in planned.clauses:
        start = perf_counter()
        answers = interpret(clause.origin, planned.condition.source, undecided, schema, now=now, progress=progress)
        columns[clause.name], columns[error_column(clause)] = answers.condition()
        text = planned.condition.source.slice(clause.origin.span)
        seconds = perf_counter() - start
        interpreted.append(InterpretedClause(text, clause.reason, undecided.height, answers.distinct, seconds))
    undecided = undecided.with_columns(**columns)
    values, failed = _evaluate(planned, cell, undecided)
    found = _outcome(
        plan, planned, undecided, values, failed, reasons=reasons, segment=segment, interpreted=tuple(interpreted)
    )
    rows = known.is_null().arg_true()
    errors = None if found.errors is None else _scatter(rows, found.errors, frame.height)
    return Outcome(_replaced(known, rows, found.values), errors, found.interpreted)


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


def _interpreted(
    plan: Plan, planned: Planned, frame: pl.DataFrame, *, now: int, segment: bool, progress: Progress | None
) -> Outcome:
    from .interpreted import interpret

    condition = planned.condition
    schema = plan.lowering.schema
    start = perf_counter()
    answers = interpret(condition.syntax, condition.source, frame, schema, now=now, progress=progress)
    if segment:
        values, errors = answers.condition()
    else:
        values = answers.values(condition.type if is_settled(condition.type) else None)
        errors = answers.errors()
    why, seconds = planned.whole_reason or "", perf_counter() - start
    clause = InterpretedClause(condition.source.own, why, frame.height, answers.distinct, seconds)
    return Outcome(values, errors, (clause,))
