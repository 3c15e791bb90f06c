"""The same conditions by hand: in Polars, in both of its engines, and in the SQL of DuckDB and DataFusion."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import duckdb
import polars as pl
from datafusion import SessionContext

Engine = Literal["in-memory", "streaming"]
Counts = list[tuple[int, int]]
"""Members and error rows of each condition."""

POLARS = "Polars, in memory"
POLARS_STREAMING = "Polars, streaming"
DUCKDB = "DuckDB"
DATAFUSION = "DataFusion"
ENGINES: dict[str, Engine] = {POLARS: "in-memory", POLARS_STREAMING: "streaming"}


class CountsDifferError(Exception):
    """A peer counts otherwise than Cellar."""


def members(conditions: Sequence[pl.Expr]) -> list[pl.Expr]:
    """The members of each condition: the plainest query by hand."""
    return [condition.sum().alias(str(place)) for place, condition in enumerate(conditions)]


def members_and_errors(conditions: Sequence[pl.Expr]) -> list[pl.Expr]:
    """The members and the error rows of each condition."""
    return [
        expression
        for place, condition in enumerate(conditions)
        for expression in (condition.sum().alias(f"{place} members"), condition.null_count().alias(f"{place} errors"))
    ]


def polars(path: Path, selection: Sequence[pl.Expr], engine: Engine) -> tuple[int, ...]:
    """One ``select`` over the file."""
    return pl.scan_parquet(path).select(selection).collect(engine=engine).row(0)


def sql(conditions: Sequence[str], *, errors: bool = False) -> str:
    """One query with a filtered count for each condition, over the table ``users``; error rows too where asked for."""
    counted = [f"count(*) FILTER (WHERE {condition})" for condition in conditions]
    if errors:
        wrong = [f"count(*) FILTER (WHERE ({condition}) IS NULL)" for condition in conditions]
        counted = [column for pair in zip(counted, wrong, strict=True) for column in pair]
    return "SELECT " + ", ".join(f"{column} AS c{place}" for place, column in enumerate(counted)) + " FROM users"


def run_duckdb(path: Path, query: str) -> tuple[int, ...]:
    """A query over the file as the table ``users``, on all cores."""
    with duckdb.connect() as connection:
        connection.from_parquet(str(path)).create_view("users")
        row = connection.execute(query).fetchone()
    assert row is not None
    return row


def run_datafusion(path: Path, query: str) -> tuple[int, ...]:
    """A query over the file as the table ``users``, on all cores."""
    context = SessionContext()
    context.register_parquet("users", str(path))
    return tuple(column[0].as_py() for batch in context.sql(query).collect() for column in batch.columns)


def same_as(who: str, expected: Counts) -> Callable[[tuple[int, ...]], None]:
    """A check of what a peer found: members alone, or members and errors by turns.

    Raises:
        CountsDifferError: it counts otherwise.
    """
    both = tuple(number for pair in expected for number in pair)
    alone = both[::2]

    def check(found: tuple[int, ...]) -> None:
        if found != (alone if len(found) == len(alone) else both):
            raise CountsDifferError(f"{who} counts otherwise than Cellar")

    return check
