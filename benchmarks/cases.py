"""A few conditions over one snapshot, counted with their errors by Cellar and by its peers."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import polars as pl

from . import peers, rows
from .cellar import counted, counts, named
from .measure import Figure, Setting, Subject, timed
from .recipe import Recipe


class Case(NamedTuple):
    """Conditions that are counted together, and what they are called."""

    name: str
    recipes: tuple[Recipe, ...]


def beside_peers(
    setting: Setting, series: str, case: Case, path: Path, *, users: int, sample: pl.DataFrame
) -> Iterator[Figure]:
    """The figures of a case over a snapshot of so many users; ``sample``: those for the evaluators by row.

    Raises:
        CountsDifferError: a peer counts otherwise than Cellar.
    """
    conditions = named(case.recipes)
    figure = partial(Figure, series, case.name, users=users, conditions=len(conditions))
    expected = counts(path, conditions)
    subjects: dict[str, Subject] = {"Cellar": partial(counted, path, conditions)}
    if "polars" in setting.peers:
        selection = peers.members_and_errors([recipe.polars for recipe in case.recipes])
        for name, engine in peers.ENGINES.items():
            run = partial(peers.polars, path, selection, engine)
            subjects[name] = timed(name, run, peers.same_as(name, expected))
    if "duckdb" in setting.peers:
        query = peers.sql([recipe.sql for recipe in case.recipes], errors=True)
        subjects[peers.DUCKDB] = timed(
            peers.DUCKDB, partial(peers.run_duckdb, path, query), peers.same_as(peers.DUCKDB, expected)
        )
    for who, rounds in setting.paired(subjects).items():
        yield figure(who=who, seconds=rounds)
    yield from rows.by_row(setting, sample, [recipe.cel for recipe in case.recipes], figure)
