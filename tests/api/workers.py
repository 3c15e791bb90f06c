"""What the tests of workers share: snapshots, and stores with segments."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from time import monotonic, sleep

import polars as pl

from api.places import Place
from api.settings import Settings, load_settings
from api.store import NewSegment, Store, StoredSegment, create_many
from api.worker import Worker, work


def write_users(path: Path, *, users: int = 3_000) -> Path:
    """Users 0, 1, ...; their ages go from 0 to 99 and begin anew; each can be reached by e-mail."""
    number = pl.int_range(users, eager=True)
    pl.DataFrame(
        {
            "user_id": number,
            "organization_id": ["o"] * users,
            "email": ["a@example.org"] * users,
            "phone_number": pl.Series([None] * users, dtype=pl.String),
            "active_passes": [0] * users,
            "age": number % 100,
        }
    ).write_parquet(path)
    return path


def settings(directory: Path, **given: object) -> Settings:
    """Settings of a store and a snapshot in a directory, with quick reactions."""
    defaults: dict[str, object] = {
        "database_url": f"sqlite:///{directory / 'cellar.db'}",
        "snapshot": str(directory / "users.parquet"),
        "poll_seconds": 0.05,
        "lease_seconds": 30.0,
        "scan_niceness": 0,
    }
    return load_settings(None, **(defaults | given))


def worker(store: Store, told: Settings, name: str = "worker") -> Worker:
    """A worker as the settings have it."""
    used = told.snapshot_in_use()
    assert isinstance(used, Place)
    return Worker(store, told, used, name)


def segments(store: Store, *conditions: str) -> tuple[StoredSegment, ...]:
    """Segments of the organization ``o`` with these conditions, by which they are called."""
    return create_many(store, [NewSegment(organization_id="o", name=c, condition=c) for c in conditions])


@contextmanager
def working(one: Worker) -> Iterator[None]:
    """The worker works meanwhile."""
    stop = Event()
    thread = Thread(target=work, args=(one, stop))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def wait_for(condition: Callable[[], bool], seconds: float = 120.0) -> None:
    """Looks again and again until it is so."""
    until = monotonic() + seconds
    while not condition():
        assert monotonic() < until, "it did not come"
        sleep(0.02)
