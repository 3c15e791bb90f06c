"""``format``: the lowering, the body and cel-cpp beside one another, and what cel-go's own tests expect."""

from __future__ import annotations

import random
from collections.abc import Sequence
from math import inf, nan

import polars as pl
import pytest
from cel_expr_python import cel
from cel_expr_python.ext import ext_strings

from compiler.cell import Cell, NotColumnar
from compiler.functions import format as formatting
from compiler.functions import generated
from compiler.functions.constants import constant
from compiler.functions.declare import EvaluationError
from compiler.types import BOOL, BYTES, DOUBLE, DURATION, INT, STRING, TIMESTAMP, UINT, ListType, Type, nullable
from compiler.values import Duration, Message, Timestamp, Uint

(FUNCTION,) = formatting.functions()
(FORMAT,) = FUNCTION.overloads

INTS = (None, 0, 1, -1, 7, 8, -255, 4096, 2**53 + 1, 2**63 - 1, -(2**63))
UINTS = (None, 0, 1, 255, 2**53 + 1, 2**63, 2**64 - 1)
TEXTS = (None, "", "a", "%s", "é😀", "\0", "x" * 1_000)
RAW = (None, b"", b"a", "é".encode(), b"\xff", b"\xed\xa0\x80", b"\0\x0f")
FLAGS = (None, True, False)
DOUBLES = (
    None, 0.0, -0.0, 1.0, -1.5, 0.1, 0.1 + 0.2, 1e-4, 1e-5, 9.999e-6, 1.5e-7, -1e-10, 5e-324, 123456789.125, 1e15, 1e16,
    1.2345678901234567e17, -1e20, 1e22, 1.7976931348623157e308, 2.5, 9007199254740993.0, nan, inf, -inf,
)  # fmt: skip

_COLUMNS: dict[Type, tuple[tuple[object, ...], pl.DataType]] = {
    INT: (INTS, pl.Int64()),
    UINT: (UINTS, pl.UInt64()),
    STRING: (TEXTS, pl.String()),
    BYTES: (RAW, pl.Binary()),
    BOOL: (FLAGS, pl.Boolean()),
    DOUBLE: (DOUBLES, pl.Float64()),
}


def by_body(text: str, values: Sequence[object]) -> str | EvaluationError:
    assert FORMAT.body is not None
    try:
        answer = FORMAT.body(text, values)
    except EvaluationError as error:
        return error
    assert isinstance(answer, str)
    return answer


def value_of(type_: Type, value: object) -> object:
    return Uint(value) if type_ == UINT and isinstance(value, int) else value


def answers(text: str, cells: tuple[Cell, ...], frame: pl.DataFrame) -> list[tuple[object, object]]:
    """For each row the value and, where there is none, the message of the first failure that holds."""
    arguments = (constant(text, STRING), cells)
    messages = [
        pl.lit(f.message) if f.when is None else pl.when(f.when(*arguments)).then(pl.lit(f.message))
        for f in FORMAT.failures
    ]
    value = FORMAT.lower(*arguments).value
    answer = frame.with_columns(
        value.alias("value"), pl.when(value.is_null()).then(pl.coalesce(messages)).alias("reason")
    )
    return list(answer.select("value", "reason").iter_rows())


def outcomes(found: Sequence[str | EvaluationError]) -> list[tuple[object, object]]:
    return [(None, str(f)) if isinstance(f, EvaluationError) else (f, None) for f in found]


@pytest.mark.parametrize("type_", _COLUMNS, ids=str)
@pytest.mark.parametrize("clause", ["%s", "%d", "%f", "%.0f", "%.30f", "%e", "%.3e", "%b", "%o", "%x", "%X", "%.7s"])
def test_lowering_and_body_agree(clause: str, type_: Type) -> None:
    values, dtype = _COLUMNS[type_]
    frame = pl.DataFrame({"a": pl.Series(values, dtype=dtype)})
    expected = [by_body(f"<{clause}>", [value_of(type_, v)]) for v in values]
    cell = Cell(pl.col("a"), nullable(type_), dtype, fallible=False)
    if (clause[-1] == "f" and type_ == DOUBLE) or (clause[-1] == "e" and type_ in (INT, UINT, DOUBLE)):
        with pytest.raises(NotColumnar, match="no exact columnar form"):
            FORMAT.lower(constant(clause, STRING), (cell,))
        return
    assert answers(f"<{clause}>", (cell,), frame) == outcomes(expected)
    for value, outcome in zip(values, outcomes(expected), strict=True):
        literal = constant(value, type_)
        assert answers(f"<{clause}>", (literal,), frame.head(1)) == [outcome]


