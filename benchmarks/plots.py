"""One SVG for each series."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import altair as alt
import polars as pl

from . import growth, many, memory
from .measure import Figure

_WIDTH, _HEIGHT = 360, 280
_LABEL = 320
"""Pixels of the longest name beside a chart."""
_ABOVE = alt.Header(labelOrient="top", labelAnchor="start")

Chart = alt.Chart | alt.FacetChart


def write_plot(series: str, figures: Sequence[Figure], folder: Path) -> Path | None:
    """Draws a series into ``folder``; None where it measured nothing."""
    measured = [figure for figure in figures if figure.seconds]
    if not measured:
        return None
    written = folder / f"{series.replace(' ', '-')}.svg"
    _chart(series, _frame(measured)).save(written)
    return written


def _frame(figures: Sequence[Figure]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "case": [f.case for f in figures],
            "who": [f.who for f in figures],
            "users": [f"{f.users:,} users" for f in figures],
            "conditions": [f.conditions for f in figures],
            "seconds": [f.median for f in figures],
            "peak": [None if f.peak is None else f.peak / 2**20 for f in figures],
        }
    )


def _chart(series: str, frame: pl.DataFrame) -> Chart:
    match series:
        case many.SERIES:
            return _lines(frame)
        case memory.SERIES:
            return _memory(frame)
        case growth.SERIES:
            return _points(frame.with_columns(who=pl.format("{}, {} conditions, {}", "who", "conditions", "users")))
        case _:
            return _points(frame)


def _in_order(frame: pl.DataFrame, column: str) -> list[str]:
    """The values of a column as they come first: a facet would take the last ones first."""
    values: list[str] = frame.get_column(column).unique(maintain_order=True).to_list()
    return values


def _lines(frame: pl.DataFrame) -> Chart:
    """Seconds by the number of conditions, both in powers of ten, a panel for each number of users."""
    lines = (
        alt.Chart(frame)
        .mark_line(point=True)
        .encode(
            x=alt.X("conditions:Q", scale=alt.Scale(type="log"), title="conditions"),
            y=alt.Y("seconds:Q", scale=alt.Scale(type="log"), title="seconds, median"),
            color=alt.Color("who:N", sort=None, title=None, scale=alt.Scale(scheme="tableau20")),
        )
        .properties(width=_WIDTH, height=_HEIGHT)
    )
    chart: alt.FacetChart = lines.facet(column=alt.Column("users:N", sort=_in_order(frame, "users"), title=None))
    return chart


def _points(frame: pl.DataFrame) -> Chart:
    """Seconds in powers of ten, a row for each who was measured, a panel for each case."""
    points = (
        alt.Chart(frame)
        .mark_point(filled=True, size=70)
        .encode(
            x=alt.X("seconds:Q", scale=alt.Scale(type="log"), title="seconds, median"),
            y=alt.Y("who:N", sort=None, title=None, axis=alt.Axis(labelLimit=_LABEL)),
        )
        .properties(width=_WIDTH)
    )
    chart: alt.FacetChart = points.facet(
        row=alt.Row("case:N", sort=_in_order(frame, "case"), title=None, header=_ABOVE)
    )
    return cast(alt.FacetChart, chart.resolve_scale(y="independent"))


def _memory(frame: pl.DataFrame) -> Chart:
    """Peak memory, a row for each kind of file, a panel for each number of users."""
    bars = (
        alt.Chart(frame)
        .mark_bar()
        .encode(
            x=alt.X("peak:Q", title="peak memory, MiB"),
            y=alt.Y("case:N", sort=None, title=None, axis=alt.Axis(labelLimit=_LABEL)),
        )
        .properties(width=_WIDTH)
    )
    chart: alt.FacetChart = bars.facet(
        row=alt.Row("users:N", sort=_in_order(frame, "users"), title=None, header=_ABOVE)
    )
    return chart
