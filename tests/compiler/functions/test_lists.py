"""Functions of lists: every path on lists of every type, and what they give, computed or written down here."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import polars as pl
import pytest

from compiler.functions import NAMESPACES, aggregates, catalogue, lists, sets
from compiler.functions import math as math_functions
from compiler.functions.bounds import GENERATED_ELEMENTS
from engine import CompileError, evaluate
from tests.compiler.functions.list_rows import list_rows
from tests.hostile.values import Value, of_series

NOW = "2024-07-01T00:00:00Z"
EXAMPLES = [
    example
    for module in (math_functions, sets, lists, aggregates)
    for function in module.functions()
    for example in function.examples
]
ONE_USER = pl.DataFrame({"user_id": [1]})

INTEGERS, DOUBLES = ("ints", "smalls", "bytes", "uints"), ("doubles", "prices", "floats")
DURATIONS = ("spans", "waits", "ticks")
SCALARS = (*INTEGERS, *DOUBLES, *DURATIONS, "texts", "names", "flags", "blobs", "days", "moments", "instants")

OF_ANY = (
    "{0}.min()",
    "{0}.max()",
    "{0}.isSorted()",
    "{0}.sort()",
    "{0}.sortBy(x, x)",
    "{0}.sortBy(x, x == {0}[0])",
    "{0}.first()",
    "{0}.last().orValue({0}[0])",
    "{0}.filter(x, x != {0}[0]).last()",
    "{0}.distinct()",
    "{0}.reverse()",
    "{0}.slice(1, 2)",
    "{0}.slice(n, 3)",
    "{0}.indexOf(one_{0})",
    "{0}.lastIndexOf(one_{0})",
    "{0}.lastIndexOf({0}[0])",
    "{0}.indexOf(null)",
    "{0}.map(x, x).min()",
    "{0}.filter(x, x != {0}[0]).max()",
    "sets.contains({0}, {0}.reverse())",
    "sets.contains({0}, {0}.slice(0, 1))",
    "sets.intersects({0}, {0}.slice(1, 2))",
    "sets.equivalent({0}, {0}.distinct())",
    "sets.contains([], {0})",
)
OF_SUMMABLE = ("{0}.sum()", "{0}.filter(x, x != {0}[0]).sum()", "{0}.map(x, x).sum() == {0}[0]")
OF_NUMBERS = (
    "{0}.avg()",
    "math.greatest({0})",
    "math.least(one_{0}, {0}[1], {0}[0])",
    "sets.intersects({0}, [1, 2.0, 0u])",
    "sets.contains([0, 1, 2.0, 3u], {0})",
    "{0}.map(x, x == {0}[0]).sort()",
)
OTHERS = (
    "nested.flatten()",
    "nested.flatten().sum()",
    "nested.map(x, x.sum())",
    "nested.map(x, x.size()).max()",
    "nested.slice(0, 1)",
    "structs.reverse()",
    "structs.filter(s, s.n > 0).map(s, s.n * 2).sum()",
    "lists.range(n)",
    "lists.range(n).sum()",
    "lists.range(5).map(x, x * n).sum()",
    "smalls.map(x, [x, n].max()).sum()",
    "smalls.map(x, days(x)).sum()",
    "smalls.all(x, sets.contains(smalls, [x]))",
    "smalls.exists(x, smalls.indexOf(x) > 1)",
    "moments.map(x, x + duration('1ns')).sort()",
    "spans.map(x, x + duration('1ns')).sum()",
    "[n, n].sum()",
    "[3, 1, 2].sort()[0] == n",
    "[1.5, 2.5].avg() > 1.0 && n > 0",
)
CONDITIONS = (
    *(form.format(name) for name in SCALARS for form in OF_ANY),
    *(form.format(name) for name in (*INTEGERS, *DOUBLES, *DURATIONS) for form in OF_SUMMABLE),
    *(form.format(name) for name in (*INTEGERS, *DOUBLES) for form in OF_NUMBERS),
    *OTHERS,
)


def outcomes(
    condition: str, frame: pl.DataFrame, mode: str, *, check: bool = True
) -> tuple[list[Value], list[str | None]]:
    evaluation = evaluate(condition, frame, mode=mode, now=NOW, check=check)
    return of_series(evaluation.values, evaluation.type), evaluation.errors.to_list()


@pytest.mark.parametrize("condition", CONDITIONS)
def test_every_path_gives_the_same(condition: str) -> None:
    frame = list_rows()
    interpreted = outcomes(condition, frame, "interpreted")
    assert outcomes(condition, frame, "compiled") == interpreted
    assert outcomes(condition, frame, "auto", check=False) == interpreted
    # A slice of a column keeps the whole of it, hidden nulls included.
    part = frame.slice(17, 90)
    assert outcomes(condition, part, "compiled") == tuple(o[17:107] for o in interpreted)


@pytest.mark.parametrize(("expression", "value"), EXAMPLES)
def test_examples(expression: str, value: str) -> None:
    for mode in ("auto", "interpreted"):
        found = evaluate(expression, ONE_USER, mode=mode)
        if value == "error":
            assert found.errors[0] is not None
        else:
            wanted = evaluate(value, ONE_USER, mode=mode)
            assert found.errors[0] is None
            assert of_series(found.values, found.type) == of_series(wanted.values, wanted.type)


def sequential(values: Sequence[float]) -> float:
    total = 0.0
    for value in values:
        total += value
    return total


@pytest.mark.parametrize("length", [0, 1, 2, 7, 8, 9, 31, 127, 128, 129, 255, 1_000, 4_097])
def test_doubles_are_added_from_left_to_right(length: int) -> None:
    chance = random.Random(length)
    scales = [1e-9, 1.0, 1e9, 1e15]
    rows = [[chance.uniform(-1, 1) * chance.choice(scales) for _ in range(length)] for _ in range(20)]
    wanted = [sequential(row) for row in rows]
    if length > 30:
        assert any(w != math.fsum(row) for w, row in zip(wanted, rows, strict=True)), "any order would do"
    # The null turns Polars to another order; its own row is an error.
    frame = pl.DataFrame({"l": [*rows, [1.0, None]]}, schema={"l": pl.List(pl.Float64)})
    for condition in ("l.sum()", "l.map(x, x).sum()", "l.filter(x, x < 1e300).sum()"):
        for mode in ("compiled", "interpreted"):
            values, errors = outcomes(condition, frame, mode)
            assert values[:-1] == [("double", w.hex()) for w in wanted], (condition, mode)
            assert errors[-1] is not None
    means = evaluate("l.avg()", frame, mode="compiled").values[:-1].to_list()
    assert means == ([None] * 20 if length == 0 else [w / length for w in wanted])


@pytest.mark.parametrize(
    ("dtype", "limits"), [(pl.Int64(), (-(2**63), 2**63 - 1)), (pl.UInt64(), (0, 2**64 - 1)), (pl.Int8(), (-128, 127))]
)
def test_integers_overflow_on_the_way(dtype: pl.DataType, limits: tuple[int, int]) -> None:
    low, high = limits
    chance = random.Random(3)
    pool = [low, high, 0, 1, high // 2, high // 3, low // 2, *([-1, -2] if low else [2])]
    rows = [[chance.choice(pool) for _ in range(chance.randrange(7))] for _ in range(2_000)]
    wide_low, wide_high = (-(2**63), 2**63 - 1) if low else (0, 2**64 - 1)
    wanted: list[int | None] = []
    for row in rows:
        partial = [sum(row[: n + 1]) for n in range(len(row))]
        wanted.append(sum(row) if all(wide_low <= p <= wide_high for p in partial) else None)
    frame = pl.DataFrame({"l": rows}, schema={"l": pl.List(dtype)})
    assert (None in wanted) is (dtype != pl.Int8())
    for mode in ("compiled", "interpreted"):
        found = evaluate("l.sum()", frame, mode=mode)
        assert found.values.to_list() == wanted
        assert set(found.errors.drop_nulls()) == ({"integer overflow in `l.sum()`"} if None in wanted else set())


def test_the_mean_of_integers_is_one_of_doubles() -> None:
    rows = [[2**53 + 1, 1], [1, 2, 4], [2**63 - 1] * 3]
    means = evaluate("l.avg()", pl.DataFrame({"l": rows}), mode="compiled").values.to_list()
    assert means == [sequential([float(v) for v in row]) / len(row) for row in rows]
    assert Fraction(means[0]) != Fraction(sum(rows[0]), 2)


@pytest.mark.parametrize(
    ("condition", "reason"),
    [
        ("l.sum()", "an element is null in `l.sum()`"),
        ("l.max()", "an element is null in `l.max()`"),
        ("l.filter(x, x == null).avg()", "an element is null in `l.filter(x, x == null).avg()`"),
        ("l.filter(x, x > 5.0 || x == null).max()", "an element is null in `l.filter(x, x > 5.0 || x == null).max()`"),
        ("l.slice(0, 4)", "the end is beyond the list in `l.slice(0, 4)`"),
        ("l.slice(2, 1)", "the start is after the end in `l.slice(2, 1)`"),
        ("l.slice(-1, 1)", "a negative index in `l.slice(-1, 1)`"),
        ("[1.0].filter(x, x > l[0]).min()", "the list is empty in `[1.0].filter(x, x > l[0]).min()`"),
        ("[l[0], 0.0 / 0.0].min()", "NaN is in no order in `[l[0], 0.0 / 0.0].min()`"),
        ("math.least(l[0], 0.0 / 0.0)", "NaN is in no order in `math.least(l[0], 0.0 / 0.0)`"),
        ("math.greatest(l[0], l[1], 1.0)", "l[1] is null in `math.greatest(l[0], l[1], 1.0)`"),
        ("lists.range(l.size() - 4).size()", "a negative size in `lists.range(l.size() - 4)`"),
        ("lists.range(l.size() * 1000).size()", "a list of more than 1,000 elements in `lists.range(l.size() * 1000)`"),
        ("math.bitShiftLeft(1, l.size() - 4)", "a negative offset in `math.bitShiftLeft(1, l.size() - 4)`"),
        ("missing.sum()", "missing is null in `missing.sum()`"),
    ],
)
def test_reasons(condition: str, reason: str) -> None:
    columns = {"l": [[1.0, None, 2.0]], "missing": pl.Series([None], dtype=pl.List(pl.Int64))}
    for mode in ("compiled", "interpreted"):
        assert evaluate(condition, pl.DataFrame(columns), mode=mode).errors.to_list() == [reason]


def test_a_single_nan_is_in_order() -> None:
    frame = pl.DataFrame({"l": [[float("nan")]]})
    for condition in ("l.min()", "l.max()", "math.greatest(l)", "l.sort()[0]", "math.least(l[0])"):
        for mode in ("compiled", "interpreted"):
            assert outcomes(condition, frame, mode) == ([("double", "nan")], [None]), condition


def test_zeros_are_equal_so_the_first_is_the_extreme() -> None:
    frame = pl.DataFrame({"l": [[0.0, -0.0], [-0.0, 0.0], [1.0, -0.0, 0.0, -1.0]]})
    for mode in ("compiled", "interpreted"):
        first = [math.copysign(1, v) for v in evaluate("l.min()", frame, mode=mode).values]
        assert first == [1.0, -1.0, -1.0]
        empty = evaluate("l.filter(x, x > 2.0).sum()", frame, mode=mode).values
        assert [math.copysign(1, v) for v in empty] == [1.0, 1.0, 1.0]


def test_the_sum_of_an_empty_list_has_its_type() -> None:
    schema = {"d": pl.List(pl.Float64), "u": pl.List(pl.UInt64), "t": pl.List(pl.Duration("us"))}
    frame = pl.DataFrame({"d": [[]], "u": [[]], "t": [[]]}, schema=schema)
    for condition in (
        "d.sum() + 0.5 == 0.5",
        "u.map(x, x + 1u).sum() + 1u == 1u",
        't.sum() + duration("1s") > t.sum()',
    ):
        for mode in ("compiled", "interpreted"):
            assert outcomes(condition, frame, mode) == ([("bool", True)], [None]), condition


def test_generated_lists_are_bounded() -> None:
    frame = pl.DataFrame({"n": [GENERATED_ELEMENTS, GENERATED_ELEMENTS + 1, 2**62]})
    for condition in ("lists.range(n).size()", f"lists.range(n - n + {GENERATED_ELEMENTS}).size()"):
        values = evaluate(condition, frame, mode="compiled").values.to_list()
        assert values == evaluate(condition, frame, mode="interpreted").values.to_list()
    assert evaluate("lists.range(n).size()", frame).values.to_list() == [GENERATED_ELEMENTS, None, None]
    assert evaluate(f"lists.range({GENERATED_ELEMENTS + 1}).size() == n", frame).values.to_list() == [None] * 3


def test_spent_in_the_last_thirty_days() -> None:
    now = datetime(2024, 7, 1, tzinfo=UTC)

    def purchase(status: str | None, age: float | None, price: float | None) -> dict[str, object]:
        at = None if age is None else now - timedelta(days=age)
        return {"status": status, "purchased_at": at, "price": price}

    rows: list[tuple[list[dict[str, object]] | None, bool | str]] = [
        ([purchase("completed", 1, 60.0), purchase("completed", 29.9, 41.0)], True),
        ([purchase("completed", 1, 60.0), purchase("completed", 30.1, 41.0)], False),
        ([purchase("completed", 1, 100.0)], False),
        ([purchase("refunded", 1, 500.0), purchase("completed", 1, 100.5)], True),
        ([], False),
        (None, "purchases is null"),
        ([purchase("completed", 1, None)], "an element is null"),
        ([purchase("refunded", 1, None)], False),
        ([purchase("completed", None, 5.0)], "p.purchased_at is null"),
        ([purchase(None, 1, 500.0)], False),
    ]
    condition = (
        'purchases.filter(p, p.status == "completed" && p.purchased_at > now - days(30)).map(p, p.price).sum() > 100.0'
    )
    fields = pl.Struct({"status": pl.String, "purchased_at": pl.Datetime("us", "UTC"), "price": pl.Float64})
    frame = pl.DataFrame({"purchases": [purchases for purchases, _ in rows]}, schema={"purchases": pl.List(fields)})
    for mode in ("compiled", "interpreted"):
        found = evaluate(condition, frame, mode=mode, now=NOW)
        assert found.mode == mode
        for (_, wanted), value, reason in zip(rows, found.values, found.errors, strict=True):
            if isinstance(wanted, str):
                assert value is None
                assert str(reason).startswith(wanted)
            else:
                assert value is wanted


def test_the_namespaces_are_those_of_the_catalogue() -> None:
    assert {name.rpartition(".")[0] for name, _ in catalogue() if "." in name} == NAMESPACES


def test_a_function_in_a_namespace_goes_before_a_method_of_a_column() -> None:
    frame = pl.DataFrame({"math": [[1, 2]], "sets": [{"contains": 1}]})
    for mode in ("compiled", "interpreted"):
        assert evaluate("math.greatest(3, 4) + math.max() + sets.contains", frame, mode=mode).values.to_list() == [7]
        assert evaluate("math.map(sets, math.abs(-sets)).sum()", frame, mode=mode).values.to_list() == [3]


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("math.greates(1, 2) > 1", "undeclared function 'math.greates'"),
        ("math.greatest() > 1", "no function math.greatest()"),
        ("math.greatest('a', 1) > 1", "no function math.greatest(string, int)"),
        ("math.greatest(1, 'a', 2) > 1", "no function math.greatest(int, string)"),
        ("math.ceil(1) > 1.0", "no function math.ceil(int)"),
        ("nowhere.abs(1) > 1", "undeclared function 'nowhere.abs'"),
        ("n.sum() > 1", "no method int.sum()"),
        ("['a'].sum() > 1", "no method list(string).sum()"),
        ("[1].flatten().size() > 1", "no method list(int).flatten()"),
        ("sets.contains([1], ['a'])", "no function sets.contains(list(int), list(string))"),
    ],
)
def test_refusals(condition: str, message: str) -> None:
    with pytest.raises(CompileError) as caught:
        evaluate(condition, pl.DataFrame({"n": [1]}))
    assert message in str(caught.value)


def test_the_nearest_function_of_a_namespace_is_proposed() -> None:
    with pytest.raises(CompileError, match=r"did you mean 'math\.greatest'"):
        evaluate("math.greates(1, 2) > 1", ONE_USER)


def test_sorted_by_a_key_as_python_sorts() -> None:
    chance = random.Random(5)
    rows = [[{"key": chance.randrange(4), "place": n} for n in range(chance.randrange(9))] for _ in range(300)]
    wanted = [[e["place"] for e in sorted(row, key=lambda e: -e["key"])] for row in rows]
    for mode in ("compiled", "interpreted"):
        found = evaluate("l.sortBy(e, -e.key).map(e, e.place)", pl.DataFrame({"l": rows}), mode=mode)
        assert found.values.to_list() == wanted
        assert found.errors.null_count() == len(rows)


@pytest.mark.parametrize(
    ("condition", "reason"),
    [
        ("l.sortBy(x, x.a)", "an element is null in `l.sortBy(x, x.a)`"),
        ("l.sortBy(x, 1 / x.b)", "division by zero in `1 / x.b`"),
        ("l.slice(0, 0).first().value()", "optional.none() holds no value in `l.slice(0, 0).first().value()`"),
    ],
)
def test_reasons_of_sorting_and_of_ends(condition: str, reason: str) -> None:
    frame = pl.DataFrame({"l": [[{"a": None, "b": 0}, {"a": 1, "b": 1}]]})
    for mode in ("compiled", "interpreted"):
        assert evaluate(condition, frame, mode=mode).errors.to_list() == [reason]
