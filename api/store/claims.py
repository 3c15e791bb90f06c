"""Work claimed by workers, under a lease and behind fences: whoever comes back late writes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from engine import Channel, Communication

from .database import Store
from .identifiers import new_id, now
from .outcomes import finish, write_failures
from .records import Claim, ClaimedSegment, NewSegment, Status
from .tables import SCANS, SEGMENTS

MOST_ATTEMPTS = 3
"""After which a calculation whose workers die is given up."""

# By the attempts before: work that a worker died of is tried again a few at a time, and in the end one by one, so that
# a segment that kills its worker does not take others with it.
_BATCHES: Mapping[int, int | None] = {0: None, 1: 100, 2: 1}


def claim(store: Store, worker: str, *, lease: timedelta) -> Claim | None:
    """Claims all that is pending; None where nothing is.

    Args:
        store: where the segments are kept.
        worker: who claims it, for people who look.
        lease: how long the worker is believed to live, unless it says so again.
    """
    pending = SEGMENTS.c.status == Status.PENDING
    with store.writing(bulk=True) as connection:
        attempts = connection.execute(sa.select(sa.func.min(SEGMENTS.c.attempts)).where(pending)).scalar()
        if attempts is None:
            return None
        ids = sa.select(SEGMENTS.c.id).where(pending, SEGMENTS.c.attempts == attempts).order_by(SEGMENTS.c.id)
        limit = _BATCHES[attempts]
        scan = new_id("scan")
        claimed = now()
        connection.execute(
            sa.insert(SCANS).values(id=scan, worker=worker, claimed=claimed, lease_until=claimed + lease, segments=0)
        )
        rows = connection.execute(
            sa.update(SEGMENTS)
            .where(SEGMENTS.c.id.in_(ids.limit(limit) if limit else ids), pending)
            .values(
                status=Status.PROCESSING,
                attempts=SEGMENTS.c.attempts + 1,
                fence=SEGMENTS.c.fence + 1,
                scan_id=scan,
            )
            .returning(*_CLAIMED)
        ).all()
        if not rows:
            # All were taken back since they were seen.
            connection.execute(sa.delete(SCANS).where(SCANS.c.id == scan))
            return None
        connection.execute(sa.update(SCANS).where(SCANS.c.id == scan).values(segments=len(rows)))
    return Claim(scan, {row.id: _claimed(row) for row in rows})


def heartbeat(store: Store, claim: Claim, *, lease: timedelta) -> int:
    """Says that the worker lives.

    Returns:
        How many of the claimed segments it still may write: none once the lease has run out and was noticed.
    """
    with store.writing() as connection:
        connection.execute(
            sa.update(SCANS).where(SCANS.c.id == claim.id, SCANS.c.finished.is_(None)).values(lease_until=now() + lease)
        )
        held = sa.select(sa.func.count()).where(SEGMENTS.c.scan_id == claim.id)
        return int(connection.execute(held).scalar_one())


def release(store: Store, claim: Claim) -> None:
    """Gives work back that was not done, by a worker that stops in good order: it counts as no attempt."""
    with store.writing(bulk=True) as connection:
        finish(connection, [claim.id])
        connection.execute(
            sa.update(SEGMENTS)
            .where(SEGMENTS.c.scan_id == claim.id)
            .values(**_PENDING_AGAIN, attempts=SEGMENTS.c.attempts - 1)
        )


def abandon(store: Store, claim: Claim, reason: str) -> None:
    """Gives work back whose scan died: it is tried again, or, after the last attempt, failed with the reason."""
    with store.writing(bulk=True) as connection:
        _restart(connection, [claim.id], reason)


def expire(store: Store) -> int:
    """Takes work back from workers whose lease has run out: it is tried again, or, after the last attempt, failed.

    Clocks of machines that share a store should agree: where they do not, work may be done twice, but never be
    written twice.

    Returns:
        How many workers' leases had run out.
    """
    over = sa.select(SCANS.c.id).where(SCANS.c.finished.is_(None), SCANS.c.lease_until < now())
    with store.reading() as connection:
        if connection.execute(over.limit(1)).first() is None:
            return 0
    with store.writing(bulk=True) as connection:
        scans = connection.execute(over).scalars().all()
        _restart(connection, scans, "the workers that calculated it died or hung")
        return len(scans)


def _restart(connection: sa.Connection, scans: Sequence[str], reason: str) -> None:
    finish(connection, scans)
    held = SEGMENTS.c.scan_id.in_(scans)
    names = ("id", "calculation_id", "scan_id", "version")
    query = sa.select(*(SEGMENTS.c[name] for name in names)).where(held, SEGMENTS.c.attempts >= MOST_ATTEMPTS)
    spent = connection.execute(query.with_for_update()).all()
    write_failures(connection, spent, f"given up after {MOST_ATTEMPTS} attempts: {reason}")
    connection.execute(sa.update(SEGMENTS).where(held).values(_PENDING_AGAIN))


_PENDING_AGAIN = {"status": Status.PENDING, "scan_id": None, "fence": SEGMENTS.c.fence + 1}
_SAID = tuple(NewSegment.__dataclass_fields__)
_CLAIMED = [SEGMENTS.c[name] for name in ("id", "calculation_id", "fence", "version", *_SAID)]


def _claimed(row: sa.Row[Any]) -> ClaimedSegment:
    said = {name: getattr(row, name) for name in _SAID}
    said["communication_type"] = Communication(row.communication_type)
    said["communication_channel"] = Channel(row.communication_channel)
    return ClaimedSegment(row.id, row.calculation_id, row.fence, row.version, NewSegment(**said).in_engine())
