"""The sample snapshot: its schema, its promises, and the edge cases that it is meant to hold."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest

from engine.sample import ROW_GROUP_ROWS, SAMPLE_NOW, sample_segments, write_sample

USERS = 5_000
TIMESTAMP = pl.Datetime("us", "UTC")

SCHEMA = pl.Schema(
    {
        "user_id": pl.String(),
        "organization_id": pl.String(),
        "edition_ids": pl.List(pl.String),
        "consent_ids": pl.List(pl.String),
        "newsletter": pl.Boolean(),
        "is_vip": pl.Boolean(),
        "active_passes": pl.Int16(),
        "email": pl.String(),
        "phone_number": pl.String(),
        "first_name": pl.String(),
        "last_name": pl.String(),
        "country": pl.String(),
        "city": pl.String(),
        "language": pl.String(),
        "birth_date": pl.Date(),
        "age": pl.Int16(),
        "address": pl.Struct({"city": pl.String, "street": pl.String, "postal_code": pl.String}),
        "created_at": TIMESTAMP,
        "last_order_at": TIMESTAMP,
        "last_login_at": TIMESTAMP,
        "total_spent": pl.Float64(),
        "order_count": pl.Int32(),
        "points": pl.Int64(),
        "tags": pl.List(pl.String),
        "attributes": pl.Map(pl.String, pl.String),
        "purchases": pl.List(
            pl.Struct(
                {
                    "product": pl.String,
                    "type": pl.String,
                    "category": pl.String,
                    "status": pl.String,
                    "price": pl.Float64,
                    "quantity": pl.Int16,
                    "purchased_at": TIMESTAMP,
                    "edition_id": pl.String,
                }
            )
        ),
    }
)

# The lowest and the highest share of nulls that each column may have.
NULL_SHARES = {
    "user_id": (0, 0),
    "organization_id": (0, 0),
    "created_at": (0, 0),
    "edition_ids": (0.03, 0.07),
    "consent_ids": (0.05, 0.09),
    "newsletter": (0.1, 0.15),
    "is_vip": (0.005, 0.03),
    "active_passes": (0.18, 0.26),
    "email": (0.08, 0.12),
    "phone_number": (0.2, 0.3),
    "first_name": (0.02, 0.05),
    "last_name": (0.02, 0.05),
    "country": (0.01, 0.03),
    "city": (0.03, 0.07),
    "language": (0.03, 0.06),
    "birth_date": (0.08, 0.12),
    "age": (0.08, 0.12),
    "address": (0.3, 0.4),
    "last_order_at": (0.3, 0.45),
    "last_login_at": (0.1, 0.2),
    "total_spent": (0.03, 0.07),
    "order_count": (0.03, 0.07),
    "points": (0.02, 0.05),
    "tags": (0.02, 0.06),
    "attributes": (0.15, 0.25),
    "purchases": (0.03, 0.07),
}


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sample") / "sample.parquet"
    write_sample(path, users=USERS)
    return path


@pytest.fixture(scope="module")
def users(path: Path) -> pl.DataFrame:
    return pl.read_parquet(path)


@pytest.fixture(scope="module")
def purchases(users: pl.DataFrame) -> pl.DataFrame:
    known = users.filter(pl.col("purchases").list.len() > 0)
    return (
        known.select("user_id", "organization_id", "created_at", "purchases").explode("purchases").unnest("purchases")
    )


def test_schema(users: pl.DataFrame) -> None:
    assert users.schema == SCHEMA
    assert users.height == USERS


def test_same_seed_gives_the_same_bytes(path: Path, tmp_path: Path) -> None:
    write_sample(tmp_path / "again.parquet", users=USERS)
    assert (tmp_path / "again.parquet").read_bytes() == path.read_bytes()


def test_another_seed_gives_other_rows(users: pl.DataFrame, tmp_path: Path) -> None:
    write_sample(tmp_path / "other.parquet", users=USERS, seed=7)
    other = pl.read_parquet(tmp_path / "other.parquet")
    assert other.schema == users.schema
    assert not other["total_spent"].equals(users["total_spent"])


def test_rows_are_the_same_on_every_machine(users: pl.DataFrame) -> None:
    """Whoever changes what is drawn changes the counts that people remember from the demo, and this digest."""
    first = users.head(1_000).with_columns(
        pl.col("attributes").cast(pl.List(pl.Struct({"key": pl.String, "value": pl.String})))
    )
    assert (
        hashlib.sha256(first.write_json().encode()).hexdigest()
        == "16012a525c70822fb1bd5aad0edd11e1f5f70ab09095f68ed1a4fd1316e6b5a5"
    )


def test_row_groups_are_written_one_by_one(tmp_path: Path) -> None:
    path, total, progress = tmp_path / "two.parquet", ROW_GROUP_ROWS + 10, list[tuple[int, int]]()
    write_sample(path, users=total, progress=lambda done, of: progress.append((done, of)))
    metadata = pq.read_metadata(path)
    assert [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)] == [ROW_GROUP_ROWS, 10]
    assert all(metadata.row_group(0).column(index).is_stats_set for index in range(metadata.num_columns))
    assert progress == [(ROW_GROUP_ROWS, total), (total, total)]
    frame = pl.read_parquet(path, columns=["user_id", "created_at", "city", "purchases"])
    assert frame["user_id"].is_unique().all()
    assert frame["city"].n_unique() > 2_000
    assert frame["purchases"].list.len().max() == 40
    # The users are in the order of their sign-up, so that the statistics of row groups can tell them apart.
    groups = frame["created_at"].head(ROW_GROUP_ROWS), frame["created_at"].tail(10)
    assert groups[0].is_sorted()
    assert groups[0][-1] <= groups[1].min()


def test_no_users(tmp_path: Path) -> None:
    write_sample(tmp_path / "empty.parquet", users=0)
    empty = pl.read_parquet(tmp_path / "empty.parquet")
    assert (empty.height, empty.schema) == (0, SCHEMA)


def test_negative_number_of_users(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="-1"):
        write_sample(tmp_path / "negative.parquet", users=-1)


def test_interrupted_write_keeps_the_previous_file(tmp_path: Path) -> None:
    path = tmp_path / "sample.parquet"
    path.write_bytes(b"previous")

    def interrupt(_done: int, _of: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_sample(path, users=100, progress=interrupt)
    assert path.read_bytes() == b"previous"
    assert list(tmp_path.iterdir()) == [path]


def test_missing_directory(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_sample(tmp_path / "missing" / "sample.parquet", users=1)


@pytest.mark.parametrize("column", SCHEMA)
def test_share_of_nulls(users: pl.DataFrame, column: str) -> None:
    lowest, highest = NULL_SHARES[column]
    assert lowest <= users[column].null_count() / USERS <= highest


@pytest.mark.parametrize("column", ["edition_ids", "consent_ids", "tags", "purchases"])
def test_lists_are_null_and_empty_and_long(users: pl.DataFrame, column: str) -> None:
    lengths = users[column].list.len()
    assert lengths.null_count() > 0
    assert {0, 1, 2, 3} <= set(lengths)


def test_maps_are_null_and_empty_and_lack_keys(users: pl.DataFrame) -> None:
    maps = users["attributes"].to_list()
    assert None in maps
    assert {} in maps
    assert {"device" in entries for entries in maps if entries is not None} == {True, False}
    assert any(None in entries.values() for entries in maps if entries is not None)


@pytest.mark.parametrize(
    "field", ["product", "type", "category", "status", "price", "quantity", "purchased_at", "edition_id"]
)
def test_fields_of_purchases_are_seldom_null(purchases: pl.DataFrame, field: str) -> None:
    highest = 0.25 if field == "edition_id" else 0.06
    assert 0 < purchases[field].null_count() <= highest * purchases.height


def test_fields_of_addresses_are_null_within_known_addresses(users: pl.DataFrame) -> None:
    addresses = users.filter(pl.col("address").is_not_null()).unnest("address", separator=".")
    assert addresses["address.city"].null_count() == 0
    assert 0 < addresses["address.street"].null_count() < addresses["address.postal_code"].null_count()
    assert 0.02 < (addresses["address.city"] != addresses["city"]).mean() < 0.1  # type: ignore[operator]


def test_purchase_times_lie_between_sign_up_and_now(purchases: pl.DataFrame) -> None:
    times = purchases.filter(pl.col("purchased_at").is_not_null())
    assert times.filter(pl.col("purchased_at") < pl.col("created_at")).is_empty()
    assert times.filter(pl.col("purchased_at") >= SAMPLE_NOW).is_empty()
    assert times.group_by("user_id").agg(pl.col("purchased_at").diff().min() >= 0)["purchased_at"].all()


def test_no_time_is_later_than_now(users: pl.DataFrame) -> None:
    times = users.select(pl.col(TIMESTAMP).max())
    assert all(latest < SAMPLE_NOW for latest in times.row(0))


def test_totals_follow_from_the_purchases(users: pl.DataFrame, purchases: pl.DataFrame) -> None:
    completed, ordered = pl.col("status") == "completed", pl.col("status") != "cancelled"
    # A status that is not known in the list is known where the totals were made, so users who have one are left out.
    totals = purchases.group_by("user_id").agg(
        spent=(pl.col("price") * pl.col("quantity")).filter(completed).sum(),
        orders=ordered.sum(),
        last=pl.col("purchased_at").filter(ordered).max(),
        uncertain=pl.col("status").is_null().any(),
    )
    joined = users.join(totals, on="user_id", how="inner").filter(~pl.col("uncertain"))
    assert joined.height > 2_000
    assert (joined["total_spent"] - joined["spent"]).abs().max() < 1e-6  # type: ignore[operator]
    assert joined["order_count"].equals(joined["orders"].cast(pl.Int32))
    assert joined["last_order_at"].equals(joined["last"])
    nothing = users.filter(pl.col("purchases").list.len() == 0)
    assert nothing.select((pl.col("total_spent") == 0).all(), pl.col("last_order_at").is_null().all()).row(0) == (
        True,
        True,
    )


def test_editions_are_those_of_the_purchases(users: pl.DataFrame, purchases: pl.DataFrame) -> None:
    bought = purchases.group_by("user_id").agg(pl.col("edition_id").drop_nulls().unique().sort())
    joined = users.join(bought, on="user_id", how="inner")
    assert joined["edition_ids"].list.sort().equals(joined["edition_id"])
    of_another = purchases.filter(
        ("org_" + pl.col("edition_id").str.split("-").list.first()) != pl.col("organization_id")
    )
    assert of_another.is_empty()


def test_ages_follow_from_the_birth_dates(users: pl.DataFrame) -> None:
    known = users.filter(pl.col("birth_date").is_not_null())
    today = SAMPLE_NOW.date()
    for born, age in known.select("birth_date", "age").iter_rows():
        assert age == today.year - born.year - ((today.month, today.day) < (born.month, born.day))
    assert date(1900, 1, 1) in set(known["birth_date"])


def test_addresses_are_mostly_well_formed_and_sometimes_not(users: pl.DataFrame) -> None:
    emails, numbers = users["email"].drop_nulls(), users["phone_number"].drop_nulls()
    assert 0.95 < emails.str.contains(r"^[A-Za-z0-9._-]+[A-Za-z0-9]@[A-Za-z.]+\.[A-Za-z]+$").mean() < 0.995  # type: ignore[operator]
    assert 0.95 < numbers.str.contains(r"^\+[1-9][0-9]{7,14}$").mean() < 0.99  # type: ignore[operator]
    assert "" in set(emails)
    assert emails.str.to_lowercase().str.extract(r"@(.*\.example\.(?:com|net|org))$").drop_nulls().n_unique() == 14


def test_names_and_towns_are_in_many_scripts(users: pl.DataFrame) -> None:
    names = users["first_name"].drop_nulls()
    for script in ("Greek", "Arabic", "Han", "Latin"):
        assert names.str.contains(rf"\p{{{script}}}").any()
        assert users["city"].str.contains(rf"\p{{{script}}}").any()
    assert names.str.contains("🎉").any()
    assert names.filter(names.str.len_chars() != names.str.len_bytes()).len() > 0.1 * names.len()


def test_a_few_hold_most(users: pl.DataFrame) -> None:
    spent = users["total_spent"].drop_nulls().sort(descending=True).to_list()
    assert sum(spent[: len(spent) // 10]) > 0.5 * sum(spent)
    cities = users["city"].drop_nulls().value_counts(sort=True)["count"].to_list()
    assert sum(cities[:20]) > 0.2 * sum(cities)
    assert len(cities) > 500


def test_segments_are_named_and_distinct() -> None:
    segments = sample_segments()
    assert 20 <= len(segments) <= 30
    for values in ({segment.name for segment in segments}, {segment.condition for segment in segments}):
        assert len(values) == len(segments)
    assert all(segment.condition == segment.condition.strip() != "" for segment in segments)
    assert all(0 < len(segment.name) <= 30 for segment in segments)
