"""The math extension: compiled, interpreted and by cel-cpp, on numbers at the limits."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import product

import polars as pl
import pytest
from cel_expr_python import cel
from cel_expr_python.ext import ext_math

from engine import evaluate
from tests.hostile.values import ERROR, Value, double, int_, of_series, uint

NAN, INF = math.nan, math.inf
DOUBLES = (
    0.0, -0.0, 0.5, -0.5, 0.49999999999999994, -0.49999999999999994, 1.5, -1.5, 2.5, -2.5, 0.1, -1.2,
    4503599627370495.5, -4503599627370495.5, 4503599627370496.5, 9007199254740993.0, 1e308, -1e308, 5e-324,
    INF, -INF, NAN,
)  # fmt: skip
INTS = (0, 1, -1, 2, 3, -1024, 5, 63, 64, 65, 200, 2**31, 2**62, -(2**62), 2**63 - 1, -(2**63), 2**53 + 1)
UINTS = (0, 1, 2, 3, 1024, 2**31, 2**63, 2**64 - 1)

ONE_DOUBLE = ("ceil", "floor", "round", "trunc", "isNaN", "isInf", "isFinite", "abs", "sign", "sqrt", "greatest")
ONE_INTEGER = ("abs", "sign", "sqrt", "bitNot", "least")
TWO_INTEGERS = ("bitAnd", "bitOr", "bitXor", "greatest", "least")


def by_cel_cpp(text: str, types: dict[str, object], rows: list[dict[str, object]]) -> list[Value]:
    expression = cel.NewEnv(variables=types, extensions=[ext_math.ExtMath()]).compile(text)
    outcomes: list[Value] = []
    for row in rows:
        answer = expression.eval(data=row)
        match answer.type().name():
            case "INT":
                outcomes.append(int_(answer.value()))
            case "UINT":
                outcomes.append(uint(answer.value()))
            case "DOUBLE":
                outcomes.append(double(answer.value()))
            case "BOOL":
                outcomes.append(("bool", answer.value()))
            case _:
                outcomes.append(ERROR)
    return outcomes


def by_cellar(text: str, frame: pl.DataFrame, mode: str) -> list[Value]:
    evaluation = evaluate(text, frame, mode=mode)
    values = of_series(evaluation.values, evaluation.type)
    return [ERROR if e is not None else v for v, e in zip(values, evaluation.errors, strict=True)]


def check(text: str, columns: Mapping[str, tuple[str, Sequence[float]]]) -> None:
    dtypes = {"double": pl.Float64(), "int": pl.Int64(), "uint": pl.UInt64()}
    types = {"double": cel.Type.DOUBLE, "int": cel.Type.INT, "uint": cel.Type.UINT}
    frame = pl.DataFrame({name: pl.Series(values, dtype=dtypes[type_]) for name, (type_, values) in columns.items()})
    wanted = by_cel_cpp(text, {name: types[type_] for name, (type_, _) in columns.items()}, frame.to_dicts())
    for mode in ("compiled", "interpreted"):
        assert by_cellar(text, frame, mode) == wanted, mode


@pytest.mark.parametrize("name", ONE_DOUBLE)
def test_of_a_double(name: str) -> None:
    check(f"math.{name}(a)", {"a": ("double", list(DOUBLES))})


@pytest.mark.parametrize(("name", "type_"), [*product(ONE_INTEGER, ("int", "uint"))])
def test_of_an_integer(name: str, type_: str) -> None:
    check(f"math.{name}(a)", {"a": (type_, list(INTS if type_ == "int" else UINTS))})


@pytest.mark.parametrize(("name", "type_"), [*product(TWO_INTEGERS, ("int", "uint"))])
def test_of_two_integers(name: str, type_: str) -> None:
    pairs = list(product(INTS if type_ == "int" else UINTS, repeat=2))
    columns = {n: (type_, [pair[k] for pair in pairs]) for k, n in enumerate("ab")}
    check(f"math.{name}(a, b)", columns)
    check(f"math.{name}(a, {'2' if type_ == 'int' else '2u'})", {"a": columns["a"]})


@pytest.mark.parametrize("name", ["greatest", "least"])
def test_extremes_of_two_doubles_and_more(name: str) -> None:
    numbers = [d for d in DOUBLES if d == d]
    triples = list(product(numbers[::2], numbers[::3], numbers))
    columns = {n: ("double", [triple[k] for triple in triples]) for k, n in enumerate("abc")}
    check(f"math.{name}(a, b)", {n: columns[n] for n in "ab"})
    check(f"math.{name}(a, b, c)", columns)
    check(f"math.{name}(a, 1.0, b, c, -2.0)", columns)


@pytest.mark.parametrize("name", ["greatest", "least"])
def test_nan_is_in_no_order(name: str) -> None:
    frame = pl.DataFrame({"a": [NAN, 1.0, NAN], "b": [1.0, NAN, NAN]})
    for text in (f"math.{name}(a, b)", f"math.{name}(b, a, 2.0)", f"math.{name}([a, b])"):
        for mode in ("compiled", "interpreted"):
            assert by_cellar(text, frame, mode) == [ERROR] * 3


@pytest.mark.parametrize(("name", "type_"), [*product(("bitShiftLeft", "bitShiftRight"), ("int", "uint"))])
def test_shifts(name: str, type_: str) -> None:
    pairs = list(product(INTS if type_ == "int" else UINTS, (*range(66), -1, 200, 2**40, -(2**63), 2**63 - 1)))
    columns = {"a": (type_, [a for a, _ in pairs]), "b": ("int", [b for _, b in pairs])}
    check(f"math.{name}(a, b)", columns)
    for places in (0, 1, 63, 64, -1):
        check(f"math.{name}(a, {places})", {"a": columns["a"]})
