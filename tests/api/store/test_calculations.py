"""Calculations asked for, claimed, written, lost and tried again."""

from __future__ import annotations

from datetime import timedelta
from threading import Thread
from time import process_time

import polars as pl
import pytest
import sqlalchemy as sa

from api.store import (
    Claim,
    Guard,
    NewSegment,
    Reason,
    Status,
    StatusError,
    Store,
    StoredSegment,
    Written,
    abandon,
    claim,
    complete,
    confirm,
    create,
    create_many,
    delete,
    expire,
    fail,
    get,
    heartbeat,
    history,
    last_completed,
    list_segments,
    release,
    request,
    request_many,
    reset,
    update,
)
from api.store.claims import MOST_ATTEMPTS
from api.store.tables import SEGMENTS
from engine import Channel, CountReport, count

LEASE = timedelta(seconds=60)
OVER = timedelta(seconds=-1)
EMAIL = {"email": ["a@example.org", "b@example.org", None]}
USERS = pl.DataFrame({"user_id": [1, 2, 3], "organization_id": ["o"] * 3, "age": [25, 41, None], **EMAIL})


def adults(store: Store, condition: str = "age >= 18") -> StoredSegment:
    return create(
        store,
        NewSegment(organization_id="o", name="Adults", condition=condition, communication_channel=Channel.EMAIL),
    )


def counted(claimed: Claim, users: pl.DataFrame = USERS) -> CountReport:
    return count(users, {name: one.segment for name, one in claimed.work.items()}, errors=True)


def claimed(store: Store, lease: timedelta = LEASE) -> Claim:
    found = claim(store, "worker", lease=lease)
    assert found is not None
    return found


def status(store: Store, segment: StoredSegment) -> str:
    return get(store, segment.id, organization=None).status


def test_a_calculation(store: Store) -> None:
    segment = adults(store, "age > 30")
    assert claim(store, "worker", lease=LEASE) is None
    asked = request(store, segment.id, organization="o")
    assert (asked.status, asked.requested is None, asked.version) == (Status.PENDING, False, 1)
    assert request(store, segment.id, organization="o") == asked
    work = claimed(store)
    assert request(store, segment.id, organization="o").calculation_id == asked.calculation_id
    assert claim(store, "another", lease=LEASE) is None
    assert heartbeat(store, work, lease=LEASE) == 1
    assert complete(store, work, counted(work), Guard()) == Written(1, 0, 0, 0)
    assert heartbeat(store, work, lease=LEASE) == 0
    done = get(store, segment.id, organization="o")
    assert (done.status, done.user_count, done.error_count, done.mode) == (Status.COMPLETED, 1, 0, "compiled")
    page = history(store, segment.id, organization="o")
    assert page.count == 1
    one = page.results[0]
    assert (one.id, one.rows, one.user_count, one.shared, one.version) == (asked.calculation_id, 3, 1, 1, 1)
    assert one.finished == done.last_calculated
    assert last_completed(store, segment.id, organization="o") == one


@pytest.mark.parametrize("change", ["update", "reset", "delete"])
def test_who_comes_late_writes_nothing(store: Store, change: str) -> None:
    segment = adults(store)
    request(store, segment.id, organization="o")
    work = claimed(store)
    match change:
        case "update":
            changed = update(store, segment.id, organization="o", condition="age > 40")
            assert (changed.status, changed.version) == (Status.DRAFT, 2)
        case "reset":
            assert reset(store, segment.id, organization="o").status is Status.DRAFT
        case _:
            delete(store, segment.id, organization="o")
    assert heartbeat(store, work, lease=LEASE) == 0
    assert complete(store, work, counted(work), Guard()) == Written(0, 0, 0, 1)
    assert fail(store, work, "late") == 0
    release(store, work)
    abandon(store, work, "late")
    if change != "delete":
        assert status(store, segment) == Status.DRAFT
        assert history(store, segment.id, organization="o").count == 0
        # Asked for once more, it is another calculation, which the late worker cannot write either.
        request(store, segment.id, organization="o")
        again = claimed(store)
        assert complete(store, work, counted(work), Guard()).lost == 1
        assert complete(store, again, counted(again), Guard()).completed == 1
        assert history(store, segment.id, organization="o").count == 1


