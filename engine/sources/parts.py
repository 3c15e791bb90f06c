"""Part files that are read as one table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import NamedTuple, Protocol

import polars as pl
import polars.selectors as cs

from compiler.facts import Facts
from compiler.functions import ticks
from compiler.projection import Shape, cut

from .base import Columns, Group, SnapshotError, ahead, kept_ranges, project, reading, slices
from .files import Part, fingerprint, partition_types, partition_value
from .widen import widened


class Piece(NamedTuple):
    """A slice of a file; ``row_groups`` are those that it consists of, None where it is a part of one."""

    start: int
    length: int
    row_groups: tuple[int, ...] | None


Pieces = Callable[[int, Sequence[range]], Iterator[Piece]]
ReadTexts = Callable[[Path, Sequence[int], Sequence[str], Sequence[str]], pl.DataFrame]
ReadFields = Callable[[Path, Sequence[int] | None, Mapping[str, Shape]], pl.DataFrame]


class TableFile(Protocol):
    """One file of a table. Methods raise :class:`SnapshotError`."""

    @property
    def path(self) -> Path: ...

    @property
    def columns(self) -> Columns: ...

    def rows(self) -> int:
        """The number of rows, from metadata where the format has it."""
        ...

    def scan(self) -> pl.LazyFrame:
        """Its readable columns."""
        ...

    @property
    def pieces(self) -> Pieces | None:
        """Cuts the file into slices of up to so many rows, without the row groups that lie in ranges of rows to skip.

        None where a slice cannot be read, and the rows cannot be counted, without reading what is before it.
        """
        ...

    def groups(self, columns: Sequence[str]) -> Sequence[Group] | None:
        """What is known of these columns' values in each of its row groups; None where nothing is."""
        ...


