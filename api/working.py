"""A worker beside the service, in a process of its own: what it computes and writes does not keep requests waiting."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from threading import Event, Thread

from .logs import logger, set_up_logs
from .places import Place
from .settings import Settings

_NICENESS = 5
_RESTART_SECONDS = 1.0


@contextmanager
def working(settings: Settings, snapshot: Place) -> Iterator[None]:
    """Has a worker work meanwhile. One that dies is followed by another; the last gives back what it has claimed."""
    stop = Event()
    # Classes that settings are loaded as are not known elsewhere.
    arguments = (dict(settings), snapshot)

    def start() -> BaseProcess:
        process = get_context("spawn").Process(target=_work, args=arguments, name="cellar worker")
        process.start()
        return process

    def keep(process: BaseProcess) -> None:
        while True:
            while process.is_alive() and not stop.is_set():
                wait([process.sentinel], _RESTART_SECONDS)
            if stop.is_set():
                process.terminate()
                process.join()
                return
            logger().error("worker_died", exit_code=process.exitcode)
            stop.wait(_RESTART_SECONDS)
            process = start()

    keeper = Thread(target=keep, args=(start(),), name="worker")
    keeper.start()
    try:
        yield
    finally:
        stop.set()
        keeper.join()


def _work(values: dict[str, object], snapshot: Place) -> None:
    """What the process does, until SIGTERM, or until its parent is gone."""
    from .store import open_store
    from .worker import Worker, work, worker_name

    stop = Event()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda _signal, _frame: stop.set())
    Thread(target=_stop_with_parent, args=(stop,), daemon=True).start()
    os.nice(_NICENESS)
    set_up_logs()
    settings = Settings.model_construct(None, **values)
    store = open_store(settings.database_url)
    try:
        work(Worker(store, settings, snapshot, worker_name()), stop)
    finally:
        store.close()


def _stop_with_parent(stop: Event) -> None:
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        stop.set()
