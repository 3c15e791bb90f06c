"""Warnings, word for word, and that nothing else depends on them. The cases are in tests/fixtures/warnings.txt."""

from __future__ import annotations

import json
from pathlib import Path
from time import process_time

import polars as pl
import pytest

from compiler.condition import compile_condition
from compiler.warnings import warnings_of
from engine import Segment, Snapshot, count
from engine.audience import Audience
from engine.checking import Checked, check
from engine.explanation import explain
from tests.commands import run

FIXTURE = Path(__file__).parents[1] / "fixtures" / "warnings.txt"
DAY = 86_400_000_000
USERS = pl.DataFrame(
    {
        "user_id": range(200),
        "age": [20, 30, None, 60] * 50,
        "points": pl.Series([1, 5, 9, 7] * 50, dtype=pl.UInt64),
        "country": ["NL", "DE", None, "BE"] * 50,
        "status": ["active", "lapsed", "active", "new"] * 50,
        "email": [None if n % 4 == 2 else f"user{n}@example.org" for n in range(200)],
        "newsletter": [True, None, False, True] * 50,
        "spent": [1.0, float("nan"), 3.0, None] * 50,
        "joined": pl.Series([DAY * n for n in range(200)], dtype=pl.Datetime("us")),
        "tags": [["a"], None, [], ["b"]] * 50,
        "address": [{"city": "Oslo"}, None, {"city": None}, {"city": "Bergen"}] * 50,
        "nothing": pl.Series([None] * 200, dtype=pl.Int64),
    }
)
NOW = "2024-01-01T00:00:00Z"


def cases() -> list[tuple[str, str]]:
    _, *blocks = FIXTURE.read_text("utf-8").split("\n\n")
    parts = [block.strip("\n").partition("\n") for block in blocks]
    return [(text, "\n".join(line.removeprefix("    ") for line in lines.splitlines())) for text, _, lines in parts]


@pytest.fixture(scope="module")
def users(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("warnings") / "users.parquet"
    USERS.write_parquet(path, row_group_size=64)
    return path


@pytest.mark.parametrize(("text", "expected"), cases())
def test_warnings(users: Path, text: str, expected: str) -> None:
    found = explain(Snapshot.open(users), text, now=NOW).warnings
    assert "\n".join(warning.text for warning in found) == expected


def test_there_are_warnings_and_conditions_without() -> None:
    assert sum(bool(lines) for _, lines in cases()) >= 30
    assert sum(not lines for _, lines in cases()) >= 15


@pytest.mark.parametrize(
    ("text", "expected"), [case for case in cases() if " is never " not in case[1] and case[0] != "age"]
)
def test_a_count_warns_as_far_as_it_knows(users: Path, text: str, expected: str) -> None:
    (result,) = count(users, text, now=NOW, warnings=True).results
    quiet = count(users, text, now=NOW).results[0]
    assert "\n".join(warning.text for warning in result.warnings) == expected
    assert (result.user_count, result.error_count) == (quiet.user_count, quiet.error_count)
    assert quiet.warnings == ()
    assert [w["message"] for w in result.to_dict().get("warnings", [])] == [w.message for w in result.warnings]  # type: ignore[attr-defined]


def test_warnings_are_those_of_the_segment_and_not_of_its_rules(users: Path) -> None:
    segment = Segment("!(age > 25)", Audience(organization_id="1"))
    rules = {"organization": "!newsletter && segment.organization_id != null"}
    (result,) = count(users, {"a": segment}, now=NOW, rules=rules, warnings=True).results
    assert [(warning.line, warning.column) for warning in result.warnings] == [(1, 3)]
    (checked,) = check(Snapshot.open(users), {"a": segment}, rules=rules).values()
    assert isinstance(checked, Checked)
    assert [warning.message for warning in checked.warnings] == [warning.message for warning in result.warnings]


def test_without_users_nothing_is_known() -> None:
    snapshot = Snapshot.open(USERS.clear())
    assert explain(snapshot, "!(age > 25) && country == 'XX'").warnings == ()
    assert [w.message for w in explain(snapshot, "age < 18 && age > 65").warnings] == [
        "`age < 18` and `age > 65` are never true together"
    ]


def test_what_has_no_statistics_warns_of_what_the_condition_itself_tells(tmp_path: Path) -> None:
    USERS.select("age", "country").write_csv(tmp_path / "users.csv")
    snapshot = Snapshot.open(tmp_path / "users.csv")
    assert explain(snapshot, "!(age > 25)").warnings == ()
    assert len(explain(snapshot, "age > 65 && age < 18").warnings) == 1
    assert [w.hint for w in explain(snapshot, "country == 'Nl'").warnings] == ['did you mean "NL"?']


def test_a_column_of_many_texts_is_not_looked_through(tmp_path: Path) -> None:
    pl.DataFrame({"name": [f"n{n}" for n in range(300)]}).write_parquet(tmp_path / "users.parquet")
    assert explain(Snapshot.open(tmp_path / "users.parquet"), "name == 'n1x'").warnings == ()


def test_warnings_never_fail_anything(tmp_path: Path) -> None:
    path = tmp_path / "users.parquet"
    USERS.write_parquet(path)
    snapshot = Snapshot.open(path)
    path.write_bytes(b"PAR1" + b"\0" * 100 + b"PAR1")
    assert explain(snapshot, "!(age > 25) && country == 'XX'").warnings == ()


@pytest.mark.parametrize("clause", ["has(user.age)", "age != 7", "!(age > 25)", "(age < 25 || age > 55)"])
@pytest.mark.parametrize("operator", [" && ", " || "])
def test_a_long_chain_takes_linear_time(clause: str, operator: str) -> None:
    snapshot = Snapshot.open(USERS)

    def seconds(operands: int) -> float:
        condition = compile_condition(operator.join([clause] * operands), snapshot.schema, now=0)
        statistics = snapshot.statistics(["age"])
        assert statistics is not None
        times = []
        for _ in range(3):
            start = process_time()
            warnings_of(condition, statistics.columns)
            times.append(process_time() - start)
        return min(times)

    assert seconds(240) < 40 * max(seconds(30), 1e-4)


def test_the_commands_tell_them(users: Path) -> None:
    for command in ("check", "explain"):
        shown = run(command, str(users), "!(age > 25)")
        assert "WARNING: <input>:1:3: age is null for 50 users" in shown.stdout
        told = json.loads(run(command, str(users), "!(age > 25)", "--format", "json").stdout)
        assert [warning["column"] for warning in told["warnings"]] == [3]
    counted = run("count", str(users), "!(age > 25)")
    assert counted.exit_code == 0
    assert "WARNING: <input>:1:3: age is null for 50 users" in counted.stderr
    (result,) = json.loads(run("count", str(users), "!(age > 25)", "--format", "json").stdout)["results"]
    assert result["warnings"][0]["hint"].startswith("to take them in, write !has(user.age) || !(age > 25)")
