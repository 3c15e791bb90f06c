"""Compiled beside interpreted, on a sample from all over the snapshot."""

from __future__ import annotations

import polars as pl
import pytest

from engine import Evaluation, Snapshot, evaluate
from engine import comparison as module
from engine.comparison import compare, compare_all

USERS = pl.DataFrame({"user_id": range(5_000), "age": [None if n % 10 == 0 else n % 90 for n in range(5_000)]})


def test_conditions_are_compared_one_by_one() -> None:
    told: list[tuple[int, int]] = []
    conditions = {
        "adults": "age > 18",
        "mixed": "age > 80 && {81: true}[age]",
        "wrong": "agee > 1",
        "no columns": "true",
    }
    report = compare_all(
        Snapshot.open(USERS), conditions, sample=100, rounds=1, progress=lambda *done: told.append(done)
    )
    assert [(one.mode, one.sampled, one.users) for one in report.compared.values()] == [
        ("compiled", 100, 5_000),
        ("mixed", 100, 100),
        ("compiled", 100, 5_000),
    ]
    assert report.equal
    assert list(report.failed) == ["wrong"]
    assert report.together is None, "one of them is interpreted"
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]
    one = report.compared["adults"]
    assert one.factor == pytest.approx((one.interpreted / 100) / (one.compiled / 5_000))


@pytest.mark.parametrize(
    ("sample", "expected"), [(1, 1), (7, 7), (100, 100), (4_999, 4_999), (5_000, 5_000), (9_999, 5_000)]
)
def test_a_sample_is_from_all_over(monkeypatch: pytest.MonkeyPatch, sample: int, expected: int) -> None:
    given: list[pl.DataFrame] = []

    def noting(condition: str, users: pl.DataFrame, **options: object) -> Evaluation:
        given.append(users)
        return evaluate(condition, users, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "evaluate", noting)
    compare(Snapshot.open(USERS), "user_id >= 0", sample=sample)
    ids = given[-1].get_column("user_id")
    assert ids.len() == ids.n_unique() == expected
    if sample >= 100:
        assert (ids // 1_000).unique().to_list() == [0, 1, 2, 3, 4]


def test_a_difference_is_told(monkeypatch: pytest.MonkeyPatch) -> None:

    def wrong(condition: str, users: pl.DataFrame, **options: object) -> Evaluation:
        return evaluate("age > 19" if options.get("mode") == "interpreted" else condition, users, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "evaluate", wrong)
    one = compare(Snapshot.open(USERS), "age > 18")
    assert not one.equal
    assert one.difference == "compiled true, interpreted false, for {'age': 19}"
    report = compare_all(Snapshot.open(USERS), {"a": "age > 18", "b": "age > 50"}, rounds=1)
    assert report.messages()[0] == "a: compiled true, interpreted false, for {'age': 19}"
    assert not report.equal
