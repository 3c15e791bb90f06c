"""Who is in a segment."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl
from polars.io.plugins import register_io_source

from .mixed import run
from .plan import Plan, Planned, Refused, plan
from .results import Mode, run_time
from .snapshot import ArrowStream, Snapshot
from .sources.base import SnapshotError


def members(
    snapshot: Snapshot | pl.DataFrame | pl.LazyFrame | ArrowStream | str | os.PathLike[str],
    condition: str,
    *,
    columns: Sequence[str] | None = None,
    mode: Mode | str = Mode.AUTO,
    now: datetime | str | None = None,
) -> pl.LazyFrame:
    """The users for whom a condition is true, in the order of the snapshot, read when the frame is collected.

    Args:
        snapshot: a snapshot, its location, or a frame.
        condition: in CEL, of type bool.
        columns: what to have of each user; None is the id alone.
        mode: ``auto``, ``compiled`` or ``interpreted``.
        now: the value of the variable ``now``, of microseconds; a text is ISO 8601; without a zone it is UTC; None is
            this moment.

    Raises:
        CompileError: the condition does not compile.
        SnapshotError: the snapshot cannot be read, has no such column, or its ids are not unique.
        ValueError: ``mode`` or ``now`` is malformed.
    """
    opened = snapshot if isinstance(snapshot, Snapshot) else Snapshot.open(snapshot)
    time = run_time(now)
    planning = plan({condition: condition}, opened.schema, now=time, mode=Mode(mode))
    (planned,) = planning.planned
    if isinstance(planned, Refused):
        raise planned.error
    check_ids(opened)
    wanted = [opened.id_column] if columns is None else list(columns)
    read = list(dict.fromkeys([*wanted, *planning.columns]))
    lazy = opened.scan(read)
    if planned.cell is not None and not planned.clauses and not planned.reductions:
        return lazy.filter(planned.cell.value.cast(pl.Boolean)).select(wanted)
    schema = lazy.select(wanted).collect_schema()
    return register_io_source(_Members(opened, planning, planned, wanted, read, time), schema=schema)


def check_ids(snapshot: Snapshot) -> None:
    """Checks that each user has one id of his own.

    Raises:
        SnapshotError: the column is missing, or holds nulls or duplicates.
    """
    name = snapshot.id_column
    if name not in snapshot.schema.columns:
        raise SnapshotError(f"{snapshot.name}: has no column '{name}' with the users' ids; name it with the id column")
    ids = pl.col(name)
    with snapshot.reading():
        nulls, distinct, rows = (
            snapshot.scan([name])
            .select(nulls=ids.null_count(), distinct=ids.n_unique(), rows=pl.len())
            .collect(engine="streaming")
            .row(0)
        )
    if nulls:
        raise SnapshotError(f"{snapshot.name}: {nulls:,} users have no id in '{name}'")
    if distinct != rows:
        raise SnapshotError(f"{snapshot.name}: '{name}' is no id: {rows - distinct:,} of {rows:,} users repeat one")


@dataclass(frozen=True, slots=True)
class _Members:
    """A source of Polars' that yields the members chunk by chunk."""

    snapshot: Snapshot
    planning: Plan
    planned: Planned
    wanted: Sequence[str]
    read: Sequence[str]
    now: int

    def __call__(
        self,
        with_columns: list[str] | None,
        predicate: pl.Expr | None,
        n_rows: int | None,
        batch_size: int | None,  # noqa: ARG002  (Polars' hint; chunks have their own size)
    ) -> Iterator[pl.DataFrame]:
        left = n_rows
        for chunk in self.snapshot.chunks(self.read):
            rows = self.planning.projected(chunk)
            outcome = run(self.planning, self.planned, rows, now=self.now, reasons=False, segment=True)
            found = chunk.select(self.wanted).filter(outcome.values.cast(pl.Boolean))
            if predicate is not None:
                found = found.filter(predicate)
            if with_columns is not None:
                found = found.select(with_columns)
            if left is not None:
                found = found.head(left)
                left -= found.height
            yield found
            if left == 0:
                return
