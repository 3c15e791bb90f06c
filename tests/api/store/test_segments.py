"""Segments kept: the same in SQLite and in PostgreSQL."""

from __future__ import annotations

import pytest

from api.store import (
    ChangedError,
    NewSegment,
    NotFoundError,
    Ordering,
    SegmentFilter,
    Status,
    Store,
    TextError,
    create,
    create_many,
    delete,
    get,
    list_segments,
    update,
)
from engine import AudienceError, Channel, Communication

ADULTS = NewSegment(organization_id="o1", name="Adults", condition="age >= 18")


def test_what_is_created_is_found(store: Store) -> None:
    created = create(store, ADULTS)
    assert created.id.startswith("seg_")
    assert (created.status, created.version, created.user_count) == (Status.DRAFT, 1, None)
    assert get(store, created.id, organization="o1") == created
    assert get(store, created.id, organization=None) == created


def test_another_organization_has_no_such_segment(store: Store) -> None:
    created = create(store, ADULTS)
    for call in (get, delete, update):
        with pytest.raises(NotFoundError):
            call(store, created.id, organization="o2")
    assert list_segments(store, organization="o2").count == 0
    assert get(store, created.id, organization="o1") == created


def test_a_change_makes_a_new_version(store: Store) -> None:
    created = create(store, ADULTS)
    changed = update(store, created.id, organization="o1", expected_version=1, name="Grown-ups")
    assert (changed.name, changed.version, changed.condition) == ("Grown-ups", 2, created.condition)
    assert changed.modified > created.modified
    with pytest.raises(ChangedError):
        update(store, created.id, organization="o1", expected_version=1, name="Lost")
    with pytest.raises(ChangedError):
        delete(store, created.id, organization="o1", expected_version=1)
    assert update(store, created.id, organization="o1", name="Grown-ups") == changed
    delete(store, created.id, organization="o1", expected_version=2)
    with pytest.raises(NotFoundError):
        get(store, created.id, organization="o1")


def test_what_cannot_be_kept_is_refused(store: Store) -> None:
    with pytest.raises(AudienceError):
        create(
            store,
            NewSegment(organization_id="o", name="n", condition="true", communication_type=Communication.MARKETING),
        )
    for text in ("\0", "\ud800"):
        with pytest.raises(TextError):
            create(store, NewSegment(organization_id="o", name=text, condition="true"))
    assert list_segments(store, organization=None).count == 0


def test_segments_are_listed_in_every_order(store: Store) -> None:
    names = ["b", "a", "Z", "é", "a"]
    created = create_many(store, [NewSegment(organization_id="o", name=n, condition="true") for n in names])
    by_name = sorted(created, key=lambda one: (one.name, one.id))
    listed = list_segments(store, organization="o", ordering=Ordering.NAME)
    assert [one.id for one in listed.results] == [one.id for one in by_name]
    for ordering in Ordering:
        page = list_segments(store, organization="o", ordering=ordering, offset=1, limit=3)
        assert page.count == 5
        whole = list_segments(store, organization="o", ordering=ordering)
        assert page.results == whole.results[1:4]


def test_segments_are_selected(store: Store) -> None:
    create_many(
        store,
        [
            NewSegment(organization_id="o1", name="ÄRZTE 100%", condition="true", communication_channel=Channel.SMS),
            NewSegment(organization_id="o1", name="Nurses", condition="true", edition_id="e1"),
            NewSegment(organization_id="o2", name="Nurses", condition="true"),
        ],
    )

    def count(organization: str | None = None, **of: object) -> int:
        return list_segments(store, organization=organization, filter=SegmentFilter(**of)).count  # type: ignore[arg-type]

    assert count() == 3
    assert count(search="ärzte") == count(search="0%") == 1
    assert count(search="%u") == count(search="_") == 0
    assert count(search="nurses") == 2
    assert count("o1", search="nurses") == count(edition_id="e1") == 1
    assert count("o1", organization_id="o2") == 0
    assert count(communication_channel=Channel.SMS) == 1
    assert count(status=Status.DRAFT, communication_type=Communication.TRANSACTIONAL) == 3
