"""What the commands say of interpretation: before it, after it, and when its budget is spent."""

from __future__ import annotations

import inspect
import json
from pathlib import Path

import pytest

from commands.options import budget_options
from engine.budget import DEFAULT_BUDGET
from tests.commands import names, run, write_users

MAPPED = '{"a": true, "b": 1}[country] == true'


@pytest.fixture
def users(tmp_path: Path) -> str:
    return write_users(tmp_path)


def test_it_is_told_before_and_after(users: str) -> None:
    result = run("count", users, f"age > 30 && {MAPPED}", "age > 30", "--budget-seconds", "2.5", "--budget-rows", "0")
    before, clause, after = result.stderr.splitlines()
    assert before == (
        "A condition is interpreted in part or whole, on at most 4 users each; the budget of each: 2.5 s."
    )
    assert clause == f"  age > 30 && {MAPPED}: `{MAPPED}`, since it is bool or int"
    assert "interpreting 0." in after


def test_nothing_is_told_where_nothing_is_interpreted(users: str) -> None:
    assert "interpret" not in run("count", users, "age > 30").stderr


@pytest.mark.parametrize("command", ["count", "members", "recalculate"])
def test_a_budget_that_is_spent_fails_one_condition(users: str, command: str, tmp_path: Path) -> None:
    file = tmp_path / "segments.yaml"
    file.write_text(f"- name: mapped\n  condition: '{MAPPED}'\n- name: grown\n  condition: age > 30\n")
    output = ["-o", str(tmp_path / "results")] if command == "recalculate" else []
    result = run(command, users, "--file", str(file), "--budget-rows", "1", *output)
    assert result.exit_code == 3
    assert "ERROR: mapped: the budget for interpreting is spent: 3 distinct" in result.stderr
    assert "1 of 2 conditions failed." in result.stderr


def test_a_file_of_members_is_not_written_in_part(users: str, tmp_path: Path) -> None:
    result = run("members", users, MAPPED, "--budget-rows", "1", "-o", str(tmp_path / "members.csv"))
    assert result.exit_code == 1
    assert names(tmp_path) == ["users.parquet"]


def test_the_cost_is_in_json_and_parquet(users: str) -> None:
    (found,) = json.loads(run("count", users, MAPPED, "--format", "json").stdout)["results"]
    (clause,) = found["interpreted"]
    assert (clause["clause"], clause["reason"], clause["rows"], clause["distinct"]) == (
        MAPPED,
        "it is bool or int",
        4,
        3,
    )
    assert 0 < clause["seconds"] <= found["interpretation"] + 1e-6


def test_the_help_has_the_default_budget() -> None:
    text = inspect.getsource(budget_options)
    assert f"[default: {DEFAULT_BUDGET.rows}]" in text
    assert f"[default: {DEFAULT_BUDGET.seconds:g}]" in text
