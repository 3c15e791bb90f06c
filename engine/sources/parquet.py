"""One Parquet file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from compiler.projection import Shape

from .base import Columns, Group, SnapshotError, lazy_batches, reading
from .footers import row_groups
from .formats import PARQUET
from .parts import Piece, Pieces, TableFile

if TYPE_CHECKING:
    import pyarrow.parquet as pq

# How a footer writes "physical type FIXED_LEN_BYTE_ARRAY, length 12" (Thrift's compact protocol): what an interval is.
# Where the bytes stand for something else, no harm is done.
_INTERVAL_MARK = b"\x15\x0e\x15\x18"
_INTERVAL = "INTERVAL"

# Before a piece's first row, Polars has to pass over what the row group holds: with pieces of a fixed size, reading
# would take the square of the group's size.
_MOST_PIECES = 12


@dataclass(frozen=True)
class ParquetFile:
    """A Parquet file. Polars reads it, or, where an interval column would make Polars panic, pyarrow."""

    path: Path
    columns: Columns

    @classmethod
    def open(cls, path: Path) -> ParquetFile:
        """Reads the footer.

        Raises:
            SnapshotError: the file is no Parquet, or is damaged.
        """
        with reading(str(path), PARQUET):
            if _INTERVAL_MARK in _read_footer(path):
                unreadable = _interval_columns(path)
                if unreadable:
                    return cls(path, _columns_without(path, unreadable))
            return cls(path, Columns(_scan([path]).collect_schema()))

    def rows(self) -> int:
        """The number of rows, from the footer."""
        return self._rows

    @cached_property
    def _rows(self) -> int:
        with reading(str(self.path), PARQUET):
            if self.columns.unreadable:
                return _metadata_rows(self.path)
            return int(_scan([self.path]).select(pl.len()).collect().item())

    def scan(self) -> pl.LazyFrame:
        """The readable columns."""
        if self.columns.unreadable:
            return lazy_batches(self.columns.readable, self._batches)
        return _scan([self.path])

    @property
    def pieces(self) -> Pieces | None:
        """Row groups together up to a number of rows, larger ones in pieces; None where pyarrow reads the file."""
        return None if self.columns.unreadable else self._along_row_groups

    def groups(self, columns: Sequence[str]) -> Sequence[Group] | None:
        """What the footer tells of each row group; None where pyarrow cannot read it, but Polars can."""
        metadata = self._metadata()
        types = {name: self.columns.readable[name] for name in columns}
        return None if metadata is None else list(row_groups(metadata, types))

    def _batches(self, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
        import pyarrow.parquet as pq

        from .arrow import to_frame

        with reading(str(self.path), PARQUET), pq.ParquetFile(self.path, memory_map=True) as file:
            for group in range(file.num_row_groups):
                yield to_frame(file.read_row_group(group, columns=list(columns)), columns)

    def _along_row_groups(self, rows: int, skip: Sequence[range] = ()) -> Iterator[Piece]:
        """Reading along row groups spares decoding their borders twice; within one, Polars skips unneeded pages."""
        metadata = self._metadata()
        if metadata is None:
            return along_row_groups([self.rows()], rows)
        sizes = [metadata.row_group(index).num_rows for index in range(metadata.num_row_groups)]
        return along_row_groups(sizes, rows, skip)

    def _metadata(self) -> pq.FileMetaData | None:
        """The footer as pyarrow reads it; None where it has columns of types that pyarrow lacks."""
        import pyarrow.parquet as pq

        with reading(str(self.path), PARQUET):
            try:
                return pq.read_metadata(self.path)
            except NotImplementedError:
                return None


def along_row_groups(sizes: Sequence[int], rows: int, skip: Sequence[range] = ()) -> Iterator[Piece]:
    """Row groups of these sizes together up to a number of rows; larger ones in pieces, of no fewer rows.

    Those that begin in ranges of rows to ``skip`` are left out.
    """
    start, length = 0, 0
    groups: list[int] = []
    for index, size in enumerate(sizes):
        skipped = any(start + length in gone for gone in skip)
        if groups and (skipped or length + size > rows):
            yield Piece(start, length, tuple(groups))
            start, groups, length = start + length, [], 0
        if skipped:
            start += size
        elif size > rows:
            step = max(rows, -(-size // _MOST_PIECES))
            for offset in range(0, size, step):
                yield Piece(start + offset, min(step, size - offset), None)
            start += size
        else:
            groups.append(index)
            length += size
    if groups:
        yield Piece(start, length, tuple(groups))


def read_parquet_fields(path: Path, row_groups: Sequence[int] | None, used: Mapping[str, Shape]) -> pl.DataFrame:
    """Nested columns with only the fields used, of some row groups or of all."""
    from .leaves import read_fields  # brings pyarrow

    with reading(str(path), PARQUET):
        return read_fields(path, row_groups, used)


def read_parquet_texts(
    path: Path, row_groups: Sequence[int], texts: Sequence[str], lists: Sequence[str]
) -> pl.DataFrame:
    """Columns of texts, and of lists of texts, by their distinct texts, as Enum, where that is shorter."""
    from .texts import read_texts  # brings pyarrow

    with reading(str(path), PARQUET):
        return read_texts(path, row_groups, texts, lists)


def scan_parquet(files: Sequence[TableFile]) -> pl.LazyFrame | None:
    """One scan of several files, where Polars reads them all."""
    if any(file.columns.unreadable for file in files):
        return None
    return _scan([file.path for file in files]) if files else None


def _scan(paths: Sequence[Path]) -> pl.LazyFrame:
    # Names are taken literally, and Hive columns come from ``files``: Polars would also take them from directories
    # above the snapshot, over columns of the same name.
    return pl.scan_parquet(paths, glob=False, hive_partitioning=False, extra_columns="ignore")  # type: ignore[arg-type]


def _read_footer(path: Path) -> bytes:
    with path.open("rb") as file:
        head = file.read(4)
        size = file.seek(0, 2)
        if size == 0:
            raise SnapshotError(f"{path}: the file is empty (0 bytes)")
        file.seek(max(0, size - 8))
        tail = file.read()
        if b"PARE" in (head, tail[4:]):
            raise SnapshotError(f"{path}: encrypted Parquet is not supported")
        if head != b"PAR1":
            raise SnapshotError(f"{path}: is not a Parquet file")
        length = int.from_bytes(tail[:4], "little")
        if tail[4:] != b"PAR1" or size < length + 12:
            raise SnapshotError(f"{path}: the Parquet file is truncated; write or copy it again")
        file.seek(size - 8 - length)
        return file.read(length)


def _interval_columns(path: Path) -> dict[str, str]:
    # pyarrow is imported where it is used because that takes about 50 ms.
    import pyarrow.parquet as pq

    schema = pq.read_metadata(path).schema
    leaves = (schema.column(index) for index in range(len(schema)))
    tops = {leaf.path for leaf in leaves if leaf.converted_type == _INTERVAL}
    names = pq.read_schema(path).names
    return {name: _INTERVAL for name in names if any(top == name or top.startswith(f"{name}.") for top in tops)}


def _columns_without(path: Path, unreadable: dict[str, str]) -> Columns:
    import pyarrow.parquet as pq

    from .arrow import to_frame

    empty = pq.read_schema(path).empty_table().drop_columns(list(unreadable))
    return Columns(to_frame(empty, empty.column_names).schema, unreadable)


def _metadata_rows(path: Path) -> int:
    import pyarrow.parquet as pq

    return int(pq.read_metadata(path).num_rows)
