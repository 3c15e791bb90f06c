"""The command that works on what is pending, beside the service or instead of the worker inside it."""

from __future__ import annotations

import signal
from threading import Event
from typing import TYPE_CHECKING

import click

from .store import Kept, on_store, snapshot_of

if TYPE_CHECKING:
    from types import FrameType


@click.command("worker")
@click.option("--schedule", metavar="CRON", help='Recalculate all segments by this, in UTC: "0 3 * * *".')
@on_store
def worker_command(*, kept: Kept, schedule: str | None) -> None:
    """Calculate what is pending, until SIGTERM or SIGINT. Many workers may share a store."""
    from api.logs import set_up_logs
    from api.schedule import Schedule
    from api.worker import Worker, work, worker_name

    snapshot = snapshot_of(kept.settings)
    timetable = None if schedule is None else Schedule(schedule)
    stop = Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    for which in (signal.SIGTERM, signal.SIGINT):
        signal.signal(which, end)
    set_up_logs()
    work(Worker(kept.store, kept.settings, snapshot, worker_name()), stop, schedule=timetable)
