"""The conditions in docs/sql.md and docs/segments.md, over the users of the demonstration and in DuckDB's SQL."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
import yaml

from engine import count
from engine.sample import SAMPLE_NOW, write_sample

ROOT = Path(__file__).parents[1]
SQL = (ROOT / "docs" / "sql.md").read_text(encoding="utf-8")
PAIRS = [tuple(cell.replace(r"\|", "|") for cell in row) for row in re.findall(r"^\| `(.+?)` \| `(.+)` \|$", SQL, re.M)]
SEGMENTS = dict(
    re.findall(r"^### (.+?)\n.*?^```cel\n(.+?)\n```$", (ROOT / "docs" / "segments.md").read_text("utf-8"), re.M | re.S)
)
TRUTHS = yaml.safe_load((ROOT / "tests" / "fixtures" / "documented_segments.yaml").read_text("utf-8"))
BOUGHT = "purchases p WHERE p.user_id = users.user_id"
USERS = 3_000


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("docs") / "users.parquet"
    write_sample(path, users=USERS)
    return path


@pytest.fixture(scope="module")
def database(snapshot: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The tables ``users`` and ``purchases``."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"CREATE TABLE users AS FROM read_parquet('{snapshot}')")
        connection.execute("CREATE TABLE purchases AS SELECT user_id, unnest(purchases, max_depth := 2) FROM users")
        yield connection


def counted(database: duckdb.DuckDBPyConnection, condition: str) -> int:
    parameters = {"now": SAMPLE_NOW} if "$now" in condition else None
    found = database.execute(f"SELECT count(*) FROM users WHERE {condition}", parameters).fetchone()
    assert found is not None
    return int(found[0])


@pytest.mark.parametrize(("sql", "condition"), PAIRS, ids=[condition for _, condition in PAIRS])
def test_the_condition_counts_what_the_sql_counts(
    snapshot: Path, database: duckdb.DuckDBPyConnection, sql: str, condition: str
) -> None:
    for mode in ("auto", "interpreted"):
        (result,) = count(snapshot, condition, now=SAMPLE_NOW, mode=mode).results
        assert result.user_count == counted(database, sql)
    assert 0 < counted(database, sql) < USERS


def test_there_are_many_pairs() -> None:
    assert len(PAIRS) > 50
    assert len(PAIRS) == SQL.count("\n| `")


@pytest.mark.parametrize("name", TRUTHS)
def test_the_members_and_errors_of_a_segment_are_those_in_sql(
    snapshot: Path, database: duckdb.DuckDBPyConnection, name: str
) -> None:
    members, errors = (TRUTHS[name].get(kind, "false").replace("{bought}", BOUGHT) for kind in ("members", "errors"))
    expected = (counted(database, members), counted(database, errors))
    for mode in ("compiled", "interpreted"):
        (result,) = count(snapshot, SEGMENTS[name], now=SAMPLE_NOW, mode=mode).results
        assert (result.user_count, result.error_count) == expected
    assert 0 < expected[0] < USERS


def test_every_segment_has_its_truth() -> None:
    assert SEGMENTS.keys() == TRUTHS.keys()
    assert len(SEGMENTS) >= 20
