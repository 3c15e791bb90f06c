"""What the terminal and the JSON show of the figures."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from itertools import groupby

from rich.table import Table

from .bars import Verdict
from .measure import Figure

_PACKAGES = ("polars", "numpy", "pyarrow", "duckdb", "datafusion", "cel-python", "cel-expr-python")


def table(series: str, figures: Sequence[Figure]) -> Table:
    """The figures of one series; how many times longer each takes than the first of its case."""
    shown = Table("case", "who", "users", "median s", "times the first", "note", title=series)
    for _, case in groupby(figures, key=lambda figure: (figure.case, figure.users)):
        first: Figure | None = None
        for figure in case:
            first = first or (figure if figure.seconds else None)
            times = f"{first.times(figure):,.2f}" if first is not None and figure.seconds else ""
            seconds = f"{figure.median:,.4f}" if figure.seconds else ""
            shown.add_row(
                figure.case, figure.who, f"{figure.users:,}" if figure.users else "", seconds, times, _note(figure)
            )
        shown.add_section()
    return shown


def _note(figure: Figure) -> str:
    rounds = f"{len(figure.seconds)} round{'s' if len(figure.seconds) > 1 else ''}" if figure.seconds else ""
    peak = "" if figure.peak is None else f"peak {figure.peak / 2**20:,.0f} MiB"
    return ", ".join(part for part in (peak, figure.note or rounds) if part)


def bars(verdicts: Iterable[Verdict]) -> Table:
    """The bars with what was measured."""
    shown = Table("bar", "to reach", "measured", "reached", title="bars")
    for verdict in verdicts:
        shown.add_row(verdict.claim, verdict.bound, verdict.measured, "yes" if verdict.reached else "no")
    return shown


def measured_on() -> str:
    """What the figures are measured on, in a line: how Python was built counts for a fifth of some."""
    program = os.path.realpath(sys.executable)
    return "{cores} cores, {system} {architecture}, Python {python} ({compiler}), ".format_map(_machine()) + program


def as_json(figures: Iterable[Figure], verdicts: Iterable[Verdict]) -> dict[str, object]:
    """All that was measured, and on what."""
    return {
        "machine": {**_machine(), "packages": {name: version(name) for name in _PACKAGES}},
        "bars": [verdict._asdict() for verdict in verdicts],
        "figures": [figure._asdict() for figure in figures],
    }


def _machine() -> dict[str, object]:
    return {
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "system": platform.system(),
        "architecture": platform.machine(),
        "python": platform.python_version(),
        "compiler": platform.python_compiler(),
    }
