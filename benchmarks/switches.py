"""What each optimisation saves: all of them on, and each switched off in turn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from functools import partial
from pathlib import Path

from engine import count
from engine.optimisations import Optimisations

from .cellar import NOW, named
from .measure import Figure, Setting, Subject
from .recipe import conditions, snapshot, sorted_snapshot

SERIES = "optimisations"

ALL_ON = "all on"
_MOST_USERS = 1_000_000
_MOST_CONDITIONS = 1_000
_MOST_RECENT = 100
_RECENT = 'created_at > timestamp("2025-12-01T00:00:00Z")'
"""The last of the 24 months in which users were created: all of them in the last row groups of a sorted snapshot."""

_Counts = list[tuple[int | None, int | None]]


class AnswersDifferError(Exception):
    """An optimisation changes the counts."""


def switches(setting: Setting) -> Iterator[Figure]:
    """The scan of at most a thousand conditions over at most a million users; and of conditions on the newest users,
    over a snapshot that is sorted by the time of their creation.

    Raises:
        AnswersDifferError: an optimisation changes the counts.
    """
    users, number = min(max(setting.users), _MOST_USERS), min(max(setting.conditions), _MOST_CONDITIONS)
    texts = named(conditions(number))
    recent = {name: f"{_RECENT} && ({text})" for name, text in texts.items() if int(name) < _MOST_RECENT}
    for case, path, asked in (
        ("as they come", snapshot(setting.folder, users), texts),
        ("newest users, sorted", sorted_snapshot(setting.folder, users), recent),
    ):
        expected = [(r.user_count, r.error_count) for r in count(path, asked, now=NOW).results]
        subjects: dict[str, Subject] = {
            name: partial(_scanned, name, path, asked, chosen, expected) for name, chosen in _chosen().items()
        }
        for who, seconds in setting.paired(subjects).items():
            yield Figure(SERIES, f"{len(asked):,} conditions, {case}", who, users, len(asked), seconds)


def _chosen() -> dict[str, Optimisations]:
    every = Optimisations()
    names = [field.name for field in fields(every) if isinstance(getattr(every, field.name), bool)]
    return {ALL_ON: every} | {f"without {name}".replace("_", " "): replace(every, **{name: False}) for name in names}


def _scanned(
    name: str, path: Path, asked: Mapping[str, str], chosen: Optimisations, expected: _Counts
) -> Mapping[str, float]:
    report = count(path, asked, now=NOW, optimisations=chosen)
    if [(r.user_count, r.error_count) for r in report.results] != expected:
        raise AnswersDifferError(f"the counts are others {name}")
    return {name: report.scan}
