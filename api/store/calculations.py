"""Calculations asked for, taken back, and remembered; :mod:`.claims` has how they are carried out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from .database import Store
from .identifiers import new_id, now
from .records import ALL, Calculation, Page, Reason, SegmentFilter, Status, StatusError, StoredSegment
from .segments import read, selected, taken_back
from .tables import CALCULATIONS, SCANS, SCHEDULED, SEGMENTS, Moment

UNDER_WAY = (Status.PENDING, Status.PROCESSING)
"""Of a segment for which a calculation is asked, or carried out."""

_RESETTABLE = (*UNDER_WAY, Status.FAILED)
_OF_SCAN = ("snapshot", "fingerprint", "now", "rows")
_COLUMNS: list[sa.ColumnElement[Any]] = [
    *(CALCULATIONS.c[name] for name in Calculation.__dataclass_fields__ if name in CALCULATIONS.c),
    *(SCANS.c[name] for name in _OF_SCAN),
    SCANS.c.segments.label("shared"),
]
_HISTORY = sa.select(*_COLUMNS).join(SCANS, SCANS.c.id == CALCULATIONS.c.scan_id)


def request(store: Store, segment_id: str, *, organization: str | None) -> StoredSegment:
    """Asks for a calculation of a segment; while one is asked for or under way, that is the one.

    Returns:
        The segment, pending or processing, with the ``calculation_id``.

    Raises:
        NotFoundError: the organization has none of that id.
    """
    with store.writing() as connection:
        before = read(connection, segment_id, organization, for_update=True)
        if before.status in UNDER_WAY:
            return before
        connection.execute(sa.update(SEGMENTS).where(SEGMENTS.c.id == segment_id).values({**_asked(), **_MOVED}))
        return read(connection, segment_id, organization)


def request_many(store: Store, *, organization: str | None, filter: SegmentFilter = ALL) -> int:
    """Asks for a calculation of all segments that a filter selects.

    Returns:
        How many the filter selects, those that were under way already among them.
    """
    with store.writing(bulk=True) as connection:
        return _ask_for(connection, selected(organization, filter))


def request_scheduled(store: Store, moment: datetime) -> int | None:
    """Asks for a calculation of all segments, once for each time of a schedule.

    Returns:
        How many there are; None where another worker has asked already.
    """
    with store.writing(bulk=True) as connection:
        if connection.execute(sa.select(SCHEDULED.c.moment).where(SCHEDULED.c.moment >= moment).limit(1)).first():
            return None
        connection.execute(sa.insert(SCHEDULED).values(moment=moment))
        return _ask_for(connection, [])


def last_scheduled(store: Store) -> datetime | None:
    """The last time of a schedule that was kept."""
    with store.reading() as connection:
        return connection.execute(sa.select(sa.func.max(SCHEDULED.c.moment, type_=Moment))).scalar()


def reset(store: Store, segment_id: str, *, organization: str | None) -> StoredSegment:
    """Puts a segment that is stuck or failed back to draft; whatever still runs for it can no longer write.

    Raises:
        NotFoundError: the organization has none of that id.
        StatusError: it is neither pending, nor processing, nor failed.
    """
    with store.writing() as connection:
        before = read(connection, segment_id, organization, for_update=True)
        if before.status not in _RESETTABLE:
            raise StatusError(f"a {before.status} segment cannot be reset: only a pending, processing or failed one")
        connection.execute(sa.update(SEGMENTS).where(SEGMENTS.c.id == segment_id).values(taken_back()))
        return read(connection, segment_id, organization)


def history(
    store: Store, segment_id: str, *, organization: str | None, offset: int = 0, limit: int | None = None
) -> Page[Calculation]:
    """The calculations of a segment, the newest first.

    Raises:
        NotFoundError: the organization has none of that id.
    """
    mine = CALCULATIONS.c.segment_id == segment_id
    query = _HISTORY.where(mine).order_by(CALCULATIONS.c.finished.desc(), CALCULATIONS.c.id.desc())
    with store.reading() as connection:
        read(connection, segment_id, organization)
        count = connection.execute(sa.select(sa.func.count()).where(mine)).scalar_one()
        rows = connection.execute(query.offset(offset).limit(limit)).all()
    return Page(count, tuple(_calculation(row) for row in rows))


def last_completed(store: Store, segment_id: str, *, organization: str | None) -> Calculation | None:
    """The calculation that the segment's count is from; None where there is none, or it was forgotten.

    Raises:
        NotFoundError: the organization has no segment of that id.
    """
    query = _HISTORY.where(CALCULATIONS.c.segment_id == segment_id, CALCULATIONS.c.status == Status.COMPLETED)
    newest = query.order_by(CALCULATIONS.c.finished.desc(), CALCULATIONS.c.id.desc()).limit(1)
    with store.reading() as connection:
        read(connection, segment_id, organization)
        row = connection.execute(newest).one_or_none()
    return None if row is None else _calculation(row)


_MOVED = {"fence": SEGMENTS.c.fence + 1}


def _ask_for(connection: sa.Connection, chosen: Sequence[sa.ColumnElement[bool]]) -> int:
    under_way = SEGMENTS.c.status.in_(UNDER_WAY)
    count = connection.execute(sa.select(sa.func.count()).where(*chosen, under_way)).scalar_one()
    ids = connection.execute(sa.select(SEGMENTS.c.id).where(*chosen, ~under_way).with_for_update()).scalars().all()
    if ids:
        statement = sa.update(SEGMENTS).where(SEGMENTS.c.id == sa.bindparam("which")).values(_MOVED)
        connection.execute(statement, [{"which": one, **_asked()} for one in ids])
    return int(count) + len(ids)


def _asked() -> dict[str, object]:
    return {
        "status": Status.PENDING,
        "error_message": None,
        "calculation_id": new_id("calc"),
        "requested": now(),
        "attempts": 0,
        "scan_id": None,
    }


def _calculation(row: sa.Row[Any]) -> Calculation:
    values = dict(row._mapping)
    reasons = values["reasons"]
    return Calculation(
        **{
            **values,
            "status": Status(values["status"]),
            "reasons": None if reasons is None else tuple(Reason(**one) for one in reasons),
            "warnings": tuple(values["warnings"]),
        }
    )
