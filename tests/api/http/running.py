"""A service that runs for tests: on a free port of the loopback, with a snapshot of its own."""

from __future__ import annotations

import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from uuid import uuid4

import httpx
import uvicorn

from api.app import create_app
from api.settings import Settings, load_settings
from api.store import KeyScope, Store, create_key, open_store
from engine.sample import write_sample
from tests.commands import ENVIRONMENT, start

AURORA, MARATON = "org_aurora", "org_maraton"
CONDITION = 'age > 30 && (country == "DE" || is_vip)'

_START_SECONDS = 60.0
_STOP_SECONDS = 30.0
_LISTENS = re.compile(r"listens on (http://\S+);")


def settings(directory: Path, *, users: int = 2_000, **given: object) -> Settings:
    """Settings of a store and a snapshot in a directory, which is made."""
    snapshot = directory / "users.parquet"
    if not snapshot.exists():
        write_sample(snapshot, users=users)
    defaults: dict[str, object] = {
        "database_url": f"sqlite:///{directory / 'cellar.db'}",
        "snapshot": str(snapshot),
        "member_columns": ("email", "created_at", "tags"),
        "poll_seconds": 0.05,
        "requests_per_minute": 1_000_000,
        "preview_seconds": 30.0,
    }
    return load_settings(None, **(defaults | given))


@contextmanager
def running(told: Settings, *, keyless: bool = True) -> Iterator[tuple[str, Store]]:
    """The service in threads of this process, without a worker. Yields its URL and its store."""
    store = open_store(told.database_url)
    app = create_app(told, store, keyless=keyless)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, access_log=False))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        deadline = monotonic() + _START_SECONDS
        while not server.started:
            assert thread.is_alive(), "the service did not start"
            assert monotonic() < deadline, "the service did not start in time"
            sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}", store
    finally:
        server.should_exit = True
        thread.join()
        store.close()


def client(url: str, key: str | None = None) -> httpx.Client:
    """A client of the service."""
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    return httpx.Client(base_url=f"{url}/api/v1", headers=headers, timeout=60.0)


def key(store: Store, organization: str | None = None, *scopes: str) -> str:
    """A new key's secret; without scopes, with all of them."""
    allowed = [KeyScope(scope) for scope in scopes] or list(KeyScope)
    return create_key(store, "test", scopes=allowed, organization=organization).secret


def new(**given: object) -> dict[str, object]:
    """The body that makes a segment."""
    return {"organization_id": AURORA, "name": "Adults", "condition": CONDITION} | given


@contextmanager
def served(directory: Path, *arguments: str, **variables: str) -> Iterator[Served]:
    """``cellar serve`` as a process of its own, in a directory, with a worker; stopped by SIGTERM."""
    log = directory / f"serve-{uuid4().hex}.log"
    with log.open("wb") as errors:
        process = start(
            "serve",
            "--port",
            "0",
            *arguments,
            cwd=directory,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            env={**ENVIRONMENT, **variables},
        )
    try:
        deadline = monotonic() + _START_SECONDS
        while (found := _LISTENS.search(log.read_text(encoding="utf-8"))) is None:
            assert process.poll() is None, log.read_text(encoding="utf-8")
            assert monotonic() < deadline, "the service did not start in time"
            sleep(0.05)
        yield Served(found[1], process, log)
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        finally:
            process.kill()
            process.wait()


@dataclass(frozen=True, slots=True)
class Served:
    """A service that runs as a process.

    Attributes:
        url: of its root.
        log: what it writes to standard error.
    """

    url: str
    process: subprocess.Popen[bytes]
    log: Path


def completed(asking: httpx.Client, segment_id: str) -> dict[str, object]:
    """A segment, once nothing is calculated for it any more."""
    deadline = monotonic() + _START_SECONDS
    while True:
        segment: dict[str, object] = asking.get(f"/segments/{segment_id}").raise_for_status().json()
        if segment["status"] not in ("pending", "processing"):
            return segment
        assert monotonic() < deadline, segment
        sleep(0.05)
