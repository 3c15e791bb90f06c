"""The reasons of errors on request: the same texts, counts and examples whichever way conditions are answered."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from engine import CountReport, Mode, Snapshot, count, evaluate
from engine.plan import Planned, plan
from engine.results import run_time

HEIGHT = 1_200
USERS = pl.DataFrame(
    {
        "user_id": [f"u{row}" for row in range(HEIGHT)],
        "age": [None if row % 10 == 0 else row % 90 for row in range(HEIGHT)],
        "tags": pl.Series([["a"], None, ["b", None, "c"]] * (HEIGHT // 3)),
        "text": ["x", "yy", None] * (HEIGHT // 3),
    }
)
NOW = "2026-01-01T00:00:00Z"
CONDITIONS = {
    "no errors": 'user_id != ""',
    "one reason": "age > 30",
    "a macro": "tags.exists(t, t.size() > 1) || age > 80",
    "a macro that takes from outside": "tags.map(t, t.size() + age).sum() > 4",
    "the same macro": "tags.map(t, t.size() + age).sum() > 40 && age > 1",
    "operands in their order": 'text.startsWith("y") && age > 5',
    "failures": "10 / (age % 3) > 2",
    "a ternary": 'age > 10 ? text == "x" : tags.size() > 1',
    "every row": "1 / 0 > age",
}
INTERPRETED = {
    "a clause": 'age > 5 && {"x": 1, "y": "z"}[text] == 1',
    "the same clause elsewhere": '   {"x": 1, "y": "z"}[text] == 1 || age > 80',
    "only that": '{"x": 1, "y": "z"}[text] == 1',
    "only that again": '{"x": 1, "y": "z"}[text] == 1',
}


def snapshot(directory: Path, row_group: int) -> Snapshot:
    path = directory / f"users-{row_group}.parquet"
    USERS.write_parquet(path, row_group_size=row_group)
    return Snapshot.open(path)


def found(report: CountReport) -> dict[str, object]:
    return {r.name: (r.user_count, r.error_count, r.reasons, r.error) for r in report.results}


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    chunks = Snapshot.chunks
    monkeypatch.setattr(
        Snapshot, "chunks", lambda self, columns, rows, skip: chunks(self, columns, min(rows, 500), skip)
    )


def test_every_mode_gives_the_same(tmp_path: Path) -> None:
    opened = snapshot(tmp_path, 250)
    auto = count(opened, CONDITIONS, now=NOW, errors=True)
    assert {r.mode for r in auto.results} == {"compiled"}
    for mode in (Mode.COMPILED, Mode.INTERPRETED):
        assert found(count(opened, CONDITIONS, now=NOW, errors=True, mode=mode)) == found(auto)


def test_interpreted_clauses_have_their_own_place_in_each_condition(tmp_path: Path) -> None:
    opened = snapshot(tmp_path, 250)
    auto = count(opened, INTERPRETED, now=NOW, errors=True)
    assert [r.mode for r in auto.results] == ["mixed", "mixed", "interpreted", "interpreted"]
    assert found(count(opened, INTERPRETED, now=NOW, errors=True, mode="interpreted")) == found(auto)
    assert [clause.text for r in auto.results for clause in r.interpreted] == ['{"x": 1, "y": "z"}[text] == 1'] * 4


@pytest.mark.parametrize("name", [*CONDITIONS, *INTERPRETED])
def test_they_are_those_of_the_rows(tmp_path: Path, name: str) -> None:
    """One condition alone is planned otherwise than among others; the rows tell what is right."""
    text = {**CONDITIONS, **INTERPRETED}[name]
    (result,) = count(snapshot(tmp_path, 250), text, now=NOW, errors=True).results
    rows = evaluate(text, USERS, now=NOW).errors.to_frame("reason").with_row_index("row").drop_nulls("reason")
    expected = rows.group_by("reason").agg(rows=pl.len(), row=pl.col("row").min())
    assert result.reasons is not None
    assert {(r.reason, r.rows, r.row, r.user_id) for r in result.reasons} == {
        (reason, number, row, f"u{row}") for reason, number, row in expected.select("reason", "rows", "row").rows()
    }
    assert sum(r.rows for r in result.reasons) == result.error_count
    assert [r.rows for r in result.reasons] == sorted((r.rows for r in result.reasons), reverse=True)
    together = count(snapshot(tmp_path, 100), {**CONDITIONS, **INTERPRETED}, now=NOW, errors=True)
    assert together[name].reasons == result.reasons


def test_they_are_there_only_where_they_are_asked_for(tmp_path: Path) -> None:
    opened = snapshot(tmp_path, 250)
    without = count(opened, CONDITIONS, now=NOW)
    assert {r.reasons for r in without.results} == {None}
    assert "reasons" not in without["failures"].to_dict()
    (failed,) = count(opened, {"wrong": "agee > 1"}, errors=True).results
    assert failed.reasons is None
    assert count(opened, "age > 30", errors=True).results[0].to_dict()["reasons"] == [
        {"reason": "age is null in `age > 30`", "rows": HEIGHT // 10, "example_row": 0, "example_id": "u0"}
    ]


@pytest.mark.parametrize(
    ("ids", "example"), [(None, None), ([7, 8, 9], 8), ([7, None, 9], None), ([1.5, 2.5, 3.5], "2.5")]
)
def test_an_example_is_an_id_or_a_row(ids: list[object] | None, example: object) -> None:
    frame = pl.DataFrame({"age": [1, None, None], **({} if ids is None else {"user_id": ids})})
    (reason,) = count(frame, "age > 0", errors=True).results[0].reasons or ()
    assert (reason.rows, reason.row, reason.user_id) == (2, 1, example)


def test_the_lowering_does_not_grow_with_the_chunks() -> None:
    snapshot = Snapshot.open(USERS)
    planning = plan(CONDITIONS, snapshot.schema, now=run_time(NOW), mode=Mode.AUTO)
    before = len(planning.lowering.steps)
    one = next(p for p in planning.planned if isinstance(p, Planned) and "map" in p.condition.source.text)
    first = planning.reasons.of(one.condition, segment=True)
    assert first.steps
    assert planning.reasons.of(one.condition, segment=True) is first
    assert len(planning.lowering.steps) == before
