"""Conditions over data that this project did not make, against SQL by DuckDB over TPC-H's own flat tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest
import yaml

from engine import Evaluation, count, evaluate, members
from tests.realdata import tpch

NOW = "1998-08-02T00:00:00Z"
SAMPLE_STEP = 37
"""Prime to 6 and 10, so that every 37th customer is with and without orders, unlisted or not, of every last digit."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition, with SQL for the keys of the customers for whom it is true, and of those on whom it is an error."""

    cel: str
    members: str
    errors: str | None = None
    mode: str = "compiled"


@dataclass(frozen=True, slots=True, repr=False)
class Answer:
    """What the SQL of a condition found."""

    members: frozenset[int]
    errors: frozenset[int]


@dataclass(frozen=True, slots=True, repr=False)
class Data:
    """The users, where they are stored in each form, and by condition what DuckDB found in the flat tables."""

    users: pl.DataFrame
    locations: Mapping[str, str]
    answers: Mapping[str, Answer]


def _conditions() -> list[Condition]:
    path = Path(__file__).parents[1] / "fixtures" / "tpch.yaml"
    return [Condition(**entry) for entry in yaml.safe_load(path.read_text(encoding="utf-8"))]


CONDITIONS = _conditions()
each_condition = pytest.mark.parametrize("condition", CONDITIONS, ids=lambda condition: condition.cel)


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Data:
    folder = tmp_path_factory.mktemp("tpch")
    tpch.generate(folder)
    users = tpch.users(folder)
    with tpch.flat_tables(folder) as connection:

        def keys(query: str | None) -> frozenset[int]:
            rows = [] if query is None else [key for (key,) in connection.sql(query).fetchall()]
            assert len(rows) == len(set(rows)), query
            return frozenset(rows)

        answers = {c.cel: Answer(keys(c.members), keys(c.errors)) for c in CONDITIONS}
    return Data(users, tpch.store(users, folder), answers)


def _found(users: pl.DataFrame, evaluation: Evaluation) -> Answer:
    ids = users.get_column("user_id")
    return Answer(
        frozenset(ids.filter(evaluation.values.fill_null(value=False))),
        frozenset(ids.filter(evaluation.errors.is_not_null())),
    )


def test_the_data_are_nested_whole(data: Data) -> None:
    orders = data.users.select(pl.col("orders").explode(empty_as_null=False, keep_nulls=False)).unnest("orders")
    assert (data.users.height, orders.height) == (1_500, 15_000)
    assert (
        data.users.get_column("orders").null_count() == (data.users.get_column("orders").list.len() == 0).sum() == 250
    )
    assert orders.get_column("lineitems").list.len().sum() == 60_175


@each_condition
def test_every_condition_tells_customers_apart(data: Data, condition: Condition) -> None:
    answer = data.answers[condition.cel]
    assert answer.members
    assert not answer.members & answer.errors
    assert answer.members | answer.errors < set(data.users.get_column("user_id"))


@each_condition
def test_members_and_errors_are_those_of_sql(data: Data, condition: Condition) -> None:
    evaluation = evaluate(condition.cel, data.users, now=NOW)
    assert evaluation.mode == condition.mode
    assert _found(data.users, evaluation) == data.answers[condition.cel]


@each_condition
def test_interpreted_on_a_sample(data: Data, condition: Condition) -> None:
    sample = data.users.gather_every(SAMPLE_STEP)
    evaluation = evaluate(condition.cel, sample, mode="interpreted", now=NOW)
    ids = set(sample.get_column("user_id"))
    answer = data.answers[condition.cel]
    assert _found(sample, evaluation) == Answer(answer.members & ids, answer.errors & ids)


@each_condition
def test_one_condition_is_counted_and_its_members_listed(data: Data, condition: Condition) -> None:
    answer = data.answers[condition.cel]
    [result] = count(data.locations["file"], condition.cel, now=NOW).results
    assert (result.user_count, result.error_count) == (len(answer.members), len(answer.errors))
    found = members(data.locations["parts"], condition.cel, now=NOW).collect()
    assert found.get_column("user_id").to_list() == sorted(answer.members)


@pytest.mark.parametrize("form", ["file", "parts", "database"])
def test_all_conditions_are_counted_at_once(data: Data, form: str) -> None:
    report = count(data.locations[form], {c.cel: c.cel for c in CONDITIONS}, now=NOW)
    assert report.rows == data.users.height
    assert [r.error for r in report.results if r.error is not None] == []
    assert {r.name: (r.user_count, r.error_count) for r in report.results} == {
        cel: (len(answer.members), len(answer.errors)) for cel, answer in data.answers.items()
    }