def test_a_change_of_the_name_disturbs_nothing(store: Store) -> None:
    segment = adults(store)
    request(store, segment.id, organization="o")
    work = claimed(store)
    assert update(store, segment.id, organization="o", name="Grown-ups").status is Status.PROCESSING
    assert complete(store, work, counted(work), Guard()).completed == 1


def test_a_change_keeps_the_count_until_it_is_recalculated(store: Store) -> None:
    segment = adults(store)
    request(store, segment.id, organization="o")
    work = claimed(store)
    complete(store, work, counted(work), Guard())
    changed = update(store, segment.id, organization="o", condition="age > 100")
    assert (changed.status, changed.user_count) == (Status.DRAFT, 2)


def test_work_of_the_dead_is_tried_again_and_in_the_end_given_up(store: Store) -> None:
    segment = adults(store)
    request(store, segment.id, organization="o")
    late = []
    for _ in range(MOST_ATTEMPTS):
        late.append(claimed(store, OVER))
        assert expire(store) == 1
        assert expire(store) == 0
    done = get(store, segment.id, organization="o")
    assert done.status is Status.FAILED
    assert done.error_message is not None
    assert "3 attempts" in done.error_message
    for work in late:
        assert complete(store, work, counted(work), Guard()).lost == 1
    assert [one.status for one in history(store, segment.id, organization="o").results] == [Status.FAILED]
    assert reset(store, segment.id, organization="o").error_message is None


def test_a_sign_of_life_keeps_the_claim(store: Store) -> None:
    segment = adults(store)
    request(store, segment.id, organization="o")
    work = claimed(store, OVER)
    heartbeat(store, work, lease=LEASE)
    assert expire(store) == 0
    assert status(store, segment) == Status.PROCESSING


def test_work_that_is_given_back_is_no_attempt(store: Store) -> None:
    segment = adults(store)
    request(store, segment.id, organization="o")
    for _ in range(MOST_ATTEMPTS + 1):
        release(store, claimed(store))
    assert status(store, segment) == Status.PENDING


def test_what_killed_a_worker_restarts_a_few_at_a_time(store: Store) -> None:
    create_many(store, [NewSegment(organization_id="o", name=f"{n}", condition="true") for n in range(250)])
    assert request_many(store, organization="o") == 250
    assert request_many(store, organization="o") == 250
    first = claimed(store, OVER)
    assert len(first.work) == 250
    expire(store)
    new = adults(store)
    request(store, new.id, organization="o")
    assert set(claimed(store).work) == {new.id}
    second = claimed(store)
    assert len(second.work) == 100
    abandon(store, second, "it ran out of memory")
    sizes = []
    while (work := claim(store, "worker", lease=LEASE)) is not None:
        sizes.append(len(work.work))
    assert sizes == [100, 50, *[1] * 100]


def test_a_failing_segment_fails_alone(store: Store) -> None:
    good, bad = adults(store), adults(store, "agee > 3")
    assert request_many(store, organization=None) == 2
    work = claimed(store)
    assert complete(store, work, counted(work), Guard()) == Written(1, 0, 1, 0)
    assert status(store, good) == Status.COMPLETED
    failed = get(store, bad.id, organization="o")
    assert failed.status is Status.FAILED
    assert failed.error_message is not None
    assert "agee" in failed.error_message
    assert history(store, bad.id, organization="o").results[0].shared == 2


def test_a_failed_scan_keeps_the_counts(store: Store) -> None:
    segment = adults(store)
    request(store, segment.id, organization="o")
    work = claimed(store)
    complete(store, work, counted(work), Guard())
    request(store, segment.id, organization="o")
    assert fail(store, claimed(store), "the snapshot was changed while it was read") == 1
    failed = get(store, segment.id, organization="o")
    assert (failed.status, failed.user_count) == (Status.FAILED, 2)
    assert history(store, segment.id, organization="o").count == 2
    with pytest.raises(StatusError):
        confirm(store, segment.id, organization="o")


def test_reasons_of_errors_name_no_user(store: Store) -> None:
    segment = adults(store, "age > 30")
    request(store, segment.id, organization="o")
    work = claimed(store)
    complete(store, work, counted(work, USERS.with_columns(email=pl.lit("c@example.org"))), Guard())
    one = history(store, segment.id, organization="o").results[0]
    assert one.error_count == 1
    assert one.reasons == (Reason(reason="age is null in `age > 30`", rows=1),)


