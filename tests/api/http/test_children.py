"""Evaluations in child processes: ended at their deadline, at their limit of memory, and when nobody waits any more."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from time import monotonic, process_time, sleep

import httpx
import polars as pl
import pytest

from api.children import BusyError, ChildPool, DeadlineError, DiedError, TooMuchMemoryError
from api.store import request
from api.worker import Worker, work_once

from .running import AURORA, client, new, running, settings

_TICK = os.sysconf("SC_CLK_TCK")


def spin(seconds: float) -> float:
    """Uses the processor, in native code too, for so long."""
    end = monotonic() + seconds
    values = pl.Series(range(1_000_000))
    while monotonic() < end:
        (values * values).sort(descending=True)
    return process_time()


def take_memory(megabytes: int) -> int:
    held = bytearray(megabytes * 1_000_000)
    sleep(30)
    return len(held)


def die() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def fail() -> None:
    raise LookupError("as asked")


def pieces(number: int) -> Iterator[bytes]:
    for one in range(number):
        yield str(one).encode()


@pytest.fixture
def pool() -> Iterator[ChildPool]:
    pool = ChildPool(1, megabytes=1_000)
    pool.start()
    assert pool.call(60, abs, -1) == 1
    yield pool
    pool.close()


def used(pids: list[int]) -> float:
    """Seconds of the processor that processes have used."""
    total = 0.0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        except FileNotFoundError:
            continue
        total += (int(fields[11]) + int(fields[12])) / _TICK
    return total


def descendants(pid: int) -> list[int]:
    found = [pid]
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text(encoding="ascii").split():
            found += descendants(int(child))
    return found


def test_after_a_deadline_the_processor_is_idle(pool: ChildPool) -> None:
    with pytest.raises(DeadlineError, match=r"it took more than 0\.7 seconds"):
        pool.call(0.7, spin, 60.0)
    family = descendants(os.getpid())
    before = used(family)
    sleep(1.0)
    assert used(family) - before < 0.3
    assert pool.call(60, abs, -2) == 2


def test_memory_is_limited(pool: ChildPool) -> None:
    with pytest.raises(TooMuchMemoryError, match="it took more than 1,000 MB of memory"):
        pool.call(60, take_memory, 1_500)
    assert pool.call(60, abs, -1) == 1


def test_a_child_that_dies_takes_nobody_with_it(pool: ChildPool) -> None:
    with pytest.raises(DiedError):
        pool.call(60, die)
    assert pool.call(60, abs, -1) == 1


def test_what_a_job_raises_goes_through(pool: ChildPool) -> None:
    with pytest.raises(LookupError, match="as asked"):
        pool.call(60, fail)
    assert pool.call(60, abs, -1) == 1


def test_streams_end_whole_or_early(pool: ChildPool) -> None:
    assert list(pool.stream(60, pieces, 3)) == [b"0", b"1", b"2"]
    stream = pool.stream(60, pieces, 10_000_000)
    assert next(stream) == b"0"
    with pytest.raises(BusyError):
        pool.call(0.1, abs, -1)
    stream.close()  # type: ignore[attr-defined]
    assert pool.call(60, abs, -1) == 1


def test_previews_that_cost_too_much_are_problems(tmp_path: Path) -> None:
    told = settings(tmp_path, users=2_000, preview_seconds=0.5)
    # Interpreted on each user, which takes its time.
    slow = "purchases.map(p, {p.product: p.price}).size() + size(user_id) > 5 && " * 90 + "true"
    with running(told) as (url, _), client(url) as asking:
        answered = asking.post("/segments/preview", json={"condition": slow})
        while answered.status_code == 503:
            answered = asking.post("/segments/preview", json={"condition": slow})
        assert answered.status_code == 422, answered.text
        assert answered.json()["type"] == "urn:cellar:problem:too-expensive"
        with httpx.Client(base_url=url) as other:
            assert "cellar_evaluations_ended_total" in other.get("/metrics").text


def test_members_of_a_snapshot_that_was_replaced_are_gone(tmp_path: Path) -> None:
    told = settings(tmp_path)
    place = told.snapshot_in_use()
    assert place is not None
    with running(told) as (url, store), client(url) as asking:
        made = asking.post("/segments", json=new()).raise_for_status().json()["id"]
        request(store, made, organization=AURORA)
        assert work_once(Worker(store, told, place, "test"), Event())
        assert asking.get(f"/segments/{made}/users").status_code == 200
        users = pl.read_parquet(place.location)
        users.head(1_000).write_parquet(place.location)
        sleep(2.1)  # A snapshot is kept open for a moment.
        gone = asking.get(f"/segments/{made}/users")
        assert gone.status_code == 409
        assert gone.json()["type"] == "urn:cellar:problem:snapshot-gone"
        assert asking.get(f"/segments/{made}/users/{users.item(0, 'user_id')}").status_code == 200
        Path(place.location).unlink()
        sleep(2.1)
        unusable = asking.post("/segments/preview", json={"condition": "true"})
        assert (unusable.status_code, unusable.headers["Retry-After"]) == (503, "1")
        with httpx.Client(base_url=url) as other:
            assert other.get("/readyz").status_code == 503
            assert other.get("/healthz").status_code == 200


def test_who_waits_gets_another_child(pool: ChildPool) -> None:
    with ThreadPoolExecutor(4) as threads:
        slow = threads.submit(pool.call, 1.0, spin, 60.0)
        sleep(0.2)
        waiting = [threads.submit(pool.call, 60, abs, -number) for number in range(3)]
        assert [one.result() for one in waiting] == [0, 1, 2]
        assert isinstance(slow.exception(), DeadlineError)
