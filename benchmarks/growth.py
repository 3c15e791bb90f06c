"""How the cost grows: ten times the conditions, and ten times the users, each beside the tenth in the same rounds."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from pathlib import Path

from .cellar import counted, named
from .measure import Figure, Setting, Subject
from .recipe import conditions, snapshot

SERIES = "growth"

CONDITIONS = 1_000
MORE_CONDITIONS = 10_000
_USERS = 1_000_000


def growth(setting: Setting) -> Iterator[Figure]:
    """Ten thousand conditions beside a thousand over a million users; a thousand over each size beside the next."""
    users = min(max(setting.users), _USERS)
    path = snapshot(setting.folder, users)
    numbers = [number for number in (CONDITIONS, MORE_CONDITIONS) if number <= max(setting.conditions)]
    if len(numbers) > 1:
        yield from _side_by_side(setting, [(users, path, number) for number in numbers])
    number = min(CONDITIONS, max(setting.conditions))
    for smaller, larger in pairwise(sorted(setting.users)):
        sizes = [(users, snapshot(setting.folder, users), number) for users in (smaller, larger)]
        yield from _side_by_side(setting, sizes)


def _side_by_side(setting: Setting, cases: list[tuple[int, Path, int]]) -> Iterator[Figure]:
    subjects: dict[str, Subject] = {
        str(place): partial(_numbered, place, path, named(conditions(number)))
        for place, (_, path, number) in enumerate(cases)
    }
    title = " and ".join(f"{number:,} over {users:,}" for users, _, number in cases)
    for key, seconds in setting.paired(subjects).items():
        place, who = key.split(" ", 1)
        users, _, number = cases[int(place)]
        yield Figure(SERIES, title, who, users, number, seconds)


def _numbered(place: int, path: Path, conditions: dict[str, str]) -> dict[str, float]:
    return {f"{place} {who}": seconds for who, seconds in counted(path, conditions).items()}
