"""Paired timings: what is compared is run in turn, so that a machine whose speed drifts does not favour one side."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from time import perf_counter


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds of several runs of one thing, in the order of the rounds."""

    name: str
    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle run, in seconds."""
        return median(self.seconds)

    def ratio(self, other: Timing) -> float:
        """How many times longer the other takes: the median over the rounds."""
        return median(b / a for a, b in zip(self.seconds, other.seconds, strict=True))


def paired(rounds: int, subjects: Mapping[str, Callable[[], object]]) -> dict[str, Timing]:
    """Times each subject once a round, in turn, after one round that is not counted."""
    seconds: dict[str, list[float]] = {name: [] for name in subjects}
    for counted in range(-1, rounds):
        for name, subject in subjects.items():
            start = perf_counter()
            subject()
            if counted >= 0:
                seconds[name].append(perf_counter() - start)
    return {name: Timing(name, tuple(values)) for name, values in seconds.items()}
