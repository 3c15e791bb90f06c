"""Paired timings: what is compared is run in turn, so that a machine whose speed drifts does not favour one side."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import NamedTuple, TypeVar

Answer = TypeVar("Answer")

Subject = Callable[[], Mapping[str, float]]
"""Runs once; gives the seconds of what it measured, by what the tables call it."""


class Figure(NamedTuple):
    """What was measured of one case.

    Attributes:
        series: the group of cases that are shown together.
        case: what was asked.
        who: who answered, or which part of the answering it was.
        users: how many users were counted.
        conditions: how many conditions there were.
        seconds: of the rounds, in their order; none where it was left out.
        note: how the figure came about, or why it was left out.
        peak: of a process, the greatest resident memory, in bytes.
    """

    series: str
    case: str
    who: str
    users: int
    conditions: int
    seconds: tuple[float, ...] = ()
    note: str = ""
    peak: int | None = None

    @property
    def median(self) -> float:
        """The middle round, in seconds."""
        return median(self.seconds)

    def times(self, other: Figure) -> float:
        """How many times longer the other takes: the median over the rounds, where both were run in all of them."""
        if len(self.seconds) == len(other.seconds):
            return median(theirs / ours for ours, theirs in zip(self.seconds, other.seconds, strict=True))
        return other.median / self.median


@dataclass(frozen=True, slots=True)
class Setting:
    """How much is measured.

    Attributes:
        folder: where snapshots are kept.
        users: the sizes of snapshots.
        conditions: the numbers of conditions.
        peers: which of the others are run, by their short names.
        sample: how many users the evaluators by row are given.
        rounds: how often each is run; medians are shown.
        patience: seconds of a run beyond which that one is enough.
        longest: seconds that a run may be expected to take, by how long fewer conditions or users took; beyond, it is
            left out.
    """

    folder: Path
    users: tuple[int, ...]
    conditions: tuple[int, ...]
    peers: frozenset[str]
    sample: int
    rounds: int
    patience: float
    longest: float

    def paired(self, subjects: Mapping[str, Subject], more: int = 1) -> dict[str, tuple[float, ...]]:
        """The seconds of the rounds of each subject's parts; of what is short, ``more`` times as many rounds."""
        return paired(self.rounds * more, self.patience, subjects)


def timed(name: str, run: Callable[[], Answer], check: Callable[[Answer], None] = lambda _: None) -> Subject:
    """The wall time of what is run; what it gives is checked each time, after the clock is stopped."""

    def subject() -> Mapping[str, float]:
        start = perf_counter()
        answer = run()
        seconds = perf_counter() - start
        check(answer)
        return {name: seconds}

    return subject


def paired(rounds: int, patience: float, subjects: Mapping[str, Subject]) -> dict[str, tuple[float, ...]]:
    """Runs each subject once a round, in turn, after one round that is not counted; a subject whose first run takes
    longer than ``patience`` is not run again, and that run counts.
    """
    seconds: dict[str, tuple[float, ...]] = {}
    again: dict[str, Subject] = {}
    for name, subject in subjects.items():
        first = subject()
        if sum(first.values()) > patience:
            seconds.update({part: (value,) for part, value in first.items()})
        else:
            seconds.update(dict.fromkeys(first, ()))
            again[name] = subject
    for _ in range(rounds):
        for subject in again.values():
            for part, value in subject().items():
                seconds[part] += (value,)
    return seconds
