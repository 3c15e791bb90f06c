"""The worker: one scan for all that is pending, in a process of its own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Thread
from time import monotonic

import pytest

from api.schedule import Schedule, ScheduleError
from api.store import (
    Status,
    Store,
    StoredSegment,
    get,
    history,
    last_completed,
    list_segments,
    request,
    request_many,
    reset,
    update,
)
from api.store import forget as forget_before
from api.worker import work_once

from .workers import segments, settings, wait_for, worker, working, write_users


def now_of(store: Store, segment: StoredSegment) -> StoredSegment:
    return get(store, segment.id, organization=None)


def test_all_that_is_pending_shares_a_scan(store: Store, tmp_path: Path) -> None:
    write_users(tmp_path / "users.parquet")
    adults, wrong, young = segments(store, "age >= 18", "agee > 1", "age < 10")
    request_many(store, organization=None)
    one = worker(store, settings(tmp_path))
    assert work_once(one, Event())
    assert not work_once(one, Event())
    done = now_of(store, adults)
    assert (done.status, done.user_count, done.error_count, done.mode) == (Status.COMPLETED, 2_460, 0, "compiled")
    assert done.snapshot == str(tmp_path / "users.parquet")
    assert now_of(store, young).user_count == 300
    failed = now_of(store, wrong)
    assert failed.status is Status.FAILED
    assert "agee" in str(failed.error_message)
    first = last_completed(store, adults.id, organization="o")
    assert first is not None
    assert (first.rows, first.shared, first.reasons) == (3_000, 3, ())
    assert first.now is not None
    assert first.fingerprint is not None
    assert datetime.now(UTC) - first.now < timedelta(minutes=5)


def test_large_scans_tell_no_reasons(store: Store, tmp_path: Path) -> None:
    write_users(tmp_path / "users.parquet")
    (one, _) = segments(store, "1 / age > 1", "age > 1")
    for most, reasons in ((2, 1), (1, None)):
        request_many(store, organization=None)
        work_once(worker(store, settings(tmp_path, most_segments_with_reasons=most)), Event())
        done = last_completed(store, one.id, organization=None)
        assert done is not None
        assert done.error_count == 30
        assert (None if done.reasons is None else len(done.reasons)) == reasons


def test_a_snapshot_that_is_missing_fails_what_needs_it(store: Store, tmp_path: Path) -> None:
    (one,) = segments(store, "age > 1")
    request(store, one.id, organization="o")
    assert work_once(worker(store, settings(tmp_path)), Event())
    failed = now_of(store, one)
    assert failed.status is Status.FAILED
    assert "users.parquet" in str(failed.error_message)
    assert history(store, one.id, organization="o").results[0].rows is None


def test_the_guard_is_asked(store: Store, tmp_path: Path) -> None:
    (one,) = segments(store, "age > 1")
    for users in (3_000, 300):
        write_users(tmp_path / "users.parquet", users=users)
        request(store, one.id, organization="o")
        work_once(worker(store, settings(tmp_path, guard_confirmation=True)), Event())
    held = now_of(store, one)
    assert (held.status, held.user_count, len(held.warnings)) == (Status.FAILED, 2_940, 2)


def test_a_change_while_it_runs_wins(store: Store, tmp_path: Path) -> None:
    write_users(tmp_path / "users.parquet", users=100_000)
    edited, stuck, left = segments(store, "age >= 18", "age >= 19", "age >= 20")
    request_many(store, organization=None)
    one = worker(store, settings(tmp_path, scan_niceness=19))
    thread = Thread(target=work_once, args=(one, Event()))
    thread.start()
    wait_for(lambda: now_of(store, left).status is Status.PROCESSING)
    update(store, edited.id, organization="o", condition="age >= 50")
    reset(store, stuck.id, organization="o")
    thread.join()
    assert [now_of(store, s).status for s in (edited, stuck, left)] == [Status.DRAFT, Status.DRAFT, Status.COMPLETED]
    assert now_of(store, edited).user_count is None


def test_it_ends_when_it_is_told_and_gives_its_work_back(store: Store, tmp_path: Path) -> None:
    write_users(tmp_path / "users.parquet", users=10_000)
    (one,) = segments(store, "age >= 18")
    request(store, one.id, organization="o")
    with working(worker(store, settings(tmp_path))):
        wait_for(lambda: now_of(store, one).status is Status.PROCESSING)
        began = monotonic()
    assert monotonic() - began < 5
    assert now_of(store, one).status is Status.PENDING
    assert history(store, one.id, organization="o").count == 0


def test_500_that_are_pending_when_it_starts(store: Store, tmp_path: Path) -> None:
    write_users(tmp_path / "users.parquet")
    # Much text, so that the pipe to the scan is full before the scan reads it.
    segments(store, *(f"age >= {n} || '{'x' * 1_000}' == email" for n in range(500)))
    request_many(store, organization=None)
    with working(worker(store, settings(tmp_path))):
        wait_for(lambda: all(s.status is Status.COMPLETED for s in list_segments(store, organization=None).results))
    listed = list_segments(store, organization=None).results
    assert {history(store, s.id, organization=None).results[0].shared for s in listed[:5]} == {500}


def test_old_calculations_are_forgotten_but_for_what_is_shown(store: Store, tmp_path: Path) -> None:
    write_users(tmp_path / "users.parquet")
    (one,) = segments(store, "age > 1")
    for _ in range(3):
        request(store, one.id, organization="o")
        work_once(worker(store, settings(tmp_path)), Event())
    kept = now_of(store, one)
    assert forget_before(store, before=datetime.now(UTC) - timedelta(hours=1)) == 0
    assert forget_before(store, before=datetime.now(UTC)) == 2
    assert [c.finished for c in history(store, one.id, organization="o").results] == [kept.last_calculated]
    assert now_of(store, one) == kept


def test_a_segment_that_costs_too_much_to_interpret_fails_alone(store: Store, tmp_path: Path) -> None:
    write_users(tmp_path / "users.parquet")
    costly, cheap = segments(store, "email.matches(email + string(user_id))", "age > 1")
    request_many(store, organization=None)
    work_once(worker(store, settings(tmp_path, interpretation_rows=100)), Event())
    assert [now_of(store, one).status for one in (costly, cheap)] == [Status.FAILED, Status.COMPLETED]
    assert "100" in str(now_of(store, costly).error_message)


def test_a_fault_of_its_own_does_not_end_it(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that cannot be started, say; nothing is left pending for ever."""

    def refuse(*_: object, **__: object) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    write_users(tmp_path / "users.parquet")
    (one,) = segments(store, "age > 1")
    request(store, one.id, organization="o")
    monkeypatch.setattr("api.scan.subprocess.Popen", refuse)
    with working(worker(store, settings(tmp_path))):
        wait_for(lambda: now_of(store, one).status is Status.FAILED)
        monkeypatch.undo()
        assert "BlockingIOError" in str(now_of(store, one).error_message)
        request(store, one.id, organization="o")
        wait_for(lambda: now_of(store, one).status is Status.COMPLETED)


