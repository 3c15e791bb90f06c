"""The sample's segments over its snapshot: compiled, interpreted and, for most of them, in DuckDB's SQL."""

from __future__ import annotations

from pathlib import Path

import duckdb
import polars as pl
import pytest
import yaml
from polars.testing import assert_series_equal

from engine import count, evaluate
from engine.sample import SAMPLE_NOW, SampleSegment, sample_segments, write_sample

USERS = 3_000
SEGMENTS = {segment.name: segment for segment in sample_segments()}
TRUTHS: dict[str, str] = yaml.safe_load(
    (Path(__file__).parents[1] / "fixtures" / "sample_segments.yaml").read_text(encoding="utf-8")
)


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sample") / "users.parquet"
    write_sample(path, users=USERS)
    return path


@pytest.fixture(scope="module")
def truths(snapshot: Path) -> dict[str, dict[str, bool | None]]:
    """By segment, each user's truth in SQL."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"CREATE TABLE users AS FROM read_parquet('{snapshot}')")
        connection.execute("CREATE TABLE purchases AS SELECT user_id, unnest(purchases, max_depth := 2) FROM users")
        found = {
            name: connection.execute(query, {"now": SAMPLE_NOW} if "$now" in query else None).fetchall()
            for name, query in TRUTHS.items()
        }
    return {name: dict(rows) for name, rows in found.items()}


@pytest.mark.parametrize("segment", SEGMENTS.values(), ids=lambda segment: segment.name)
def test_compiled_is_interpreted(snapshot: Path, segment: SampleSegment) -> None:
    compiled = evaluate(segment.condition, snapshot, mode="compiled", now=SAMPLE_NOW)
    interpreted = evaluate(segment.condition, snapshot, mode="interpreted", now=SAMPLE_NOW)
    assert (compiled.mode, interpreted.mode) == ("compiled", "interpreted")
    assert_series_equal(compiled.values, interpreted.values)
    assert_series_equal(compiled.errors, interpreted.errors)
    assert 0 < compiled.values.sum() < USERS


@pytest.mark.parametrize("name", TRUTHS)
def test_each_user_is_what_sql_says(snapshot: Path, truths: dict[str, dict[str, bool | None]], name: str) -> None:
    evaluation = evaluate(SEGMENTS[name].condition, snapshot, now=SAMPLE_NOW)
    ids = pl.read_parquet(snapshot, columns=["user_id"]).get_column("user_id")
    assert dict(zip(ids, evaluation.values, strict=True)) == truths[name]


def test_all_segments_are_counted_at_once(snapshot: Path, truths: dict[str, dict[str, bool | None]]) -> None:
    report = count(snapshot, {name: segment.condition for name, segment in SEGMENTS.items()}, now=SAMPLE_NOW)
    counts = {r.name: (r.user_count, r.error_count) for r in report.results if r.name in truths}
    assert counts == {
        name: (sum(truth is True for truth in users.values()), sum(truth is None for truth in users.values()))
        for name, users in truths.items()
    }
