"""What goes wrong, done for real: processes that are killed, that come late, that find the disk full."""

from __future__ import annotations

import os
import resource
import signal
import sys
from contextlib import suppress
from pathlib import Path
from random import Random
from threading import Event, Thread
from time import sleep

import pytest
import sqlalchemy as sa

from api.places import Place
from api.scan import Died, Job, Scan, Unreadable
from api.store import (
    UNDER_WAY,
    ChangedError,
    Status,
    StatusError,
    Store,
    StoredSegment,
    get,
    history,
    list_segments,
    open_store,
    request,
    request_many,
    reset,
    update,
)
from api.worker import work_once
from engine import Budget, Segment

from .processes import children, cpu_seconds, end, is_running, scan_of, worker_process
from .workers import segments, settings, wait_for, worker, working, write_users

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="what processes do is read from /proc")

IN_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""For what is the same wherever segments are kept."""

SLOW = "email.matches(email + string(user_id))"
"""Interpreted for each user."""


def now_of(store: Store, segment: StoredSegment) -> StoredSegment:
    return get(store, segment.id, organization=None)


def is_at_work(store: Store, segment: StoredSegment) -> bool:
    return now_of(store, segment).status is Status.PROCESSING


def calculations(store: Store, segment: StoredSegment) -> list[Status]:
    return [one.status for one in history(store, segment.id, organization=None).results]


@pytest.fixture
def users(tmp_path: Path) -> Path:
    return write_users(tmp_path / "users.parquet")


@pytest.mark.usefixtures("users")
def test_a_worker_killed_in_mid_scan(store: Store, database_url: str, tmp_path: Path) -> None:
    (segment,) = segments(store, "age >= 18")
    request(store, segment.id, organization="o")
    with worker_process(tmp_path, database_url, lease_seconds=1) as first:
        scan = scan_of(first)
        os.kill(scan, signal.SIGSTOP)
        first.kill()
        first.wait()
        os.kill(scan, signal.SIGCONT)
        assert is_at_work(store, segment)
        wait_for(lambda: not is_running(scan))
    with worker_process(tmp_path, database_url):
        wait_for(lambda: now_of(store, segment).status is Status.COMPLETED)
    assert now_of(store, segment).user_count == 2_460
    assert calculations(store, segment) == [Status.COMPLETED]


@IN_SQLITE
@pytest.mark.usefixtures("users")
def test_a_scan_that_is_killed_is_tried_again(store: Store, database_url: str, tmp_path: Path) -> None:
    (segment,) = segments(store, "age >= 18")
    request(store, segment.id, organization="o")
    with worker_process(tmp_path, database_url) as one:
        os.kill(scan_of(one), signal.SIGKILL)
        wait_for(lambda: now_of(store, segment).status is Status.COMPLETED)
    assert calculations(store, segment) == [Status.COMPLETED]


@IN_SQLITE
@pytest.mark.usefixtures("users")
def test_a_scan_that_is_always_killed_fails_its_segment_alone(store: Store, database_url: str, tmp_path: Path) -> None:
    (deadly,) = segments(store, "age >= 18")
    request(store, deadly.id, organization="o")
    with worker_process(tmp_path, database_url) as one:
        killed: set[int] = set()
        while now_of(store, deadly).status is not Status.FAILED:
            for scan in children(one.pid):
                killed.add(scan)
                end(scan)
        (healthy,) = segments(store, "age >= 18")
        request(store, healthy.id, organization="o")
        wait_for(lambda: now_of(store, healthy).status is Status.COMPLETED)
    assert len(killed) == 3
    assert "SIGKILL" in str(now_of(store, deadly).error_message)
    assert calculations(store, deadly) == [Status.FAILED]


@pytest.mark.usefixtures("users")
@pytest.mark.parametrize("meanwhile", ["expired", "reset"])
def test_a_worker_that_comes_late_writes_nothing(
    store: Store, database_url: str, tmp_path: Path, meanwhile: str
) -> None:
    (segment,) = segments(store, "age >= 18")
    request(store, segment.id, organization="o")
    with worker_process(tmp_path, database_url, lease_seconds=1 if meanwhile == "expired" else 300) as late:
        scan = scan_of(late)
        os.kill(late.pid, signal.SIGSTOP)
        if meanwhile == "reset":
            reset(store, segment.id, organization="o")
            update(store, segment.id, organization="o", condition="age >= 50")
            request(store, segment.id, organization="o")
        wait_for(lambda: not is_running(scan) or cpu_seconds(scan) == 0 or _is_idle(scan))
        with working(worker(store, settings(tmp_path))):
            wait_for(lambda: now_of(store, segment).status is Status.COMPLETED)
        done = now_of(store, segment)
        os.kill(late.pid, signal.SIGCONT)
        wait_for(lambda: any(told in (tmp_path / "worker.log").read_text() for told in ('"lost": 1', "scan_lost")))
    assert now_of(store, segment) == done
    assert calculations(store, segment) == [Status.COMPLETED]


def _is_idle(pid: int) -> bool:
    """Whether a process has computed nothing for a while."""
    before = cpu_seconds(pid)
    sleep(0.5)
    return before > 0.2 and cpu_seconds(pid) == before


@IN_SQLITE
@pytest.mark.usefixtures("users")
def test_sigterm_ends_a_worker_in_order(store: Store, database_url: str, tmp_path: Path) -> None:
    (segment,) = segments(store, "age >= 18")
    request(store, segment.id, organization="o")
    with worker_process(tmp_path, database_url) as one:
        os.kill(scan_of(one), signal.SIGSTOP)
        one.send_signal(signal.SIGTERM)
        assert one.wait(timeout=20) == 0
    assert now_of(store, segment).status is Status.PENDING
    assert calculations(store, segment) == []


@IN_SQLITE
@pytest.mark.parametrize("change", ["replaced", "truncated", "removed"])
def test_a_snapshot_that_changes_during_a_scan(store: Store, tmp_path: Path, change: str) -> None:
    """What fails keeps the count from before."""
    path = write_users(tmp_path / "users.parquet", users=50)
    (segment,) = segments(store, SLOW)
    one = worker(store, settings(tmp_path))
    request(store, segment.id, organization="o")
    work_once(one, Event())
    before = now_of(store, segment)
    assert (before.status, before.mode) == (Status.COMPLETED, "mixed")
    write_users(path, users=50_000)
    request(store, segment.id, organization="o")
    with working(one):
        wait_for(lambda: bool(_scans()) and cpu_seconds(_scans()[0]) > 2)
        assert is_at_work(store, segment)
        match change:
            case "replaced":
                write_users(tmp_path / "new.parquet", users=60).replace(path)
            case "truncated":
                os.truncate(path, 1_000)
            case _:
                path.unlink()
        wait_for(lambda: now_of(store, segment).status not in UNDER_WAY)
    after = now_of(store, segment)
    assert (after.status, after.user_count) == (Status.FAILED, before.user_count)
    assert str(path) in str(after.error_message)
    assert calculations(store, segment) == [Status.FAILED, Status.COMPLETED]


def _scans() -> list[int]:
    return [pid for pid in children(os.getpid()) if b"api.scan" in Path(f"/proc/{pid}/cmdline").read_bytes()]


@pytest.mark.parametrize(
    ("which", "kind"), [(signal.SIGBUS, Unreadable), (signal.SIGKILL, Died), (signal.SIGSEGV, Died)]
)
def test_how_a_scan_died_is_told(users: Path, which: signal.Signals, kind: type[object]) -> None:
    scan = Scan.start(Job(Place(location=str(users)), {"a": Segment("age > 1")}, None, True, Budget(), 0))
    os.kill(scan.pid, which)
    assert isinstance(scan.wait(30), kind)


@pytest.mark.usefixtures("users")
def test_a_disk_that_is_full_while_results_are_written(tmp_path: Path) -> None:
    """A limit on the size of files stands for the disk: to a process, both look alike."""
    url = f"sqlite:///{tmp_path / 'cellar.db'}"
    store = open_store(url)
    kept = segments(store, *(f"age >= {n % 100}" for n in range(300)))
    request_many(store, organization=None)
    with worker_process(tmp_path, url, lease_seconds=2) as one:
        scan = scan_of(one)
        os.kill(scan, signal.SIGSTOP)
        size = max(path.stat().st_size for path in tmp_path.glob("cellar.db*"))
        resource.prlimit(one.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
        os.kill(scan, signal.SIGCONT)
        wait_for(lambda: "store_failed" in (tmp_path / "worker.log").read_text())
        assert one.poll() is None, "the worker lives through it"
        with store.reading() as connection:
            assert connection.execute(sa.text("PRAGMA integrity_check")).scalar() == "ok"
        found = list_segments(store, organization=None).results
        assert {(s.status in UNDER_WAY, s.user_count) for s in found} == {(True, None)}
        assert history(store, kept[0].id, organization=None).count == 0
        resource.prlimit(one.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        wait_for(lambda: all(s.status is Status.COMPLETED for s in list_segments(store, organization=None).results))
    assert {calculations(store, one)[0] for one in kept} == {Status.COMPLETED}
    assert {len(calculations(store, one)) for one in kept} == {1}
    store.close()


@pytest.mark.usefixtures("users")
def test_two_workers_under_a_mix_of_requests(store: Store, database_url: str, tmp_path: Path) -> None:
    """No change is lost, and in the end every count is that of the condition as it is then."""
    kept = segments(store, *(f"age >= {n}" for n in range(10)))
    changes, clients = 20, 4
    problems: list[BaseException] = []

    def client(number: int) -> None:
        random = Random(number)
        try:
            for _ in range(changes):
                segment = random.choice(kept)
                _count_up(store, segment, random)
                request(store, segment.id, organization="o")
                if random.random() < 0.2:
                    request_many(store, organization="o")
                if random.random() < 0.2:
                    _reset_if_possible(store, segment)
                list_segments(store, organization="o", limit=5)
        except BaseException as error:
            problems.append(error)

    with worker_process(tmp_path, database_url), worker_process(tmp_path, database_url):
        threads = [Thread(target=client, args=(number,)) for number in range(clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert problems == []
        request_many(store, organization=None)
        wait_for(lambda: all(s.status is Status.COMPLETED for s in list_segments(store, organization=None).results))
    done = list_segments(store, organization=None).results
    assert sum(int(s.description or 0) for s in done) == changes * clients
    assert [s.version for s in done] == [1 + int(s.description or 0) for s in done]
    for segment in done:
        age = int(segment.condition.rpartition(" ")[2])
        assert segment.user_count == 30 * (100 - age)
        found = history(store, segment.id, organization=None).results
        assert found[0].finished == segment.last_calculated
        assert found[0].version == segment.version
        assert {one.status for one in found} == {Status.COMPLETED}


def _count_up(store: Store, segment: StoredSegment, random: Random) -> None:
    """Adds one to the number in the description, and changes the condition, as somebody who read both first."""
    while True:
        before = now_of(store, segment)
        try:
            update(
                store,
                segment.id,
                organization="o",
                expected_version=before.version,
                description=str(int(before.description or 0) + 1),
                condition=f"age >= {random.randrange(100)}",
            )
        except ChangedError:
            continue
        return


def _reset_if_possible(store: Store, segment: StoredSegment) -> None:
    with suppress(StatusError):
        reset(store, segment.id, organization="o")
