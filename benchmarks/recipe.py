"""The recipe of many conditions (design, section 3): a seeded snapshot, conditions, the same by hand in Polars and SQL.

A condition has 2 to 4 atoms, joined left to right by ``&&`` with probability 0.7, else ``||``. Each atom is drawn
uniformly from twelve kinds. A tenth of the ages, e-mail addresses and last orders are null.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl

ROW_GROUP_ROWS = 262_144
_USERS_AT_ONCE = 1_000_000
_COUNTRIES = tuple(f"C{n:02d}" for n in range(20))
_TAGS = tuple(f"tag{n}" for n in range(10))
_CITIES = 5_000
_POINTS = 20_000
_DOMAINS = ("example.com", "example.org", "mail.example.net")
_EPOCH = datetime(2024, 1, 1, tzinfo=UTC)
_DAYS = 730
_NULL_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Recipe:
    """A comparison, or a condition of several: as CEL, by hand in Polars, and in SQL that DuckDB and DataFusion take.

    In all three a null is an error, and ``&&`` and ``||`` are Kleene's.
    """

    cel: str
    polars: pl.Expr
    sql: str


def snapshot(folder: Path, users: int) -> Path:
    """The snapshot of so many users, written where it is not there yet."""
    path = folder / f"recipe-{users}.parquet"
    if not path.exists():
        write_users(path, users)
    return path


def snapshot_of_one_row_group(folder: Path, users: int) -> Path:
    """The same users in one row group."""
    path = folder / f"recipe-{users}-one-row-group.parquet"
    if not path.exists():
        write_users(path, users, row_group_rows=users)
    return path


def sorted_snapshot(folder: Path, users: int) -> Path:
    """The same users in the order in which they were created."""
    path = folder / f"recipe-{users}-sorted.parquet"
    if not path.exists():
        frame = pl.read_parquet(snapshot(folder, users)).sort("created_at")
        frame.write_parquet(path, row_group_size=ROW_GROUP_ROWS)
    return path


def write_users(path: Path, users: int, seed: int = 1, *, row_group_rows: int = ROW_GROUP_ROWS) -> None:
    """Writes the snapshot of the recipe, 14 columns, a million users at a time; the file appears when it is whole."""
    with TemporaryDirectory(dir=path.parent) as folder:
        parts = []
        for start in range(0, max(users, 1), _USERS_AT_ONCE):
            parts.append(Path(folder) / f"{start:012}.parquet")
            rows = min(_USERS_AT_ONCE, users - start)
            _users(start, rows, seed + start // _USERS_AT_ONCE).write_parquet(parts[-1], row_group_size=ROW_GROUP_ROWS)
        whole = Path(folder) / "whole.parquet"
        pl.scan_parquet(parts).sink_parquet(whole, row_group_size=row_group_rows)
        whole.replace(path)


def _users(start: int, users: int, seed: int) -> pl.DataFrame:
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
    ids = pl.Series(np.arange(start, start + users)).cast(pl.String)
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
    return pl.DataFrame(
        {
            "user_id": np.arange(start, start + users),
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


def conditions(count: int, seed: int = 7) -> list[Recipe]:
    """Conditions of the recipe."""
    draw = random.Random(seed)
    return [_condition(draw) for _ in range(count)]


def _condition(draw: random.Random) -> Recipe:
    first = _atom(draw)
    cel, polars, sql = first.cel, first.polars, first.sql
    loosest = "&&"
    for _ in range(draw.randint(1, 3)):
        atom = _atom(draw)
        operator = "&&" if draw.random() < 0.7 else "||"
        if operator == "&&" and loosest == "||":
            cel = f"({cel})"
            sql = f"({sql})"
        cel = f"{cel} {operator} {atom.cel}"
        polars = polars & atom.polars if operator == "&&" else polars | atom.polars
        sql = f"{sql} {'AND' if operator == '&&' else 'OR'} {atom.sql}"
        loosest = operator
    return Recipe(cel, polars, sql)


def _atom(draw: random.Random) -> Recipe:
    return draw.choice(_ATOMS)(draw)


def _age(draw: random.Random) -> Recipe:
    n = draw.randint(16, 99)
    return Recipe(f"age >= {n}", pl.col("age") >= n, f"age >= {n}")


def _country(draw: random.Random) -> Recipe:
    value = draw.choice(_COUNTRIES)
    return Recipe(f'country == "{value}"', pl.col("country") == value, f"country = '{value}'")


def _countries(draw: random.Random) -> Recipe:
    values = draw.sample(_COUNTRIES, 4)
    listed = ", ".join(f'"{v}"' for v in values)
    in_sql = listed.replace('"', "'")
    return Recipe(f"country in [{listed}]", pl.col("country").is_in(values), f"country IN ({in_sql})")


def _spent(draw: random.Random) -> Recipe:
    x = float(draw.randrange(0, 1000, 5))
    return Recipe(f"total_spent > {x!r}", pl.col("total_spent") > x, f"total_spent > {x!r}")


def _orders(draw: random.Random) -> Recipe:
    n = draw.randint(0, 15)
    return Recipe(f"order_count >= {n}", pl.col("order_count") >= n, f"order_count >= {n}")


def _points(draw: random.Random) -> Recipe:
    n = draw.randrange(_POINTS)
    return Recipe(f"points < {n}", pl.col("points") < n, f"points < {n}")


def _last_order(draw: random.Random) -> Recipe:
    day = _EPOCH + timedelta(days=draw.randrange(_DAYS))
    text = f"{day:%Y-%m-%dT00:00:00Z}"
    by_hand = pl.col("last_order_at") < day
    return Recipe(f'last_order_at < timestamp("{text}")', by_hand, f"last_order_at < TIMESTAMPTZ '{text}'")


def _created(draw: random.Random) -> Recipe:
    day = _EPOCH + timedelta(days=draw.randrange(_DAYS))
    text = f"{day:%Y-%m-%dT00:00:00Z}"
    return Recipe(f'created_at > timestamp("{text}")', pl.col("created_at") > day, f"created_at > TIMESTAMPTZ '{text}'")


def _tag(draw: random.Random) -> Recipe:
    tag = draw.choice(_TAGS)
    return Recipe(f'"{tag}" in tags', pl.col("tags").list.contains(tag), f"array_has(tags, '{tag}')")


def _email(draw: random.Random) -> Recipe:
    domain = draw.choice(_DOMAINS)
    by_hand = pl.col("email").str.ends_with(f"@{domain}")
    return Recipe(f'email.endsWith("@{domain}")', by_hand, f"ends_with(email, '@{domain}')")


def _city(draw: random.Random) -> Recipe:
    city = f"city{draw.randrange(_CITIES)}"
    return Recipe(f'city == "{city}"', pl.col("city") == city, f"city = '{city}'")


def _newsletter(_draw: random.Random) -> Recipe:
    return Recipe("newsletter", pl.col("newsletter"), "newsletter")


_ATOMS: tuple[Callable[[random.Random], Recipe], ...] = (
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
