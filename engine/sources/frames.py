"""Frames in memory: Polars frames and lazy frames, Arrow tables and streams."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Self

import polars as pl

from compiler.facts import Facts
from compiler.projection import Shape

from .arrow import unreadable_type
from .base import Columns, Group, SnapshotError, project, reading, slices


def facts_of(column: pl.Series) -> Facts:
    """What there is to know of a column in memory: of numbers and bools the bounds, of all the number of nulls."""
    count = column.null_count()
    known = Facts(null_count=count, present=count < len(column), fails=isinstance(column.dtype, pl.Decimal))
    if not known.present or not (column.dtype.is_integer() or column.dtype.is_float() or column.dtype == pl.Boolean()):
        return known
    nan = column.dtype.is_float() and bool(column.is_nan().any())
    low, high = column.min(), column.max()
    if nan:
        return known
    assert isinstance(low, (bool, int, float))
    assert isinstance(high, (bool, int, float))
    return known._replace(low=low, high=high, nan=False)


@dataclass(frozen=True, slots=True)
class FrameSource:
    """A frame in memory. It has no fingerprint: its contents are nowhere but in the process that made it."""

    frame: pl.DataFrame
    columns: Columns
    name: str = "<frame>"
    format: str = "frame"

    @classmethod
    def of(cls, frame: pl.DataFrame) -> FrameSource:
        """A Polars frame."""
        return cls(frame, Columns(frame.schema))

    @classmethod
    def of_arrow(cls, stream: object) -> FrameSource:
        """An Arrow table, or any object with ``__arrow_c_stream__``, which is read to its end.

        Raises:
            SnapshotError: two columns have one name, or Polars cannot hold the data.
        """
        # Imported here because it takes about 50 ms; whoever passes an Arrow table has paid that.
        import pyarrow as pa

        with reading("<frame>", "an Arrow table"):
            table = pa.table(stream)
            if len(set(table.column_names)) < table.num_columns:
                raise SnapshotError("<frame>: has two columns of one name; rename one")
            unreadable = {field.name: type_ for field in table.schema if (type_ := unreadable_type(field.type))}
            frame = pl.from_arrow(table.drop_columns(list(unreadable)))
        assert isinstance(frame, pl.DataFrame)
        return cls(frame, Columns(frame.schema, unreadable))

    def count_rows(self) -> int:
        return self.frame.height

    def fingerprint(self) -> str | None:
        return None

    def groups(self, columns: Sequence[str]) -> Sequence[Group]:
        """One group, whose facts are computed."""
        facts = {name: facts_of(self.frame.get_column(name)) for name in columns}
        return [Group(0, self.frame.height, facts)] if self.frame.height else []

    def scan(self, columns: Sequence[str], skip: Sequence[range] = ()) -> pl.LazyFrame:
        frame = self.frame.clear() if skip else self.frame
        return project(frame.lazy(), columns)

    def chunks(self, columns: Sequence[str], rows: int, skip: Sequence[range] = ()) -> Iterator[pl.DataFrame]:
        return slices(self.scan(columns, skip).collect(), rows)

    def narrowed(self, used: Mapping[str, Shape], texts: Set[str] = frozenset()) -> Self:  # noqa: ARG002  (they come whole)
        return self


@dataclass(frozen=True, slots=True)
class LazySource:
    """A lazy frame: each read runs its plan anew, so a plan that is not deterministic gives no repeatable counts."""

    frame: pl.LazyFrame
    columns: Columns
    name: str = "<lazy frame>"
    format: str = "lazy frame"

    @classmethod
    def of(cls, frame: pl.LazyFrame) -> LazySource:
        """A Polars lazy frame.

        Raises:
            SnapshotError: its plan does not resolve.
        """
        with reading("<lazy frame>", "a lazy frame"):
            return cls(frame, Columns(frame.collect_schema()))

    def count_rows(self) -> int:
        with reading(self.name, self.format):
            return int(self.frame.select(pl.len()).collect().item())

    def fingerprint(self) -> str | None:
        return None

    def groups(self, columns: Sequence[str]) -> None:
        """None: they would take a run of the plan."""

    def scan(self, columns: Sequence[str], skip: Sequence[range] = ()) -> pl.LazyFrame:  # noqa: ARG002  (no groups)
        return project(self.frame, columns)

    def chunks(
        self,
        columns: Sequence[str],
        rows: int,
        skip: Sequence[range] = (),  # noqa: ARG002  (no groups)
    ) -> Iterator[pl.DataFrame]:
        with reading(self.name, self.format):
            for batch in self.scan(columns).collect_batches(chunk_size=rows, maintain_order=True, lazy=True):
                yield from slices(batch, rows)

    def narrowed(self, used: Mapping[str, Shape], texts: Set[str] = frozenset()) -> Self:  # noqa: ARG002  (they come whole)
        return self
