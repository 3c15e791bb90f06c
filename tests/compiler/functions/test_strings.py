"""Functions of strings and bytes: the lowering, the body and cel-cpp beside one another on hostile values."""

from __future__ import annotations

from itertools import product

import polars as pl
import pytest
from cel_expr_python import cel

from compiler.cell import Cell, NotColumnar
from compiler.functions import strings
from compiler.functions.declare import EvaluationError, Function, Overload
from compiler.types import BYTES, STRING, Type, nullable

OVERLOADS = {o.id: (f, o) for f in strings.functions() for o in f.overloads}

TEXTS = (
    "",
    "a",
    "taco",
    "cat",
    "tacocat",
    "TACO",
    "Straße",
    "aß",
    "été",
    "e\u0301te\u0301",
    "e\u0301",
    "завтра",
    "🐱😀😛",
    "😛",
    "👩‍👩‍👧",
    "a\nb",
    "\n",
    ".*",
    "(",
    "\ufeffx",
    "\U0010ffff",
    "x" * 10_000,
    "é" * 5_000 + "z",
)
BYTE_TEXTS = (b"", b"a", b"ab", b"\xff", "é".encode(), b"\xed\xa0\x80", b"x" * 10_000)
PATTERNS = (
    "",
    "a",
    "^taco",
    "cat$",
    "^été$",
    r"^\w+$",
    "(?i)taco",
    r"\bb",
    ".",
    r"^.$",
    r"[^\x00-\x7f]",
    r"\.\*",
    r"\($",
)


def column(name: str, type_: Type, dtype: pl.DataType) -> Cell:
    return Cell(pl.col(name), nullable(type_), dtype)


def text_constant(value: str) -> Cell:
    return Cell(pl.lit(value, dtype=pl.String), STRING, pl.String(), fallible=False, constant=(value,))


def evaluated(cell: Cell, frame: pl.DataFrame) -> list[object]:
    return frame.with_columns(cell.value.alias("result"))["result"].to_list()


def by_body(overload: Overload, *arguments: object) -> object:
    assert overload.body is not None
    try:
        return overload.body(*arguments)
    except EvaluationError:
        return None


def by_cel_cpp(function: Function, overload: Overload, rows: list[tuple[object, ...]]) -> list[object]:
    types: dict[Type, object] = {STRING: cel.Type.STRING, BYTES: cel.Type.BYTES}
    names = ["a", "b"][: len(overload.parameters)]
    if function.name == "_+_":
        text = "a + b"
    elif function.method:
        text = f"a.{function.name}({', '.join(names[1:])})"
    else:
        text = f"{function.name}({', '.join(names)})"
    environment = cel.NewEnv(variables={n: types[t] for n, t in zip(names, overload.parameters, strict=True)})
    expression = environment.compile(text)
    results = []
    for row in rows:
        answer = expression.eval(data=dict(zip(names, row, strict=True)))
        value = None if "ERR" in str(answer.type()) else answer.value()
        results.append(bytes(value) if isinstance(value, bytearray) else value)
    return results


@pytest.mark.parametrize("name", OVERLOADS)
def test_lowering_and_body_and_cel_cpp_agree(name: str) -> None:
    function, overload = OVERLOADS[name]
    values: dict[Type, tuple[object, ...]] = {STRING: TEXTS, BYTES: BYTE_TEXTS}
    dtypes: dict[Type, pl.DataType] = {STRING: pl.String(), BYTES: pl.Binary()}
    rows: list[tuple[object, ...]] = list(product(*(values[t] for t in overload.parameters)))
    if function.name == "matches":
        rows = list(product(TEXTS, PATTERNS))
    expected = by_cel_cpp(function, overload, rows)
    assert [by_body(overload, *row) for row in rows] == expected

    names = ["a", "b"][: len(overload.parameters)]
    if function.name == "matches":
        found = []
        for text, pattern in product(TEXTS, PATTERNS):
            cell = overload.lower(column("a", STRING, pl.String()), text_constant(pattern))
            found.extend(evaluated(cell, pl.DataFrame({"a": [text]}, schema={"a": pl.String})))
        assert found == expected
        return
    schema = {n: dtypes[t] for n, t in zip(names, overload.parameters, strict=True)}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    cells = [column(n, t, schema[n]) for n, t in zip(names, overload.parameters, strict=True)]
    assert evaluated(overload.lower(*cells), frame) == expected


