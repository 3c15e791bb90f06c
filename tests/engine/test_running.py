"""Many conditions, of which some fail while they are run: they fail alone, and nothing is counted twice."""

from __future__ import annotations

from time import process_time

import polars as pl
import pytest

from engine import CountReport, Snapshot, count, counting, members_of, membership
from engine.chunks import read_chunks
from engine.plan import plan
from engine.results import Mode
from engine.running import Run

USERS = 3_000
CHUNK = 1_000
CONDITIONS = {f"s{n}": f"age > {n % 90} && points < {n}" for n in range(1_000)}
# One user's list has 250 elements: 15,625,000 combinations of three are more than are kept at once.
TOO_MANY = "numbers.all(x, numbers.all(y, numbers.all(z, x + y + z >= 0)))"
# Three are refused for the first time in the second chunk.
BAD = {"bad first": 0, "bad middle": 517, "bad last": 999}


def users(longest: int) -> Snapshot:
    place = pl.int_range(USERS, eager=True)
    return Snapshot.open(
        pl.DataFrame(
            {
                "user_id": place,
                "age": pl.select(pl.when(place % 10 != 0).then(place % 97)).to_series(),
                "points": place % 1_009,
                "numbers": [list(range(longest)) if n == CHUNK + 500 else [n % 7] for n in range(USERS)],
            }
        )
    )


def with_bad(names: list[str]) -> dict[str, str]:
    conditions = list(CONDITIONS.items())
    for name in names:
        conditions[BAD[name]] = (name, f"{TOO_MANY} || points > {BAD[name] + 2_000}")
    return dict(conditions)


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "_CHUNK_ROWS", CHUNK)
    monkeypatch.setattr(membership, "_CHUNK_ROWS", CHUNK)


def counted(report: CountReport) -> dict[str, tuple[int | None, int | None]]:
    return {result.name: (result.user_count, result.error_count) for result in report.results}


@pytest.mark.parametrize("bad", [["bad middle"], ["bad first", "bad middle", "bad last"]])
@pytest.mark.parametrize("errors", [False, True])
def test_conditions_that_fail_do_so_alone(bad: list[str], errors: bool) -> None:
    expected = counted(count(users(1), CONDITIONS))
    report = count(users(250), with_bad(bad), errors=errors)
    failed = {result.name: result.error for result in report.results if result.error is not None}
    assert list(failed) == bad
    assert all("15,625,000 elements" in str(error) for error in failed.values())
    assert all(report[name].user_count is None for name in bad)
    found = counted(report)
    assert {name: found[name] for name in CONDITIONS if name in found} == {
        name: figures for name, figures in expected.items() if name in found
    }
    assert len(found) == len(CONDITIONS)


def test_the_others_stay_together() -> None:
    conditions = with_bad(list(BAD))
    snapshot = users(250)
    planning = plan(conditions, snapshot.schema, now=0, mode=Mode.AUTO)
    run = Run(planning, 0, errors=False)
    for chunk in read_chunks(snapshot, planning, [], CHUNK):
        run.count(chunk)
    (group,) = run._groups
    assert len(group.running) == len(CONDITIONS) - len(BAD)
    assert sorted(one.planned.condition.source.name for one in run._alone) == sorted(BAD)


def test_members_of_segments_beside_one_that_fails() -> None:
    conditions = {name: with_bad(["bad middle"])[name] for name in ("s500", "bad middle", "s900")}
    whole = members_of(users(1), {name: conditions[name] for name in ("s500", "s900")})
    expected = pl.concat(whole.pairs())
    stream = members_of(users(250), conditions)
    found = pl.concat(stream.pairs())
    order = ["segment", "user_id"]
    assert found.filter(pl.col("segment") != "bad middle").sort(order).equals(expected.sort(order))
    assert stream.report()["bad middle"].error is not None


def test_halving_costs_a_few_passes_over_one_chunk() -> None:
    good, bad = users(1), users(250)

    def cost(snapshot: Snapshot, conditions: dict[str, str]) -> float:
        start = process_time()
        count(snapshot, conditions)
        return process_time() - start

    cost(good, CONDITIONS)
    plain = min(cost(good, with_bad(["bad middle"])) for _ in range(2))
    halved = min(cost(bad, with_bad(["bad middle"])) for _ in range(2))
    one_by_one = 1_000 * cost(good, {"one": TOO_MANY, "two": "age > 3"})
    assert halved < 12 * plain
    assert halved < one_by_one / 2


@pytest.mark.parametrize("of", ["compiler.lower.Lowering._comprehension", "compiler.check._Checker.comprehension"])
def test_a_fault_of_its_own_costs_one_condition(monkeypatch: pytest.MonkeyPatch, of: str) -> None:
    def faulty(*_: object, **__: object) -> None:
        raise KeyError("what was not thought of")

    monkeypatch.setattr(of, faulty)
    report = count(users(1), {"right": "age > 30", "faulty": "numbers.exists(n, n > 3)", "other": "age > 40"})
    assert [result.error is None for result in report.results] == [True, False, True]
    assert "by a fault of Cellar's own: KeyError: 'what was not thought of'" in str(report["faulty"].error)


def test_a_fault_of_its_own_while_it_runs_costs_one_condition(monkeypatch: pytest.MonkeyPatch) -> None:
    def faulty(*_: object, **__: object) -> None:
        raise ValueError("what was not thought of")

    monkeypatch.setattr("engine.elements.Elements.answer", faulty)
    conditions = {**CONDITIONS, "faulty": "numbers.exists(n, n > 3)"}
    expected = counted(count(users(1), CONDITIONS))
    report = count(users(1), conditions)
    assert {name: report[name].user_count for name in CONDITIONS} == {
        n: members for n, (members, _) in expected.items()
    }
    assert report["faulty"].user_count == count(users(1), conditions["faulty"]).results[0].user_count
