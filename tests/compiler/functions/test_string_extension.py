"""cel-go's strings extension: the lowering, the body and cel-cpp beside one another on hostile values."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from itertools import product

import polars as pl
import pytest
from cel_expr_python import cel
from cel_expr_python.ext import ext_strings

from compiler.cell import Cell, NotColumnar
from compiler.functions import generated, string_extension
from compiler.functions.aggregates import NULL_ELEMENT
from compiler.functions.constants import constant
from compiler.functions.declare import EvaluationError, Function, Overload
from compiler.types import INT, STRING, ListType, Type, nullable

OVERLOADS = {o.id: (f, o) for f in string_extension.functions() for o in f.overloads}

TEXTS = (
    "",
    "a",
    "aa",
    "aaa",
    "abab",
    "taco\tcat\n",
    " \u00a0x\u3000",
    "\u200b\ufeff\u180ex\x1c",
    "Straße",
    "TaÉtÉ K",
    "e\u0301",
    "👩‍👩‍👧",
    "\r\n",
    'say "a\\b"',
    "$0 ${1} \\1",
    "\a\b\f\v\x01",
    "x" * 1_000,
    "é" * 500 + "z",
)
SHORT = ("", "a", "aa", "ab", "b", "É", "\u0301", "\n", "$1", "K", "😀")
NUMBERS = (0, 1, -1, 2, 3, 7, 999, 1_001, 2**31, 2**32, -(2**63), 2**63 - 1)
LISTS: tuple[list[str], ...] = ([], [""], ["a"], ["a", "b"], ["", "", ""], ["é", "\0", "x"], ["x" * 1_000] * 3)

_DTYPES: dict[Type, pl.DataType] = {INT: pl.Int64(), STRING: pl.String()}


def dtype_of(type_: Type) -> pl.DataType:
    return _DTYPES.get(type_, pl.List(pl.String()))


def rows_of(overload: Overload) -> list[tuple[object, ...]]:
    first: Sequence[object] = LISTS if isinstance(overload.parameters[0], ListType) else TEXTS
    rest = [NUMBERS if type_ == INT else SHORT for type_ in overload.parameters[1:]]
    rows = list(product(first, *rest))
    return random.Random(5).sample(rows, min(len(rows), 2_500))


def column(name: str, type_: Type) -> Cell:
    return Cell(pl.col(name), nullable(type_), dtype_of(type_))


def evaluated(cell: Cell, frame: pl.DataFrame) -> list[object]:
    return frame.with_columns(cell.value.alias("result"))["result"].to_list()


def by_body(overload: Overload, arguments: Sequence[object]) -> object:
    assert overload.body is not None
    try:
        return overload.body(*arguments)
    except EvaluationError as error:
        return error


def by_cel_cpp(function: Function, overload: Overload, rows: list[tuple[object, ...]]) -> list[object]:
    types: dict[Type, object] = {STRING: cel.Type.STRING, INT: cel.Type.INT}
    names = ["a", "b", "c", "d"][: len(overload.parameters)]
    call = f"{function.name}(a)" if not function.method else f"a.{function.name}({', '.join(names[1:])})"
    variables = {
        n: types.get(t, cel.Type.List(cel.Type.STRING)) for n, t in zip(names, overload.parameters, strict=True)
    }
    expression = cel.NewEnv(variables=variables, extensions=[ext_strings.ExtStrings()]).compile(call)
    results: list[object] = []
    for row in rows:
        answer = expression.eval(data=dict(zip(names, row, strict=True)))
        failed = "ERR" in str(answer.type())
        value = answer.value()
        results.append(None if failed else [v.value() for v in value] if isinstance(value, list) else value)
    return results


def is_wrong_in_cel_cpp(row: tuple[object, ...], name: str) -> bool:
    """Where cel-cpp departs from cel-go: it finds one empty part in an empty string, refuses a part that ends where the
    string does, though the end is exclusive, and its Python package cuts strings at a NUL."""
    if name.startswith("string_split"):
        return row[:2] == ("", "")
    if name == "string_substring_int_int":
        text, start, end = row
        return end == len(str(text)) != start
    return any("\0" in text for value in row for text in _strings(value))


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        yield from value


@pytest.mark.parametrize("name", OVERLOADS)
def test_body_and_cel_cpp_agree(name: str) -> None:
    function, overload = OVERLOADS[name]
    rows = [row for row in rows_of(overload) if not is_wrong_in_cel_cpp(row, name)]
    found = [by_body(overload, row) for row in rows]
    assert [None if isinstance(v, EvaluationError) else v for v in found] == by_cel_cpp(function, overload, rows)


@pytest.mark.parametrize("name", OVERLOADS)
def test_lowering_and_body_agree(name: str) -> None:
    """With columns for arguments, and with literals for each set of them."""
    _, overload = OVERLOADS[name]
    names = ["a", "b", "c", "d"][: len(overload.parameters)]
    rows = rows_of(overload)
    schema = {n: dtype_of(t) for n, t in zip(names, overload.parameters, strict=True)}
    columns = [column(n, t) for n, t in zip(names, overload.parameters, strict=True)]
    for literal in product((False, True), repeat=len(names)):
        some = rows[:: max(1, len(rows) // 12)]
        frames = [_with(first, literal, rows) for first in some] if any(literal) else [rows]
        for group in frames:
            frame = pl.DataFrame(group, schema=schema, orient="row")
            cells = [
                constant(tuple(v) if isinstance(v, list) else v, t) if fixed else c
                for fixed, v, t, c in zip(literal, group[0], overload.parameters, columns, strict=True)
            ]
            cell = overload.lower(*cells)
            expected = [by_body(overload, row) for row in group]
            values = [None if isinstance(v, EvaluationError) else v for v in expected]
            assert evaluated(cell, frame) == values, (literal, group[0])
            assert cell.fallible or None not in values
            messages = [str(v) if isinstance(v, EvaluationError) else None for v in expected]
            assert reasons(overload, cells, frame, cell) == messages, (literal, group[0])


def _with(
    first: tuple[object, ...], literal: tuple[bool, ...], rows: list[tuple[object, ...]]
) -> list[tuple[object, ...]]:
    """Some rows, all with the first one's values where they are literals."""
    others = random.Random(7).sample(rows, min(20, len(rows)))
    return [tuple(v if fixed else w for fixed, v, w in zip(literal, first, o, strict=True)) for o in others]


