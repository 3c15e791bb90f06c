"""Macros over a nested list, the purchases of the demo's users: one condition each, and many at once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from engine.sample import write_sample

from . import rows
from .cases import Case, beside_peers
from .measure import Figure, Setting
from .recipe import Recipe

SERIES = "nested"

EXISTS = "exists"
FILTER_SIZE = "filter, size"
FILTER_MAP_SUM = "filter, map, sum"
MACROS = (EXISTS, FILTER_SIZE, FILTER_MAP_SUM)
MANY = "20 exists at once"

_MOST_USERS = 1_000_000
_COLUMNS = ("status", "type", "price")
"""Of a purchase, what the conditions read; the evaluators by row are given no more."""

_STATUS = pl.element().struct.field("status")
_TYPE = pl.element().struct.field("type")
_PRICE = pl.element().struct.field("price")


def _exists(price: float) -> Recipe:
    return Recipe(
        f'purchases.exists(p, p.status == "completed" && has(p.price) && p.price > {price!r})',
        pl.col("purchases").list.agg(((_STATUS == "completed") & _PRICE.gt(price)).any()),
        f"len(list_filter(purchases, lambda p: p.status = 'completed' AND p.price > {price!r})) > 0",
    )


_CASES = (
    Case(EXISTS, (_exists(100.0),)),
    Case(
        FILTER_SIZE,
        (
            Recipe(
                'purchases.filter(p, p.type == "merchandise" && p.status == "completed").size() >= 3',
                pl.col("purchases").list.agg(((_TYPE == "merchandise") & (_STATUS == "completed")).sum()) >= 3,
                "len(list_filter(purchases, lambda p: p.type = 'merchandise' AND p.status = 'completed')) >= 3",
            ),
        ),
    ),
    Case(
        FILTER_MAP_SUM,
        (
            # Prices are in tenths: between two of them, it does not matter in which order a peer adds them up.
            Recipe(
                'purchases.filter(p, p.status == "completed" && has(p.price)).map(p, p.price).sum() > 500.05',
                pl.col("purchases").list.agg(_PRICE.filter(_STATUS == "completed").sum()) > 500.05,
                "coalesce(list_sum(list_transform(list_filter(purchases, lambda p: p.status = 'completed' "
                "AND p.price IS NOT NULL), lambda p: p.price)), CASE WHEN purchases IS NOT NULL THEN 0.0 END) > 500.05",
            ),
        ),
    ),
    Case(MANY, tuple(_exists(float(price)) for price in range(20, 420, 20))),
)


def nested(setting: Setting) -> Iterator[Figure]:
    """The cases over the demo's snapshot, of at most a million users."""
    users = min(max(setting.users), _MOST_USERS)
    path = setting.folder / f"sample-{users}.parquet"
    if not path.exists():
        write_sample(path, users=users)
    for case in _CASES:
        yield from beside_peers(setting, SERIES, case, path, users=users, sample=_sample(setting, path))


def _sample(setting: Setting, path: Path) -> pl.DataFrame:
    used = pl.struct(pl.element().struct.field(*_COLUMNS))
    return rows.sample(setting, path, ["purchases"]).select(pl.col("purchases").list.eval(used))
