"""Whether the service works, and what it counts of itself: for those who run it, without a key."""

from __future__ import annotations

from fastapi import APIRouter, Response, status
from sqlalchemy.exc import SQLAlchemyError

from engine import SnapshotError

from .. import schemas
from ..metrics import CONTENT_TYPE
from ..service import ServiceDep
from ..store import count_by_status

router = APIRouter(tags=["operations"])


@router.get("/healthz")
def live() -> schemas.Health:
    """Tell that the service runs."""
    return schemas.Health(status="ok", checks={})


@router.get(
    "/readyz",
    responses={503: {"model": schemas.Health, "description": "A part that requests need does not work."}},
)
def ready(response: Response, service: ServiceDep) -> schemas.Health:
    """Tell whether the store answers and the snapshot can be opened."""
    checks = {"store": "ok", "snapshot": "ok"}
    try:
        count_by_status(service.store)
    except SQLAlchemyError:
        checks["store"] = "does not answer"
    try:
        service.snapshots.current()
    except SnapshotError:
        checks["snapshot"] = "cannot be opened"
    usable = set(checks.values()) == {"ok"}
    response.status_code = status.HTTP_200_OK if usable else status.HTTP_503_SERVICE_UNAVAILABLE
    return schemas.Health(status="ok" if usable else "unusable", checks=checks)


@router.get(
    "/metrics", response_class=Response, responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}}
)
def metrics(service: ServiceDep) -> Response:
    """Give the metrics in Prometheus' text format."""
    return Response(service.metrics.exposition(count_by_status(service.store)), media_type=CONTENT_TYPE)
