"""Segments kept: made, found, changed, removed. Every call says whose: of one organization, or (None) of all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any, Unpack

import sqlalchemy as sa

from engine import Channel, Communication

from .database import Store
from .identifiers import new_id, now
from .records import (
    ALL,
    ChangedError,
    NewSegment,
    NotFoundError,
    Ordering,
    Page,
    SegmentChanges,
    SegmentFilter,
    Status,
    StoredSegment,
    TextError,
)
from .tables import SEGMENTS

DECISIVE = frozenset({"condition", "edition_id", "consent_id", "communication_type", "communication_channel"})
"""What decides who is in a segment."""

_COLUMNS = [SEGMENTS.c[name] for name in StoredSegment.__dataclass_fields__]


def create(store: Store, segment: NewSegment) -> StoredSegment:
    """Keeps a new segment, as a draft. Its condition is not checked.

    Raises:
        AudienceError: marketing has no consent.
        TextError: a text cannot be kept.
    """
    return create_many(store, [segment])[0]


def create_many(store: Store, segments: Iterable[NewSegment]) -> tuple[StoredSegment, ...]:
    """Keeps new segments: all, or, where one cannot be kept, none.

    Raises:
        AudienceError: marketing has no consent.
        TextError: a text cannot be kept.
    """
    kept = []
    for segment in segments:
        segment.in_engine()
        _check_texts(asdict(segment))
        created = now()
        kept.append(
            StoredSegment(
                **asdict(segment),
                id=new_id("seg"),
                created=created,
                modified=created,
                version=1,
                status=Status.DRAFT,
                user_count=None,
                error_count=None,
                last_calculated=None,
                calculation_duration=None,
                error_message=None,
                mode=None,
                snapshot=None,
                warnings=(),
                calculation_id=None,
                requested=None,
            )
        )
    if kept:
        rows = [{**asdict(one), "name_folded": one.name.casefold(), "attempts": 0, "fence": 0} for one in kept]
        with store.writing() as connection:
            connection.execute(sa.insert(SEGMENTS), rows)
    return tuple(kept)


def get(store: Store, segment_id: str, *, organization: str | None) -> StoredSegment:
    """A segment.

    Raises:
        NotFoundError: the organization has none of that id.
    """
    with store.reading() as connection:
        return read(connection, segment_id, organization)


def list_segments(
    store: Store,
    *,
    organization: str | None,
    filter: SegmentFilter = ALL,
    ordering: Ordering = Ordering.CREATED_DESCENDING,
    offset: int = 0,
    limit: int | None = None,
) -> Page[StoredSegment]:
    """The segments that a filter selects, in an order; ``limit`` None: all from ``offset`` on."""
    chosen = selected(organization, filter)
    column = SEGMENTS.c[ordering.removeprefix("-")]
    order = column.desc() if ordering.startswith("-") else column.asc()
    ids = sa.select(SEGMENTS.c.id).where(*chosen).order_by(order.nulls_last(), SEGMENTS.c.id)
    query = sa.select(*_COLUMNS).order_by(order.nulls_last(), SEGMENTS.c.id)
    if limit is None and not offset:
        query = query.where(*chosen)
    else:
        # Rows are long: they are read once it is known which.
        query = query.where(SEGMENTS.c.id.in_(ids.offset(offset).limit(limit)))
    with store.reading() as connection:
        count = connection.execute(sa.select(sa.func.count()).select_from(SEGMENTS).where(*chosen)).scalar_one()
        rows = connection.execute(query).all() if count > offset else []
    return Page(count, tuple(_segment(row) for row in rows))


def count_by_status(store: Store) -> dict[Status, int]:
    """How many segments of all organizations have each status; one that none has is left out."""
    query = sa.select(SEGMENTS.c.status, sa.func.count()).group_by(SEGMENTS.c.status)
    with store.reading() as connection:
        return {Status(status): count for status, count in connection.execute(query).all()}


def update(
    store: Store,
    segment_id: str,
    *,
    organization: str | None,
    expected_version: int | None = None,
    **changes: Unpack[SegmentChanges],
) -> StoredSegment:
    """Changes what people say about a segment.

    A change of who is in it puts the segment back to draft, with the count that it has; what still runs for it can no
    longer write. The condition is not checked.

    Args:
        store: where the segment is kept.
        segment_id: which.
        organization: whose; None is any.
        expected_version: the one that the change is meant for; None is any.
        changes: what is different from now on.

    Raises:
        AudienceError: marketing has no consent.
        ChangedError: the segment's version is another one.
        NotFoundError: the organization has none of that id.
        TextError: a text cannot be kept.
    """
    _check_texts(changes)
    with store.writing() as connection:
        before = read(connection, segment_id, organization, for_update=True)
        _check_version(before, expected_version)
        differing = {name: value for name, value in changes.items() if value != getattr(before, name)}
        if not differing:
            return before
        said = {name: getattr(before, name) for name in NewSegment.__dataclass_fields__} | differing
        NewSegment(**said).in_engine()
        values: dict[str, object] = {**differing, "version": before.version + 1, "modified": now()}
        if "name" in differing:
            values["name_folded"] = said["name"].casefold()
        if not DECISIVE.isdisjoint(differing):
            values |= taken_back()
        connection.execute(sa.update(SEGMENTS).where(SEGMENTS.c.id == segment_id).values(values))
        return read(connection, segment_id, organization)


def delete(store: Store, segment_id: str, *, organization: str | None, expected_version: int | None = None) -> None:
    """Removes a segment and its history; what still runs for it can no longer write.

    Raises:
        ChangedError: the segment's version is another one.
        NotFoundError: the organization has none of that id.
    """
    with store.writing() as connection:
        _check_version(read(connection, segment_id, organization, for_update=True), expected_version)
        connection.execute(sa.delete(SEGMENTS).where(SEGMENTS.c.id == segment_id))


def read(
    connection: sa.Connection, segment_id: str, organization: str | None, *, for_update: bool = False
) -> StoredSegment:
    """A segment, within a transaction; ``for_update``: nobody else changes it before that ends.

    Raises:
        NotFoundError: the organization has none of that id.
    """
    query = sa.select(*_COLUMNS).where(SEGMENTS.c.id == segment_id, *_of(organization))
    row = (
        connection.execute(query.with_for_update() if for_update else query).one_or_none()
        if "\0" not in segment_id
        else None
    )
    if row is None:
        raise NotFoundError(segment_id)
    return _segment(row)


def selected(organization: str | None, filter: SegmentFilter) -> list[sa.ColumnElement[bool]]:
    """The clauses that hold for the segments that a filter selects."""
    clauses = _of(organization)
    names = ("communication_channel", "communication_type", "edition_id", "organization_id", "status")
    clauses += [SEGMENTS.c[name] == value for name in names if (value := getattr(filter, name)) is not None]
    if filter.search:
        clauses.append(SEGMENTS.c.name_folded.contains(filter.search.casefold(), autoescape=True))
    return clauses


def taken_back() -> dict[str, object]:
    """The values of a segment that nothing is calculated for: nobody who still does can write."""
    return {
        "status": Status.DRAFT,
        "error_message": None,
        "requested": None,
        "attempts": 0,
        "scan_id": None,
        "fence": SEGMENTS.c.fence + 1,
    }


def _of(organization: str | None) -> list[sa.ColumnElement[bool]]:
    return [] if organization is None else [SEGMENTS.c.organization_id == organization]


def _check_version(segment: StoredSegment, expected: int | None) -> None:
    if expected is not None and segment.version != expected:
        raise ChangedError(f"the segment is at version {segment.version}, not {expected}")


def _check_texts(values: object) -> None:
    assert isinstance(values, dict)
    for name, value in values.items():
        if isinstance(value, str):
            try:
                value.encode()
            except UnicodeEncodeError:
                raise TextError(f"{name} holds half of a surrogate pair") from None
            if "\0" in value:
                raise TextError(f"{name} holds a NUL")


def _segment(row: sa.Row[Any]) -> StoredSegment:
    values = dict(row._mapping)
    return StoredSegment(
        **{
            **values,
            "status": Status(values["status"]),
            "communication_type": Communication(values["communication_type"]),
            "communication_channel": Channel(values["communication_channel"]),
            "warnings": tuple(values["warnings"]),
        }
    )
