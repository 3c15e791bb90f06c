"""What ``evaluate`` gives, whichever way an expression is answered."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from polars.testing import assert_series_equal

from engine import CompileError, Mode, count, evaluate

MODES = (Mode.AUTO, Mode.INTERPRETED)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("texts", "unit", "values"),
    [
        (["2020-01-01T00:00:00Z", None, "never"], "us", [datetime(2020, 1, 1, tzinfo=UTC), None, None]),
        (["2020-01-01T00:00:00.000000001Z"], "ns", [datetime(2020, 1, 1, tzinfo=UTC)]),
        ([None, "never"], "us", [None, None]),
        ([], "us", []),
    ],
)
def test_times_are_in_microseconds_where_that_is_exact(
    texts: list[str | None], unit: str, values: list[datetime | None], mode: Mode
) -> None:
    frame = pl.DataFrame({"t": texts}, schema={"t": pl.String})
    evaluation = evaluate("timestamp(t)", frame, mode=mode)
    assert evaluation.values.dtype == pl.Datetime(unit, "UTC")  # type: ignore[arg-type]
    assert evaluation.values.to_list() == values
    assert evaluation.errors.is_null().to_list() == [v is not None for v in values]


NAIVE = datetime(2024, 1, 1, tzinfo=UTC).replace(tzinfo=None)
TIMES = pl.DataFrame(
    {
        "times": pl.Series([[NAIVE, None], [], None], dtype=pl.List(pl.Datetime("ms"))),
        "days": pl.Series([[date(2024, 1, 1)], [None], []]),
        "zoned": pl.Series([[datetime(2024, 1, 1, tzinfo=UTC)], None, []]).cast(
            pl.List(pl.Datetime("ns", "Europe/Berlin"))
        ),
        "nested": pl.Series([[[NAIVE], None, []], None, []], dtype=pl.List(pl.List(pl.Datetime("us")))),
        "spans": pl.Series([[timedelta(1)], None, [None]], dtype=pl.List(pl.Duration("ms"))),
    }
)


@pytest.mark.parametrize(
    ("expression", "dtype", "first"),
    [
        ("times", pl.Datetime("us", "UTC"), [datetime(2024, 1, 1, tzinfo=UTC), None]),
        ("days", pl.Datetime("us", "UTC"), [datetime(2024, 1, 1, tzinfo=UTC)]),
        ("zoned", pl.Datetime("us", "UTC"), [datetime(2024, 1, 1, tzinfo=UTC)]),
        ("nested", pl.List(pl.Datetime("us", "UTC")), [[datetime(2024, 1, 1, tzinfo=UTC)], None, []]),
        ("spans", pl.Duration("us"), [timedelta(1)]),
        ("days.map(t, timestamp(string(t)))", pl.Datetime("us", "UTC"), [datetime(2024, 1, 1, tzinfo=UTC)]),
        ("zoned.map(t, t - now)", pl.Duration("us"), [timedelta(0)]),
    ],
)
def test_times_in_lists_are_of_one_type_on_each_path(expression: str, dtype: pl.DataType, first: list[object]) -> None:
    found = [evaluate(expression, TIMES, mode=mode, now="2024-01-01T00:00:00Z").values for mode in MODES]
    assert found[0].dtype == found[1].dtype == pl.List(dtype)
    assert found[0].to_list() == found[1].to_list()
    assert found[0].to_list()[0] == first


ROWS = pl.DataFrame(
    {
        "a": [1, None, 3],
        "u": pl.Series([1, 2, None], dtype=pl.UInt64),
        "d": [1.0, 2.5, float("nan")],
        "s": ["a", "b", None],
        "b": [True, None, False],
        "l": [[1, 2], [], None],
        "st": [{"x": 1}, None, {"x": None}],
    }
)


@pytest.mark.parametrize(
    ("expression", "values"),
    [
        ("dyn(a) == u", [True, False, False]),
        ("dyn(a) == d", [True, False, False]),
        ("dyn(a) == s", [False, False, False]),
        ("dyn(a) < d", [False, None, False]),
        ("dyn(a) < s", [None, None, None]),
        ("dyn(a) * 2.0", [None, None, None]),
        ("dyn(a) + 1", [2, None, 4]),
        ("-dyn(s)", [None, None, None]),
        ("dyn(a) && b", [None, None, False]),
        ("dyn(a) ? 1 : 2", [None, None, None]),
        ("a in dyn(a)", [None, None, None]),
        ("a in dyn(l)", [True, False, None]),
        ('dyn(l).exists(x, x == "a")', [False, False, None]),
        ("dyn(l).filter(x, x > 1)", [[2], [], None]),
        ("dyn(a).all(x, x)", [None, None, None]),
        ('dyn(l)[0] == "a"', [False, None, None]),
        ('dyn(st).x == "a"', [False, False, False]),
        ("dyn(st).nope", [None, None, None]),
        ("has(dyn(a).x)", [None, None, None]),
        ("!(dyn(d) > a)", [True, None, True]),
    ],
)
def test_what_dyn_hides_is_decided_for_each_row_without_the_interpreter(expression: str, values: list[object]) -> None:
    compiled = evaluate(expression, ROWS, mode=Mode.COMPILED)
    interpreted = evaluate(expression, ROWS, mode=Mode.INTERPRETED)
    assert compiled.values.to_list() == interpreted.values.to_list() == values
    assert_series_equal(compiled.errors, interpreted.errors)


@pytest.mark.parametrize(
    "expression", ['{"k": dyn(a)}.k == s', '[dyn(a)].exists(x, x == "a")', '[dyn(1)] == ["a"]', "s in [dyn(a)]"]
)
def test_dyn_in_a_list_or_map_may_be_compared_with_anything(expression: str) -> None:
    assert evaluate(expression, ROWS).values.to_list() == [False, False, False]


def test_a_segment_of_a_dyn_that_is_known_to_be_no_bool_is_refused() -> None:
    report = count(ROWS, {"bool": "dyn(b)", "int": "dyn(a)"})
    assert report["bool"].user_count == 1
    assert "must be a bool, found int" in (report["int"].error or "")


def test_a_macro_over_mixed_types_reads_the_columns_in_it() -> None:
    assert evaluate("[a, s, 3].exists(e, e == 3)", ROWS).values.to_list() == [True, True, True]


def test_a_method_that_is_missing_is_an_error_of_each_row_unchecked() -> None:
    evaluation = evaluate("s.nope(a) == u || b", ROWS, check=False)
    assert evaluation.values.to_list() == [True, None, None]
    with pytest.raises(CompileError, match="nope"):
        evaluate("s.nope(a)", ROWS)


@pytest.mark.parametrize("mode", MODES)
def test_empty_lists_and_maps(mode: Mode) -> None:
    assert evaluate("size([])", ROWS, mode=mode).values.to_list() == [0, 0, 0]
    assert evaluate("{}", ROWS, mode=mode).type == "map(dyn, dyn)"
    assert evaluate("{}", ROWS, mode=mode).values.dtype == pl.Map(pl.String, pl.Null)
    assert evaluate("'x' in {'k': 1}", ROWS, mode=mode).values.to_list() == [False, False, False]


@pytest.mark.parametrize(
    "condition",
    [
        "c == n < a",
        "l.foo(x, x == 1)",
        "s.exis(y, y > 1)",
        "l.exists(x, x.exis(y, y == null))",
        "l.map(x, zz > 0, x * a)",
    ],
)
def test_what_is_wrong_on_every_row_hides_no_interpreted_clause(condition: str) -> None:
    frame = pl.DataFrame({"l": [[1, 2], [], None], "s": ["a", None, "b"], "a": [1, None, 3], "c": [1, 2, 3]})
    auto, interpreted = (evaluate(condition, frame, mode=mode, check=False) for mode in ("auto", "interpreted"))
    assert auto.values.to_list() == interpreted.values.to_list()
    assert auto.errors.to_list() == interpreted.errors.to_list()


def test_macros_nested_deep_take_the_rows_in_parts() -> None:
    frame = pl.DataFrame({"l": [list(range(60))] * 100})
    evaluation = evaluate("l.all(x, l.all(y, l.all(z, x + y + z >= 0)))", frame, mode="compiled")
    assert evaluation.values.to_list() == [True] * 100


def test_a_user_with_more_elements_than_there_may_be_fails_alone() -> None:
    frame = pl.DataFrame({"l": [list(range(300))]})
    report = count(frame, {"deep": "l.all(x, l.all(y, l.all(z, x + y + z >= 0)))", "flat": "size(l) == 300"})
    assert report["deep"].error is not None
    assert "27,000,000 elements" in report["deep"].error
    assert report["flat"].user_count == 1


def test_a_chain_of_filters_takes_linear_time() -> None:
    frame = pl.DataFrame({"l": [[1, 2, 3], [], None, [None]]})
    evaluation = evaluate("l" + ".filter(x, x > 1)" * 40, frame, mode="compiled")
    assert evaluation.values.to_list() == [[2, 3], [], None, None]


def test_has_of_what_is_interpreted_asks_for_the_field() -> None:
    wide, narrow = ({"flag": pl.Boolean(), "n": n} for n in (pl.Int64(), pl.Int32()))
    frame = pl.DataFrame(
        {
            "a": [1, 2, 1, 2],
            "s": [{"flag": True, "n": 1}, {"flag": None, "n": 1}] * 2,
            "t": [{"flag": None, "n": 1}] * 4,
        },
        schema={"a": pl.Int64(), "s": pl.Struct(wide), "t": pl.Struct(narrow)},
    )
    for mode in MODES:
        evaluation = evaluate("has((a == 1 ? s : t).flag)", frame, mode=mode)
        assert evaluation.values.to_list() == [True, False, True, False]


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(
    "expression",
    ["dyn(s) + 1", "dyn(a) * 2.0", "dyn(l)[7]", "[dyn(s) + 1]", "-dyn(s)", "dyn(a) < s", "a / 0", "l.map(x, x / 0)"],
)
def test_columns_without_a_value_have_one_type_on_each_path(expression: str, check: bool) -> None:
    frame = pl.DataFrame({"a": [1, 2], "s": ["x", "y"], "l": [[1], [2]]})
    for rows in (frame, frame[:0]):
        compiled, interpreted = (evaluate(expression, rows, mode=mode, check=check) for mode in MODES)
        assert compiled.values.null_count() == len(compiled.values) == rows.height
        assert_series_equal(compiled.values, interpreted.values)


NULLS = pl.DataFrame({"nulls": pl.Series([[None], [], None], dtype=pl.List(pl.Null()))})


@pytest.mark.parametrize(
    ("expression", "values"),
    [
        ("nulls.max()", [None, None, None]),
        ("nulls.max() == nulls.min()", [None, None, None]),
        ("math.greatest(nulls)", [None, None, None]),
        ("nulls.join()", [None, "", None]),
        ("sets.contains(nulls, nulls)", [True, True, None]),
        ("nulls.size()", [1, 0, None]),
        ("nulls.exists(n, n == null)", [True, False, None]),
        ("nulls == []", [False, True, False]),
    ],
)
@pytest.mark.parametrize("mode", MODES)
def test_lists_of_nothing_but_nulls_are_answered(expression: str, values: list[object], mode: Mode) -> None:
    found = evaluate(expression, NULLS, mode=mode)
    assert found.values.to_list() == values
    assert found.errors.is_not_null().to_list() == [v is None for v in values]


@pytest.mark.parametrize("mode", MODES)
def test_messages_without_fields_or_values(mode: Mode) -> None:
    empty = pl.DataFrame({"m": pl.Series([{}, {}], dtype=pl.Struct([]))})
    assert evaluate("optional.ofNonZeroValue(m).hasValue()", empty, mode=mode).values.to_list() == [False, False]
    formatted = evaluate('"%s".format([st])', ROWS, mode=mode)
    assert formatted.values.to_list() == [None, "null", None]


@pytest.mark.parametrize("expression", ["math.max(a, 1)", "l.max(e, e)", "l.any(e, e > 1)", "a.days()"])
def test_what_is_missing_is_told_alike_on_each_path_unchecked(expression: str) -> None:
    auto, interpreted = (evaluate(expression, ROWS, mode=mode, check=False).errors.to_list() for mode in MODES)
    assert auto == interpreted
    assert None not in auto
