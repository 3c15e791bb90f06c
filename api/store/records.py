"""What the store keeps, as whoever asks for it gets it, and what can go wrong in asking."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Generic, TypedDict, TypeVar

from engine import Audience, Channel, Communication, Segment

T = TypeVar("T")


class NotFoundError(LookupError):
    """There is no such thing in the organization that was asked about."""


class ChangedError(Exception):
    """The segment was changed since the version that the caller knows."""


class StatusError(Exception):
    """The segment's status does not allow it: one sentence."""


class TextError(ValueError):
    """A text that cannot be kept: it holds a NUL, or half of a surrogate pair."""


class Status(StrEnum):
    """Where a segment's calculation stands."""

    DRAFT = "draft"
    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSegment:
    """What people say about a segment.

    Attributes:
        organization_id: whose it is; never changed later.
        name: shown to people; need not be unique.
        condition: in CEL.
        description: shown to people.
        edition_id: only users of that edition.
        consent_id: the consent that marketing needs.
        communication_type: what the users are told.
        communication_channel: how they are reached.
    """

    organization_id: str
    name: str
    condition: str
    description: str = ""
    edition_id: str | None = None
    consent_id: str | None = None
    communication_type: Communication = Communication.TRANSACTIONAL
    communication_channel: Channel = Channel.ANY

    def in_engine(self) -> Segment:
        """The segment as the engine counts it.

        Raises:
            AudienceError: marketing has no consent.
        """
        return Segment(
            self.condition,
            Audience(
                channel=self.communication_channel,
                type=self.communication_type,
                consent_id=self.consent_id,
                edition_id=self.edition_id,
                organization_id=self.organization_id,
            ),
        )


class SegmentChanges(TypedDict, total=False):
    """What people may change about a segment; what is absent stays."""

    name: str
    condition: str
    description: str
    edition_id: str | None
    consent_id: str | None
    communication_type: Communication
    communication_channel: Channel


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSegment(NewSegment):
    """A segment as it is kept.

    Attributes:
        id: ``seg_...``
        created: when, in UTC.
        modified: when people last changed it, in UTC.
        version: counts the changes that people make; its ETag.
        status: where its calculation stands.
        user_count: of the last calculation that completed; None before the first.
        error_count: users on whom it ended in an error, then.
        last_calculated: when that was, in UTC.
        calculation_duration: wall time of the scan, in seconds, then.
        error_message: why the last calculation failed, if it did.
        mode: how it was answered: ``compiled``, ``mixed`` or ``interpreted``.
        snapshot: the location that it was counted on.
        warnings: what is odd about its count.
        calculation_id: of the calculation that is asked for, or of the last one; None before the first.
        requested: when it was asked for.
    """

    id: str
    created: datetime
    modified: datetime
    version: int
    status: Status
    user_count: int | None
    error_count: int | None
    last_calculated: datetime | None
    calculation_duration: float | None
    error_message: str | None
    mode: str | None
    snapshot: str | None
    warnings: tuple[str, ...]
    calculation_id: str | None
    requested: datetime | None


class Ordering(StrEnum):
    """How segments are listed: ties by id, segments without the value last."""

    CREATED = "created"
    CREATED_DESCENDING = "-created"
    MODIFIED = "modified"
    MODIFIED_DESCENDING = "-modified"
    NAME = "name"
    NAME_DESCENDING = "-name"
    USER_COUNT = "user_count"
    USER_COUNT_DESCENDING = "-user_count"
    LAST_CALCULATED = "last_calculated"
    LAST_CALCULATED_DESCENDING = "-last_calculated"


@dataclass(frozen=True, slots=True)
class SegmentFilter:
    """Which segments: those for which all that is set is so.

    Attributes:
        search: a part of the name, in upper or lower case.
    """

    communication_channel: Channel | None = None
    communication_type: Communication | None = None
    edition_id: str | None = None
    organization_id: str | None = None
    status: Status | None = None
    search: str | None = None


ALL = SegmentFilter()
"""Every segment."""


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some of many.

    Attributes:
        count: of all.
        results: those on the page.
    """

    count: int
    results: tuple[T, ...]


@dataclass(frozen=True, slots=True)
class ClaimedSegment:
    """A segment as it was when it was claimed; whoever takes it away moves the fence."""

    segment_id: str
    calculation_id: str
    fence: int
    version: int
    segment: Segment


@dataclass(frozen=True, slots=True)
class Claim:
    """Segments that one worker calculates in one scan.

    Attributes:
        id: ``scan_...``
        work: by the segments' ids.
    """

    id: str
    work: Mapping[str, ClaimedSegment]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why users were errors, and how many."""

    reason: str
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Calculation:
    """What a calculation of a segment found and cost.

    Attributes:
        id: ``calc_...``
        segment_id: of which segment.
        status: ``completed``, or ``failed``.
        version: of the segment, that was calculated.
        finished: when, in UTC.
        snapshot: the location that was read; None where it could not be opened.
        fingerprint: of its files, by which they are recognised.
        now: the value of the variable ``now``.
        rows: the number of users in the snapshot.
        user_count: None where it failed.
        error_count: users on whom it ended in an error; None where it failed.
        reasons: of these errors, the most frequent first, which name no user; None where they were not told.
        mode: ``compiled``, ``mixed`` or ``interpreted``; None where it failed.
        duration: wall time of the scan, in seconds.
        shared: how many segments shared the scan.
        warnings: what is odd about the count.
        held: whether its count waits to be confirmed.
        error_message: why it failed, if it did.
    """

    id: str
    segment_id: str
    status: Status
    version: int
    finished: datetime
    snapshot: str | None
    fingerprint: str | None
    now: datetime | None
    rows: int | None
    user_count: int | None
    error_count: int | None
    reasons: tuple[Reason, ...] | None
    mode: str | None
    duration: float | None
    shared: int
    warnings: tuple[str, ...]
    held: bool
    error_message: str | None


class KeyScope(StrEnum):
    """What a key allows: to see counts, to see who is in segments, to change segments."""

    COUNTS = "counts"
    MEMBERS = "members"
    CHANGES = "changes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """An API key, without its secret.

    Attributes:
        id: ``key_...``
        name: what people call it.
        organization_id: whose segments it opens; None opens all.
        scopes: what it allows.
        created: when, in UTC.
        revoked: since when it opens nothing; None while it does.
    """

    id: str
    name: str
    organization_id: str | None
    scopes: frozenset[KeyScope]
    created: datetime
    revoked: datetime | None