# cel-cpp's Python package cuts a bound string at its first NUL, so these expected values are written by hand.
@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("string_size", ("a\0b",), 3),
        ("bytes_size", (b"a\0b",), 3),
        ("contains_string", ("a\0b", "\0b"), True),
        ("starts_with_string", ("a\0b", "a\0"), True),
        ("ends_with_string", ("a\0b", "\0c"), False),
        ("matches_string", ("a\0b", r"^a\x00b$"), True),
        ("matches_string", ("a\0b", r"^a.b"), True),
        ("add_string", ("a\0", "b"), "a\0b"),
    ],
)
def test_nul_is_a_character_like_any_other(name: str, arguments: tuple[str, ...], expected: object) -> None:
    _, overload = OVERLOADS[name]
    assert by_body(overload, *arguments) == expected
    frame = pl.DataFrame({"a": [arguments[0]]})
    cells = [column("a", overload.parameters[0], frame.schema["a"]), *(text_constant(text) for text in arguments[1:])]
    assert evaluated(overload.lower(*cells), frame) == [expected]


@pytest.mark.parametrize("name", OVERLOADS)
def test_a_null_argument_is_an_error(name: str) -> None:
    function, overload = OVERLOADS[name]
    dtype = pl.Binary() if overload.parameters[0] == BYTES else pl.String()
    some = pl.Series("some", [b"a" if dtype == pl.Binary() else "a"], dtype=dtype)
    frame = pl.DataFrame([some, pl.Series("none", [None], dtype=dtype)])
    here, missing = (column(n, overload.parameters[0], dtype) for n in ("some", "none"))
    if function.name == "matches":
        assert evaluated(overload.lower(missing, text_constant("")), frame) == [None]
        assert evaluated(overload.lower(missing, text_constant(r"\d*x")), frame) == [None]
    elif len(overload.parameters) == 1:
        assert evaluated(overload.lower(missing), frame) == [None]
    else:
        assert evaluated(overload.lower(missing, here), frame) == [None]
        assert evaluated(overload.lower(here, missing), frame) == [None]


@pytest.mark.parametrize("dtype", [pl.Categorical(), pl.Enum(["cat", "", "tacocat", "été"])], ids=str)
def test_categories_are_strings(dtype: pl.DataType) -> None:
    values = ["tacocat", "", "été", None]
    frame = pl.DataFrame({"a": pl.Series(values, dtype=dtype)})
    cell = column("a", STRING, dtype)
    for name, argument in (
        ("contains_string", "co"),
        ("starts_with_string", "t"),
        ("ends_with_string", "é"),
        ("matches_string", "^.{3}$"),
        ("add_string", "!"),
    ):
        _, overload = OVERLOADS[name]
        expected = [None if v is None else by_body(overload, v, argument) for v in values]
        assert evaluated(overload.lower(cell, text_constant(argument)), frame) == expected
    assert evaluated(OVERLOADS["string_size"][1].lower(cell), frame) == [7, 0, 3, None]


def test_constants_alone_make_a_whole_expression() -> None:
    frame = pl.DataFrame({"a": ["x", "y"]})
    for name, expected in (("contains_string", True), ("matches_string", True), ("add_string", "tacoac")):
        cell = OVERLOADS[name][1].lower(text_constant("taco"), text_constant("ac"))
        assert evaluated(cell, frame) == [expected, expected]


def test_a_column_may_be_searched_for_in_a_constant() -> None:
    frame = pl.DataFrame({"a": ["taco", "cat", "", None]})
    cell = OVERLOADS["starts_with_string"][1].lower(text_constant("tacocat"), column("a", STRING, pl.String()))
    assert evaluated(cell, frame) == [True, False, True, None]


def test_a_pattern_from_a_column_is_not_columnar() -> None:
    cell = column("a", STRING, pl.String())
    with pytest.raises(NotColumnar, match="not a literal"):
        OVERLOADS["matches_string"][1].lower(cell, cell)


@pytest.mark.parametrize("pattern", ["(", "a**", r"\Z", "a" * 1_001])
def test_a_pattern_that_re2_refuses_is_an_error(pattern: str) -> None:
    body = OVERLOADS["matches_string"][1].body
    assert body is not None
    with pytest.raises(EvaluationError, match=strings.INVALID_PATTERN):
        body("a", pattern)


def test_a_size_is_bounded_so_that_sums_of_sizes_need_no_check() -> None:
    cell = OVERLOADS["string_size"][1].lower(column("a", STRING, pl.String()))
    assert cell.interval == (0, 2**32 - 1)