class TestSchedule:
    NIGHTLY = "0 3 * * *"

    def test_each_time_is_kept_once(self, store: Store) -> None:
        segments(store, "age > 1", "age > 2")
        before = datetime(2026, 5, 1, 2, 59, 59, tzinfo=UTC)
        first, second = Schedule(self.NIGHTLY), Schedule(self.NIGHTLY)
        assert first.keep(store, before) is None
        assert second.keep(store, before) is None
        assert first.keep(store, before + timedelta(seconds=1)) == 2
        assert first.keep(store, before + timedelta(seconds=2)) is None
        assert second.keep(store, before + timedelta(seconds=2)) is None
        assert second.keep(store, before + timedelta(days=1)) is None
        assert second.keep(store, before + timedelta(days=1, seconds=30)) == 2

    def test_a_time_that_was_missed_is_made_up_for(self, store: Store) -> None:
        segments(store, "age > 1")
        moment = datetime(2026, 5, 1, 3, 0, tzinfo=UTC)
        schedule = Schedule(self.NIGHTLY)
        assert schedule.keep(store, moment - timedelta(hours=1)) is None
        assert schedule.keep(store, moment) == 1
        restarted = Schedule(self.NIGHTLY)
        assert restarted.keep(store, moment + timedelta(days=2, hours=5)) == 1
        assert restarted.keep(store, moment + timedelta(days=2, hours=6)) is None

    @pytest.mark.parametrize("expression", ["", "never", "0 3 * *", "0 0 30 2 *", "99 3 * * *"])
    def test_what_is_no_schedule(self, expression: str) -> None:
        with pytest.raises(ScheduleError, match="no cron expression"):
            Schedule(expression)
