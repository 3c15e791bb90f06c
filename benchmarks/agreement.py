"""Every condition's counts against DuckDB's, over all users, and against the interpreter's, on a sample."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from time import perf_counter

import polars as pl

from engine import count

from . import peers
from .cellar import NOW, counts, named
from .measure import Figure, Setting
from .recipe import conditions, snapshot

SERIES = "agreement"

INTERPRETED_USERS = 25
_MOST_USERS = 100_000
_MOST_CONDITIONS = 1_000


def agreement(setting: Setting) -> Iterator[Figure]:
    """At most a thousand conditions over at most 100,000 users: members and error rows.

    Raises:
        CountsDifferError: one of the two counts otherwise.
    """
    users, number = min(max(setting.users), _MOST_USERS), min(max(setting.conditions), _MOST_CONDITIONS)
    recipes = conditions(number)
    path = snapshot(setting.folder, users)
    figure = partial(Figure, SERIES, f"{number:,} conditions", users=users, conditions=number)
    expected = counts(path, named(recipes))
    if "duckdb" in setting.peers:
        query = peers.sql([recipe.sql for recipe in recipes], errors=True)
        start = perf_counter()
        peers.same_as(peers.DUCKDB, expected)(peers.run_duckdb(path, query))
        yield figure(who=peers.DUCKDB, seconds=(perf_counter() - start,), note="members and error rows are equal")
    step = max(1, users // INTERPRETED_USERS)
    sample = pl.scan_parquet(path).gather_every(step).head(INTERPRETED_USERS).collect()
    start = perf_counter()
    interpreted = count(sample, named(recipes), mode="interpreted", now=NOW)
    seconds = perf_counter() - start
    compiled = count(sample, named(recipes), mode="compiled", now=NOW)
    if [r[2:4] for r in interpreted.results] != [r[2:4] for r in compiled.results]:
        raise peers.CountsDifferError("the interpreter counts otherwise than the compiled conditions")
    yield figure(
        who="the interpreter", users=sample.height, seconds=(seconds,), note="members and error rows are equal"
    )
