"""Tables and progress bars on a terminal. Imports rich, which takes a while, only for what is shown."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from .presentation import Table

Progress = Callable[[int, int], None]

_SHOW_PROGRESS_AFTER = 0.5
_ENDLESS = 1_000_000


def drawn(table: Table) -> str:
    """A table as text: as wide as the terminal where standard output is one, plain elsewhere. Nothing is cut off."""
    from io import StringIO

    from rich import box
    from rich.console import Console
    from rich.table import Table as Drawing
    from rich.text import Text

    terminal = sys.stdout.isatty()
    drawing = Drawing(box=box.SIMPLE_HEAD if terminal else None, pad_edge=False)
    for column in table.columns:
        justify = "right" if column.number else "left"
        drawing.add_column(Text(column.name), justify=justify, overflow="fold")  # type: ignore[arg-type]
    for row in table.rows:
        drawing.add_row(*map(Text, row))
    text = StringIO()
    Console(file=text, force_terminal=terminal, width=None if terminal else _ENDLESS).print(drawing)
    return "".join(f"{line.rstrip()}\n" for line in text.getvalue().split("\n") if line.strip())


@contextmanager
def progress(label: str) -> Iterator[Progress | None]:
    """A bar on standard error, where that is a terminal, for work that lasts; it is gone when the work is done.

    Yields what is to be told of the number of things done, and of all; None where there is no terminal.
    """
    if not sys.stderr.isatty():
        yield None
        return
    from threading import Timer

    from rich.console import Console
    from rich.progress import Progress as Bar

    bar = Bar(console=Console(stderr=True), transient=True)
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
