"""base64: the lowering, the body, cel-cpp and the standard library beside one another."""

from __future__ import annotations

import base64
import random
from itertools import product

import polars as pl
import pytest
from cel_expr_python import cel
from cel_expr_python.ext import ext_encoders

from compiler.cell import Cell
from compiler.functions import encoders, generated
from compiler.functions.constants import constant
from compiler.functions.declare import EvaluationError, Overload
from compiler.types import BYTES, STRING, Type, nullable

ENCODE, DECODE = (f.overloads[0] for f in encoders.functions())

_RANDOM = random.Random(11)
RAW = [b"", b"\0", b"a", b"ab", b"hello", *(_RANDOM.randbytes(n) for n in range(1, 60)), b"\xff" * 10_000]

TEXTS = [
    "", "aGVsbG8=", "aGVsbG8", "aGVsbG9=", "aGVsbA==", "aGVsbA=", "aGVsbA", "aGVsbB", "a", "a=", "a===", "=", "====",
    "aGVs", "aGVs=", "aGVsbG8==", "aGVsbG8=aGVs", "-_-_", "+/+/", "é", "aGVs\nbG8=", "aGVsbG8=\r\n",
    "aGVsbG8\n=", "\n", "a\0==",
    *("".join(letters) for letters in product("aB9=", repeat=4)),
    *("".join(letters) for letters in product("z/=", repeat=3)),
    "QUJD" * 5_000,
]  # fmt: skip


def evaluated(overload: Overload, type_: Type, values: list[object]) -> list[object]:
    dtype = pl.String() if type_ == STRING else pl.Binary()
    frame = pl.DataFrame({"a": pl.Series(values, dtype=dtype)})
    return frame.with_columns(overload.lower(Cell(pl.col("a"), nullable(type_), dtype)).value.alias("r"))["r"].to_list()


def by_body(overload: Overload, value: object) -> object:
    assert overload.body is not None
    try:
        return overload.body(value)
    except EvaluationError:
        return None


def by_cel_cpp(call: str, kind: object, values: list[object]) -> list[object]:
    expression = cel.NewEnv(variables={"a": kind}, extensions=[ext_encoders.ExtEncoders()]).compile(call)
    answers = [expression.eval(data={"a": value}) for value in values]
    found = [None if "ERR" in str(a.type()) else a.value() for a in answers]
    return [bytes(f) if isinstance(f, bytearray) else f for f in found]


def test_encode() -> None:
    expected = [base64.b64encode(value).decode() for value in RAW]
    assert [by_body(ENCODE, value) for value in RAW] == expected
    assert evaluated(ENCODE, BYTES, [*RAW, None]) == [*expected, None]
    whole = [(value, text) for value, text in zip(RAW, expected, strict=True) if b"\0" not in value]
    assert by_cel_cpp("base64.encode(a)", cel.Type.BYTES, [value for value, _ in whole]) == [text for _, text in whole]


def test_decode() -> None:
    found = [by_body(DECODE, text) for text in TEXTS]
    assert evaluated(DECODE, STRING, [*TEXTS, None]) == [*found, None]
    whole = [text for text in TEXTS if "\0" not in text]
    assert [by_body(DECODE, text) for text in whole] == by_cel_cpp("base64.decode(a)", cel.Type.STRING, list(whole))
    assert {b"hello", b"hell", b"", None} <= set(found)


# cel-cpp takes any white space for line ends, and a point for padding; cel-go refuses both.
@pytest.mark.parametrize("text", [" aGVs", "aGVs bG8=", "aGVsbG8.", "aGVs\t"])
def test_only_line_ends_are_passed_over(text: str) -> None:
    assert by_body(DECODE, text) is None
    assert evaluated(DECODE, STRING, [text]) == [None]


def test_there_and_back() -> None:
    frame = pl.DataFrame({"a": RAW})
    cell = DECODE.lower(ENCODE.lower(Cell(pl.col("a"), nullable(BYTES), pl.Binary())))
    assert frame.select(cell.value)["a"].to_list() == RAW


def test_constants_alone_make_a_whole_expression() -> None:
    frame = pl.DataFrame({"a": [1, 2]})
    decoded = DECODE.lower(constant("aGVsbG8", STRING)).value
    encoded = ENCODE.lower(constant(b"hello", BYTES)).value
    assert frame.select(decoded.alias("d"), encoded.alias("e")).rows() == [(b"hello", "aGVsbG8=")]


def test_a_text_has_a_longest_size() -> None:
    fits, too_long = b"a" * 750_000, b"a" * 750_001
    assert by_body(ENCODE, fits) is not None
    assert by_body(ENCODE, too_long) is None
    assert evaluated(ENCODE, BYTES, [too_long]) == [None]
    assert [f.message for f in ENCODE.failures] == [generated.TOO_LONG]
