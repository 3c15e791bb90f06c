"""Where segments, their calculations and the keys to them are kept: all SQL of the service is here.

Every call on segments says whose it may see: ``organization=None`` is for those who may see all.

>>> store = open_store(settings.database_url)
>>> segment = create(store, NewSegment(organization_id="o1", name="Adults", condition="age >= 18"))
>>> request(store, segment.id, organization="o1").status
<Status.PENDING: 'pending'>
"""

from __future__ import annotations

from .calculations import (
    UNDER_WAY,
    history,
    last_completed,
    last_scheduled,
    request,
    request_many,
    request_scheduled,
    reset,
)
from .claims import abandon, claim, expire, heartbeat, release
from .database import Store, StoreError, open_store
from .erasure import Erased, erase_user
from .guard import Guard
from .keys import CreatedKey, any_keys, create_key, find_key, list_keys, revoke_key
from .outcomes import Written, complete, confirm, fail
from .records import (
    ALL,
    Calculation,
    ChangedError,
    Claim,
    ClaimedSegment,
    Key,
    KeyScope,
    NewSegment,
    NotFoundError,
    Ordering,
    Page,
    Reason,
    SegmentChanges,
    SegmentFilter,
    Status,
    StatusError,
    StoredSegment,
    TextError,
)
from .retention import forget
from .segments import DECISIVE, count_by_status, create, create_many, delete, get, list_segments, update

__all__ = [
    "ALL",
    "DECISIVE",
    "UNDER_WAY",
    "Calculation",
    "ChangedError",
    "Claim",
    "ClaimedSegment",
    "CreatedKey",
    "Erased",
    "Guard",
    "Key",
    "KeyScope",
    "NewSegment",
    "NotFoundError",
    "Ordering",
    "Page",
    "Reason",
    "SegmentChanges",
    "SegmentFilter",
    "Status",
    "StatusError",
    "Store",
    "StoreError",
    "StoredSegment",
    "TextError",
    "Written",
    "abandon",
    "any_keys",
    "claim",
    "complete",
    "confirm",
    "count_by_status",
    "create",
    "create_key",
    "create_many",
    "delete",
    "erase_user",
    "expire",
    "fail",
    "find_key",
    "forget",
    "get",
    "heartbeat",
    "history",
    "last_completed",
    "last_scheduled",
    "list_keys",
    "list_segments",
    "open_store",
    "release",
    "request",
    "request_many",
    "request_scheduled",
    "reset",
    "revoke_key",
    "update",
]
