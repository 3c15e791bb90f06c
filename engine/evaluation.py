"""The value of any CEL expression on each row of a frame."""

from __future__ import annotations

import os
from datetime import datetime

import polars as pl

from compiler.types import Dynamic, is_settled

from .mixed import run_whole
from .plan import Refused, plan
from .results import Evaluation, Mode, run_time
from .snapshot import ArrowStream, Snapshot
from .standard import standard


def evaluate(
    condition: str,
    frame: Snapshot | pl.DataFrame | pl.LazyFrame | ArrowStream | str | os.PathLike[str],
    *,
    mode: Mode | str = Mode.AUTO,
    now: datetime | str | None = None,
    check: bool = True,
) -> Evaluation:
    """Evaluates an expression, of any type, on every row of a frame.

    Args:
        condition: the expression, in CEL.
        frame: a Polars or Arrow frame, or a snapshot or its location, which is then read into memory: only the columns
            that the expression uses.
        mode: ``auto``, ``compiled`` or ``interpreted``.
        now: the value of the variable ``now``, of microseconds; a text is ISO 8601; without a zone it is UTC; None is
            this moment.
        check: False takes every variable as ``dyn``: what the checker would refuse is decided row by row.

    Returns:
        The values and the errors' reasons, one of each a row.

    Raises:
        CompileError: the expression is malformed, does not check, or, in mode ``compiled``, has a part that cannot be
            compiled.
        SnapshotError: the snapshot cannot be read.
        ValueError: ``mode`` or ``now`` is malformed.
        InterpretationError: the values of an interpreted expression have no one type that a column can have.
    """
    snapshot = frame if isinstance(frame, Snapshot) else Snapshot.open(frame)
    time = run_time(now)
    planning = plan(
        {condition: condition}, snapshot.schema, now=time, mode=Mode(mode), unchecked=not check, segment=False
    )
    (planned,) = planning.planned
    if isinstance(planned, Refused):
        raise planned.error
    with snapshot.reading():
        rows = planning.projected(snapshot.scan(planning.columns).collect())
    # Whoever gives a frame has the values that it holds asked for, whatever that takes.
    outcome = run_whole(planning, planned, rows, now=time, segment=False)
    assert outcome.errors is not None
    type_ = planned.condition.type if planned.cell is None else planned.cell.type
    values = outcome.values if isinstance(type_, Dynamic) else standard(outcome.values, type_)
    if not is_settled(planned.condition.type) and values.null_count() == len(values):
        # What has no type but that of its values has none here.
        values = pl.repeat(None, len(values), dtype=pl.Null(), eager=True)
    return Evaluation(
        values.alias("values"),
        outcome.errors.alias("errors"),
        planned.mode,
        str(planned.condition.type),
        outcome.interpreted,
    )