class TestGuard:
    LARGE = pl.concat([USERS] * 1_000)
    SMALL = pl.concat([USERS] * 100)

    def recalculated(self, store: Store, segment: StoredSegment, users: pl.DataFrame, guard: Guard) -> StoredSegment:
        request(store, segment.id, organization=None)
        work = claimed(store)
        complete(store, work, counted(work, users), guard)
        return get(store, segment.id, organization=None)

    def test_what_is_odd_is_marked(self, store: Store) -> None:
        segment = adults(store)
        assert self.recalculated(store, segment, self.LARGE, Guard()).warnings == ()
        done = self.recalculated(store, segment, self.SMALL, Guard())
        assert (done.status, done.user_count) == (Status.COMPLETED, 200)
        assert done.warnings == (
            "the snapshot has 300 users, the one before had 3,000",
            "the count fell from 2,000 to 200, by more than a factor of 5",
        )
        assert self.recalculated(store, segment, self.SMALL, Guard()).warnings == ()
        assert "rose" in self.recalculated(store, segment, self.LARGE, Guard()).warnings[0]

    def test_what_is_odd_waits_to_be_confirmed(self, store: Store) -> None:
        guard = Guard(confirmation=True)
        segment = adults(store)
        self.recalculated(store, segment, self.LARGE, guard)
        for _ in range(2):
            held = self.recalculated(store, segment, self.SMALL, guard)
            assert (held.status, held.user_count) == (Status.FAILED, 2_000)
            assert held.error_message is not None
            assert "confirmed" in held.error_message
        assert [one.held for one in history(store, segment.id, organization=None).results] == [True, True, False]
        done = confirm(store, segment.id, organization="o")
        assert (done.status, done.user_count, done.error_message) == (Status.COMPLETED, 200, None)
        assert self.recalculated(store, segment, self.SMALL, guard).warnings == ()
        with pytest.raises(StatusError):
            confirm(store, segment.id, organization="o")

    def test_a_change_takes_back_what_waits(self, store: Store) -> None:
        guard = Guard(confirmation=True)
        segment = adults(store)
        self.recalculated(store, segment, self.LARGE, guard)
        self.recalculated(store, segment, self.SMALL, guard)
        update(store, segment.id, organization="o", condition="age >= 19")
        with pytest.raises(StatusError):
            confirm(store, segment.id, organization="o")


def test_500_pending_are_claimed_at_once(store: Store) -> None:
    create_many(store, [NewSegment(organization_id="o", name=f"{n}", condition="true") for n in range(500)])
    request_many(store, organization="o")
    work = claimed(store)
    assert complete(store, work, counted(work), Guard()) == Written(0, 0, 500, 0)
    assert list_segments(store, organization=None).results[0].status is Status.FAILED


def test_four_times_the_segments_take_four_times_the_work(store: Store) -> None:
    """Of the store itself: asking for them, claiming them, and writing what they come to."""

    def seconds(number: int, organization: str) -> float:
        create_many(
            store, [NewSegment(organization_id=organization, name=f"{n}", condition="x") for n in range(number)]
        )
        began = process_time()
        request_many(store, organization=organization)
        work = claimed(store)
        between = process_time()
        report = counted(work)
        counting = process_time() - between
        assert complete(store, work, report, Guard()).failed == number
        return process_time() - began - counting

    # The best of three: Python may look for garbage in all that the tests before have left.
    few, many = (min(seconds(number, f"{number} {n}") for n in range(3)) for number in (500, 2_000))
    assert many < 12 * few


def test_what_is_taken_back_while_it_is_claimed_is_no_work(store: Store) -> None:
    segment = adults(store)
    request(store, segment.id, organization="o")
    found: list[Claim | None] = []
    claiming = Thread(target=lambda: found.append(claim(store, "worker", lease=LEASE)))
    with store.writing() as connection:
        connection.execute(sa.update(SEGMENTS).values(status=Status.DRAFT))
        claiming.start()
        claiming.join(0.5)
        assert claiming.is_alive(), "it waits for whoever writes"
    claiming.join()
    assert found == [None]
    assert expire(store) == 0
