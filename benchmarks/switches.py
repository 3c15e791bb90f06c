"""What each optimisation of a batch saves: all of them on, and each switched off in turn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from functools import partial
from time import perf_counter

from engine import Snapshot
from engine.batch import Batch, batch
from engine.chunks import read_chunks
from engine.optimisations import Optimisations
from engine.plan import Plan, plan
from engine.results import Mode, Tally, run_time
from engine.snapshot import DEFAULT_CHUNK_ROWS
from engine.statistics import statistics_for

from .cellar import NOW, named
from .measure import Figure, Setting, Subject
from .recipe import conditions, snapshot

SERIES = "optimisations"

ALL_ON = "all on"
_MOST_USERS = 1_000_000
_MOST_CONDITIONS = 1_000


class AnswersDifferError(Exception):
    """An optimisation changes the counts."""


def switches(setting: Setting) -> Iterator[Figure]:
    """The scan of at most a thousand conditions over at most a million users.

    Raises:
        AnswersDifferError: an optimisation changes the counts.
    """
    users, number = min(max(setting.users), _MOST_USERS), min(max(setting.conditions), _MOST_CONDITIONS)
    opened = Snapshot.open(snapshot(setting.folder, users))
    every = Optimisations()
    chosen = {ALL_ON: every}
    chosen.update(
        (f"without {switch.name.replace('_', ' ')}", replace(every, **{switch.name: False}))
        for switch in fields(every)
        if isinstance(getattr(every, switch.name), bool)
    )
    planned = {name: _planned(opened, number, optimisations) for name, optimisations in chosen.items()}
    expected = _tallies(opened, *planned[ALL_ON])
    subjects: dict[str, Subject] = {
        name: partial(_scanned, name, opened, planning, work, expected) for name, (planning, work) in planned.items()
    }
    for who, seconds in setting.paired(subjects).items():
        yield Figure(SERIES, f"{number:,} conditions", who, users, number, seconds)


def _planned(opened: Snapshot, number: int, chosen: Optimisations) -> tuple[Plan, Batch]:
    planning = plan(
        named(conditions(number)),
        opened.schema,
        now=run_time(NOW),
        mode=Mode.COMPILED,
        statistics=partial(statistics_for, opened),
        optimisations=chosen,
    )
    return planning, batch(planning.to_run(), planning.lowering, chosen)


def _scanned(
    name: str, opened: Snapshot, planning: Plan, work: Batch, expected: list[tuple[int, int]]
) -> Mapping[str, float]:
    start = perf_counter()
    found = _tallies(opened, planning, work)
    seconds = perf_counter() - start
    if found != expected:
        raise AnswersDifferError(f"the counts are others {name}")
    return {name: seconds}


def _tallies(opened: Snapshot, planning: Plan, work: Batch) -> list[tuple[int, int]]:
    tallies = [Tally() for _ in planning.planned]
    for chunk in read_chunks(opened, planning, (), DEFAULT_CHUNK_ROWS):
        work.tally(chunk.rows, tallies, chunk.facts)
    return [(tally.members, tally.errors) for tally in tallies]