@dataclass(frozen=True, slots=True)
class PartsSource:
    """Files with the same columns, in the order of their names.

    A column's type may differ between files where one type holds the values of both exactly, as one CEL type
    (``widen``). Any other difference, and a column that only some files have, is an error when the snapshot is opened:
    filling in nulls would change counts. Columns may stand in any order.

    Attributes:
        partition: the types of the columns that directory names give (``country=DE/``); they win over a file's own.
        scan_alike: reads several files in one scan, where the format can; their types must be the same.
        read_texts: reads columns of texts, and others of lists of texts, of a file's row groups by their distinct
            texts, as Enum, where that is shorter; it leaves out the others.
        read_fields: reads some fields of nested columns of a file's row groups (None: all), where the format can.
        identify: gives the fingerprint of what are no local files.
        nested: the columns that are read so, with the parts that are.
        texts: the columns of texts, and of lists of texts, that may come as Enum.
    """

    name: str
    format: str
    parts: tuple[Part, ...]
    files: tuple[TableFile, ...]
    columns: Columns
    partition: Mapping[str, pl.DataType]
    scan_alike: Callable[[Sequence[TableFile]], pl.LazyFrame | None]
    read_fields: ReadFields | None = None
    identify: Callable[[], str] | None = None
    read_texts: ReadTexts | None = None
    nested: Mapping[str, Shape] = field(default_factory=dict)
    texts: frozenset[str] = frozenset()

    @classmethod
    def of(
        cls,
        name: str,
        format: str,
        parts: tuple[Part, ...],
        files: Sequence[TableFile],
        *,
        scan_alike: Callable[[Sequence[TableFile]], pl.LazyFrame | None] = lambda _: None,
        read_fields: ReadFields | None = None,
        identify: Callable[[], str] | None = None,
        read_texts: ReadTexts | None = None,
    ) -> PartsSource:
        """One table of the files; ``identify`` gives their fingerprint where they are no local files.

        Raises:
            SnapshotError: their columns differ.
        """
        partition = partition_types(parts)
        common = _common_columns(files)
        unreadable = {name: type_ for name, type_ in common.unreadable.items() if name not in partition}
        columns = Columns({**common.readable, **partition}, unreadable)
        return cls(name, format, parts, tuple(files), columns, partition, scan_alike, read_fields, identify, read_texts)

    def count_rows(self) -> int:
        return sum(file.rows() for file in self.files)

    def fingerprint(self) -> str:
        return fingerprint(self.parts) if self.identify is None else self.identify()

    def groups(self, columns: Sequence[str]) -> Sequence[Group] | None:
        found: list[Group] = []
        start = 0
        stored = [name for name in columns if name not in self.partition]
        for file, part in zip(self.files, self.parts, strict=True):
            own = file.groups(stored) if file.pieces is not None else None
            if own is None:
                return None
            for group in own:
                named = {name: _of_partition(text, self.partition[name], group.rows) for name, text in part.partition}
                found.append(Group(start + group.start, group.rows, {**group.facts, **named}))
            start += sum(group.rows for group in own)
        return found

    def scan(self, columns: Sequence[str], skip: Sequence[range] = ()) -> pl.LazyFrame:
        if not skip:
            return self._scan(range(len(self.files)), columns)
        kept: list[pl.LazyFrame] = [pl.LazyFrame(schema={name: self.columns.readable[name] for name in columns})]
        for index, rows in self._kept(skip):
            whole = len(rows) == self.files[index].rows()
            scan = self._scan([index], columns)
            kept.append(scan if whole else scan.slice(rows.start, len(rows)))
        return pl.concat(kept)

    def _kept(self, skip: Sequence[range]) -> Iterator[tuple[int, range]]:
        """The ranges of rows that are not skipped: for each its file, and the rows of that."""
        start = 0
        for index, file in enumerate(self.files):
            size = file.rows()
            for rows in kept_ranges(range(start, start + size), skip):
                yield index, range(rows.start - start, rows.stop - start)
            start += size

    def narrowed(self, used: Mapping[str, Shape], texts: Set[str] = frozenset()) -> PartsSource:
        """The source with nested columns of which ``chunks`` reads the parts used, where every file has them alike."""
        if self.read_fields is None:
            return self
        own = frozenset(texts - self.partition.keys())
        nested = {
            name: shape
            for name, shape in used.items()
            if shape is not None
            and name not in self.partition
            and cut(self.columns.readable[name], shape) != self.columns.readable[name]
            and all(file.columns.readable[name] == self.columns.readable[name] for file in self.files)
        }
        return replace(self, nested=nested, texts=own if self.read_texts is not None else frozenset())

    def chunks(self, columns: Sequence[str], rows: int, skip: Sequence[range] = ()) -> Iterator[pl.DataFrame]:
        """Small files are read together, up to ``rows`` rows; a larger one in pieces."""
        if any(file.pieces is None for file in self.files):
            for index in range(len(self.files)):
                yield from self._stream(self._scan([index], columns), rows)
            return
        for frame in ahead(self._reads(columns, rows, skip)):
            yield from slices(frame, rows)

    def _reads(self, columns: Sequence[str], rows: int, skip: Sequence[range]) -> Iterator[Callable[[], pl.DataFrame]]:
        gathered: list[int] = []
        height = start = 0
        for index, file in enumerate(self.files):
            size = file.rows()
            gone = [range(s.start - start, s.stop - start) for s in skip if s.start < start + size and s.stop > start]
            start += size
            if gathered and (gone or height + size > rows):
                yield partial(self._read, tuple(gathered), columns)
                gathered, height = [], 0
            if gone or size > rows:
                assert file.pieces is not None
                for piece in file.pieces(rows, gone):
                    yield partial(self._read, (index,), columns, piece)
            else:
                gathered.append(index)
                height += size
        if gathered:
            yield partial(self._read, tuple(gathered), columns)

    def _read(self, indices: Sequence[int], columns: Sequence[str], piece: Piece | None = None) -> pl.DataFrame:
        """Whole files together, or one file's piece. Nested columns that are cut are read by their fields."""
        by_fields = {name: self.nested[name] for name in columns if name in self.nested}
        if piece is not None and piece.row_groups is None:
            by_fields = {}
        with reading(self.name, self.format):
            texts = self._texts(indices, columns, piece)
            frames = [texts] if texts.width else []
            whole = [name for name in columns if name not in by_fields and name not in texts.columns]
            if whole or not columns:
                scan = self._scan(indices, whole)
                frames.append((scan if piece is None else scan.slice(piece.start, piece.length)).collect())
            if by_fields:
                assert self.read_fields is not None
                groups = None if piece is None else piece.row_groups
                parts = [self.read_fields(self.files[index].path, groups, by_fields) for index in indices]
                frames.append(pl.concat(parts))
            return pl.concat(frames, how="horizontal").select(cs.by_name(*columns)) if len(frames) > 1 else frames[0]

    def _texts(self, indices: Sequence[int], columns: Sequence[str], piece: Piece | None) -> pl.DataFrame:
        """The columns of texts that come by their dictionaries: of one file's row groups."""
        names = [name for name in columns if name in self.texts]
        if not names or self.read_texts is None or piece is None or piece.row_groups is None:
            return pl.DataFrame()
        (index,) = indices
        file = self.files[index]
        flat, lists = (
            [name for name in names if self.columns.readable[name] == file.columns.readable[name] == dtype]
            for dtype in (pl.String(), pl.List(pl.String()))
        )
        return self.read_texts(file.path, piece.row_groups, flat, lists)

    def _stream(self, frame: pl.LazyFrame, rows: int) -> Iterator[pl.DataFrame]:
        with reading(self.name, self.format):
            for batch in frame.collect_batches(chunk_size=rows, maintain_order=True, lazy=True):
                yield from slices(batch, rows)

    def _scan(self, indices: Sequence[int], columns: Sequence[str]) -> pl.LazyFrame:
        """One scan of all the files where their columns are alike, else one for each file, cast and put together."""
        files = [self.files[index] for index in indices]
        if not any(name in self.partition for name in columns) and all(
            file.columns.readable[name] == self.columns.readable[name] for file in files for name in columns
        ):
            together = self.scan_alike(files)
            if together is not None:
                return project(together, columns)
        schema = {name: self.columns.readable[name] for name in columns}
        return pl.concat([pl.LazyFrame(schema=schema), *(self._scan_one(index, columns) for index in indices)])

    def _scan_one(self, index: int, columns: Sequence[str]) -> pl.LazyFrame:
        file, values = self.files[index], dict(self.parts[index].partition)
        stored = [name for name in columns if name not in self.partition]
        wanted = {name: self.columns.readable[name] for name in stored}
        stored_types = file.columns.readable
        casts = [cs.by_name(name).cast(type_) for name, type_ in wanted.items() if type_ != stored_types[name]]
        frame = project(file.scan(), stored).with_columns(
            pl.lit(partition_value(values[name], self.partition[name]), self.partition[name]).alias(name)
            for name in columns
            if name in self.partition
        )
        return project(frame.with_columns(casts), columns)


