"""TPC-H data as a snapshot: customers as users, with their orders, and those with their line items, nested in lists.

The data are as of TPC-H's own current date, 1995-06-17: what had not arrived by then has no date of receipt yet.
The nulls are thus: ``last_order`` of customers without orders; their ``orders`` where the customer's key is even (where
it is odd, the list is empty); ``receiptdate`` of a line item whose return flag is N; ``received`` (the day on which the
last item arrived) of an order with such an item.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import duckdb
import polars as pl

TABLES = ("customer", "nation", "region", "orders", "lineitem")
SCALE_FACTOR = 0.01
"""1,500 customers, 15,000 orders, some 60,000 line items."""


def generate(folder: Path) -> None:
    """Writes the flat tables as Parquet files, with the generator of the package tpchgen-cli."""
    generator = Path(sys.executable).with_name("tpchgen-cli")
    options = ["parquet", "--quiet", "--scale-factor", str(SCALE_FACTOR), "--tables", ",".join(TABLES)]
    subprocess.run([generator, *options, "--output-dir", folder], check=True)


def flat_tables(folder: Path) -> duckdb.DuckDBPyConnection:
    """A connection with the flat tables, and ``unlisted``: the keys of the customers whose list of orders is null."""
    connection = duckdb.connect()
    for table in TABLES:
        connection.execute(f"CREATE TABLE {table} AS FROM read_parquet('{folder / table}.parquet')")
    connection.execute(
        "CREATE VIEW unlisted AS SELECT c_custkey FROM customer ANTI JOIN orders ON o_custkey = c_custkey"
        " WHERE c_custkey % 2 = 0"
    )
    return connection


def users(folder: Path) -> pl.DataFrame:
    """The customers as users, in the order of their keys. Orders are listed by date, line items by number."""
    customers, nations, regions, orders, items = (_read(folder, table) for table in TABLES)
    received = pl.when(pl.col("returnflag") != "N").then(pl.col("receiptdate"))
    items = items.with_columns(receiptdate=received).sort("orderkey", "linenumber")
    baskets = items.group_by("orderkey", maintain_order=True).agg(
        pl.when(pl.col("receiptdate").is_not_null().all()).then(pl.col("receiptdate").max()).alias("received"),
        pl.struct(pl.exclude("orderkey")).alias("lineitems"),
    )
    orders = orders.rename({"orderstatus": "status"}).join(baskets, on="orderkey", how="left")
    orders = orders.sort("orderdate", "orderkey")
    histories = orders.group_by(pl.col("custkey").alias("user_id"), maintain_order=True).agg(
        pl.struct("orderkey", "status", "totalprice", "orderdate").last().alias("last_order"),
        pl.struct(pl.exclude("custkey")).alias("orders"),
    )
    nation = pl.struct(
        pl.col("nationkey").alias("key"),
        pl.col("nation_name").alias("name"),
        pl.struct(pl.col("regionkey").alias("key"), pl.col("region_name").alias("name")).alias("region"),
    )
    places = nations.rename({"name": "nation_name"}).drop("comment")
    places = places.join(regions.rename({"name": "region_name"}).drop("comment"), on="regionkey")
    joined = customers.rename({"custkey": "user_id"}).join(places, on="nationkey").with_columns(nation=nation)
    nested = joined.join(histories, on="user_id", how="left").sort("user_id").drop(nation.meta.root_names())
    no_orders = pl.lit([], dtype=nested.schema["orders"])
    is_empty = pl.col("orders").is_null() & (pl.col("user_id") % 2 == 1)
    return nested.with_columns(pl.when(is_empty).then(no_orders).otherwise("orders").alias("orders"))


def store(frame: pl.DataFrame, folder: Path) -> dict[str, str]:
    """Writes the users as one Parquet file, as a directory of four, and as a DuckDB table: the location of each."""
    file, parts, database = folder / "users.parquet", folder / "parts", folder / "users.duckdb"
    frame.write_parquet(file, row_group_size=500)
    parts.mkdir()
    size = -(-frame.height // 4)
    for number, part in enumerate(frame.iter_slices(size)):
        part.write_parquet(parts / f"part-{number}.parquet")
    with duckdb.connect(str(database)) as connection:
        connection.execute(f"CREATE TABLE users AS FROM read_parquet('{file}')")
    return {"file": str(file), "parts": str(parts), "database": f"duckdb:{database}#users"}


def _read(folder: Path, table: str) -> pl.DataFrame:
    """A table, its columns without the prefix of its name."""
    frame = pl.read_parquet(folder / f"{table}.parquet")
    return frame.rename(lambda name: name.split("_", 1)[1])
