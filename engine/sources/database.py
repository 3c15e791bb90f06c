"""A table or view of a DuckDB database file: ``duckdb:FILE#TABLE``."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Self

import polars as pl

from compiler.projection import Shape

from .arrow import to_frame
from .base import Columns, SnapshotError, first_line, lazy_batches, project, reading, slices
from .formats import DUCKDB, DUCKDB_PREFIX

if TYPE_CHECKING:
    import duckdb
    from duckdb.sqltypes import DuckDBPyType


_BATCH_ROWS = 122_880
_IDENTIFIER = r'(?:"(?:[^"]|"")+"|[^".#]+)'
_LOCATION = re.compile(rf"(?P<file>.+)#(?P<table>{_IDENTIFIER}(?:\.{_IDENTIFIER})?)", re.DOTALL)
_HOLDER = re.compile(r"Conflicting lock is held in (?P<program>.+?) \(PID (?P<process>\d+)\)")

# All others Polars cannot hold (intervals, unions, DuckDB's own extensions), or they would arrive as bytes that mean
# something else (bits).
_READABLE = frozenset(
    (
        *("boolean", "tinyint", "smallint", "integer", "bigint", "hugeint"),
        *("utinyint", "usmallint", "uinteger", "ubigint", "uhugeint", "float", "double", "decimal"),
        *("varchar", "json", "blob", "uuid", "enum", "null"),
        *("date", "time", "timestamp", "timestamp_s", "timestamp_ms", "timestamp_ns"),
        *("time with time zone", "timestamp with time zone"),
    )
)
_NESTED = frozenset({"list", "array", "struct", "map"})


@dataclass(frozen=True, slots=True)
class DuckDBSource:
    """A table or view. Each read opens the file read-only and closes it, so that no lock outlives the read."""

    name: str
    path: Path
    table: tuple[str, ...]
    columns: Columns
    format: str = DUCKDB

    @classmethod
    def open(cls, location: str) -> DuckDBSource:
        """Reads the columns of a table.

        Raises:
            SnapshotError: the file or the table is missing, or the file is damaged or held open for writing.
        """
        path, table = _parse(location)
        with _connected(location, path) as connection:
            if table is None:
                raise SnapshotError(f"{location}: name a table, as {DUCKDB_PREFIX}{path}#TABLE; {_tables(connection)}")
            unreadable = _unreadable_columns(location, connection, table)
            relation = connection.sql(f"FROM {_quoted(table)} LIMIT 0")
            names = [name for name in relation.columns if name not in unreadable]
            empty = connection.sql(_query(table, names)).limit(0).to_arrow_table()
            return cls(location, path, table, Columns(to_frame(empty, names).schema, unreadable))

    def count_rows(self) -> int:
        with _connected(self.name, self.path) as connection:
            [(rows,)] = connection.sql(f"SELECT count(*) FROM {_quoted(self.table)}").fetchall()
        return int(rows)

    def fingerprint(self) -> str:
        """The database's size and time, those of its write-ahead log, and the table's name."""
        digest = hashlib.sha256("\0".join(self.table).encode())
        with reading(str(self.path), DUCKDB):
            digest.update(_state(self.path))
        log = self.path.with_name(self.path.name + ".wal")
        if log.exists():
            digest.update(_state(log))
        return digest.hexdigest()[:32]

    def groups(self, columns: Sequence[str]) -> None:
        """None: DuckDB tells them only by a query that reads the columns."""

    def scan(self, columns: Sequence[str], skip: Sequence[range] = ()) -> pl.LazyFrame:  # noqa: ARG002  (no groups)
        return project(lazy_batches(self.columns.readable, self._batches), columns)

    def chunks(
        self,
        columns: Sequence[str],
        rows: int,
        skip: Sequence[range] = (),  # noqa: ARG002  (no groups)
    ) -> Iterator[pl.DataFrame]:
        for batch in self._batches(columns, rows):
            yield from slices(batch, rows)

    def narrowed(self, used: Mapping[str, Shape], texts: Set[str] = frozenset()) -> Self:  # noqa: ARG002  (they come whole)
        return self

    def _batches(self, columns: Sequence[str], rows: int = _BATCH_ROWS) -> Iterator[pl.DataFrame]:
        import pyarrow as pa

        with _connected(self.name, self.path) as connection:
            for batch in connection.sql(_query(self.table, columns)).to_arrow_reader(rows):
                if batch.num_rows:
                    yield to_frame(pa.Table.from_batches([batch]), columns)


def database_path(location: str) -> Path:
    """The file of a location, whose table's name may hold a ``#`` too."""
    return _parse(location)[0]


