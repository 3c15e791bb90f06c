"""Arrow IPC files and streams, and which Arrow types Polars cannot read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from .base import Columns, SnapshotError, lazy_batches, reading
from .formats import IPC

if TYPE_CHECKING:
    import pyarrow as pa

_FILE_MAGIC = b"ARROW1"
_FEATHER_1_MAGIC = b"FEA1"


def unreadable_type(type_: pa.DataType) -> str | None:
    """The name of an Arrow type that Polars cannot read (some make it panic), or None for one that it can."""
    # pyarrow is imported where it is used because that takes about 50 ms.
    import pyarrow as pa

    refused = (
        pa.types.is_interval(type_)
        or pa.types.is_union(type_)
        or pa.types.is_decimal256(type_)
        or pa.types.is_run_end_encoded(type_)
        or pa.types.is_list_view(type_)
        or pa.types.is_large_list_view(type_)
    )
    if refused or any(unreadable_type(type_.field(index).type) for index in range(type_.num_fields)):
        return str(type_)
    if isinstance(type_, pa.DictionaryType):
        return unreadable_type(type_.value_type)
    return None


def columns_of(path: Path, schema: pa.Schema) -> Columns:
    """The columns of an Arrow schema.

    Raises:
        SnapshotError: two columns have one name.
    """
    names = schema.names
    for name in names:
        if names.count(name) > 1:
            raise SnapshotError(f"{path}: has two columns with the name '{name}'; rename one")
    unreadable = {field.name: type_ for field in schema if (type_ := unreadable_type(field.type))}
    empty = pl.from_arrow(_without(schema, unreadable).empty_table())
    assert isinstance(empty, pl.DataFrame)
    return Columns(empty.schema, unreadable)


@dataclass(frozen=True, slots=True)
class IpcFile:
    """An Arrow IPC file or stream, read batch by batch, mapped into memory."""

    path: Path
    columns: Columns
    streamed: bool

    @classmethod
    def open(cls, path: Path) -> IpcFile:
        """Reads the schema.

        Raises:
            SnapshotError: the file is no Arrow IPC, or is damaged.
        """
        with reading(str(path), IPC):
            with path.open("rb") as file:
                head = file.read(len(_FILE_MAGIC))
            if not head:
                raise SnapshotError(f"{path}: the file is empty (0 bytes)")
            if head.startswith(_FEATHER_1_MAGIC):
                raise SnapshotError(f"{path}: Feather version 1 is not supported; write it as version 2 or Parquet")
            streamed = head != _FILE_MAGIC
            with _reader(path, streamed, ()) as reader:
                return cls(path, columns_of(path, reader.schema), streamed)

    def rows(self) -> int:
        """The number of rows: an IPC file's footer does not hold it, so its batches are visited."""
        return sum(batch.height for batch in self._batches(()))

    def scan(self) -> pl.LazyFrame:
        """The readable columns."""
        return lazy_batches(self.columns.readable, self._batches)

    @property
    def pieces(self) -> None:
        """None: batches are read one after the other."""

    def groups(self, columns: Sequence[str]) -> None:
        """None: the format has no statistics."""

    def _batches(self, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
        import pyarrow as pa

        with reading(str(self.path), IPC), _reader(self.path, self.streamed, columns) as reader:
            batches = reader if self.streamed else map(reader.get_batch, range(reader.num_record_batches))
            for batch in batches:
                yield to_frame(pa.Table.from_batches([batch]), columns)


def to_frame(table: pa.Table, columns: Sequence[str]) -> pl.DataFrame:
    """The columns of an Arrow table as a frame, which keeps its height where there are none."""
    if not columns:
        return pl.DataFrame(height=table.num_rows)
    frame = pl.from_arrow(table.select(list(columns)))
    assert isinstance(frame, pl.DataFrame)
    return frame


def _reader(
    path: Path, streamed: bool, columns: Sequence[str]
) -> pa.RecordBatchFileReader | pa.RecordBatchStreamReader:
    import pyarrow as pa

    opened = pa.ipc.open_stream if streamed else pa.ipc.open_file
    if not columns:
        return opened(pa.memory_map(str(path)))
    with opened(pa.memory_map(str(path))) as reader:
        wanted = [reader.schema.get_field_index(name) for name in columns]
    return opened(pa.memory_map(str(path)), options=pa.ipc.IpcReadOptions(included_fields=wanted))


def _without(schema: pa.Schema, names: Sequence[str] | dict[str, str]) -> pa.Schema:
    import pyarrow as pa

    return pa.schema([field for field in schema if field.name not in names])
