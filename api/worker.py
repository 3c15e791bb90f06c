"""The worker: claims what is pending, has it counted in one scan, and writes what that finds."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Event
from time import monotonic, sleep

from sqlalchemy.exc import SQLAlchemyError

from engine import Budget, CountReport

from .logs import logger, places
from .places import Place
from .scan import Died, Job, Outcome, Scan, Unreadable
from .schedule import Schedule
from .settings import Settings
from .store import (
    UNDER_WAY,
    Claim,
    Guard,
    Status,
    Store,
    abandon,
    claim,
    complete,
    count_by_status,
    expire,
    fail,
    forget,
    heartbeat,
    release,
)

_LOOK_SECONDS = 0.1
_HEARTBEATS_OF_A_LEASE = 3
_MOST_SECONDS_AFTER_FAILURE = 30.0
_CLEANING_SECONDS = 3_600.0


@dataclass(frozen=True, slots=True)
class Worker:
    """What a worker works with.

    Attributes:
        store: where the segments are kept.
        settings: what it was told.
        snapshot: the users.
        name: what claims say of it, for people.
    """

    store: Store
    settings: Settings
    snapshot: Place
    name: str

    @property
    def lease(self) -> timedelta:
        """How long it is believed to live without a sign of life."""
        return timedelta(seconds=self.settings.lease_seconds)


def worker_name() -> str:
    """A name for the worker of this process: host and process id."""
    return f"{socket.gethostname()}:{os.getpid()}"


def work(worker: Worker, stop: Event, *, schedule: Schedule | None = None) -> None:
    """Works until it is told to stop, whatever happens to the store meanwhile.

    Args:
        worker: what to work with.
        stop: ends it; a scan that runs is ended, and given back.
        schedule: when all segments are recalculated.
    """
    failures = 0
    cleaned = -_CLEANING_SECONDS
    while not stop.is_set():
        try:
            if schedule is not None:
                asked = schedule.keep(worker.store, datetime.now(UTC))
                if asked is not None:
                    logger().info("schedule_due", segments=asked)
            if monotonic() - cleaned >= _CLEANING_SECONDS:
                clean(worker)
                cleaned = monotonic()
            worked = work_once(worker, stop)
            failures = 0
        except Exception as error:
            # The store is full, locked or out of reach: what was claimed is claimed again once its lease is over.
            failures += 1
            event = "store_failed" if isinstance(error, SQLAlchemyError) else "worker_failed"
            logger().error(event, error=type(error).__name__, places=places(error), failures=failures)
            stop.wait(min(worker.settings.poll_seconds * 2 ** min(failures, 10), _MOST_SECONDS_AFTER_FAILURE))
            continue
        if not worked:
            stop.wait(worker.settings.poll_seconds)


def work_until_done(worker: Worker) -> Mapping[Status, int]:
    """Works until nothing is pending, and nobody is at work on anything.

    Returns:
        How many segments there are of each status.
    """
    while True:
        if work_once(worker, Event()):
            continue
        counts = count_by_status(worker.store)
        if not any(counts.get(status) for status in UNDER_WAY):
            return counts
        sleep(worker.settings.poll_seconds)


def work_once(worker: Worker, stop: Event) -> bool:
    """Claims what is pending, and calculates it.

    Returns:
        Whether there was anything.
    """
    expired = expire(worker.store)
    if expired:
        logger().warning("leases_expired", workers=expired)
    claimed = claim(worker.store, worker.name, lease=worker.lease)
    if claimed is None:
        return False
    log = logger().bind(scan=claimed.id, segments=len(claimed.work))
    log.info("scan_started", worker=worker.name)
    began = monotonic()
    outcome: Outcome | None
    try:
        outcome = _scanned(worker, claimed, stop)
    except Exception as error:
        log.error("scan_not_started", error=type(error).__name__, places=places(error))
        outcome = Died(f"internal error: {type(error).__name__}")
    except BaseException:
        release(worker.store, claimed)
        raise
    match outcome:
        case None if stop.is_set():
            release(worker.store, claimed)
            log.info("scan_given_back")
        case None:
            log.warning("scan_lost")
        case Unreadable(reason):
            failed = fail(worker.store, claimed, reason)
            log.error("scan_failed", failed=failed, reason=reason)
        case Died(reason):
            abandon(worker.store, claimed, reason)
            log.error("scan_died", reason=reason)
        case CountReport():
            written = complete(worker.store, claimed, outcome, guard_of(worker.settings))
            log.info("scan_completed", seconds=round(monotonic() - began, 3), rows=outcome.rows, **written._asdict())
    return True


def _scanned(worker: Worker, claimed: Claim, stop: Event) -> Outcome | None:
    """What the scan of a claim comes to; None where it was ended: by ``stop``, or because nothing is held any more."""
    settings = worker.settings
    job = Job(
        snapshot=worker.snapshot,
        segments={name: one.segment for name, one in claimed.work.items()},
        rules=settings.rules,
        reasons=len(claimed.work) <= settings.most_segments_with_reasons,
        budget=Budget(settings.interpretation_rows, settings.interpretation_seconds),
        niceness=settings.scan_niceness,
    )
    scan = Scan.start(job, threads=settings.scan_threads)
    try:
        beat = monotonic()
        while (outcome := scan.wait(_LOOK_SECONDS)) is None:
            if stop.is_set():
                return None
            if monotonic() - beat >= settings.lease_seconds / _HEARTBEATS_OF_A_LEASE:
                beat = monotonic()
                try:
                    held = heartbeat(worker.store, claimed, lease=worker.lease)
                except SQLAlchemyError as error:
                    # What the scan finds may be written all the same, if that is over in time.
                    logger().error("heartbeat_failed", scan=claimed.id, error=type(error).__name__)
                    continue
                if not held:
                    return None
        return outcome
    finally:
        scan.kill()


def guard_of(settings: Settings) -> Guard:
    """The guard as the settings have it."""
    return Guard(settings.guard_factor, settings.guard_minimum, settings.guard_confirmation)


def clean(worker: Worker) -> None:
    """Forgets what the settings say is not kept any longer."""
    if worker.settings.retention_days is not None:
        forgotten = forget(worker.store, before=datetime.now(UTC) - timedelta(days=worker.settings.retention_days))
        if forgotten:
            logger().info("calculations_forgotten", calculations=forgotten)
