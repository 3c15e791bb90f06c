"""Segments: made, found, changed, removed."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Request, Response, status

from compiler.diagnostics import CompileError
from engine.checking import check

from .. import schemas
from ..documentation import ETAG, LOCATION, problems
from ..parameters import (
    ENTITY_TAG,
    PREFIX,
    SEGMENT_PATH,
    Listing,
    SegmentId,
    entity_tag,
    expected_version,
    links,
    page_size_of,
)
from ..problems import FieldError, Problem, ProblemType
from ..security import ChangesCaller, CountsCaller
from ..service import Service, ServiceDep
from ..store import (
    DECISIVE,
    ChangedError,
    NewSegment,
    SegmentChanges,
    StoredSegment,
    create,
    delete,
    get,
    list_segments,
    update,
)

router = APIRouter(prefix=PREFIX, tags=["segments"])

IfMatch = Annotated[
    str | None, Header(description="The ETag of the segment that the change is meant for.", pattern=ENTITY_TAG)
]


@router.get("/segments", responses=problems(ProblemType.NOT_FOUND))
def list_(request: Request, service: ServiceDep, caller: CountsCaller, asked: Listing) -> schemas.SegmentPage:
    """List segments."""
    size = page_size_of(asked.page_size, service.settings.page_size, service.settings.max_page_size)
    found = list_segments(
        service.store,
        organization=caller.organization_id,
        filter=asked.filter(),
        ordering=asked.ordering,
        offset=(asked.page - 1) * size,
        limit=size,
    )
    return schemas.SegmentPage(
        count=found.count,
        **links(request, asked.page, size, found.count),
        results=[schemas.Segment.model_validate(one) for one in found.results],
    )


@router.post(
    "/segments",
    status_code=status.HTTP_201_CREATED,
    response_description="The segment, a draft.",
    responses={
        201: {"headers": {**ETAG, **LOCATION}},
        **problems(ProblemType.BAD_CONDITION, ProblemType.SNAPSHOT_UNUSABLE),
    },
)
def create_(
    request: Request, response: Response, service: ServiceDep, caller: ChangesCaller, body: schemas.SegmentCreation
) -> schemas.Segment:
    """Create a segment. Its condition is checked against the columns of the snapshot."""
    caller.organization_for(body.organization_id)
    new = NewSegment(**body.model_dump())
    check_segment(service, new)
    made = create(service.store, new)
    response.headers["Location"] = f"{request.url.path}/{made.id}"
    return with_tag(response, made)


@router.get(SEGMENT_PATH, responses={200: {"headers": ETAG}, **problems(ProblemType.NOT_FOUND)})
def get_(response: Response, service: ServiceDep, caller: CountsCaller, segment_id: SegmentId) -> schemas.Segment:
    """Get a segment."""
    return with_tag(response, get(service.store, segment_id, organization=caller.organization_id))


@router.patch(
    SEGMENT_PATH,
    responses={
        200: {"headers": ETAG},
        **problems(
            ProblemType.NOT_FOUND, ProblemType.CHANGED, ProblemType.BAD_CONDITION, ProblemType.SNAPSHOT_UNUSABLE
        ),
    },
)
def change(
    *,
    response: Response,
    service: ServiceDep,
    caller: ChangesCaller,
    segment_id: SegmentId,
    body: schemas.SegmentChange,
    if_match: IfMatch = None,
) -> schemas.Segment:
    """Change a segment. A change of who is in it puts it back to draft; it keeps its count until it is recalculated."""
    expected = expected_version(if_match)
    changes: SegmentChanges = body.model_dump(exclude_unset=True)  # type: ignore[assignment]  # the fields are the same
    while True:
        before = get(service.store, segment_id, organization=caller.organization_id)
        said = {name: getattr(before, name) for name in NewSegment.__dataclass_fields__}
        if not DECISIVE.isdisjoint(changes):
            check_segment(service, NewSegment(**{**said, **changes}))
        try:
            # What was checked is what is kept: somebody else's change of the rest would be another segment.
            changed = update(
                service.store,
                segment_id,
                organization=caller.organization_id,
                expected_version=before.version if expected is None else expected,
                **changes,
            )
        except ChangedError:
            if expected is not None:
                raise
            continue
        return with_tag(response, changed)


@router.delete(
    SEGMENT_PATH,
    status_code=status.HTTP_204_NO_CONTENT,
    response_description="It is gone, and its history with it.",
    responses=problems(ProblemType.NOT_FOUND, ProblemType.CHANGED),
)
def delete_(service: ServiceDep, caller: ChangesCaller, segment_id: SegmentId, if_match: IfMatch = None) -> None:
    """Delete a segment. What is still being calculated for it is dropped."""
    delete(
        service.store,
        segment_id,
        organization=caller.organization_id,
        expected_version=expected_version(if_match),
    )


def with_tag(response: Response, segment: StoredSegment) -> schemas.Segment:
    """A segment as it is shown, with its ETag in the response's headers."""
    response.headers["ETag"] = entity_tag(segment.version)
    return schemas.Segment.model_validate(segment)


def check_segment(service: Service, segment: NewSegment) -> None:
    """Checks a segment against the columns of the snapshot.

    Raises:
        AudienceError: marketing has no consent.
        CompileError: the condition, or a rule that it needs, does not compile.
        Problem: the condition is too long.
        SnapshotError: the snapshot cannot be opened.
    """
    check_length(service, segment.condition)
    named = {segment.condition: segment.in_engine()}
    (found,) = check(service.snapshots.current(), named, rules=service.settings.rules).values()
    if isinstance(found, CompileError):
        raise found


def check_length(service: Service, condition: str) -> None:
    """Refuses a condition that is longer than the settings allow.

    Raises:
        Problem: it is.
    """
    size, most = len(condition.encode(errors="surrogatepass")), service.settings.condition_bytes
    if size > most:
        message = f"has {size:,} bytes; at most {most:,} are allowed"
        raise Problem(ProblemType.BAD_REQUEST, f"condition: {message}", [FieldError(("body", "condition"), message)])
