"""What the store keeps, as people read it: tables and lines of text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from engine.presentation import Table, TableColumn

from .store import Calculation, Key, StoredSegment


def segments_table(segments: Iterable[StoredSegment]) -> Table:
    """Segments, one a row."""
    rows = [
        (
            one.id,
            " ".join(one.name.split()),
            one.organization_id,
            one.status,
            number(one.user_count),
            number(one.error_count),
            time(one.last_calculated),
            "!" if one.warnings else "",
        )
        for one in segments
    ]
    return _table(("id", "name", "organization", "status", "users#", "errors#", "calculated", ""), rows)


def segment_lines(segment: StoredSegment) -> Iterator[str]:
    """All that is known of a segment, one setting a line; what is not known is left out."""
    known: dict[str, object] = {
        "id": segment.id,
        "name": segment.name,
        "description": segment.description,
        "organization": segment.organization_id,
        "edition": segment.edition_id,
        "type": segment.communication_type,
        "consent": segment.consent_id,
        "channel": segment.communication_channel,
        "condition": segment.condition,
        "status": segment.status,
        "error": segment.error_message,
        "users": number(segment.user_count),
        "errors": number(segment.error_count),
        "mode": segment.mode,
        "snapshot": segment.snapshot,
        "calculated": time(segment.last_calculated),
        "seconds": None if segment.calculation_duration is None else f"{segment.calculation_duration:.2f}",
        "created": time(segment.created),
        "modified": time(segment.modified),
        "version": segment.version,
    }
    shown = [(name, f"{value}") for name, value in known.items() if value not in (None, "")]
    shown += [("warning", warning) for warning in segment.warnings]
    width = max(len(name) for name, _ in shown)
    for name, text in shown:
        first, *others = text.splitlines() or [""]
        yield f"{name:<{width}}  {first}"
        yield from (f"{'':<{width}}  {line}" for line in others)


def history_table(calculations: Iterable[Calculation]) -> Table:
    """Calculations of a segment, one a row."""
    rows = [
        (
            time(one.finished),
            one.status,
            number(one.user_count),
            number(one.error_count),
            number(one.rows),
            one.mode or "",
            "" if one.duration is None else f"{one.duration:.2f}",
            number(one.shared),
            "; ".join((*one.warnings, *(line for line in (one.error_message or "").splitlines()[:1]))),
        )
        for one in calculations
    ]
    return _table(("finished", "status", "users#", "errors#", "of#", "mode", "s#", "shared by#", ""), rows)


def keys_table(keys: Iterable[Key]) -> Table:
    """API keys, one a row."""
    rows = [
        (
            one.id,
            " ".join(one.name.split()),
            one.organization_id or "all",
            ", ".join(sorted(one.scopes)),
            time(one.created),
            time(one.revoked),
        )
        for one in keys
    ]
    return _table(("id", "name", "organization", "scopes", "created", "revoked"), rows)


def time(moment: datetime | None) -> str:
    """A time in UTC, of seconds."""
    return "" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S}"


def number(value: int | None) -> str:
    """A number with separators."""
    return "" if value is None else f"{value:,}"


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Table:
    """A table; a head that ends in ``#`` is that of numbers."""
    return Table(tuple(TableColumn(head.rstrip("#"), head.endswith("#")) for head in heads), tuple(rows))
