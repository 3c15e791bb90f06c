"""A fresh store for each test, in SQLite and in PostgreSQL: one suite runs on both."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from api.store import Store, open_store

from .postgresql import NoServerError, cluster


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The URL of a cluster; skips where there is no server."""
    try:
        with cluster() as url:
            yield url
    except NoServerError as error:
        pytest.skip(str(error))


_EMPTY = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname IS NOT NULL",
    "DROP SCHEMA public CASCADE",
    "CREATE SCHEMA public",
)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'cellar.db'}"
        return
    url = str(request.getfixturevalue("postgresql"))
    engine = sa.create_engine(sa.make_url(url).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in _EMPTY:
            connection.execute(sa.text(statement))
    engine.dispose()
    yield url


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    """An empty store."""
    opened = open_store(database_url)
    yield opened
    opened.close()
