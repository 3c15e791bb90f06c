"""Many conditions over one snapshot: Cellar against one Polars ``select`` written by hand, and DuckDB's filters."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from engine import Snapshot, count

from .measure import Timing, paired
from .recipe import Recipe, conditions, write_users

_NOW = "2026-01-01T00:00:00Z"


def snapshot(folder: Path, users: int) -> Path:
    """The recipe's snapshot of so many users, written where it is not there yet."""
    path = folder / f"recipe-{users}.parquet"
    if not path.exists():
        write_users(path, users)
    return path


def many(path: Path, number: int, rounds: int) -> dict[str, Timing]:
    """Times of counting so many conditions, members and error rows.

    Raises:
        AssertionError: the counts differ.
    """
    recipes = conditions(number)
    named = {str(place): recipe.cel for place, recipe in enumerate(recipes)}
    by_hand = selection(recipes)
    ours = [(r.user_count, r.error_count) for r in count(path, named, now=_NOW).results]
    row = pl.scan_parquet(path).select(by_hand).collect().row(0)
    assert ours == list(zip(row[::2], row[1::2], strict=True)), "the counts differ"
    return paired(
        rounds,
        {
            "cellar": lambda: count(Snapshot.open(path), named, now=_NOW),
            "polars, in memory": lambda: pl.scan_parquet(path).select(by_hand).collect(),
            "polars, streaming": lambda: pl.scan_parquet(path).select(by_hand).collect(engine="streaming"),
        },
    )


def selection(recipes: list[Recipe]) -> list[pl.Expr]:
    """Members and error rows of each condition, written by hand."""
    return [
        expression
        for place, recipe in enumerate(recipes)
        for expression in (
            recipe.polars.sum().alias(f"{place} members"),
            recipe.polars.null_count().alias(f"{place} errors"),
        )
    ]
