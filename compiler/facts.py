"""What is known of values before they are read: bounds, nulls, the only values that occur."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

Value = bool | int | float | str | bytes
"""A value as constants of the typed tree have it: timestamps (since the epoch) and durations are int nanoseconds."""

MOST_CHOICES = 256
"""Values of which it is remembered that they are the only ones."""


class Facts(NamedTuple):
    """What is known of the values of a column, or of anything else, on some rows.

    It may be less than what is true: bounds need not be reached, and what is possible need not occur.

    Attributes:
        low: no value is less; None where that is not known.
        high: no value is greater; None where that is not known.
        null_count: the number of nulls; None where it is not known.
        present: whether a value that is not null is possible.
        nan: whether a NaN, which lies outside the bounds, is possible; of no meaning but for doubles.
        fails: whether an error is possible, other than that of a null.
        choices: the only values that are possible; None where they are not known.
    """

    low: Value | None = None
    high: Value | None = None
    null_count: int | None = None
    present: bool = True
    nan: bool = True
    fails: bool = False
    choices: frozenset[Value] | None = None

    @property
    def null(self) -> bool:
        """Whether a null is possible."""
        return self.null_count != 0


UNKNOWN = Facts(fails=True)
"""Nothing is known."""


def together(parts: Iterable[Facts]) -> Facts:
    """What is known of the rows of several parts together, given what is known of each part."""
    known = list(parts)
    counts = [one.null_count for one in known if one.null_count is not None]
    present = [one for one in known if one.present]
    lows = [one.low for one in present if one.low is not None]
    highs = [one.high for one in present if one.high is not None]
    choices = [one.choices for one in present if one.choices is not None]
    every = frozenset[Value]().union(*choices)
    return Facts(
        low=min(lows) if lows and len(lows) == len(present) else None,
        high=max(highs) if highs and len(highs) == len(present) else None,
        null_count=sum(counts) if len(counts) == len(known) else None,
        present=bool(present),
        nan=any(one.nan for one in known),
        fails=any(one.fails for one in known),
        choices=every if len(choices) == len(present) and len(every) <= MOST_CHOICES else None,
    )


def of_some_rows(facts: Facts) -> Facts:
    """What is known of some of the rows of which something is known: no counts."""
    return facts._replace(null_count=None) if facts.null_count else facts
