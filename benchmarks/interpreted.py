"""What interpreted clauses cost: a growing share of the conditions gets a clause that has no columnar form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from engine import count

from .cellar import COMPILE, NOW, SCAN, TOTAL, named
from .measure import Figure, Setting
from .recipe import conditions, snapshot

SERIES = "interpreted"

SHARES = (0, 1, 10, 100)
"""Per cent of the conditions."""
_CONDITIONS = 100
_MOST_USERS = 100_000
_INTERPRETATION = "Cellar, interpretation"

# An int or a double, which is known at run time only. It reads two columns of few values, as clauses of that kind do.
_CLAUSE = "math.greatest(age, double(country.size())) >= 40"


class SharesDifferError(Exception):
    """A clause is no longer interpreted, so that the figures would not mean what they say."""


def interpreted(setting: Setting) -> Iterator[Figure]:
    """Each share, over at most 100,000 users.

    Raises:
        SharesDifferError: a clause is not interpreted, or a condition fails.
    """
    users = min(max(setting.users), _MOST_USERS)
    path = snapshot(setting.folder, users)
    texts = named(conditions(_CONDITIONS))
    for share in SHARES:
        mixed = share * _CONDITIONS // 100
        case = {
            name: f"({text}) && {_CLAUSE}" if place < mixed else text
            for place, (name, text) in enumerate(texts.items())
        }
        for who, seconds in setting.paired({"Cellar": partial(_counted, path, case, mixed)}).items():
            yield Figure(SERIES, f"{share} % interpreted", who, users, _CONDITIONS, seconds)


def _counted(path: Path, texts: Mapping[str, str], mixed: int) -> dict[str, float]:
    report = count(path, texts, now=NOW)
    modes = [result.mode for result in report.results]
    if modes.count("mixed") != mixed or modes.count("compiled") != len(texts) - mixed:
        raise SharesDifferError(f"{modes.count('mixed')} of {len(texts)} conditions have an interpreted clause")
    return {
        TOTAL: report.duration,
        SCAN: report.scan,
        COMPILE: report.compile,
        _INTERPRETATION: report.interpretation,
    }
