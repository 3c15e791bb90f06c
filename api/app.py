"""The application: the routes, with what is around every request."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import Depends, FastAPI
from fastapi.openapi.utils import get_openapi

from .children import ChildPool
from .documentation import Document, complete
from .handlers import add_handlers
from .limits import RequestLimit
from .metrics import Metrics
from .observation import Observation
from .parameters import PREFIX, check_request
from .routes import calculations, conditions, members, operations, segments
from .service import Service
from .settings import Settings
from .snapshots import Snapshots
from .store import Store

_DESCRIPTION = """
Segments of customers: a condition in CEL (Common Expression Language) and whom it may reach, kept, recalculated over
snapshots of users, and explained. Errors are problems (RFC 9457).
"""


class _Application(FastAPI):
    """FastAPI with a document that says all that is so."""

    def openapi(self) -> Document:
        if not self.openapi_schema:
            made = get_openapi(
                title=self.title,
                version=self.version,
                summary=self.summary,
                description=self.description,
                routes=self.routes,
            )
            service = self.state.service
            assert isinstance(service, Service)
            self.openapi_schema = complete(made, service.settings)
        return self.openapi_schema


def create_app(settings: Settings, store: Store, *, keyless: bool = False) -> FastAPI:
    """The service as an ASGI application, which starts and ends the processes that evaluate for it.

    Args:
        settings: what it is told.
        store: where segments are kept.
        keyless: whether a store that never had a key is open to whoever asks from this machine.
    """
    service = Service(
        settings=settings,
        store=store,
        snapshots=Snapshots(settings),
        previews=ChildPool(settings.preview_workers, megabytes=settings.preview_megabytes),
        exports=ChildPool(settings.export_workers, megabytes=settings.preview_megabytes),
        requests=RequestLimit(settings.requests_per_minute),
        metrics=Metrics(),
        keyless=keyless,
    )

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        # Requests are checked against the document: the first ones, which may come at once, find it made.
        app.openapi()
        service.previews.start()
        try:
            yield
        finally:
            service.previews.close()
            service.exports.close()

    app = _Application(
        title="Cellar",
        summary="Customer segments, counted.",
        description=_DESCRIPTION.strip(),
        version=version("cellar"),
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        dependencies=[Depends(check_request)],
    )
    app.state.service = service
    add_handlers(app)
    app.add_middleware(Observation, metrics=service.metrics, body_bytes=settings.body_bytes)
    for routes in (segments, calculations, members, conditions):
        app.include_router(routes.router)
    app.include_router(operations.router)
    app.include_router(operations.router, prefix=PREFIX, include_in_schema=False)
    return app