def _of_partition(text: str | None, type_: pl.DataType, rows: int) -> Facts:
    """What is known of a column that a directory's name gives."""
    stored = partition_value(text, type_)
    if stored is None:
        return Facts(null_count=rows, present=False)
    value = (stored - date(1970, 1, 1)).days * ticks.DAY if isinstance(stored, date) else stored
    return Facts(value, value, null_count=0, choices=frozenset([value]))


def _common_columns(files: Sequence[TableFile]) -> Columns:
    """The columns of all files, in the first one's order, each in a type that holds what every file has."""
    first = files[0]
    common, unreadable = dict(first.columns.readable), dict(first.columns.unreadable)
    names = common.keys() | unreadable.keys()
    for file in files[1:]:
        others = file.columns.readable.keys() | file.columns.unreadable.keys()
        for lacking, having, missing in ((file, first, names - others), (first, file, others - names)):
            for name in sorted(missing):
                raise SnapshotError(f"part files differ: {lacking.path} lacks the column '{name}' of {having.path}")
        unreadable.update(file.columns.unreadable)
        for name, type_ in file.columns.readable.items():
            if name in unreadable:
                continue
            wider = widened(common[name], type_)
            if wider is None:
                here, there = f"{common[name]} in {first.path}", f"{type_} in {file.path}"
                raise SnapshotError(f"part files differ: the column '{name}' is {here} but {there}")
            common[name] = wider
    return Columns({name: type_ for name, type_ in common.items() if name not in unreadable}, unreadable)
