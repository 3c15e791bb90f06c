"""The service as a process: it listens, works on what is pending, and stops when it is told to."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn

from .app import create_app
from .logs import set_up_logs
from .security import is_loopback
from .settings import Settings
from .store import list_keys, open_store
from .working import working

_STOP_SECONDS = 10


class ServingError(Exception):
    """The service cannot be started: one sentence that says why."""


def serve(settings: Settings, *, host: str, port: int, announce: Callable[[str], object]) -> None:
    """Serves until SIGTERM or SIGINT, with a worker inside. Requests that run then have some seconds to end.

    Args:
        settings: what the service is told; a snapshot among it.
        host: the address to listen on; without any key, one of this machine's own only.
        port: 0 takes one that is free.
        announce: told, in sentences, where the service listens and who may use it.

    Raises:
        ServingError: nobody has a key, and the host is not the loopback.
        StoreError: the store cannot be used.
    """
    snapshot = settings.snapshot_in_use()
    if snapshot is None:
        raise ServingError("the settings name no snapshot: set CELLAR_SNAPSHOT")
    store = open_store(settings.database_url)
    try:
        if not list_keys(store):
            if not is_loopback(host):
                raise ServingError(
                    f"without a key, the service listens on this machine only, not on {host}: "
                    "make a key with 'cellar keys create', or serve on 127.0.0.1"
                )
            announce("There is no key: whoever can use this machine can use the service, and nobody else.")
        config = uvicorn.Config(
            create_app(settings, store, keyless=is_loopback(host)),
            host=host,
            port=port,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_STOP_SECONDS,
        )
        with _listening(host, port) as listening:
            set_up_logs()
            shown = f"[{host}]" if ":" in host else host
            announce(f"Cellar listens on http://{shown}:{listening.getsockname()[1]}; users are in {snapshot.location}")
            with working(settings, snapshot):
                _Server(config).run(sockets=[listening])
    finally:
        store.close()


class _Server(uvicorn.Server):
    """A server that leaves the signals that ended it to nobody else, so that what is around it ends in order."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        before = {one: signal.signal(one, self.handle_exit) for one in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)


@contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    """A socket that is bound already: the port is known, or taken.

    Raises:
        ServingError: nothing can listen there.
    """
    try:
        found = socket.create_server(
            (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, reuse_port=False
        )
    except OSError as error:
        raise ServingError(f"{host}:{port}: {error.strerror or error}") from error
    with found:
        yield found
