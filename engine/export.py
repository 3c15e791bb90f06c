"""Results as files: the formats of a count, and the members of a segment written whole or not at all."""

from __future__ import annotations

import json
import os
from io import BytesIO
from pathlib import Path

import polars as pl

from .results import CountReport
from .snapshot import Snapshot

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
}


def encode_report(report: CountReport, format: str) -> bytes:
    """A report as ``json`` (the whole of it), or its results, one a row, as ``jsonl``, ``csv`` or ``parquet``.

    Raises:
        ValueError: there is no such format.
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
            frame = pl.DataFrame(rows, schema=_RESULT_SCHEMA)
            buffer = BytesIO()
            frame.write_csv(buffer) if format == "csv" else frame.write_parquet(buffer)
            return buffer.getvalue()
        case _:
            raise ValueError(f"there is no format '{format}'")


def write_members(snapshot: Snapshot, users: pl.LazyFrame, path: Path) -> None:
    """Writes users to a file as they are found, without holding them all. The file appears whole or not at all.

    Args:
        snapshot: where they come from, for messages.
        users: what :func:`~engine.members` returned.
        path: the file, which is replaced; its extension, one of ``MEMBER_FORMATS``, is its format.

    Raises:
        SnapshotError: the snapshot cannot be read.
        OSError: the file cannot be written.
        ValueError: the extension is another, or the format cannot hold a column.
    """
    suffix = path.suffix.lower()
    if suffix == ".csv":
        check_csv(users.collect_schema())
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    # Created here, so that an unwritable place is told from an unreadable snapshot.
    partial.touch()
    try:
        with snapshot.reading():
            match suffix:
                case ".parquet":
                    users.sink_parquet(partial)
                case ".csv":
                    users.sink_csv(partial)
                case ".jsonl":
                    users.sink_ndjson(partial)
                case ".arrow":
                    users.sink_ipc(partial)
                case _:
                    raise ValueError(f"{path}: the file must end in {', '.join(MEMBER_FORMATS)}")
        snapshot.check_unchanged()
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def check_csv(columns: pl.Schema) -> None:
    """Checks that CSV can hold the columns.

    Raises:
        ValueError: one is nested or binary.
    """
    for name, type_ in columns.items():
        if type_.is_nested() or type_ in (pl.Binary, pl.Object):
            raise ValueError(f"CSV cannot hold the column '{name}' of type {type_}; write .parquet, .jsonl or .arrow")
