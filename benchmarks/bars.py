"""What the figures have to show, beside what they show.

The bars hold on two cores, for medians of five rounds, with ratios taken within one run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from . import growth, many, memory, nested, peers, plain, rows
from .cellar import COMPILE, SCAN, TOTAL
from .measure import Figure

Figures = Sequence[Figure]
_GIBIBYTE = 2**30


@dataclass(frozen=True, slots=True)
class Bar:
    """A figure that has to be reached.

    Attributes:
        claim: what is claimed, and for what.
        bound: what has to be reached.
        unit: of both, as shown behind the number.
        measured: what was; None where the run did not measure it.
        at_least: whether more is better.
    """

    claim: str
    bound: float
    unit: str
    measured: Callable[[Figures], float | None]
    at_least: bool


class Verdict(NamedTuple):
    """A bar with what was measured."""

    claim: str
    bound: str
    measured: str
    reached: bool


def verdicts(figures: Figures) -> Iterator[Verdict]:
    """The bars on which the run says anything."""
    for bar in BARS:
        found = bar.measured(figures)
        if found is not None:
            reached = found >= bar.bound if bar.at_least else found <= bar.bound
            bound = f"at {'least' if bar.at_least else 'most'} {bar.bound:,g} {bar.unit}"
            yield Verdict(bar.claim, bound, f"{found:,.4g} {bar.unit}", reached)


def _find(figures: Figures, series: str, case: str, who: str, users: int | None = None) -> Figure | None:
    """The figure of a case; over the most users, where no number is named."""
    found = [
        figure
        for figure in figures
        if (figure.series, figure.case, figure.who) == (series, case, who)
        and figure.seconds
        and (users is None or figure.users == users)
    ]
    return max(found, key=lambda figure: figure.users, default=None)


def _faster(users: int, conditions: int, ours: str, *theirs: str, at_least: float, claim: str | None = None) -> Bar:
    """How many times faster than the fastest of some peers, with many conditions."""
    case = many.case(conditions)

    def measured(figures: Figures) -> float | None:
        mine = _find(figures, many.SERIES, case, ours, users)
        others = [_find(figures, many.SERIES, case, who, users) for who in theirs]
        times = [mine.times(other) for other in others if mine is not None and other is not None]
        return min(times, default=None)

    than = claim or "Polars by hand" if len(theirs) > 1 else theirs[0]
    return Bar(f"{case} over {users:,} users, {ours}: faster than {than}", at_least, "times", measured, at_least=True)


def _one_condition(users: int) -> Bar:
    """What one condition takes more than Polars by hand that counts the error rows, over what it may: 1 ms or 5 %."""
    names = [many.WITH_ERRORS.format(name) for name in peers.ENGINES]

    def measured(figures: Figures) -> float | None:
        ours = _find(figures, many.SERIES, many.case(1), TOTAL, users)
        others = [_find(figures, many.SERIES, many.case(1), name, users) for name in names]
        theirs = min((other.median for other in others if other is not None), default=None)
        if ours is None or theirs is None:
            return None
        return (ours.median - theirs) / max(0.001, 0.05 * theirs)

    claim = f"1 condition over {users:,} users: slower than Polars by hand, of 1 ms or 5 %"
    return Bar(claim, 1.0, "times", measured, at_least=False)


def _compile_time(figures: Figures) -> float | None:
    """Milliseconds a condition, of the most that were compiled."""
    found = [
        f for f in figures if f.series in (many.SERIES, growth.SERIES) and f.who == COMPILE and f.conditions >= 1_000
    ]
    return max((f.median / f.conditions * 1e3 for f in found), default=None)


def _grown(
    who: str, conditions: tuple[int, int] | None, users: tuple[int, int] | None
) -> Callable[[Figures], float | None]:
    """How many times more the larger of two that were run side by side takes."""

    def measured(figures: Figures) -> float | None:
        mine = [f for f in figures if f.series == growth.SERIES and f.who == who and f.seconds]
        for small in mine:
            for large in mine:
                if small.case != large.case or small is large:
                    continue
                if conditions is not None and (small.conditions, large.conditions) == conditions:
                    return small.times(large)
                if users is not None and (small.users, large.users) == users and small.conditions >= growth.CONDITIONS:
                    return small.times(large)
        return None

    return measured


def _peak(case: str) -> Callable[[Figures], float | None]:
    def measured(figures: Figures) -> float | None:
        found = [f.peak for f in figures if f.series == memory.SERIES and f.case == case and f.users >= 10_000_000]
        return max((peak / _GIBIBYTE for peak in found if peak is not None), default=None)

    return measured


def _than_by_row(series: str, case: str) -> Callable[[Figures], float | None]:
    def measured(figures: Figures) -> float | None:
        ours, theirs = _find(figures, series, case, TOTAL), _find(figures, series, case, rows.CEL_PYTHON)
        return None if ours is None or theirs is None else ours.times(theirs)

    return measured


_MILLION, _TEN_MILLION = 1_000_000, 10_000_000
_POLARS = tuple(peers.ENGINES)

BARS: tuple[Bar, ...] = (
    _faster(_MILLION, 1_000, SCAN, *_POLARS, at_least=6),
    _faster(_MILLION, 1_000, TOTAL, *_POLARS, at_least=4),
    _faster(_TEN_MILLION, 1_000, TOTAL, *_POLARS, at_least=8),
    _faster(_MILLION, 1_000, TOTAL, peers.DUCKDB, at_least=100),
    _faster(_MILLION, 1_000, TOTAL, peers.DATAFUSION, at_least=50),
    _faster(_MILLION, 100, TOTAL, *_POLARS, at_least=2.5),
    _faster(_MILLION, 10, TOTAL, *_POLARS, at_least=1.2),
    _one_condition(_MILLION),
    Bar("compiling, for each of 1,000 conditions or more", 0.15, "ms", _compile_time, at_least=False),
    Bar(
        "10,000 conditions: the scan of 1,000",
        6,
        "times",
        _grown(SCAN, (growth.CONDITIONS, growth.MORE_CONDITIONS), None),
        at_least=False,
    ),
    Bar(
        "10,000,000 users: the cost of 1,000,000",
        10.5,
        "times",
        _grown(TOTAL, None, (_MILLION, _TEN_MILLION)),
        at_least=False,
    ),
    Bar(f"10,000,000 users, {memory.ROW_GROUPS}: memory", 2, "GiB", _peak(memory.ROW_GROUPS), at_least=False),
    Bar(f"10,000,000 users, {memory.ONE_ROW_GROUP}: memory", 2, "GiB", _peak(memory.ONE_ROW_GROUP), at_least=False),
    *(
        Bar(f"{case}: faster than cel-python, by row", 10_000, "times", _than_by_row(plain.SERIES, case), at_least=True)
        for case in plain.COMPARISONS
    ),
    *(
        Bar(f"{case}: faster than cel-python, by row", 1_000, "times", _than_by_row(nested.SERIES, case), at_least=True)
        for case in nested.MACROS
    ),
)
