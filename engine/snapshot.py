"""Snapshots: the files that users live in, opened by location and read column by column."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

import polars as pl

from compiler.projection import Shape
from compiler.schema import Schema
from compiler.types import Unusable, nullable

from .sources.base import SnapshotError, Source, reading
from .sources.files import stands_for
from .sources.formats import DUCKDB_PREFIX
from .sources.locations import open_location
from .sources.parts import PartsSource
from .statistics import Statistics

DEFAULT_CHUNK_ROWS = 262_144
_NO_OVERRIDES: Mapping[str, str] = MappingProxyType({})


class ArrowStream(Protocol):
    """A pyarrow Table, or any other object with Arrow's C stream interface."""

    def __arrow_c_stream__(self, requested_schema: object = None) -> object: ...


@dataclass(slots=True)
class Snapshot:
    """A table with one row for each user.

    Attributes:
        id_column: the name of the column with the user's id; the snapshot need not have it.
        schema: every column with its Polars type and its CEL type. A column that Polars cannot read has the Polars type
            Unknown and an unusable CEL type: it hinders nothing until it is asked for.
    """

    source: Source
    schema: Schema
    id_column: str
    fingerprint: str | None
    _rows: int | None = field(default=None, repr=False)

    @classmethod
    def open(
        cls,
        location: str | os.PathLike[str] | pl.DataFrame | pl.LazyFrame | ArrowStream,
        *,
        schema_overrides: Mapping[str, str] = _NO_OVERRIDES,
        id_column: str = "user_id",
    ) -> Snapshot:
        """Opens a snapshot and reads its schema, not its rows (of a CSV file, the first ones).

        Args:
            location: a Parquet, Arrow IPC or CSV file, a directory or glob of such part files, Hive-partitioned or not,
                ``duckdb:FILE#TABLE``, Parquet at ``s3://``, ``gs://`` or ``az://``, or a frame: Polars' or Arrow's,
                lazy or not.
            schema_overrides: for CSV only, the CEL types of columns inferred wrongly, as ``{"age": "int"}``:
                int, uint, double, string, bool, timestamp.
            id_column: the name of the column with the user's id; the snapshot need not have it.

        Raises:
            SnapshotError: the location is missing or unreadable, or is no snapshot.
            TypeError: the location is neither a path nor a frame.
        """
        source = _open_source(location, schema_overrides)
        return cls(source, _schema_of(source), id_column, source.fingerprint())

    @property
    def name(self) -> str:
        """What results call the snapshot: its location as given, or ``<frame>``."""
        return self.source.name

    @property
    def format(self) -> str:
        """The kind of source, for messages: ``Parquet``, ``CSV``, ``frame``, ..."""
        return self.source.format

    @property
    def rows(self) -> int:
        """The number of users, from the files' metadata where the format has it; counted once."""
        if self._rows is None:
            self._rows = self.source.count_rows()
        return self._rows

    @property
    def has_ids(self) -> bool:
        """Whether it has the column with the user's id."""
        return self.id_column in self.source.columns.readable

    def check_unchanged(self) -> None:
        """Tells whether the files are still those that were opened.

        Raises:
            SnapshotError: a file was replaced, changed or removed since then.
        """
        if self.source.fingerprint() != self.fingerprint:
            raise SnapshotError(f"{self.name}: the snapshot was changed while it was read; run again")

    def holds(self, path: Path) -> bool:
        """Whether a file is one of the snapshot's, or would be one as soon as it is written."""
        location = self.name
        if location.startswith(DUCKDB_PREFIX):
            from .sources.database import database_path

            location = str(database_path(location))
        # A part may be a link to what has another name.
        parts = self.source.parts if isinstance(self.source, PartsSource) else ()
        return stands_for(location, path) or path.resolve() in {part.path.resolve() for part in parts}

    def narrowed(self, used: Mapping[str, Shape], texts: Set[str] = frozenset()) -> Snapshot:
        """The snapshot with :meth:`chunks` of which nested columns may hold only the parts that are used, and the
        columns of ``texts`` may come as Enum.

        Where the files allow it, the rest is not read at all, and texts are taken from the files' own dictionaries.
        """
        return replace(self, source=self.source.narrowed(used, texts))

    def statistics(self, columns: Sequence[str]) -> Statistics | None:
        """What is known of these columns' values without reading them; None where the source does not tell.

        It is as true as the snapshot is unchanged: see :meth:`check_unchanged`.
        """
        self._require(columns)
        groups = self.source.groups(columns)
        return None if groups is None else Statistics(tuple(groups))

    def scan(self, columns: Sequence[str], skip: Sequence[range] = ()) -> pl.LazyFrame:
        """A lazy frame of these columns only, in this order; with none, of the snapshot's height all the same.

        Collect it within :meth:`reading`, so that a damaged file is a :class:`SnapshotError`. ``skip``: rows that are
        left out, in ascending order: whole groups of :meth:`statistics`.
        """
        self._require(columns)
        return self.source.scan(columns, skip)

    def chunks(
        self, columns: Sequence[str], rows: int = DEFAULT_CHUNK_ROWS, skip: Sequence[range] = ()
    ) -> Iterator[pl.DataFrame]:
        """These columns only, in frames of 1 to ``rows`` rows, in the order of the snapshot; none for no users.

        Memory is bounded by the larger of the chunk and one row group's asked columns. ``skip``: rows that are not
        read, as for :meth:`scan`; no frame holds rows from before and after them.

        Raises:
            SnapshotError: a file turns out to be damaged.
        """
        self._require(columns)
        height = sum(map(len, skip))
        for chunk in self.source.chunks(columns, rows, skip):
            height += chunk.height
            yield chunk
        # Spares counting the rows of a source whose metadata does not tell them.
        self._rows = height

    def reading(self) -> AbstractContextManager[None]:
        """A context in which what Polars raises for a damaged file becomes a :class:`SnapshotError`."""
        return reading(self.name, self.format)

    def _require(self, columns: Sequence[str]) -> None:
        for name in columns:
            if name in self.source.columns.unreadable:
                type_ = self.source.columns.unreadable[name]
                raise SnapshotError(f"{self.name}: the column '{name}' of type {type_} cannot be read")
            if name not in self.source.columns.readable:
                raise SnapshotError(f"{self.name}: has no column '{name}'")


def _schema_of(source: Source) -> Schema:
    columns = source.columns
    readable = Schema.of(columns.readable)
    return Schema(
        {**readable.columns, **{name: pl.Unknown() for name in columns.unreadable}},
        {**readable.types, **{name: nullable(Unusable(type_)) for name, type_ in columns.unreadable.items()}},
    )


def _open_source(location: object, overrides: Mapping[str, str]) -> Source:
    if overrides and not isinstance(location, (str, os.PathLike)):
        raise SnapshotError("types can be set only for CSV files: cast the frame's columns instead")
    if isinstance(location, (str, os.PathLike)):
        return open_location(os.fspath(location), overrides)
    from .sources.frames import FrameSource, LazySource  # files are opened without

    match location:
        case pl.DataFrame():
            return FrameSource.of(location)
        case pl.LazyFrame():
            return LazySource.of(location)
        case _ if hasattr(location, "__arrow_c_stream__"):
            return FrameSource.of_arrow(location)
        case _:
            raise TypeError(f"a snapshot is a location or a frame, not {type(location).__name__}")
