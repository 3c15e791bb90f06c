"""Previews, why a user is a member, checks, values of columns: each against the count that it must agree with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from compiler.diagnostics import CompileError
from engine import Audience, Segment, Snapshot, SnapshotError, count, members
from engine.checking import Checked, check
from engine.column_values import FEWEST_USERS, column_values
from engine.preview import MOST_CLAUSES, preview
from engine.sample import SAMPLE_NOW, write_sample
from engine.why import AnsweredClause, why

AURORA = Audience("any", "marketing", "newsletter", None, "org_aurora")
CONDITION = 'age > 30 && (country == "DE" || is_vip) && purchases.exists(p, p.price > 20.0)'
CLAUSE = '{"DE": true, "AT": "no"}[country] == true'
INTERPRETED = f"{CLAUSE} && age > 30"


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    path = tmp_path_factory.mktemp("preview") / "users.parquet"
    write_sample(path, users=2_000)
    return Snapshot.open(path)


def test_a_preview_is_the_count(snapshot: Snapshot) -> None:
    segment = Segment(CONDITION, AURORA)
    found = preview(snapshot, segment, columns=["user_id", "created_at"], sample=2, now=SAMPLE_NOW)
    counted = count(snapshot, segment, now=SAMPLE_NOW, errors=True, reach=True).results[0]
    times = dict.fromkeys(("duration", "compile", "scan"), 0.0)
    assert found.result.to_dict() | times == counted.to_dict() | times
    first = members(snapshot, segment, now=SAMPLE_NOW).head(2).collect().get_column("user_id").to_list()
    assert [user["user_id"] for user in found.sample] == first
    assert len(first) == 2
    assert set(found.sample[0]) == {"user_id", "created_at"}


def test_the_funnel_ends_in_the_count(snapshot: Snapshot) -> None:
    segment = Segment(CONDITION, AURORA)
    found = preview(snapshot, segment, now=SAMPLE_NOW)
    assert [(step.kind, step.text) for step in found.funnel] == [
        ("rule", "organization"),
        ("rule", "marketing"),
        ("rule", "any"),
        ("clause", "age > 30"),
        ("clause", 'country == "DE" || is_vip'),
        ("clause", "purchases.exists(p, p.price > 20.0)"),
    ]
    left = [step.remaining for step in found.funnel]
    assert left == sorted(left, reverse=True)  # type: ignore[type-var]
    assert (left[-1], found.funnel[-1].errors) == (found.result.user_count, found.result.error_count)
    alone = count(snapshot, Segment("age > 30", AURORA), now=SAMPLE_NOW).results[0].user_count
    assert found.funnel[3].matching == alone
    assert found.sample == ()


def test_a_long_condition_has_a_short_funnel(snapshot: Snapshot) -> None:
    found = preview(snapshot, Segment(" && ".join(["age > 1"] * 300)), now=SAMPLE_NOW)
    assert len(found.funnel) == MOST_CLAUSES
    assert {step.remaining for step in found.funnel} == {found.result.user_count}


def test_json_must_hold_the_sample(snapshot: Snapshot) -> None:
    users = pl.DataFrame({"user_id": [1], "secret": [b"x"]})
    with pytest.raises(ValueError, match="JSON cannot hold the column 'secret'"):
        preview(Snapshot.open(users), Segment("true"), columns=["secret"], sample=1)
    with pytest.raises(SnapshotError, match="no column 'nothing'"):
        preview(snapshot, Segment("true"), columns=["nothing"], sample=1)


@pytest.mark.parametrize("condition", [CONDITION, INTERPRETED, "age > 30", "true"])
def test_why_agrees_with_the_members(snapshot: Snapshot, condition: str) -> None:
    segment = Segment(condition, AURORA)
    inside = set(members(snapshot, segment, now=SAMPLE_NOW).collect().get_column("user_id"))
    assert inside
    asked = [*sorted(inside)[:2], "usr_00000003", "usr_00000151"]
    for user_id in asked:
        found = why(snapshot, segment, user_id, now=SAMPLE_NOW)
        assert found is not None
        assert found.member == (user_id in inside)
        for clause in [found.whole, *found.rules, *_all(found.condition)]:
            assert clause.compiled[:2] == clause.interpreted[:2], clause
            assert (clause.compiled.value is None) == (clause.compiled.error is not None)
        admitted = all(rule.compiled.value for rule in found.rules)
        assert found.member == (admitted and found.condition.compiled.value is True)


def test_why_tells_allowed_values_only(snapshot: Snapshot) -> None:
    found = why(snapshot, Segment(CONDITION, AURORA), "usr_00000151", columns=["age", "first_name"], now=SAMPLE_NOW)
    assert found is not None
    assert set(found.values) == {"age"}
    assert [part.text for part in found.condition.parts] == [
        "age > 30",
        'country == "DE" || is_vip',
        "purchases.exists(p, p.price > 20.0)",
    ]


def test_why_finds_users_by_numbers_too() -> None:
    users = Snapshot.open(pl.DataFrame({"user_id": [7, -8, 9, 9], "age": [40, 20, 1, 1]}))
    found = [why(users, Segment("age > 30"), user_id) for user_id in ("7", "-8", "5", "seven", "")]
    assert [one and one.member for one in found] == [True, False, None, None, None]
    with pytest.raises(SnapshotError, match="several users have '9'"):
        why(users, Segment("true"), "9")
    with pytest.raises(SnapshotError, match="no column 'user_id'"):
        why(Snapshot.open(pl.DataFrame({"age": [1]})), Segment("true"), "9")


def test_checks_fail_alone(snapshot: Snapshot) -> None:
    found = check(snapshot, {"a": Segment("agee > 1", AURORA), "b": Segment(INTERPRETED, AURORA), "c": Segment("age")})
    wrong, right, number = found.values()
    assert isinstance(wrong, CompileError)
    assert isinstance(number, CompileError)
    assert isinstance(right, Checked)
    assert (right.type, right.mode) == ("bool", "mixed")
    assert {"organization_id", "country", "age"} <= set(right.columns)
    (warning,) = right.warnings
    assert right.source.slice(warning.span) == CLAUSE
    assert right.source.position(warning.span.start) == (1, 1)


def test_what_is_surely_not_meant_is_warned_of(snapshot: Snapshot) -> None:
    segments = {"a": Segment("age < 18 && age > 65"), "b": Segment("age > 1000")}
    found = [check(snapshot, segments, statistics=statistics) for statistics in (False, True)]
    without, with_statistics = ([one.warnings for one in each.values() if isinstance(one, Checked)] for each in found)
    assert [len(one) for one in without] == [1, 0]
    assert [len(one) for one in with_statistics] == [1, 1]


def test_the_values_of_columns(snapshot: Snapshot) -> None:
    every = column_values(snapshot)
    assert every["is_vip"].values == ("false", "true")
    assert '"newsletter"' in (every["consent_ids"].values or ())
    assert every["user_id"] == (0.0, None)
    assert every["email"].values is None
    own = column_values(snapshot, Audience(organization_id="org_aurora"))
    assert own["organization_id"].values == ('"org_aurora"',)
    own_editions = own["edition_ids"].values
    assert own_editions is not None
    assert set(own_editions) <= {f'"aurora-{year}"' for year in range(2019, 2027)}


@pytest.mark.parametrize(
    ("values", "listed"),
    [
        (lambda: ["a"] * FEWEST_USERS + ["b"] * (FEWEST_USERS - 1), ('"a"',)),
        (lambda: ["a"] * (FEWEST_USERS - 1), None),
        (lambda: [["a", "a"]] * (FEWEST_USERS - 1) + [["b"]] * FEWEST_USERS, ('"b"',)),
        (lambda: [1.5] * 100, None),
        (lambda: ["x" * 1_000] * 100, None),
        (list, None),
    ],
)
def test_values_that_few_users_share_are_not_listed(
    values: Callable[[], list[object]], listed: tuple[str, ...] | None
) -> None:
    assert column_values(Snapshot.open(pl.DataFrame({"x": values()})))["x"].values == listed


def test_values_of_a_snapshot_without_rows(tmp_path: Path) -> None:
    pl.DataFrame(schema={"user_id": pl.String, "tags": pl.List(pl.String)}).write_parquet(tmp_path / "users.parquet")
    found = column_values(Snapshot.open(tmp_path / "users.parquet"))
    assert found == {"user_id": (None, None), "tags": (None, None)}


def _all(clause: AnsweredClause) -> list[AnsweredClause]:
    return [clause, *(inner for part in clause.parts for inner in _all(part))]
