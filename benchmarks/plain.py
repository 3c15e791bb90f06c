"""Plain comparisons of columns with constants, one condition each."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import polars as pl

from . import rows
from .cases import Case, beside_peers
from .measure import Figure, Setting
from .recipe import Recipe, snapshot

SERIES = "plain"

NUMBERS = "2 numbers"
NUMBERS_AND_TEXT = "2 numbers, 1 text"
ALL_KINDS = "number, time, texts in a list"
COMPARISONS = (NUMBERS, NUMBERS_AND_TEXT, ALL_KINDS)

_MOST_USERS = 1_000_000

_CASES = (
    Case(
        NUMBERS,
        (
            Recipe(
                "age >= 80 && points < 5000",
                pl.col("age").ge(80) & pl.col("points").lt(5000),
                "age >= 80 AND points < 5000",
            ),
        ),
    ),
    Case(
        NUMBERS_AND_TEXT,
        (
            Recipe(
                'age >= 30 && country == "C03" && total_spent > 100.0',
                pl.col("age").ge(30) & pl.col("country").eq("C03") & pl.col("total_spent").gt(100.0),
                "age >= 30 AND country = 'C03' AND total_spent > 100.0",
            ),
        ),
    ),
    Case(
        ALL_KINDS,
        (
            Recipe(
                'points < 15000 && created_at > timestamp("2025-01-05T00:00:00Z") && country in ["C07", "C02", "C09"]',
                pl.col("points").lt(15000)
                & pl.col("created_at").gt(datetime(2025, 1, 5, tzinfo=UTC))
                & pl.col("country").is_in(["C07", "C02", "C09"]),
                "points < 15000 AND created_at > TIMESTAMPTZ '2025-01-05 00:00:00+00' "
                "AND country IN ('C07', 'C02', 'C09')",
            ),
        ),
    ),
)


def plain(setting: Setting) -> Iterator[Figure]:
    """The cases over the snapshot of the recipe, of at most a million users."""
    users = min(max(setting.users), _MOST_USERS)
    path = snapshot(setting.folder, users)
    for case in _CASES:
        yield from beside_peers(setting, SERIES, case, path, users=users, sample=rows.sample(setting, path))
