"""CSV files: types are inferred from the first rows, and every later value must be of its column's type.

A file is comma-separated with a header, in UTF-8, quoted as in RFC 4180, and may be gzipped. An empty field is null; a
quoted empty field (``""``) is the empty string in a string column and null in any other. Blank lines are skipped,
except that a blank line in a file of one column is a null.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from .arrow import to_frame
from .base import Columns, SnapshotError, first_line, lazy_batches, reading
from .fields import FIELD_TYPES, Field, infer_field
from .formats import CSV

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.csv as pacsv

INFERENCE_ROWS = 10_000
_BLOCK_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class CsvFile:
    """A CSV file, read block by block."""

    path: Path
    fields: Mapping[str, Field]

    @property
    def columns(self) -> Columns:
        return Columns({name: field.type for name, field in self.fields.items()})

    def rows(self) -> int:
        """The number of rows, which only reading them tells."""
        return sum(batch.height for batch in self._texts(()))

    def scan(self) -> pl.LazyFrame:
        """All columns. Values that are not of their column's type raise :class:`SnapshotError` when they are read."""
        return lazy_batches(self.columns.readable, self._batches)

    @property
    def pieces(self) -> None:
        """None: a CSV file is read from its beginning."""

    def groups(self, columns: Sequence[str]) -> None:
        """None: the format has no statistics."""

    def _batches(self, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
        row = 0
        for texts in self._texts(columns):
            parsed = []
            for name in columns:
                field = self.fields[name]
                values = field.parse(texts[name])
                if (wrong := field.first_wrong(texts[name], values)) is not None:
                    raise SnapshotError(
                        f"{self.path}: row {row + wrong + 1} (not counting the header), column '{name}': "
                        f"{_shown(texts[name][wrong])} is not {field.described}; "
                        f"correct the file, or set the type with --schema {name}=string (in Python: schema_overrides)"
                    )
                parsed.append(values)
            yield pl.DataFrame(parsed) if parsed else texts
            row += texts.height

    def _texts(self, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
        yield from _read(self.path, tuple(self.fields), columns)


def open_csv(paths: Sequence[Path], overrides: Mapping[str, str]) -> tuple[CsvFile, ...]:
    """Infers the types of the files' columns, over the first rows of all of them together.

    Raises:
        SnapshotError: a file is empty or malformed, an override names no column or no type.
    """
    headers = [_header(path) for path in paths]
    for name, type_ in overrides.items():
        if name not in headers[0]:
            raise SnapshotError(f"{paths[0]}: has no column '{name}' whose type could be set to {type_}")
        if type_ not in FIELD_TYPES:
            known = ", ".join(FIELD_TYPES)
            raise SnapshotError(f"{paths[0]}: the column '{name}' cannot be set to '{type_}'; the types are {known}")
    samples: dict[str, list[pl.Series]] = {}
    for path, header in zip(paths, headers, strict=True):
        for name, texts in _sample(path, header).items():
            samples.setdefault(name, []).append(texts)
    fields = {name: infer_field(pl.concat(texts), overrides.get(name)) for name, texts in samples.items()}
    files = zip(paths, headers, strict=True)
    return tuple(CsvFile(path, {name: fields[name] for name in header}) for path, header in files)


def _sample(path: Path, header: tuple[str, ...]) -> dict[str, pl.Series]:
    batches: list[pl.DataFrame] = []
    height = 0
    for batch in _read(path, header, header):
        batches.append(batch)
        height += batch.height
        if height >= INFERENCE_ROWS:
            break
    if not batches:
        return {name: pl.Series(name, [], pl.String) for name in header}
    return pl.concat(batches).head(INFERENCE_ROWS).to_dict()


def _header(path: Path) -> tuple[str, ...]:
    with reading(str(path), CSV), _open(path) as stream:
        if not stream.read(1):
            raise SnapshotError(f"{path}: the file is empty (0 bytes)")
    # Only the names are read here, so that a ragged row is reported, with its place, by the reader that needs it.
    with reading(str(path), CSV), _open_reader(path, (), lambda _: "skip") as reader:
        names = tuple(reader.schema.names)
    for name in names:
        if names.count(name) > 1:
            raise SnapshotError(f"{path}: has two columns with the name '{name}'; rename one")
    return names


class _Ragged:
    """Remembers the first row with a wrong number of fields, which pyarrow's own message does not place."""

    def __init__(self) -> None:
        self.row: pacsv.InvalidRow | None = None

    def __call__(self, row: pacsv.InvalidRow) -> str:
        self.row = self.row or row
        return "error"


def _read(path: Path, header: tuple[str, ...], columns: Sequence[str]) -> Iterator[pl.DataFrame]:
    """The columns' fields as text, block by block; without columns, frames of the right heights."""
    import pyarrow as pa

    ragged = _Ragged()
    with reading(str(path), CSV):
        try:
            with _open_reader(path, header, ragged, columns or header[:1]) as reader:
                for batch in reader:
                    if batch.num_rows:
                        yield to_frame(pa.Table.from_batches([batch]), columns)
        except pa.ArrowInvalid as error:
            raise SnapshotError(f"{path}: {_explained(error, ragged)}") from error


def _open_reader(
    path: Path, header: tuple[str, ...], ragged: Callable[[pacsv.InvalidRow], str], columns: Sequence[str] = ()
) -> pacsv.CSVStreamingReader:
    # pyarrow is imported where it is used because that takes about 50 ms. It reads the text, and Polars the values,
    # because Polars takes a short row for one that ends in nulls.
    import pyarrow as pa
    import pyarrow.csv as pacsv

    return pacsv.open_csv(
        _open(path),
        # Without threads: only so are rows numbered.
        read_options=pacsv.ReadOptions(block_size=_BLOCK_BYTES, use_threads=False),
        parse_options=pacsv.ParseOptions(
            newlines_in_values=True, ignore_empty_lines=len(header) != 1, invalid_row_handler=ragged
        ),
        convert_options=pacsv.ConvertOptions(
            column_types={name: pa.large_string() for name in header},
            include_columns=list(columns),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )


def _open(path: Path) -> pa.NativeFile:
    import pyarrow as pa

    return pa.input_stream(str(path), compression="gzip" if path.suffix.lower() == ".gz" else None)


def _explained(error: Exception, ragged: _Ragged) -> str:
    row = ragged.row
    if row is None and (invalid := re.search(r"Row #(\d+).*invalid UTF8", str(error))):
        return f"{_place(int(invalid[1]))} is not UTF-8; convert the file to UTF-8"
    if row is None:
        return f"cannot be read as CSV: {first_line(error)}"
    fields = "1 field" if row.actual_columns == 1 else f"{row.actual_columns} fields"
    return f"{_place(row.number)} has {fields} where the header has {row.expected_columns}: {_shown(row.text)}"


def _place(counted: int) -> str:
    """A row, from pyarrow's number, which counts the header."""
    return f"row {counted - 1} (not counting the header)"


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:37] + "...")
