"""Members: who is in a segment, and why one user is or is not."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC, datetime
from itertools import chain
from typing import Annotated

from fastapi import APIRouter, Header, Path, Query
from fastapi.concurrency import iterate_in_threadpool
from fastapi.responses import StreamingResponse

from engine import Snapshot

from .. import schemas
from ..documentation import problems
from ..evaluations import MemberFormat, explain_member, write_members
from ..parameters import PREFIX, SEGMENT_PATH, SegmentId
from ..problems import FieldError, Problem, ProblemType
from ..schemas import NO_NUL
from ..security import MembersCaller
from ..service import Service, ServiceDep
from ..store import Calculation, Status, StoredSegment, get, last_completed

router = APIRouter(prefix=PREFIX, tags=["members"])

_MEDIA_TYPES: Mapping[MemberFormat, str] = {
    MemberFormat.CSV: "text/csv; charset=utf-8",
    MemberFormat.JSONL: "application/jsonl",
    MemberFormat.PARQUET: "application/vnd.apache.parquet",
}
_ACCEPTED: Mapping[str, MemberFormat] = {
    "text/csv": MemberFormat.CSV,
    "text/*": MemberFormat.CSV,
    "*/*": MemberFormat.CSV,
    "application/jsonl": MemberFormat.JSONL,
    "application/x-ndjson": MemberFormat.JSONL,
    "application/*": MemberFormat.JSONL,
    "application/vnd.apache.parquet": MemberFormat.PARQUET,
}
_CONTENT: Mapping[str, object] = {
    "text/csv": {"schema": {"type": "string"}, "example": "user_id\nusr_00000049\n"},
    "application/jsonl": {"schema": {"type": "string"}, "example": '{"user_id":"usr_00000049"}\n'},
    "application/vnd.apache.parquet": {"schema": {"type": "string", "format": "binary"}},
}


@router.get(
    f"{SEGMENT_PATH}/users",
    response_class=StreamingResponse,
    responses={
        200: {"content": _CONTENT, "description": "The members, in the order of the snapshot."},
        **problems(
            ProblemType.NOT_FOUND,
            ProblemType.NOT_ACCEPTABLE,
            ProblemType.CONFLICT,
            ProblemType.SNAPSHOT_GONE,
            ProblemType.SNAPSHOT_UNUSABLE,
            ProblemType.BAD_CONDITION,
            ProblemType.TOO_EXPENSIVE,
        ),
    },
)
def list_members(
    *,
    service: ServiceDep,
    caller: MembersCaller,
    segment_id: SegmentId,
    accept: Annotated[str, Header(include_in_schema=False)] = "*/*",
    format: Annotated[MemberFormat | None, Query(description="Instead of the header Accept.")] = None,
    columns: Annotated[
        str | None,
        Query(description="What to have of each user, by commas: of what the settings allow.", pattern=NO_NUL),
    ] = None,
) -> StreamingResponse:
    """Stream the members, by the snapshot and the time of the segment's last calculation."""
    segment = get(service.store, segment_id, organization=caller.organization_id)
    chosen = format or _accepted(accept)
    calculation = _calculation(service, segment)
    snapshot = service.snapshots.current()
    if snapshot.fingerprint != calculation.fingerprint:
        raise Problem(ProblemType.SNAPSHOT_GONE, f"{calculation.snapshot}: was replaced since: recalculate the segment")
    assert calculation.now is not None
    pieces = service.exports.stream(
        service.settings.export_seconds,
        write_members,
        service.snapshots.place(),
        segment.in_engine(),
        columns=_columns(service, snapshot, columns),
        format=chosen,
        fingerprint=calculation.fingerprint,
        now=calculation.now,
        rules=service.settings.rules,
    )
    first = next(pieces, b"")
    return StreamingResponse(
        _sent(chain([first], pieces), pieces),
        media_type=_MEDIA_TYPES[chosen],
        headers={"Content-Disposition": f'attachment; filename="{segment.id}.{chosen}"', "Vary": "Accept"},
    )


