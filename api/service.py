"""What every request works with: the settings, the store, the snapshots, and the processes that evaluate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from .children import ChildPool
from .limits import RequestLimit
from .metrics import Metrics
from .settings import Settings
from .snapshots import Snapshots
from .store.database import Store


@dataclass(frozen=True, slots=True)
class Service:
    """The parts of a running service.

    Attributes:
        settings: what it was told.
        store: where segments are kept.
        snapshots: the users.
        previews: processes for what somebody waits for.
        exports: processes for members, which a slow reader may hold for long.
        requests: how often keys may ask.
        metrics: what is counted.
        keyless: whether a store that never had a key is open to whoever asks from this machine.
    """

    settings: Settings
    store: Store
    snapshots: Snapshots
    previews: ChildPool
    exports: ChildPool
    requests: RequestLimit
    metrics: Metrics
    keyless: bool


def service_of(request: Request) -> Service:
    """The service that a request came to."""
    service = request.app.state.service
    assert isinstance(service, Service)
    return service


ServiceDep = Annotated[Service, Depends(service_of)]
