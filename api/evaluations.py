"""What the service has evaluated in child processes: jobs for :mod:`.children`, each over a snapshot."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path

import polars as pl

from engine import Audience, CompileError, Segment
from engine.column_values import ColumnValues, column_values
from engine.export import check_format, frame_writer
from engine.membership import members_of
from engine.preview import Preview, preview
from engine.why import Why, why

from .places import Place

Rules = Mapping[str, str] | None


class MemberFormat(StrEnum):
    """What members are written as."""

    CSV = "csv"
    JSONL = "jsonl"
    PARQUET = "parquet"


class SnapshotGoneError(Exception):
    """The files at a snapshot's place are not those that are asked for: one sentence."""


class FormatError(ValueError):
    """A format that cannot hold a column: one sentence."""


def preview_segment(place: Place, segment: Segment, *, columns: Sequence[str], sample: int, rules: Rules) -> Preview:
    """The preview of a segment, with so many members of the snapshot's columns ``columns``."""
    snapshot = place.open()
    kept = [name for name in columns if name in snapshot.schema.columns]
    return preview(snapshot, segment, columns=kept, sample=sample if kept else 0, rules=rules)


def explain_member(
    place: Place,
    segment: Segment,
    user_id: str,
    *,
    columns: Sequence[str],
    now: datetime | None,
    rules: Rules,
) -> Why | None:
    """Why a user is, or is not, in a segment; None where the snapshot has no such user."""
    return why(place.open(), segment, user_id, columns=columns, now=now, rules=rules)


def list_values(place: Place, organization_id: str | None, rules: Rules) -> dict[str, ColumnValues]:
    """The values of columns among the users of one organization, or (None) among all.

    Where the rule that tells an organization's users does not compile on the snapshot, nothing is told.
    """
    try:
        return column_values(place.open(), Audience(organization_id=organization_id), rules=rules)
    except CompileError:
        return {}


def write_members(
    place: Place,
    segment: Segment,
    *,
    columns: Sequence[str],
    format: MemberFormat,
    fingerprint: str | None,
    now: datetime,
    rules: Rules,
) -> Iterator[bytes]:
    """A segment's members as pieces of a file.

    Raises:
        FormatError: the format cannot hold a column.
        SnapshotGoneError: the snapshot is another one now.
    """
    snapshot = place.open()
    if snapshot.fingerprint != fingerprint:
        raise SnapshotGoneError(f"{snapshot.name}: the snapshot is another one now")
    stream = members_of(snapshot, segment, columns=columns, now=now, rules=rules)
    suffix = f".{format}"
    try:
        check_format(stream.schema, Path(f"members{suffix}"))
    except ValueError as error:
        raise FormatError(str(error)) from error
    pieces = _Pieces()
    with frame_writer(suffix, pieces, pl.DataFrame(schema=stream.schema)) as write:
        for frame in stream.frames():
            write(frame)
            yield pieces.taken()
    yield pieces.taken()


class _Pieces(io.BytesIO):
    """A file of which only what was written since the last look is held."""

    def __init__(self) -> None:
        super().__init__()
        self._before = 0

    def taken(self) -> bytes:
        """What was written since the last look."""
        data = self.getvalue()
        self._before += len(data)
        self.seek(0)
        self.truncate()
        return data

    def tell(self) -> int:
        return self._before + super().tell()
