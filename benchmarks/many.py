"""Many conditions over one snapshot, beside each peer with the same conditions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from . import peers, rows
from .cellar import counted, counts, named
from .measure import Figure, Setting, Subject, timed
from .recipe import Recipe, conditions, snapshot
from .translated import NotAvailable, translated

SERIES = "many"

WITH_ERRORS = "{} and error rows"
PYCEL2SQL = "pycel2sql on DuckDB"

_IN_SQL = (peers.DUCKDB, peers.DATAFUSION, PYCEL2SQL)
_MOST_IN_SQL = 1_000
"""Filtered counts in one query. DuckDB and DataFusion plan them in the square of their number: 1,000 in about a second,
3,000 in 9 to 10."""


def case(number: int) -> str:
    """What so many conditions are called."""
    return f"{number:,} conditions" if number > 1 else "1 condition"


def many(setting: Setting) -> Iterator[Figure]:
    """Each number of conditions over each number of users.

    Raises:
        CountsDifferError: a peer counts otherwise than Cellar.
    """
    done: list[Figure] = []
    for users in setting.users:
        path = snapshot(setting.folder, users)
        for number in setting.conditions:
            for figure in _case(setting, path, users, number, done):
                done.append(figure)
                yield figure


def _case(setting: Setting, path: Path, users: int, number: int, done: Sequence[Figure]) -> Iterator[Figure]:
    recipes = conditions(number)
    figure = partial(Figure, SERIES, case(number), users=users, conditions=number)
    expected = counts(path, named(recipes))
    subjects: dict[str, Subject] = {"Cellar": partial(counted, path, named(recipes))}
    for who, query in _queries(setting, path, recipes).items():
        if who in _IN_SQL and number > _MOST_IN_SQL:
            yield figure(who=who, note="left out: planning so many filters alone takes minutes")
            continue
        seconds = _expected_seconds(done, who, users * number)
        if seconds > setting.longest:
            yield figure(who=who, note=f"left out: about {seconds:,.0f} s expected")
            continue
        try:
            subjects[who] = timed(who, query(), peers.same_as(who, expected))
        except NotAvailable as reason:
            yield figure(who=who, note=f"left out: {reason}")
    for who, rounds in setting.paired(subjects).items():
        yield figure(who=who, seconds=rounds)
    yield from rows.by_row(setting, rows.sample(setting, path), [recipe.cel for recipe in recipes], figure)


Run = Callable[[], tuple[int, ...]]


def _queries(setting: Setting, path: Path, recipes: Sequence[Recipe]) -> dict[str, Callable[[], Run]]:
    """What makes the query of each of the peers that were chosen."""
    expressions = [recipe.polars for recipe in recipes]
    by_hand = peers.sql([recipe.sql for recipe in recipes])

    def polars(engine: peers.Engine, *, errors: bool) -> Run:
        selection = peers.members_and_errors(expressions) if errors else peers.members(expressions)
        return partial(peers.polars, path, selection, engine)

    def pycel2sql() -> Run:
        texts = translated(setting.folder, [recipe.cel for recipe in recipes])
        return partial(peers.run_duckdb, path, peers.sql(texts))

    chosen: dict[str, Callable[[], Run]] = {}
    if "polars" in setting.peers:
        for who, engine in peers.ENGINES.items():
            chosen[who] = partial(polars, engine, errors=False)
            chosen[WITH_ERRORS.format(who)] = partial(polars, engine, errors=True)
    if "duckdb" in setting.peers:
        chosen[peers.DUCKDB] = lambda: partial(peers.run_duckdb, path, by_hand)
    if "datafusion" in setting.peers:
        chosen[peers.DATAFUSION] = lambda: partial(peers.run_datafusion, path, by_hand)
    if "pycel2sql" in setting.peers:
        chosen[PYCEL2SQL] = pycel2sql
    return chosen


def _expected_seconds(done: Sequence[Figure], who: str, work: int) -> float:
    """How long a run is expected to take, by the nearest one with less work; 0 where there was none."""
    less = [f for f in done if f.who == who and f.seconds and f.users * f.conditions <= work]
    if not less:
        # What was left out with less work is left out again.
        return float("inf") if any(f.who == who for f in done) else 0.0
    nearest = max(less, key=lambda f: f.users * f.conditions)
    return nearest.median * work / (nearest.users * nearest.conditions)
