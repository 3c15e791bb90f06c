"""The tables are those that the program expects."""

from __future__ import annotations

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from api.store import Store
from api.store.database import NEWEST, migrations
from api.store.tables import METADATA


def test_migrations_make_the_tables(store: Store) -> None:
    with store.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
        assert ScriptDirectory.from_config(migrations(connection)).get_current_head() == NEWEST