@pytest.mark.parametrize("clause", ["%f", "%.0f", "%.30f", "%e", "%.3e", "%b", "%o", "%x", "%X", "%s", "%d"])
def test_body_and_cel_cpp_agree(clause: str) -> None:
    """But where cel-cpp writes a double with six digits only (%s and %d), and cuts at a NUL."""
    kinds = {
        INT: cel.Type.INT,
        UINT: cel.Type.UINT,
        STRING: cel.Type.STRING,
        BOOL: cel.Type.BOOL,
        DOUBLE: cel.Type.DOUBLE,
    }
    for type_, kind in kinds.items():
        if type_ == DOUBLE and clause in ("%s", "%d"):
            continue
        environment = cel.NewEnv(variables={"a": kind}, extensions=[ext_strings.ExtStrings()])
        expression = environment.compile(f'"<{clause}>".format([a])')
        values = [v for v in _COLUMNS[type_][0] if v is not None and v != "\0"]
        found = [by_body(f"<{clause}>", [value_of(type_, v)]) for v in values]
        answer = [expression.eval(data={"a": v}) for v in values]
        expected = [None if "ERR" in str(a.type()) else a.value() for a in answer]
        assert [None if isinstance(f, EvaluationError) else f for f in found] == expected, type_


# Most are cel-go's own (ext/formatting_v2_test.go).
@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        ("no substitution", [], "no substitution"),
        ("", [1], ""),
        ("%%%s%%", ["text"], "%text%"),
        ("%s, %s", [None, True], "null, true"),
        ("%s", [1e20], "100000000000000000000"),
        ("%s", [1.5e-7], "0.00000015"),
        ("%s", [123456789.125], "123456789.125"),
        ("%d", [-0.0], "-0"),
        ("%s", [nan], "NaN"),
        ("%.0f", [0.5], "0"),
        ("%.3f", [1.2345], "1.234"),
        ("%.1000f", [1.0], "1." + "0" * 1_000),
        ("%e", [1052.032911275], "1.052033e+03"),
        ("%x", ["Hello world!"], "48656c6c6f20776f726c6421"),
        ("%X", [-(2**63)], "-8000000000000000"),
        ("%s", [[1, 2.5, "a", None, b"x", [True]]], "[1, 2.5, a, null, x, [true]]"),
        ("%s", [{"b": 1, "a": [2]}], "{a: [2], b: 1}"),
        ("%s", [{2: "x", 10: "y", True: "z"}], "{10: y, 2: x, true: z}"),
        ("%s", [Timestamp(1675467080000000000)], "2023-02-03T23:31:20Z"),
        ("%s", [Duration(6347 * 10**9)], "6347s"),
        ("%s", [Uint(5)], "5"),
        ("%s %s", ["a", "b", "unused"], "a b"),
        ("%", [1], EvaluationError(formatting.INVALID_FORMAT)),
        ("%a", [1], EvaluationError(formatting.INVALID_FORMAT)),
        ("%E", [1.0], EvaluationError(formatting.INVALID_FORMAT)),
        ("%5d", [1], EvaluationError(formatting.INVALID_FORMAT)),
        ("%.f", [1.0], EvaluationError(formatting.INVALID_FORMAT)),
        ("%.3", [1.0], EvaluationError(formatting.INVALID_FORMAT)),
        ("%.1001f", [1.0], EvaluationError(formatting.INVALID_FORMAT)),
        ("%." + "9" * 5_000 + "f", [1.0], EvaluationError(formatting.INVALID_FORMAT)),
        ("%.\u0663f", [1.0], EvaluationError(formatting.INVALID_FORMAT)),
        ("%s%s", ["a"], EvaluationError(formatting.TOO_FEW)),
        ("%d", ["1"], EvaluationError(formatting.UNSUITABLE)),
        ("%d", [Timestamp(0)], EvaluationError(formatting.UNSUITABLE)),
        ("%f", ["NaN"], EvaluationError(formatting.UNSUITABLE)),
        ("%x", [True], EvaluationError(formatting.UNSUITABLE)),
        ("%s", [Message(a=1)], EvaluationError(formatting.UNSUITABLE)),
        ("%s%d", [b"\xff", None], EvaluationError(formatting.UNSUITABLE)),
        ("%s", [Timestamp(-(10**20))], EvaluationError("timestamp out of range")),
        ("%s%s", ["a" * 600_000] * 2, EvaluationError(generated.TOO_LONG)),
        ("%s", [["a" * 600_000] * 2], EvaluationError(generated.TOO_LONG)),
    ],
)
def test_body(text: str, values: list[object], expected: str | EvaluationError) -> None:
    assert outcomes([by_body(text, values)]) == outcomes([expected])


