"""A thousand segments of which four are not like the others: 996 are right, and the four say what happened."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
import yaml

from benchmarks.recipe import conditions, write_users
from engine import count
from tests.commands import run

USERS = 5_000
ODD = {
    "wrong": "agee >= 30 && newsletter",
    "failing": "1 / 0 > order_count",
    "interpreted": '{"C01": true, "C02": "no"}[country] == true || age >= 98',
    "too large": " || ".join(f"points == {n} + age" for n in range(700)),
}
PLACES = {"wrong": 0, "failing": 333, "interpreted": 666, "too large": 999}


@pytest.fixture(scope="module")
def users(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("thousand") / "users.parquet"
    write_users(path, USERS)
    return path


@pytest.fixture(scope="module")
def segments() -> dict[str, str]:
    named = [(f"segment {n}", recipe.cel) for n, recipe in enumerate(conditions(1_000))]
    for name, place in PLACES.items():
        named[place] = (name, ODD[name])
    return dict(named)


@pytest.fixture(scope="module")
def expected(users: Path) -> dict[str, tuple[int, int]]:
    """The members and the error rows, as Polars written by hand has them."""
    recipes = {f"segment {n}": recipe.polars for n, recipe in enumerate(conditions(1_000)) if n not in PLACES.values()}
    frame = pl.read_parquet(users)
    members = frame.select(**{name: expression.sum() for name, expression in recipes.items()}).row(0)
    errors = frame.select(**{name: expression.null_count() for name, expression in recipes.items()}).row(0)
    return dict(zip(recipes, zip(members, errors, strict=True), strict=True))


def check(results: dict[str, dict[str, object]], expected: dict[str, tuple[int, int]], users: Path) -> None:
    assert len(results) == 1_000
    assert {
        name: (one["user_count"], one["error_count"]) for name, one in results.items() if name not in ODD
    } == expected
    assert all(one["error"] is None and one["mode"] == "compiled" for name, one in results.items() if name not in ODD)
    assert (results["wrong"]["user_count"], results["too large"]["user_count"]) == (None, None)
    assert "wrong:1:1: undeclared reference to 'agee'" in str(results["wrong"]["error"])
    assert "too large:1:1: the condition has 15,986 bytes; at most 10,000 are allowed" in str(
        results["too large"]["error"]
    )
    failing = results["failing"]
    assert (failing["user_count"], failing["error_count"], failing["error"]) == (0, USERS, None)
    frame = pl.read_parquet(users)
    by_hand = pl.col("country").replace_strict({"C01": True, "C02": False}, default=None) | (pl.col("age") >= 98)
    found = results["interpreted"]
    assert (found["mode"], found["error"]) == ("mixed", None)
    assert (found["user_count"], found["error_count"]) == frame.select(
        by_hand.sum().alias("members"), by_hand.null_count().alias("errors")
    ).row(0)


def test_a_thousand_conditions_four_of_which_are_odd(
    users: Path, segments: dict[str, str], expected: dict[str, tuple[int, int]]
) -> None:
    report = count(users, segments, errors=True)
    check({result.name: result.to_dict() for result in report.results}, expected, users)
    (reason,) = report["failing"].reasons or ()
    assert (reason.reason, reason.rows) == ("division by zero in `1 / 0`", USERS)
    (clause,) = report["interpreted"].interpreted
    assert clause.reason == "it is bool or string"
    assert clause.distinct == 20


def test_a_file_of_them(
    users: Path, segments: dict[str, str], expected: dict[str, tuple[int, int]], tmp_path: Path
) -> None:
    file = tmp_path / "segments.yaml"
    file.write_text(yaml.safe_dump([{"name": name, "condition": text} for name, text in segments.items()]))
    result = run("count", str(users), "--file", str(file), "--format", "json")
    assert result.exit_code == 3
    check({one["name"]: one for one in json.loads(result.stdout)["results"]}, expected, users)
    assert "2 of 1000 conditions failed." in result.stderr
    assert "wrong:1:1: undeclared reference to 'agee'" in result.stderr
    assert "interpreted: `" in result.stderr
