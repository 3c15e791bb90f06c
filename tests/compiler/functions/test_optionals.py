"""Optionals and types as values, where cel-cpp is no referee: each condition with its values, written by hand."""

from __future__ import annotations

import polars as pl
import pytest

from engine import CompileError, Snapshot, evaluate
from engine.explanation import explain

ERROR = "error"

ROWS = pl.DataFrame(
    {
        "user_id": [1, 2, 3],
        "age": pl.Series([30, None, 7], dtype=pl.Int8),
        "wide": pl.Series(["5", None, "9" * 30], dtype=pl.String).cast(pl.Decimal(38, 0)),
        "ints": [[4, None], None, []],
        "nested": [[[1]], [None], []],
        "address": [{"city": "a", "geo": {"lat": 1.0}}, None, {"city": None, "geo": None}],
        "visits": [[{"page": "x", "at": 3}, None], [], [{"page": None, "at": None}]],
    }
)

CONDITIONS: tuple[tuple[str, list[object]], ...] = (
    # A column that is beyond int64 is an error as soon as it is used.
    ("user.?wide.orValue(1)", [5, 1, ERROR]),
    ("user.?wide.hasValue()", [True, False, ERROR]),
    # What is selected from an optional, or looked up in it, is an optional (cel-cpp: always one that holds a value).
    ("user.?ints[0].hasValue()", [True, False, False]),
    ("user.?ints[0].orValue(9)", [4, 9, 9]),
    ("user.?ints[9].hasValue()", [False, False, False]),
    ("optional.none()[0].hasValue()", [False, False, False]),
    ("optional.none()[1 / 0].hasValue()", [ERROR, ERROR, ERROR]),
    ("user.?ints[1 / 0].hasValue()", [ERROR, ERROR, ERROR]),
    ("nested[?0][0].orValue(9)", [1, ERROR, 9]),
    ("optional.of(ints)[0].hasValue()", [True, ERROR, False]),
    ("user.?address.value().city", ["a", ERROR, None]),
    ("user.?address.geo.lat.orValue(0.0)", [1.0, 0.0, 0.0]),
    ("visits[?1].?page.hasValue()", [False, False, False]),
    ("visits[?1].hasValue()", [True, False, False]),
    ("visits[?0].?page.orValue('none')", ["x", "none", "none"]),
    ("visits.map(v, v.?at.orValue(0)).sum()", [3, 0, 0]),
    # Columns of optionals, inside lists and outside.
    ("ints[?0]", [{"present": True, "value": 4}, ERROR, {"present": False, "value": None}]),
    ("ints[?1]", [{"present": True, "value": None}, ERROR, {"present": False, "value": None}]),
    ("nested.map(n, optional.of(n))[0].hasValue()", [True, True, ERROR]),
    ("[user.?age][0].orValue(1)", [30, 1, 7]),
    # Types.
    ("type(age)", ["int", "null_type", "int"]),
    ("type(address)", ["struct", "null_type", "struct"]),
    ("type(user.?age)", ["optional_type"] * 3),
    ("type(1 / 0) == int", [ERROR] * 3),
    ("type(visits[0]) == type(visits[1])", [False, ERROR, ERROR]),
)


@pytest.mark.parametrize("mode", ["auto", "interpreted"])
@pytest.mark.parametrize(("condition", "values"), CONDITIONS)
def test_values(condition: str, values: list[object], mode: str) -> None:
    evaluation = evaluate(condition, ROWS, mode=mode)
    pairs = zip(evaluation.values.to_list(), evaluation.errors.to_list(), strict=True)
    assert [value if error is None else ERROR for value, error in pairs] == values


@pytest.mark.parametrize(
    "condition",
    [
        "user.?age.orValue(0) > 18",
        'user.?address.?city.orValue("") == "a"',
        'visits.exists(v, v.?page.orValue("") == "x")',
        "ints[?0].orValue(0) > 3",
        "type(age) == int",
    ],
)
def test_the_idiom_is_compiled(condition: str) -> None:
    assert evaluate(condition, ROWS, mode="compiled").errors.null_count() >= 2


def test_the_idiom_costs_no_check() -> None:
    """One test of the column in its own type, and nothing that could be an error."""
    explanation = explain(Snapshot.open(ROWS), "user.?age.orValue(0) > 18")
    assert explanation.expression is not None
    assert explanation.error is None
    assert "Int64" not in explanation.expression
    assert "struct" not in explanation.expression


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("user.?agee.orValue(0) > 1", "user has no field 'agee'"),
        ("user.?address.?town.hasValue()", "has no field 'town'"),
        ('user.?age.orValue("none") == "none"', "no method optional_type(int).orValue(string)"),
        ("user.?age > 18", "no operator '>' for (optional_type(int), int)"),
        ("age.orValue(0) > 18", "no method int.orValue(int)"),
        ("[?age].size() == 1", "after '?' an optional is expected, found int"),
        ("user.?age.?x.hasValue()", "a value of type int has no fields to select"),
    ],
)
def test_mistakes(condition: str, message: str) -> None:
    with pytest.raises(CompileError) as refused:
        evaluate(condition, ROWS)
    assert message in str(refused.value)
