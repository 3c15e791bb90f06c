"""Compiled beside interpreted, on a sample from all over the snapshot."""

from __future__ import annotations

import polars as pl
import pytest

from compiler.schema import Schema
from engine import Audience, Segment, Snapshot
from engine import comparison as module
from engine.comparison import Answers, compare, compare_all, interpreted_answers
from engine.plan import Planned

USERS = pl.DataFrame({"user_id": range(5_000), "age": [None if n % 10 == 0 else n % 90 for n in range(5_000)]})


def test_conditions_are_compared_one_by_one() -> None:
    told: list[tuple[int, int]] = []
    conditions = {
        "adults": "age > 18",
        "mixed": 'age > 80 && {81: true, 82: "no"}[age] == true',
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

    def noting(planned: Planned, users: pl.DataFrame, schema: Schema, now: int) -> Answers:
        given.append(users)
        return interpreted_answers(planned, users, schema, now)

    monkeypatch.setattr(module, "interpreted_answers", noting)
    compare(Snapshot.open(USERS), "user_id >= 0", sample=sample)
    ids = given[-1].get_column("user_id")
    assert ids.len() == ids.n_unique() == expected
    if sample >= 100:
        assert (ids // 1_000).unique().to_list() == [0, 1, 2, 3, 4]


def test_a_difference_is_told(monkeypatch: pytest.MonkeyPatch) -> None:

    def wrong(planned: Planned, users: pl.DataFrame, schema: Schema, now: int) -> Answers:
        found = interpreted_answers(planned, users, schema, now)
        return found._replace(truths=found.truths & (users.get_column("age") != 19))

    monkeypatch.setattr(module, "interpreted_answers", wrong)
    one = compare(Snapshot.open(USERS), "age > 18")
    assert not one.equal
    assert one.difference == "compiled true, interpreted false, for {'age': 19}"
    report = compare_all(Snapshot.open(USERS), {"a": "age > 18", "b": "age > 50"}, rounds=1)
    assert report.messages()[0] == "a: compiled true, interpreted false, for {'age': 19}"
    assert not report.equal


def test_a_segment_is_compared_with_whom_it_may_reach() -> None:
    users = USERS.with_columns(email=pl.when(pl.int_range(pl.len()) % 3 == 0).then(pl.lit("a@example.com")))
    segment = Segment("age > 18", Audience(channel="email"))
    report = compare_all(Snapshot.open(users), {"reached": segment, "all": "age > 18"}, sample=600, rounds=1)
    assert report.equal
    one = compare(Snapshot.open(users), segment, rules={"email": "email.size() > 3"}, sample=600)
    assert one.equal


def test_each_user_is_interpreted_although_many_are_alike() -> None:
    users = pl.DataFrame({"age": [40] * 2_000})
    alike = compare(Snapshot.open(users), "age > 18", sample=2_000)
    fewer = compare(Snapshot.open(users), "age > 18", sample=200)
    assert 0.2 < alike.interpreted_per_user / fewer.interpreted_per_user < 5
