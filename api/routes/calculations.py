"""Calculations: asked for, taken back, and remembered."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response, status

from .. import schemas
from ..documentation import ETAG, LOCATION, problems
from ..parameters import PREFIX, SEGMENT_PATH, Filters, Paging, SegmentId, links, page_size_of
from ..problems import ProblemType
from ..security import ChangesCaller, CountsCaller
from ..service import ServiceDep
from ..store import confirm, history, request_many, reset
from ..store import request as request_calculation
from .segments import with_tag

router = APIRouter(prefix=PREFIX, tags=["calculations"])


@router.post(
    f"{SEGMENT_PATH}/recalculate",
    status_code=status.HTTP_202_ACCEPTED,
    response_description="The segment, pending or processing.",
    responses={202: {"headers": {**ETAG, **LOCATION}}, **problems(ProblemType.NOT_FOUND)},
)
def recalculate(
    request: Request, response: Response, service: ServiceDep, caller: ChangesCaller, segment_id: SegmentId
) -> schemas.Segment:
    """Ask for a calculation. While one is asked for or under way, that is the one."""
    found = request_calculation(service.store, segment_id, organization=caller.organization_id)
    response.headers["Location"] = request.url.path.removesuffix("/recalculate")
    return with_tag(response, found)


@router.post(
    f"{SEGMENT_PATH}/reset",
    response_description="The segment, a draft.",
    responses={200: {"headers": ETAG}, **problems(ProblemType.NOT_FOUND, ProblemType.CONFLICT)},
)
def reset_(response: Response, service: ServiceDep, caller: ChangesCaller, segment_id: SegmentId) -> schemas.Segment:
    """Put a pending, processing or failed segment back to draft. What still runs for it can no longer write."""
    return with_tag(response, reset(service.store, segment_id, organization=caller.organization_id))


@router.post(
    f"{SEGMENT_PATH}/confirm",
    response_description="The segment, completed.",
    responses={200: {"headers": ETAG}, **problems(ProblemType.NOT_FOUND, ProblemType.CONFLICT)},
)
def confirm_(response: Response, service: ServiceDep, caller: ChangesCaller, segment_id: SegmentId) -> schemas.Segment:
    """Publish the count that is kept back because it differs so much from the one before."""
    return with_tag(response, confirm(service.store, segment_id, organization=caller.organization_id))


@router.post(
    "/segments/recalculate",
    status_code=status.HTTP_202_ACCEPTED,
    response_description="How many segments the filters select; one scan will count them.",
    responses=problems(),
)
def recalculate_many(service: ServiceDep, caller: ChangesCaller, asked: Filters) -> schemas.RecalculationRequest:
    """Ask for a calculation of all segments, or of those that the filters select."""
    count = request_many(service.store, organization=caller.organization_id, filter=asked.filter())
    return schemas.RecalculationRequest(count=count)


@router.get(f"{SEGMENT_PATH}/calculations", responses=problems(ProblemType.NOT_FOUND))
def list_calculations(
    request: Request, service: ServiceDep, caller: CountsCaller, segment_id: SegmentId, asked: Paging
) -> schemas.CalculationPage:
    """List a segment's calculations, the newest first."""
    size = page_size_of(asked.page_size, service.settings.page_size, service.settings.max_page_size)
    found = history(
        service.store,
        segment_id,
        organization=caller.organization_id,
        offset=(asked.page - 1) * size,
        limit=size,
    )
    return schemas.CalculationPage(
        count=found.count,
        **links(request, asked.page, size, found.count),
        results=[schemas.Calculation.model_validate(one) for one in found.results],
    )