def _parse(location: str) -> tuple[Path, tuple[str, ...] | None]:
    rest = location.removeprefix(DUCKDB_PREFIX)
    matched = _LOCATION.fullmatch(rest)
    if not matched:
        return Path(rest.removesuffix("#")), None
    names = re.findall(_IDENTIFIER, matched["table"])
    return Path(matched["file"]), tuple(
        name[1:-1].replace('""', '"') if name.startswith('"') else name for name in names
    )


@contextmanager
def _connected(location: str, path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A read-only connection. DuckDB's errors, and those of the file, become :class:`SnapshotError`."""
    if not path.exists():
        raise SnapshotError(f"{path}: no such file; a DuckDB snapshot is {DUCKDB_PREFIX}FILE#TABLE")
    if not path.is_file():
        raise SnapshotError(f"{path}: is no DuckDB database file")
    with reading(str(path), DUCKDB), path.open("rb"):
        pass
    # Imported here because it takes about 150 ms.
    import duckdb

    try:
        with reading(location, DUCKDB), duckdb.connect(str(path), read_only=True) as connection:
            yield connection
    except duckdb.Error as error:
        raise SnapshotError(_explained(location, path, error)) from error


def _explained(location: str, path: Path, error: duckdb.Error) -> str:
    text = str(error)
    if holder := _HOLDER.search(text):
        return (
            f"{path}: {holder['program']} (process {holder['process']}) has the database open for writing, "
            f"so that nobody else can open it; wait until it has finished, or read a copy"
        )
    if "different configuration" in text:
        return f"{path}: this process has the database open for writing; close that connection first"
    if "not a valid DuckDB database" in text:
        return f"{path}: is no DuckDB database file"
    if "Could not read enough bytes" in text:
        return f"{path}: the DuckDB database file is truncated; copy it again"
    return f"{location}: cannot be read as DuckDB: {first_line(error)}"


def _unreadable_columns(location: str, connection: duckdb.DuckDBPyConnection, table: tuple[str, ...]) -> dict[str, str]:
    import duckdb

    try:
        relation = connection.sql(f"FROM {_quoted(table)} LIMIT 0")
    except duckdb.CatalogException as error:
        if _exists(connection, table):
            raise  # a view of something that is not there
        known = _tables(connection, table)
        raise SnapshotError(f"{location}: has no table or view '{'.'.join(table)}'; {known}") from error
    types = zip(relation.columns, relation.types, strict=True)
    return {name: str(type_) for name, type_ in types if not _is_readable(type_)}


def _is_readable(type_: DuckDBPyType) -> bool:
    if type_.id not in _NESTED:
        return type_.id in _READABLE
    # An array's children are its element type and its length.
    return all(_is_readable(child) for _, child in type_.children if not isinstance(child, (int, list)))


def _exists(connection: duckdb.DuckDBPyConnection, table: tuple[str, ...]) -> bool:
    return any(table[-1].lower() == known[-1].lower() for known in _known_tables(connection))


def _known_tables(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, ...]]:
    rows = connection.sql(
        "SELECT table_schema, table_name FROM information_schema.tables "
        "WHERE table_catalog = current_database() ORDER BY ALL"
    ).fetchall()
    return [(name,) if schema == "main" else (schema, name) for schema, name in rows]


def _tables(connection: duckdb.DuckDBPyConnection, near: tuple[str, ...] = ()) -> str:
    names = [".".join(table) for table in _known_tables(connection)]
    if close := get_close_matches(".".join(near), names, cutoff=0.5):
        return f"did you mean {' or '.join(close)}?"
    if not names:
        return "it has no tables"
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return f"it has {', '.join(names[:10])}{more}"


def _query(table: tuple[str, ...], columns: Sequence[str]) -> str:
    """A query of the columns. Without any it is one of a constant, for the heights."""
    return f"SELECT {', '.join(_quote(name) for name in columns) or 'true'} FROM {_quoted(table)}"


def _quoted(table: tuple[str, ...]) -> str:
    return ".".join(_quote(name) for name in table)


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _state(path: Path) -> bytes:
    status = path.stat()
    return f"\0{status.st_size}\0{status.st_mtime_ns}".encode()
