"""The recipe of many conditions (design, section 3): a seeded snapshot, conditions, and the same by hand in Polars.

A condition has 2 to 4 atoms, joined left to right by ``&&`` with probability 0.7, else ``||``. Each atom is drawn
uniformly from twelve kinds. A tenth of the ages, e-mail addresses and last orders are null.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

ROW_GROUP_ROWS = 262_144
_COUNTRIES = tuple(f"C{n:02d}" for n in range(20))
_TAGS = tuple(f"tag{n}" for n in range(10))
_CITIES = 5_000
_POINTS = 20_000
_DOMAINS = ("example.com", "example.org", "mail.example.net")
_EPOCH = datetime(2024, 1, 1, tzinfo=UTC)
_DAYS = 730
_NULL_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Atom:
    """One comparison: as CEL, and by hand in Polars."""

    cel: str
    polars: pl.Expr


@dataclass(frozen=True, slots=True)
class Recipe:
    """One condition of the recipe, in both languages."""

    cel: str
    polars: pl.Expr


def write_users(path: Path, users: int, seed: int = 1) -> None:
    """Writes the snapshot of the recipe: 14 columns, row groups of 262,144 users."""
    generator = np.random.default_rng(seed)

    def nulls(values: pl.Series) -> pl.Series:
        missing = pl.Series(generator.random(users) < _NULL_SHARE)
        return pl.select(pl.when(~missing).then(values)).to_series()

    def moments() -> pl.Series:
        seconds = generator.integers(0, _DAYS * 86_400, users)
        return pl.Series(seconds * 1_000_000).cast(pl.Datetime("us")).dt.replace_time_zone("UTC") + (
            _EPOCH - datetime(1970, 1, 1, tzinfo=UTC)
        )

    def names(prefix: str, count: int) -> pl.Series:
        return pl.Series([f"{prefix}{n}" for n in range(count)]).gather(generator.integers(0, count, users))

    domains = pl.Series(_DOMAINS).gather(generator.integers(0, len(_DOMAINS), users))
    ids = pl.Series(np.arange(users)).cast(pl.String)
    lengths = generator.integers(0, 4, users)
    parents = pl.Series(np.repeat(np.arange(users), lengths))
    tags = pl.Series(_TAGS).gather(generator.integers(0, len(_TAGS), len(parents)))
    lists = pl.DataFrame({"user": parents, "tag": tags}).group_by("user", maintain_order=True).agg("tag")
    tag_column = (
        pl.DataFrame({"user": np.arange(users)})
        .join(lists, on="user", how="left", maintain_order="left")
        .get_column("tag")
        .fill_null([])
    )
    frame = pl.DataFrame(
        {
            "user_id": np.arange(users),
            "age": nulls(pl.Series(generator.integers(16, 100, users)).cast(pl.Int16)),
            "country": pl.Series(_COUNTRIES).gather(generator.integers(0, len(_COUNTRIES), users)),
            "city": names("city", _CITIES),
            "email": nulls("user" + ids + "@" + domains),
            "total_spent": pl.Series(generator.exponential(200.0, users)),
            "order_count": pl.Series(generator.poisson(5, users)).cast(pl.Int32),
            "points": pl.Series(generator.integers(0, _POINTS, users)),
            "created_at": moments(),
            "last_order_at": nulls(moments()),
            "newsletter": pl.Series(generator.random(users) < 0.5),
            "language": names("l", 8),
            "score": pl.Series(generator.random(users)),
            "tags": tag_column,
        }
    )
    frame.write_parquet(path, row_group_size=ROW_GROUP_ROWS)


def conditions(count: int, seed: int = 7) -> list[Recipe]:
    """Conditions of the recipe."""
    draw = random.Random(seed)
    return [_condition(draw) for _ in range(count)]


def _condition(draw: random.Random) -> Recipe:
    first = _atom(draw)
    cel, polars = first.cel, first.polars
    loosest = "&&"
    for _ in range(draw.randint(1, 3)):
        atom = _atom(draw)
        operator = "&&" if draw.random() < 0.7 else "||"
        if operator == "&&" and loosest == "||":
            cel = f"({cel})"
        cel = f"{cel} {operator} {atom.cel}"
        polars = polars & atom.polars if operator == "&&" else polars | atom.polars
        loosest = operator
    return Recipe(cel, polars)


def _atom(draw: random.Random) -> Atom:
    return draw.choice(_ATOMS)(draw)


def _age(draw: random.Random) -> Atom:
    n = draw.randint(16, 99)
    return Atom(f"age >= {n}", pl.col("age") >= n)


def _country(draw: random.Random) -> Atom:
    value = draw.choice(_COUNTRIES)
    return Atom(f'country == "{value}"', pl.col("country") == value)


def _countries(draw: random.Random) -> Atom:
    values = draw.sample(_COUNTRIES, 4)
    listed = ", ".join(f'"{v}"' for v in values)
    return Atom(f"country in [{listed}]", pl.col("country").is_in(values))


def _spent(draw: random.Random) -> Atom:
    x = float(draw.randrange(0, 1000, 5))
    return Atom(f"total_spent > {x!r}", pl.col("total_spent") > x)


def _orders(draw: random.Random) -> Atom:
    n = draw.randint(0, 15)
    return Atom(f"order_count >= {n}", pl.col("order_count") >= n)


def _points(draw: random.Random) -> Atom:
    n = draw.randrange(_POINTS)
    return Atom(f"points < {n}", pl.col("points") < n)


def _last_order(draw: random.Random) -> Atom:
    day = _EPOCH + timedelta(days=draw.randrange(_DAYS))
    return Atom(f'last_order_at < timestamp("{day:%Y-%m-%dT00:00:00Z}")', pl.col("last_order_at") < day)


def _created(draw: random.Random) -> Atom:
    day = _EPOCH + timedelta(days=draw.randrange(_DAYS))
    return Atom(f'created_at > timestamp("{day:%Y-%m-%dT00:00:00Z}")', pl.col("created_at") > day)


def _tag(draw: random.Random) -> Atom:
    tag = draw.choice(_TAGS)
    return Atom(f'"{tag}" in tags', pl.col("tags").list.contains(tag))


def _email(draw: random.Random) -> Atom:
    domain = draw.choice(_DOMAINS)
    return Atom(f'email.endsWith("@{domain}")', pl.col("email").str.ends_with(f"@{domain}"))


def _city(draw: random.Random) -> Atom:
    city = f"city{draw.randrange(_CITIES)}"
    return Atom(f'city == "{city}"', pl.col("city") == city)


def _newsletter(_draw: random.Random) -> Atom:
    return Atom("newsletter", pl.col("newsletter"))


_ATOMS: tuple[Callable[[random.Random], Atom], ...] = (
    _age,
    _country,
    _countries,
    _spent,
    _orders,
    _points,
    _last_order,
    _created,
    _tag,
    _email,
    _city,
    _newsletter,
)
