"""Tables and progress bars on a terminal. Imports rich, which takes a while, only for what is shown."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from compiler.diagnostics import cells

from .presentation import Table

if TYPE_CHECKING:
    from rich.progress import ProgressColumn, Task

Progress = Callable[[int, int], None]

_SHOW_PROGRESS_AFTER = 0.5


def drawn(table: Table) -> str:
    """A table as text: as wide as the terminal where standard output is one, plain elsewhere. Nothing is cut off."""
    return _boxed(table) if sys.stdout is not None and sys.stdout.isatty() else _plain(table)


def _plain(table: Table) -> str:
    rows = [tuple(column.name for column in table.columns), *table.rows]
    widths = [max(map(cells, texts)) for texts in zip(*rows, strict=True)]

    def line(row: tuple[str, ...]) -> str:
        parts = []
        for text, width, column in zip(row, widths, table.columns, strict=True):
            space = " " * (width - cells(text))
            parts.append(space + text if column.number else text + space)
        return "  ".join(parts).rstrip()

    return "".join(f"{line(row)}\n" for row in rows)


def _boxed(table: Table) -> str:
    from io import StringIO

    from rich import box
    from rich.console import Console
    from rich.table import Table as Drawing
    from rich.text import Text

    drawing = Drawing(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in table.columns:
        justify = "right" if column.number else "left"
        drawing.add_column(Text(column.name), justify=justify, overflow="fold")  # type: ignore[arg-type]
    for row in table.rows:
        drawing.add_row(*map(Text, row))
    text = StringIO()
    Console(file=text, force_terminal=True).print(drawing)
    return "".join(f"{line.rstrip()}\n" for line in text.getvalue().split("\n") if line.strip())


@contextmanager
def progress(label: str, unit: str | None = None) -> Iterator[Progress | None]:
    """A bar on standard error, where that is a terminal, for work that lasts; it is gone when the work is done.

    Args:
        label: what is being done.
        unit: what is counted: with it, the bar also shows how many, how many a second, and the time left.

    Yields what is to be told of the number of things done, and of all; None where there is no terminal.
    """
    if sys.stderr is None or not sys.stderr.isatty():
        yield None
        return
    from threading import Timer

    from rich.console import Console
    from rich.progress import Progress as Bar

    columns = Bar.get_default_columns() if unit is None else _counted(unit)
    bar = Bar(*columns, console=Console(stderr=True), transient=True)
    task = bar.add_task(label, total=None)
    timer = Timer(_SHOW_PROGRESS_AFTER, bar.start)
    timer.daemon = True
    timer.start()
    try:
        yield lambda done, total: bar.update(task, completed=done, total=total)
    finally:
        timer.cancel()
        timer.join()
        bar.stop()


def _counted(unit: str) -> tuple[ProgressColumn, ...]:
    from rich.progress import BarColumn, ProgressColumn, TextColumn, TimeRemainingColumn
    from rich.text import Text

    class Counted(ProgressColumn):
        """How many are done, of how many, and how many a second."""

        def render(self, task: Task) -> Text:
            total = "" if task.total is None else f" of {task.total:,.0f}"
            rate = "" if task.speed is None else f", {task.speed:,.0f}/s"
            return Text(f"{task.completed:,.0f}{total} {unit}{rate}")

    return (TextColumn("{task.description}"), BarColumn(), Counted(), TimeRemainingColumn())
