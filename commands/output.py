"""What commands print, and the exit codes that they end with."""

from __future__ import annotations

import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from engine import CountReport

FAILED, MISUSED, SOME_FAILED, NO_SNAPSHOT, INTERRUPTED, NO_READER, TERMINATED = 1, 2, 3, 4, 130, 141, 143


def note(text: str) -> None:
    """Says something to the person, on standard error."""
    click.echo(text, err=True)


def write_lines(lines: Iterable[str]) -> None:
    """Writes lines of text to standard output."""
    write("".join(f"{line}\n" for line in lines))


def write_json(value: object) -> None:
    """Writes JSON to standard output."""
    from json import dumps

    write(dumps(value, ensure_ascii=False, indent=2) + "\n")


def write(output: str | bytes) -> None:
    """Writes data to standard output: the only place that does."""
    # click would take escape sequences out of data.
    click.echo(output, nl=False, color=True)


@contextmanager
def cleared_when_terminated() -> Iterator[None]:
    """Has SIGTERM end the command in order, as Ctrl-C does, so that nothing is left of what is half written."""

    def end(_signal: int, _frame: FrameType | None) -> None:
        raise SystemExit(TERMINATED)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def tell_failures(report: CountReport) -> None:
    """Says which conditions failed, and ends the command with the exit code for that."""
    failed = {result.name: result.error for result in report.results if result.error is not None}
    number = len({result.name for result in report.results})
    for error in failed.values():
        note(f"{error}")
    if failed:
        note(f"{len(failed)} of {number} conditions failed.")
        click.get_current_context().exit(SOME_FAILED if number > 1 else FAILED)