@router.get(
    f"{SEGMENT_PATH}/users/{{user_id}}",
    responses=problems(
        ProblemType.NOT_FOUND, ProblemType.SNAPSHOT_UNUSABLE, ProblemType.BAD_CONDITION, ProblemType.TOO_EXPENSIVE
    ),
)
def explain(
    service: ServiceDep,
    caller: MembersCaller,
    segment_id: SegmentId,
    user_id: Annotated[str, Path(max_length=200, pattern=NO_NUL, examples=["usr_00000049"])],
) -> schemas.Why:
    """Tell why a user is, or is not, in a segment: each rule and each clause, compiled and interpreted."""
    segment = get(service.store, segment_id, organization=caller.organization_id)
    calculation = last_completed(service.store, segment_id, organization=caller.organization_id)
    snapshot = service.snapshots.current()
    same = calculation is not None and calculation.fingerprint == snapshot.fingerprint
    now = (calculation.now if same and calculation is not None else None) or datetime.now(UTC)
    found = service.previews.call(
        service.settings.preview_seconds,
        explain_member,
        service.snapshots.place(),
        segment.in_engine(),
        user_id,
        columns=[snapshot.id_column, *service.settings.member_columns],
        now=now,
        rules=service.settings.rules,
    )
    foreign = caller.organization_id is not None and found is not None and not found.rules[0].compiled.value
    if found is None or foreign:
        raise Problem(ProblemType.NOT_FOUND, "there is no such user")
    return schemas.Why(
        user_id=found.user_id,
        member=found.member,
        snapshot=snapshot.name,
        now=now,
        whole=schemas.AnsweredClause.model_validate(found.whole),
        rules=[schemas.AnsweredClause.model_validate(rule) for rule in found.rules],
        condition=schemas.AnsweredClause.model_validate(found.condition),
        values=dict(found.values),
    )


def _calculation(service: Service, segment: StoredSegment) -> Calculation:
    """The calculation whose members a segment has.

    Raises:
        Problem: there is none, or the segment was changed since.
    """
    found = last_completed(service.store, segment.id, organization=segment.organization_id)
    if found is None:
        raise Problem(ProblemType.CONFLICT, "the segment was never calculated, or that was forgotten: recalculate it")
    if segment.status is not Status.COMPLETED and found.version != segment.version:
        raise Problem(ProblemType.CONFLICT, "the segment was changed since it was calculated: recalculate it")
    return found


def _columns(service: Service, snapshot: Snapshot, asked: str | None) -> list[str]:
    """The columns to write.

    Raises:
        Problem: one is not allowed, or the snapshot has none of that name.
    """
    if asked is None:
        return [snapshot.id_column]
    allowed = {snapshot.id_column, *service.settings.member_columns} & set(snapshot.schema.columns)
    wanted = list(dict.fromkeys(asked.split(",")))
    for name in wanted:
        if name not in allowed:
            message = f"'{name}' is none of the columns {', '.join(sorted(allowed))}"
            raise Problem(ProblemType.BAD_REQUEST, f"columns: {message}", [FieldError(("query", "columns"), message)])
    return wanted


def _accepted(accept: str) -> MemberFormat:
    """The format that a client likes best (RFC 9110, section 12.5.1).

    Raises:
        Problem: it likes none of those that there are.
    """
    liked: list[tuple[float, MemberFormat]] = []
    for entry in accept.split(","):
        media_type, *parameters = (part.strip().lower() for part in entry.split(";"))
        weight = next((part[2:] for part in parameters if part.startswith("q=")), "1")
        quality = float(weight) if weight.replace(".", "", 1).isdecimal() else 0.0
        if media_type in _ACCEPTED and quality > 0:
            liked.append((quality, _ACCEPTED[media_type]))
    if not liked:
        raise Problem(ProblemType.NOT_ACCEPTABLE, f"there are {', '.join(_CONTENT)}")
    return max(liked, key=lambda one: one[0])[1]


async def _sent(pieces: Iterator[bytes], stream: Iterator[bytes]) -> AsyncIterator[bytes]:
    """The pieces; where the reader goes away, the process that makes them is ended."""
    try:
        async for piece in iterate_in_threadpool(pieces):
            yield piece
    finally:
        stream.close()  # type: ignore[attr-defined]  # a generator
