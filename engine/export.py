"""Results as files: the formats of a count, and the members of a segment written whole or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import IO, TYPE_CHECKING

import polars as pl
import polars.selectors as cs

from compiler.schema import data_type

from .results import CountReport

if TYPE_CHECKING:
    import pyarrow as pa

MEMBER_FORMATS = (".parquet", ".csv", ".jsonl", ".arrow")
"""What members can be written as, by the extension of the file."""

_RESULT_SCHEMA = {
    "name": pl.String(),
    "condition": pl.String(),
    "user_count": pl.Int64(),
    "error_count": pl.Int64(),
    "mode": pl.String(),
    "duration": pl.Float64(),
    "error": pl.String(),
    "compile": pl.Float64(),
    "scan": pl.Float64(),
    "interpretation": pl.Float64(),
    "shared_by": pl.Int64(),
}
_AUDIENCE = pl.Struct(dict.fromkeys(("channel", "type", "consent", "edition", "organization"), pl.String()))
_INTERPRETED = pl.List(
    pl.Struct(
        {
            "clause": pl.String(),
            "reason": pl.String(),
            "rows": pl.Int64(),
            "distinct": pl.Int64(),
            "seconds": pl.Float64(),
        }
    )
)
_NESTED: dict[str, pl.DataType] = {
    "reasons": pl.List(
        pl.Struct({"reason": pl.String(), "rows": pl.Int64(), "example_row": pl.Int64(), "example_id": pl.String()})
    ),
    "reach": pl.List(
        pl.Struct({"channel": pl.String(), "consent": pl.Boolean(), "user_count": pl.Int64(), "error": pl.String()})
    ),
}


def encode_report(report: CountReport, format: str) -> bytes:
    """A report as ``json`` (the whole of it), or its results, one a row, as ``jsonl``, ``csv`` or ``parquet``.

    CSV, which has no lists, leaves out audiences and what was interpreted.

    Raises:
        ValueError: there is no such format, or it cannot hold the reasons that were asked for.
    """
    whole = report.to_dict()
    rows = whole["results"]
    assert isinstance(rows, list)
    match format:
        case "json":
            return (json.dumps(whole, ensure_ascii=False, indent=2) + "\n").encode(errors="backslashreplace")
        case "jsonl":
            lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
            return "".join(lines).encode(errors="backslashreplace")
        case "csv" | "parquet":
            nested = {name: type_ for name, type_ in _NESTED.items() if any(name in row for row in rows)}
            if nested and format == "csv":
                raise ValueError(f"CSV cannot hold {' and '.join(nested)}; write json, jsonl or parquet")
            if format == "parquet":
                lists: dict[str, pl.DataType] = {"audience": _AUDIENCE, "interpreted": _INTERPRETED}
                nested |= {name: type_ for name, type_ in lists.items() if any(name in row for row in rows)}
                rows = [row | _as_texts(row.get("audience")) for row in rows]
            frame = pl.DataFrame(rows, schema={**_RESULT_SCHEMA, **nested})
            buffer = BytesIO()
            frame.write_csv(buffer) if format == "csv" else frame.write_parquet(buffer)
            return buffer.getvalue()
        case _:
            raise ValueError(f"there is no format '{format}'")


def _as_texts(audience: Mapping[str, str | int] | None) -> dict[str, object]:
    """An audience, whose ids may be numbers in one segment and texts in another."""
    return {} if audience is None else {"audience": {key: str(value) for key, value in audience.items()}}


def check_format(columns: Mapping[str, pl.DataType], path: Path | None) -> None:
    """Checks that columns can be written to a file; None is CSV on standard output.

    Raises:
        ValueError: the extension is none of ``MEMBER_FORMATS``, or its format cannot hold a column.
    """
    suffix = ".csv" if path is None else path.suffix.lower()
    if suffix not in MEMBER_FORMATS:
        raise ValueError(f"{path}: the file must end in {', '.join(MEMBER_FORMATS)}")
    for name, type_ in columns.items():
        if suffix == ".csv" and (type_.is_nested() or isinstance(type_, (pl.Binary, pl.Object))):
            raise ValueError(f"CSV cannot hold the column '{name}' of type {type_}; write a .parquet or .arrow file")
        if suffix == ".jsonl" and _holds_bytes(type_):
            raise ValueError(f"JSON cannot hold the column '{name}' of type {type_}; write a .parquet or .arrow file")


def _holds_bytes(type_: pl.DataType) -> bool:
    match type_:
        case pl.Binary():
            return True
        case pl.List() | pl.Array():
            return _holds_bytes(data_type(type_.inner))
        case pl.Map():
            return _holds_bytes(data_type(type_.key)) or _holds_bytes(data_type(type_.value))
        case pl.Struct():
            return any(_holds_bytes(data_type(field.dtype)) for field in type_.fields)
        case _:
            return False


def csv_texts(frames: Iterable[pl.DataFrame], schema: Mapping[str, pl.DataType]) -> Iterator[str]:
    """Frames of one schema as CSV: the header, then each frame."""
    yield pl.DataFrame(schema=schema).write_csv()
    for frame in frames:
        yield frame.write_csv(include_header=False)


def write_frames(frames: Iterable[pl.DataFrame], schema: Mapping[str, pl.DataType], path: Path) -> None:
    """Writes frames of one schema to a file, one after the other. The file appears whole or not at all.

    Args:
        frames: the rows.
        schema: the columns, also where there are no frames.
        path: the file, which is replaced; its extension is its format, see :func:`check_format`.

    Raises:
        OSError: the file cannot be written. What ``frames`` raises goes through.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as file, frame_writer(path.suffix.lower(), file, pl.DataFrame(schema=schema)) as write:
            for frame in frames:
                write(frame)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def frame_writer(
    suffix: str, file: IO[bytes], empty: pl.DataFrame, *, dictionaries: bool = True
) -> Iterator[Callable[[pl.DataFrame], object]]:
    """What writes a frame to a file in a format.

    Args:
        suffix: the format's.
        file: where to.
        empty: has the schema of all frames.
        dictionaries: let Parquet make them: each file that is open then holds half a megabyte.
    """
    match suffix:
        case ".csv":
            empty.write_csv(file)
            yield lambda frame: frame.write_csv(file, include_header=False)
        case ".jsonl":
            yield lambda frame: frame.write_ndjson(file)
        case ".parquet":
            import pyarrow.parquet as pq

            with pq.ParquetWriter(
                file, _arrow(empty).schema, compression="zstd", use_dictionary=dictionaries
            ) as parquet:
                yield lambda frame: parquet.write_table(_arrow(frame))
        case _:
            import pyarrow as pa

            with pa.ipc.new_file(file, _arrow(empty).schema) as ipc:
                yield lambda frame: ipc.write_table(_arrow(frame))


def _arrow(frame: pl.DataFrame) -> pa.Table:
    # Dictionaries may not change within a file, and not every reader knows string views.
    return frame.with_columns(cs.categorical().cast(pl.String)).to_arrow(compat_level=pl.CompatLevel.oldest())
