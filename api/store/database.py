"""The database: SQLite in a file without any set-up, or PostgreSQL by URL; transactions that read, and that write."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import ConnectionPoolEntry

if TYPE_CHECKING:
    from alembic.config import Config

NEWEST = "0001"
"""The migration that this program needs."""

_BUSY_MILLISECONDS = 30_000
_WRITES = "writes"
# Numbers of advisory locks of PostgreSQL; any that nothing else in the database uses.
_MIGRATION_LOCK, _BULK_LOCK = 4_127_401, 4_127_402


class StoreError(Exception):
    """A store that cannot be used: one sentence that says why."""


@dataclass(frozen=True, slots=True)
class Store:
    """The database that segments are kept in. Safe to share between threads, not between processes."""

    engine: sa.Engine

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A transaction that sees one state of the store, and changes nothing."""
        with self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self, *, bulk: bool = False) -> Iterator[sa.Connection]:
        """A transaction that is carried out whole or, where it ends in an exception, not at all.

        Args:
            bulk: it changes many segments. One such transaction runs at a time, for two that met in the middle would
                wait for each other for ever.
        """
        with self.engine.connect().execution_options(**{_WRITES: True}) as connection, connection.begin():
            if bulk and connection.dialect.name == "postgresql":
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_BULK_LOCK)))
            yield connection

    def close(self) -> None:
        """Closes all connections."""
        self.engine.dispose()


def open_store(url: str) -> Store:
    """Opens a store, which is made, or brought up to date, where it has to be.

    Args:
        url: ``sqlite:///FILE`` or ``postgresql://USER:PASSWORD@HOST/NAME``.

    Raises:
        StoreError: the URL is none of these, or the store was written by a newer program.
        sqlalchemy.exc.OperationalError: the database cannot be reached.
    """
    try:
        address = sa.make_url(url)
    except ArgumentError:
        raise StoreError("the database URL must be sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME") from None
    match address.get_backend_name():
        case "sqlite":
            engine = _sqlite(address)
        case "postgresql" | "postgres":
            engine = sa.create_engine(address.set(drivername="postgresql+psycopg"), pool_pre_ping=True)
        case other:
            raise StoreError(f"a store is kept in SQLite or PostgreSQL, not in '{other}'")
    store = Store(engine)
    try:
        migrate(store)
    except BaseException:
        store.close()
        raise
    return store


def migrate(store: Store) -> None:
    """Brings the tables up to date, unless they are; one process at a time does.

    Raises:
        StoreError: they were written by a newer program.
    """
    with store.reading() as connection:
        if _revision(connection) == NEWEST:
            return
    with store.writing() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
        if _revision(connection) == NEWEST:
            return
        from alembic import command
        from alembic.util import CommandError

        try:
            command.upgrade(migrations(connection), "head")
        except CommandError as error:
            raise StoreError(f"the store was written by a newer program: {error}") from error


def migrations(connection: sa.Connection) -> Config:
    """The migrations, to be run on a connection."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parents[1] / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _revision(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()


def _sqlite(address: sa.URL) -> sa.Engine:
    if address.database in (None, "", ":memory:"):
        raise StoreError("a store in SQLite needs a file: sqlite:///FILE")
    engine = sa.create_engine(address.set(drivername="sqlite"), connect_args={"timeout": _BUSY_MILLISECONDS / 1_000})

    @sa.event.listens_for(engine, "connect")
    def prepare(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        # Transactions are begun below, not by the driver, which would begin them too late.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {_BUSY_MILLISECONDS}")
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        # A transaction that reads first and then writes could find that another has written in between.
        writes = connection.get_execution_options().get(_WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine
