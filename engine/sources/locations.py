"""Which source a location stands for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from .base import SnapshotError, Source
from .files import find_parts
from .formats import CSV, DUCKDB, DUCKDB_PREFIX, IPC, OBJECT_STORES, PARQUET

# Each kind's module is imported where a file of that kind is opened: the others are not waited for.

_FORMATS: Mapping[str, str] = {
    ".parquet": PARQUET,
    ".pq": PARQUET,
    ".arrow": IPC,
    ".arrows": IPC,
    ".ipc": IPC,
    ".feather": IPC,
    ".csv": CSV,
    ".csv.gz": CSV,
    ".duckdb": DUCKDB,
    ".ddb": DUCKDB,
    ".db": DUCKDB,
}
_PART_FORMATS = (PARQUET, IPC, CSV)


def open_location(location: str, overrides: Mapping[str, str]) -> Source:
    """Opens a file, directory, glob, database table, or Parquet in an object store.

    Raises:
        SnapshotError: the location is missing or unreadable, or of an unknown or mixed kind, or ``overrides`` sets
            types for what is not CSV.
    """
    if location.startswith(DUCKDB_PREFIX):
        _require_no_overrides(location, DUCKDB, overrides)
        from .database import DuckDBSource

        return DuckDBSource.open(location)
    scheme, separator, _ = location.partition("://")
    if separator and scheme in OBJECT_STORES:
        _require_no_overrides(location, PARQUET, overrides)
        from .objects import open_objects

        return open_objects(location)
    if separator:
        stores = ", ".join(f"{store}://" for store in OBJECT_STORES)
        raise SnapshotError(f"{location}: '{scheme}' is no known kind of store; known are {stores}")
    parts = find_parts(location)
    kind = _kind(parts[0].path)
    for part in parts[1:]:
        if _kind(part.path) != kind:
            raise SnapshotError(
                f"{location}: {parts[0].path} and {part.path} are files of different kinds; "
                f"name those that belong together with a glob, such as {Path(location) / ('*' + parts[0].path.suffix)}"
            )
    paths = [part.path for part in parts]
    if kind != CSV:
        _require_no_overrides(location, kind or "file", overrides)
    from .parts import PartsSource

    match kind:
        case "Parquet":
            from .parquet import ParquetFile, read_parquet_fields, read_parquet_texts, scan_parquet

            files = [ParquetFile.open(path) for path in paths]
            return PartsSource.of(
                location,
                kind,
                parts,
                files,
                scan_alike=scan_parquet,
                read_fields=read_parquet_fields,
                read_texts=read_parquet_texts,
            )
        case "Arrow IPC":
            from .arrow import IpcFile

            return PartsSource.of(location, kind, parts, [IpcFile.open(path) for path in paths])
        case "CSV":
            from .delimited import open_csv

            return PartsSource.of(location, kind, parts, open_csv(paths, overrides))
        case "DuckDB":
            raise SnapshotError(f"{location}: name a table of the database, as {DUCKDB_PREFIX}{location}#TABLE")
        case _:
            known = ", ".join(suffix for suffix, format in _FORMATS.items() if format in _PART_FORMATS)
            raise SnapshotError(
                f"{paths[0]}: the kind of file is unknown; known are {known} and {DUCKDB_PREFIX}FILE#TABLE for DuckDB"
            )


def _kind(path: Path) -> str | None:
    """The format that a file's name tells."""
    name = path.name.lower()
    return next((format for suffix, format in _FORMATS.items() if name.endswith(suffix)), None)


def _require_no_overrides(location: str, format: str, overrides: Mapping[str, str]) -> None:
    if overrides:
        raise SnapshotError(f"{location}: types can be set only for CSV files; a {format} snapshot has its own")