def reasons(overload: Overload, cells: list[Cell], frame: pl.DataFrame, cell: Cell) -> list[object]:
    """The message of the first failure that holds, where the value is an error."""
    messages = [
        pl.lit(f.message) if f.when is None else pl.when(f.when(*cells)).then(pl.lit(f.message))
        for f in overload.failures
    ]
    reason = pl.when(cell.value.is_null()).then(pl.coalesce(messages)) if messages else pl.lit(None)
    return frame.with_columns(reason.alias("reason"))["reason"].to_list()


@pytest.mark.parametrize("name", OVERLOADS)
def test_a_null_argument_is_an_error(name: str) -> None:
    _, overload = OVERLOADS[name]
    some: dict[Type, object] = {STRING: "a", INT: 1}
    for place, type_ in enumerate(overload.parameters):
        row = [some.get(t, ["a"]) for t in overload.parameters]
        row[place] = None
        names = ["a", "b", "c", "d"][: len(row)]
        frame = pl.DataFrame(
            [row], schema={n: dtype_of(t) for n, t in zip(names, overload.parameters, strict=True)}, orient="row"
        )
        cells = [column(n, t) for n, t in zip(names, overload.parameters, strict=True)]
        assert evaluated(overload.lower(*cells), frame) == [None]
        literals = [
            cells[i] if i == place else constant(tuple(v) if isinstance(v, list) else v, t)
            for i, (v, t) in enumerate(zip(row, overload.parameters, strict=True))
        ]
        assert evaluated(overload.lower(*literals), frame) == [None], type_


