"""A snapshot as conditions are run over it: some rows at a time, cut to the parts that are used."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence, Set
from typing import NamedTuple

import polars as pl
import polars.selectors as cs

from compiler.outcomes import FactsOf
from compiler.schema import Schema

from .plan import Plan
from .snapshot import Snapshot


class Chunk(NamedTuple):
    """Some rows of a snapshot.

    Attributes:
        rows: at least the columns that the conditions read, cut to the parts that are used.
        wanted: the columns that were asked for besides, whole; the first is the id, where any is.
        start: the number of rows before them.
        facts: what is known of their values beforehand.
    """

    rows: pl.DataFrame
    wanted: pl.DataFrame
    start: int
    facts: FactsOf

    @property
    def ids(self) -> pl.Series | None:
        """The users' ids, where they are wanted."""
        return self.wanted.to_series() if self.wanted.width else None


def read_chunks(
    snapshot: Snapshot, planning: Plan, wanted: Sequence[str], rows: int, texts: Set[str] = frozenset()
) -> Iterator[Chunk]:
    """The snapshot in its order, at most ``rows`` rows at a time, with the columns of the plan and others.

    Columns of ``texts`` may come as Enum, or as lists of it.

    Rows that the plan skips are left out.

    Raises:
        SnapshotError: it cannot be read, or was changed meanwhile.
    """
    used = {name: shape for name, shape in planning.used.items() if name not in wanted}
    columns = list(dict.fromkeys([*planning.columns, *wanted]))
    start = 0
    gaps = deque(planning.skip)
    for frame in snapshot.narrowed(used, texts - set(wanted)).chunks(columns, rows, planning.skip):
        while gaps and gaps[0].start == start:
            start = gaps.popleft().stop
        stop = start + frame.height
        facts = {} if planning.statistics is None else planning.statistics.of_rows(start, stop)
        yield Chunk(planning.projected(frame), frame.select(cs.by_name(*wanted)), start, facts)
        start = stop
    snapshot.check_unchanged()


def decoded(frame: pl.DataFrame, schema: Schema, kept: Set[str] = frozenset()) -> pl.DataFrame:
    """A frame with its texts, and lists of texts, as texts where they came as Enum, but for the columns kept."""
    enums = [
        name
        for name, dtype in frame.schema.items()
        if name not in kept and _is_encoded(dtype) and schema.columns.get(name) in (pl.String(), pl.List(pl.String()))
    ]
    return frame.with_columns(frame.get_column(name).cast(schema.columns[name]) for name in enums) if enums else frame


def _is_encoded(dtype: pl.DataType) -> bool:
    return isinstance(dtype.inner if isinstance(dtype, pl.List) else dtype, pl.Enum)


def within_chunk(
    progress: Callable[[int, int], None] | None, chunk: Chunk, total: int
) -> Callable[[float], None] | None:
    """Progress by rows, of ``total``, as progress by the share of a chunk that is done."""
    if progress is None:
        return None
    return lambda share: progress(chunk.start + int(share * chunk.rows.height), total)
