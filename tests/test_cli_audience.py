"""The options of the command line on whom conditions may reach."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path

import polars as pl
import pytest

from tests.commands import run

USERS = pl.DataFrame(
    {
        "user_id": [1, 2, 3, 4],
        "age": [25, 41, None, 60],
        "organization_id": ["o1", "o1", "o2", "o1"],
        "edition_ids": [["e1"], [], None, ["e1", "e2"]],
        "consent_ids": [["c1"], ["c1"], ["c1"], []],
        "email": ["a@b.example", "c@d.example", None, "e@f.example"],
        "phone_number": [None, "+4915112982024", "0151", None],
        "active_passes": [0, 2, None, 1],
    }
)


@pytest.fixture
def users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    USERS.write_parquet("users.parquet")
    return "users.parquet"


def counts(*arguments: str) -> list[int]:
    result = run("count", *arguments, "--format", "json")
    assert result.exit_code == 0, result.stderr
    return [one["user_count"] for one in json.loads(result.stdout)["results"]]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], 4),
        (["--channel", "any"], 3),
        (["--channel", "email"], 3),
        (["--channel", "sms"], 1),
        (["--channel", "pass_push"], 2),
        (["--type", "marketing", "--consent", "c1"], 3),
        (["--type", "transactional", "--consent", "c1"], 4),
        (["--edition", "e1"], 2),
        (["--organization", "o1"], 3),
        (
            ["--organization", "o1", "--edition", "e1", "--channel", "email", "--type", "marketing", "--consent", "c1"],
            1,
        ),
    ],
)
def test_count_and_members(users: str, options: list[str], expected: int) -> None:
    assert counts(users, "user_id > 0", *options) == [expected]
    written = run("members", users, "user_id > 0", *options).stdout.splitlines()
    assert len(written) == expected + 1


def test_a_file_says_it_for_each_segment(users: str) -> None:
    Path("segments.yaml").write_text(
        "- {name: a, condition: user_id > 0, channel: sms}\n- {name: b, condition: user_id > 0}\n", encoding="utf-8"
    )
    assert counts(users, "--file", "segments.yaml") == [1, 4]
    assert counts(users, "--file", "segments.yaml", "user_id > 1", "--channel", "email") == [2, 1, 3]


def test_rules_from_a_file(users: str, tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text("[audience]\nsms = 'has(user.phone_number)'\n", encoding="utf-8")
    assert counts(users, "user_id > 0", "--channel", "sms", "--config", "other.toml") == [2]
    (tmp_path / "cellar.toml").write_text("[audience]\nsms = 'user_id == 4'\n", encoding="utf-8")
    assert counts(users, "user_id > 0", "--channel", "sms") == [1]
    assert run("members", users, "user_id > 0", "--channel", "sms").stdout == "user_id\n4\n"
    assert counts(users, "user_id > 0", "--channel", "sms", "--config", "other.toml") == [2]


def test_reach(users: str) -> None:
    arguments = ("count", users, "age > 30", "user_id == 1", "--consent", "c1", "--reach")
    result = run(*arguments)
    assert result.exit_code == 0
    _, table = result.stdout.split("\n\n")
    assert [line.split() for line in table.splitlines()] == [
        ["segment", "consent", "any", "email", "sms", "pass", "push"],
        ["age", ">", "30", "without", "2", "2", "1", "2"],
        ["with", "1", "1", "1", "1"],
        ["user_id", "==", "1", "without", "1", "1", "0", "0"],
        ["with", "1", "1", "0", "0"],
    ]
    first, second = json.loads(run(*arguments, "--format", "json").stdout)["results"]
    assert first["reach"][1] == {"channel": "email", "consent": False, "user_count": 2, "error": None}
    assert [cell["user_count"] for cell in second["reach"]] == [1, 1, 0, 0, 1, 1, 0, 0]
    in_parquet = pl.read_parquet(BytesIO(run(*arguments, "--format", "parquet").stdout_bytes)).to_dicts()
    assert [row["reach"] for row in in_parquet] == [first["reach"], second["reach"]]


def test_reach_without_a_column(users: str) -> None:
    USERS.drop("active_passes").write_parquet(users)
    result = run("count", users, "age > 30", "--reach")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1].split() == ["age", ">", "30", "without", "2", "1"]
    assert result.stderr.count("audience rule 'pass_push':1:10: the snapshot has no column 'active_passes'") == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--type", "marketing"], "Error: marketing needs a consent: name the one that users must have given"),
        (["--channel", "fax"], "'fax' is not one of"),
        (["--config", "none.toml"], "'none.toml' does not exist"),
        (["--config", "wrong.toml"], "wrong.toml: there is no audience rule 'fax'; the rules are organization,"),
        (["--reach", "--format", "csv"], "CSV cannot hold"),
    ],
)
def test_misuse(users: str, options: list[str], message: str) -> None:
    Path("wrong.toml").write_text("[audience]\nfax = 'true'\n", encoding="utf-8")
    result = run("count", users, "age > 30", *options)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr


def test_a_missing_column_fails_the_segments_that_need_it(users: str) -> None:
    USERS.drop("phone_number").write_parquet(users)
    assert run("count", users, "age > 30", "--channel", "sms").exit_code == 2
    Path("segments.yaml").write_text(
        "- {name: a, condition: age > 30, channel: sms}\n- {name: b, condition: age > 30, channel: email}\n",
        encoding="utf-8",
    )
    result = run("count", users, "--file", "segments.yaml", "--format", "json")
    assert result.exit_code == 3
    assert [one["user_count"] for one in json.loads(result.stdout)["results"]] == [None, 2]
    assert "ERROR: a: audience rule 'sms':1:10: the snapshot has no column 'phone_number'" in result.stderr


def test_results_say_whom_a_segment_may_reach(tmp_path: Path) -> None:
    path, file = tmp_path / "users.parquet", tmp_path / "segments.yaml"
    pl.DataFrame({"user_id": [1, 2], "organization_id": [7, 8], "email": ["a@example.com", None]}).write_parquet(path)
    file.write_text(
        "- {name: seven, condition: user_id > 0, organization: 7, channel: email}\n"
        "- {name: all, condition: user_id > 0}\n"
    )
    seven, everyone = json.loads(run("count", str(path), "--file", str(file), "--format", "json").stdout)["results"]
    assert seven["audience"] == {"channel": "email", "organization": 7}
    assert (seven["user_count"], everyone["user_count"]) == (1, 2)
    assert "audience" not in everyone
    output = run("count", str(path), "--file", str(file), "--format", "parquet").stdout_bytes
    assert pl.read_parquet(BytesIO(output)).get_column("audience").to_list() == [
        {"channel": "email", "type": None, "consent": None, "edition": None, "organization": "7"},
        None,
    ]
    assert run("count", str(path), "--file", str(file), "--format", "csv").exit_code == 0