def test_a_null_among_strings_is_an_error_with_its_reason() -> None:
    frame = pl.DataFrame({"a": [["x", None], ["x"], [None], []]}, schema={"a": pl.List(pl.String)})
    _, overload = OVERLOADS["list_join"]
    cells = [column("a", ListType(STRING))]
    assert evaluated(overload.lower(*cells), frame) == [None, "x", None, ""]
    null = NULL_ELEMENT
    assert reasons(overload, cells, frame, overload.lower(*cells)) == [null, None, null, None]


LONG = "a" * (generated.LONGEST // 2)


@pytest.mark.parametrize(
    ("name", "arguments", "fits"),
    [
        ("string_replace_string_string", (LONG, "a", "ab"), True),
        ("string_replace_string_string", (LONG + "a", "a", "ab"), False),
        ("string_replace_string_string", (LONG + "b", "a", "é"), False),
        ("string_replace_string_string", (LONG * 3, "a", "b"), True),
        ("string_replace_string_string", (LONG * 3, "b", "aaaaaa"), True),
        ("string_replace_string_string", ("a" * 10_000, "", "b" * 100), False),
        ("string_replace_string_string_int", ("a" * 10_000, "", "b" * 100, 9_900), True),
        ("string_replace_string_string_int", ("a" * 10_000, "", "b" * 100, 9_901), False),
        ("list_join", ([LONG, LONG],), True),
        ("list_join", ([LONG, LONG, "a"],), False),
        ("list_join_string", ([LONG, LONG], "a"), False),
        ("strings_quote", (LONG,), True),
        ("strings_quote", ('"' * len(LONG),), False),
    ],
)
def test_a_string_grows_to_a_bound(name: str, arguments: tuple[object, ...], fits: bool) -> None:
    _, overload = OVERLOADS[name]
    found = by_body(overload, arguments)
    assert isinstance(found, EvaluationError) != fits
    names = ["a", "b", "c", "d"][: len(arguments)]
    schema = {n: dtype_of(t) for n, t in zip(names, overload.parameters, strict=True)}
    frame = pl.DataFrame([arguments], schema=schema, orient="row")
    cells = [column(n, t) for n, t in zip(names, overload.parameters, strict=True)]
    cell = overload.lower(*cells)
    assert evaluated(cell, frame) == [found if fits else None]
    assert reasons(overload, cells, frame, cell) == [None if fits else generated.TOO_LONG]


@pytest.mark.parametrize("dtype", [pl.Categorical(), pl.Enum(["tacocat", "", "été"])], ids=str)
def test_categories_are_strings(dtype: pl.DataType) -> None:
    values = ["tacocat", "", "été", None]
    frame = pl.DataFrame(
        {"a": pl.Series(values, dtype=dtype), "l": pl.Series([[v] for v in values], dtype=pl.List(dtype))}
    )
    cell = Cell(pl.col("a"), nullable(STRING), dtype)
    for name, expected in (
        ("string_upper_ascii", ["TACOCAT", "", "éTé", None]),
        ("string_reverse", ["tacocat", "", "été", None]),
    ):
        assert evaluated(OVERLOADS[name][1].lower(cell), frame) == expected
    parts = OVERLOADS["string_split_string"][1].lower(cell, constant("t", STRING))
    assert evaluated(parts, frame) == [["", "acoca", ""], [""], ["é", "é"], None]
    strings = Cell(pl.col("l"), nullable(ListType(nullable(STRING))), pl.List(dtype))
    assert evaluated(OVERLOADS["list_join"][1].lower(strings), frame) == values


def test_a_list_that_is_no_column_is_not_joined() -> None:
    with pytest.raises(NotColumnar, match="not a column"):
        OVERLOADS["list_join"][1].lower(Cell(pl.lit(None), ListType(STRING), pl.Unknown()))
