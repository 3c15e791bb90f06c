"""What the tests of snapshots share: the users, and how a snapshot is read or refused."""

from __future__ import annotations

import io
from pathlib import Path

import duckdb
import polars as pl
import pytest

from engine.snapshot import Snapshot
from engine.sources.base import SnapshotError

USERS = pl.DataFrame(
    {
        "user_id": [1, 2, 3, 4, 5],
        "name": ["Ann", None, "Zoë", "", "Ødegård"],
        "score": [1.5, None, float("nan"), 0.0, -2.0],
        "tags": [["a"], [], None, ["b", None], ["c"]],
        "address": [{"city": "Oslo"}, None, {"city": None}, {"city": "Bergen"}, {"city": "Oslo"}],
    }
)


def database(directory: Path) -> str:
    with duckdb.connect(str(directory / "users.duckdb")) as connection:
        table = USERS.to_arrow()
        connection.register("frame", table)
        connection.execute("CREATE TABLE users AS FROM frame")
    return f"duckdb:{directory / 'users.duckdb'}#users"


def parquet(frame: pl.DataFrame, row_group: int = 2) -> bytes:
    """A Parquet file, as an object store holds it."""
    buffer = io.BytesIO()
    frame.write_parquet(buffer, row_group_size=row_group)
    return buffer.getvalue()


def collected(snapshot: Snapshot, columns: list[str] | None = None) -> pl.DataFrame:
    return snapshot.scan(list(snapshot.schema.columns) if columns is None else columns).collect()


def failure(location: object, **options: object) -> str:
    """The one message with which a location fails to open or to be read."""
    with pytest.raises(SnapshotError) as caught:
        for _ in (snapshot := Snapshot.open(location, **options)).chunks(list(snapshot.schema.columns)):  # type: ignore[arg-type]
            pass
    message = str(caught.value)
    assert "\n" not in message
    assert "Traceback" not in message
    return message
