"""How many conditions are answered together, in figures and in words."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import yaml

from engine import Audience, Budget, Segment, Snapshot, count
from engine.plan_explanation import explain_plan
from tests.commands import run

USERS = pl.DataFrame(
    {
        "user_id": range(100),
        "age": [n % 60 for n in range(100)],
        "country": [f"C{n % 9}" for n in range(100)],
        "email": [f"u{n}@example.com" for n in range(100)],
        "purchases": [[{"price": 1.0, "status": "done", "note": "x"}]] * 100,
        "address": [{"city": "Ulm", "zip": "1"}] * 100,
        "unused": [1] * 100,
    }
)
CONDITIONS: dict[str, str] = {
    "grown": "age > 30",
    "grown in C1": 'age > 30 && country == "C1"',
    "in C1 or C2": 'country == "C1" || country == "C2" || country.endsWith("7")',
    "young in C3": 'age < 20 && country == "C3"',
    "buyers": 'purchases.exists(p, p.status == "done") && address.city == "Ulm" && !country.contains("8")',
    "big buyers": "purchases.exists(p, p.price > 20.0) || age > 30",
    "mixed": '{"C1": true, "C2": "no"}[country] == true && age > 30',
    "whole": '{"C1": true, "C2": "no"}[country] == true',
    "wrong": "agee > 30",
}


def test_the_figures() -> None:
    plan = explain_plan(Snapshot.open(USERS), CONDITIONS, budget=Budget(rows=5))
    assert (plan.rows, dict(plan.modes), list(plan.refused)) == (
        100,
        {"compiled": 6, "mixed": 1, "interpreted": 1},
        ["wrong"],
    )
    assert (plan.most_shared[0].text, plan.most_shared[0].conditions) == ("age > 30", 3)
    assert plan.shared_atoms == sum(one.conditions > 1 for one in plan.most_shared)
    assert plan.atom_uses - plan.atoms == sum(one.conditions - 1 for one in plan.most_shared)
    columns = {column.name: column.parts for column in plan.columns}
    assert columns == {"age": (), "country": (), "purchases": ("status", "price"), "address": ("city",)}
    assert plan.all_columns == 7
    assert {(one.column, one.way) for one in plan.encodings} == {("country", "dictionary"), ("purchases", "elements")}
    assert [(one.column, one.macros) for one in plan.lists] == [("purchases", 2)]
    assert [(one.name, one.clause) for one in plan.interpreted] == [
        ("mixed", CONDITIONS["whole"]),
        ("whole", CONDITIONS["whole"]),
    ]
    assert plan.to_dict()["budget"] == {"rows": 5, "seconds": 60.0}


def test_the_modes_are_those_of_the_count() -> None:
    plan = explain_plan(Snapshot.open(USERS), CONDITIONS)
    modes = [result.mode for result in count(USERS, CONDITIONS).results if result.error is None]
    assert {mode: modes.count(mode) for mode in modes} == plan.modes


def test_rules_of_an_audience_are_atoms_that_are_shared() -> None:
    reached = {name: Segment(CONDITIONS[name], Audience(channel="email")) for name in ("grown", "grown in C1")}
    plan = explain_plan(Snapshot.open(USERS), reached, rules={"email": "email.endsWith('com')"})
    assert {"email.endsWith('com')", "age > 30"} == {one.text for one in plan.most_shared if one.conditions == 2}


def test_it_is_said_in_words(tmp_path: Path) -> None:
    USERS.write_parquet(tmp_path / "users.parquet")
    file = tmp_path / "segments.yaml"
    file.write_text(yaml.safe_dump([{"name": name, "condition": text} for name, text in CONDITIONS.items()]))
    arguments = ("explain", str(tmp_path / "users.parquet"), "--file", str(file))
    result = run(*arguments, "--budget-seconds", "7")
    assert (result.exit_code, result.stderr) == (0, "")
    text = result.stdout
    for line in (
        f"9 conditions over 100 users in {tmp_path}/users.parquet: 6 compiled, 1 mixed, 1 interpreted, 1 refused.",
        "  by 3: age > 30",
        "4 columns of 7 are read, once for all conditions:",
        "  purchases: only status, price",
        "Answered by their distinct texts: country.",
        "The lists of purchases are flattened once, for 2 macros.",
        '  mixed and 1 more: `{"C1": true, "C2": "no"}[country] == true`, since it is bool or string',
        "  ERROR: wrong:1:1: undeclared reference to 'agee'",
    ):
        assert line in text.splitlines()
    assert "on at most 100 users each; the budget of each: 7 s and 1,000,000 distinct" in text
    assert json.loads(run(*arguments, "--format", "json").stdout)["conditions"] == 9
