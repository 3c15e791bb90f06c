"""Segments as the files that ``cellar count --file`` reads: put into the store, and written from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from engine import Channel, Communication
from engine.conditions_file import ConditionsFileError, NamedCondition, parse_conditions

from .store import NewSegment, Store, StoredSegment, create_many, list_segments, update


class Imported(NamedTuple):
    """How many segments an import has created, changed, and found as they are."""

    created: int
    changed: int
    same: int


def read_segments(data: bytes, file: str, settings: Mapping[str, str]) -> tuple[NewSegment, ...]:
    """The segments in a file.

    Args:
        data: the content.
        file: its name, for messages and for the extension.
        settings: as for :func:`engine.conditions_file.parse_conditions`; the organization of those that name none.

    Raises:
        AudienceError: ``settings`` alone make no audience.
        ConditionsFileError: the content is malformed, or a segment has no organization.
    """
    return tuple(_new(one, file) for one in parse_conditions(data, file, settings))


def import_segments(store: Store, segments: Iterable[NewSegment]) -> Imported:
    """Keeps segments: one with the name of another in its organization changes that one.

    Raises:
        AudienceError: marketing has no consent.
        ConditionsFileError: several segments of the organization have a name already.
        TextError: a text cannot be kept.
    """
    new, existing, changed = [], [], 0
    kept_before: dict[str, dict[str, list[StoredSegment]]] = {}
    for segment in segments:
        organization = segment.organization_id
        if organization not in kept_before:
            kept_before[organization] = _by_name(store, organization)
        match kept_before[organization].get(segment.name, []):
            case []:
                new.append(segment)
            case [found]:
                existing.append((found, segment))
            case found:
                raise ConditionsFileError(f"{organization} has {len(found)} segments named '{segment.name}'")
    create_many(store, new)
    for found, segment in existing:
        kept = update(
            store,
            found.id,
            organization=found.organization_id,
            condition=segment.condition,
            description=segment.description,
            edition_id=segment.edition_id,
            consent_id=segment.consent_id,
            communication_type=segment.communication_type,
            communication_channel=segment.communication_channel,
        )
        changed += kept.version != found.version
    return Imported(len(new), changed, len(existing) - changed)


def write_segments(segments: Iterable[StoredSegment]) -> str:
    """Segments as YAML; of those with one name, all but the first are called by their id, too."""
    import yaml

    names: set[str] = set()
    entries = []
    for one in segments:
        name = one.name if one.name not in names else f"{one.name} ({one.id})"
        names.add(name)
        settings = {
            "description": one.description,
            "channel": str(one.communication_channel),
            "type": str(one.communication_type),
            "consent": one.consent_id,
            "edition": one.edition_id,
            "organization": one.organization_id,
        }
        told = {key: value for key, value in settings.items() if value not in (None, "")}
        entries.append({"name": name, "condition": one.condition, **told})
    return yaml.safe_dump(entries, sort_keys=False, allow_unicode=True, width=120)


def _new(one: NamedCondition, file: str) -> NewSegment:
    audience = one.audience
    if audience.organization_id is None:
        raise ConditionsFileError(f"{file}: '{one.name}' has no organization: say it there, or with --organization")
    return NewSegment(
        organization_id=str(audience.organization_id),
        name=one.name,
        condition=one.condition,
        description=one.description,
        edition_id=None if audience.edition_id is None else str(audience.edition_id),
        consent_id=None if audience.consent_id is None else str(audience.consent_id),
        communication_type=Communication(audience.type),
        communication_channel=Channel.ANY if audience.channel is None else Channel(audience.channel),
    )


def _by_name(store: Store, organization: str) -> dict[str, list[StoredSegment]]:
    found: dict[str, list[StoredSegment]] = {}
    for one in list_segments(store, organization=organization).results:
        found.setdefault(one.name, []).append(one)
    return found