def test_random_values_in_one_text() -> None:
    """Several clauses at once: one null, one error, one unused value among them."""
    rng = random.Random(3)
    fields = {"i": INT, "u": UINT, "s": STRING, "b": BYTES, "p": BOOL, "x": DOUBLE}
    columns = {n: [rng.choice(_COLUMNS[t][0]) for _ in range(300)] for n, t in fields.items()}
    frame = pl.DataFrame({n: pl.Series(v, dtype=_COLUMNS[fields[n]][1]) for n, v in columns.items()})
    cells = tuple(Cell(pl.col(n), nullable(t), _COLUMNS[t][1], fallible=False) for n, t in fields.items())
    rows = list(zip(*([value_of(fields[n], v) for v in values] for n, values in columns.items()), strict=True))
    for text in ("%s|%s|%s|%s|%s|%s", "%d|%x|%X|%s|%b", "%o %% %f %s", "%d|%s|%d", "%s%s%s%s%s%s%s", "%d%"):
        assert answers(text, cells, frame) == outcomes([by_body(text, row) for row in rows])


@pytest.mark.parametrize(
    ("dtype", "type_", "values"),
    [
        (pl.Datetime("us"), TIMESTAMP, [0, 1_500_000, None, 253402300800 * 10**6]),
        (pl.Datetime("ms", "Europe/Berlin"), TIMESTAMP, [0, 1, None]),
        (pl.Date(), TIMESTAMP, [0, 19_000, None]),
        (pl.Duration("ms"), DURATION, [0, -1, 1_000, None, 10**18]),
    ],
    ids=str,
)
def test_times(dtype: pl.DataType, type_: Type, values: list[int | None]) -> None:
    storage = pl.Int32() if dtype == pl.Date() else pl.Int64()
    frame = pl.DataFrame({"a": pl.Series(values, dtype=storage).cast(dtype)})
    make = Timestamp if type_ == TIMESTAMP else Duration
    tick = 86_400 * 10**9 if dtype == pl.Date() else {"us": 1_000, "ms": 10**6}[str(dtype.time_unit)]  # type: ignore[attr-defined]
    expected = [by_body("at %s", [None if v is None else make(v * tick)]) for v in values]
    cell = Cell(pl.col("a"), nullable(type_), dtype, fallible=False)
    assert answers("at %s", (cell,), frame) == outcomes(expected)


def test_a_long_result_is_an_error() -> None:
    frame = pl.DataFrame({"a": ["a" * (generated.LONGEST // 2), "a" * (generated.LONGEST // 2 + 1)]})
    cell = Cell(pl.col("a"), nullable(STRING), pl.String(), fallible=False)
    (_, none), long = answers("%s%s", (cell, cell), frame)
    assert none is None
    assert long == (None, generated.TOO_LONG)


def test_what_is_not_columnar() -> None:
    text = Cell(pl.col("a"), nullable(STRING), pl.String())
    texts = Cell(pl.col("b"), nullable(ListType(nullable(STRING))), pl.List(pl.String()))
    with pytest.raises(NotColumnar, match="format string is not a literal"):
        FORMAT.lower(text, (text,))
    with pytest.raises(NotColumnar, match="not written as a list"):
        FORMAT.lower(constant("%s", STRING), texts)
    with pytest.raises(NotColumnar, match="no columnar form"):
        FORMAT.lower(constant("%s", STRING), (texts,))


def test_a_literal_that_is_no_format_string_is_reported_with_its_clause() -> None:
    ((place, read),) = FORMAT.literals
    assert place == 0
    with pytest.raises(EvaluationError, match=r"'%5d ' is no clause"):
        read("a %5d b")
    with pytest.raises(EvaluationError, match="more than 1,000 digits"):
        read("%.2000f")
