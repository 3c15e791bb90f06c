"""Conversions between int, uint, double, bool, string and bytes. Those of times are in ``temporal.py``.

Where the specification leaves the text of a conversion open, Cellar takes what cel-go and cel-cpp agree on:

- texts of numbers are decimal, of ASCII digits, with an optional sign; nothing stands around them. (cel-cpp alone trims
  ASCII white space and reads hexadecimal doubles; cel-go alone refuses a sign before a uint.)
- a double beyond the range of its text's type is an infinity, as cel-cpp and IEEE 754 round it (cel-go: an error).
- the text of a double has the fewest digits that read back as the same double, in scientific notation below 0.0001 and
  from 1e+06 on. ``nan``, ``inf`` and ``-inf`` are written as cel-cpp does (cel-go: ``NaN``, ``+Inf``, ``-Inf``); a NaN
  has no sign.
"""

from __future__ import annotations

import re
from decimal import Decimal
from math import isfinite, isnan

import polars as pl

from ..cell import INT64_MAX, INT64_MIN, UINT64_MAX, Cell, may_be_null, result
from ..types import BOOL, BYTES, DOUBLE, INT, STRING, UINT, Dynamic, Nullable, Parameter, Type, plain
from .declare import EvaluationError, Failure, Function, Overload

INT_RANGE = "beyond the range of int"
UINT_RANGE = "beyond the range of uint"
NO_INT = "the text is no int"
NO_UINT = "the text is no uint"
NO_DOUBLE = "the text is no double"
NO_BOOL = "the text is no bool"
NO_TEXT = "the bytes are not valid UTF-8"

_BOOLS = {
    **dict.fromkeys(("true", "TRUE", "True", "t", "1"), True),
    **dict.fromkeys(("false", "FALSE", "False", "f", "0"), False),
}

# Compiled when first used, by re itself: most conditions convert no text.
_INTEGER = r"[+-]?[0-9]+"
_UNSIGNED = r"\+?[0-9]+"
_DOUBLE = r"(?ai)[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?|nan|inf|infinity)"

# The specification's table of valid UTF-8 (RFC 3629, section 4), over hexadecimal digits.
_UTF8_IN_HEX = (
    "^(?:[0-7][0-9a-f]"
    "|(?:c[2-9a-f]|d[0-9a-f])[89ab][0-9a-f]"
    "|e0[ab][0-9a-f][89ab][0-9a-f]"
    "|(?:e[1-9abcef])(?:[89ab][0-9a-f]){2}"
    "|ed[89][0-9a-f][89ab][0-9a-f]"
    "|f0[9ab][0-9a-f](?:[89ab][0-9a-f]){2}"
    "|f[1-3](?:[89ab][0-9a-f]){3}"
    "|f48[0-9a-f](?:[89ab][0-9a-f]){2})*$"
)


def functions() -> tuple[Function, ...]:
    """``int``, ``uint``, ``double``, ``bool``, ``string``, ``bytes`` and ``dyn``."""
    section = '(Specification: "Type Conversions")'
    anything = Nullable(Parameter("A"))
    return (
        Function(
            "int",
            (
                _identity(INT, "int64"),
                Overload("uint64_to_int64", (UINT,), INT, _uint_to_int, _integer_to_int, (Failure(INT_RANGE),)),
                Overload("double_to_int64", (DOUBLE,), INT, _double_to_int, _double_in_int, (Failure(INT_RANGE),)),
                Overload("string_to_int64", (STRING,), INT, _string_to_int, _text_of_int, (Failure(NO_INT),)),
            ),
            "The value as an int: a double loses its fraction, a text is decimal. An error where it does not fit 64 "
            f"bits; int's smallest and largest value, as doubles, count as not fitting. {section}",
            (("int(-3.9)", "-3"), ('int("42")', "42"), ('int("0x1F")', "error"), ("int(1e99)", "error")),
        ),
        Function(
            "uint",
            (
                _identity(UINT, "uint64"),
                Overload("int64_to_uint64", (INT,), UINT, _int_to_uint, _integer_to_uint, (Failure(UINT_RANGE),)),
                Overload("double_to_uint64", (DOUBLE,), UINT, _double_to_uint, _double_in_uint, (Failure(UINT_RANGE),)),
                Overload("string_to_uint64", (STRING,), UINT, _string_to_uint, _text_of_uint, (Failure(NO_UINT),)),
            ),
            "The value as a uint: a double loses its fraction, a text is decimal. An error where it is negative or "
            f"does not fit 64 bits. {section}",
            (("uint(3.9)", "3u"), ('uint("42")', "42u"), ("uint(-1)", "error")),
        ),
        Function(
            "double",
            (
                _identity(DOUBLE, "double"),
                Overload("int64_to_double", (INT,), DOUBLE, _number_to_double, float),
                Overload("uint64_to_double", (UINT,), DOUBLE, _number_to_double, float),
                Overload(
                    "string_to_double", (STRING,), DOUBLE, _string_to_double, _text_of_double, (Failure(NO_DOUBLE),)
                ),
            ),
            "The nearest double. A text is decimal, with an optional exponent, or nan, inf or infinity in any case. "
            f"{section}",
            (("double(3)", "3.0"), ('double("1e3")', "1000.0"), ('double("1_0")', "error")),
        ),
        Function(
            "bool",
            (
                _identity(BOOL, "bool"),
                Overload("string_to_bool", (STRING,), BOOL, _string_to_bool, _text_of_bool, (Failure(NO_BOOL),)),
            ),
            "The value as a bool. The texts true, TRUE, True, t, 1 are true and false, FALSE, False, f, 0 are false. "
            f"{section}",
            (('bool("True")', "true"), ('bool("0")', "false"), ('bool("yes")', "error")),
        ),
        Function(
            "string",
            (
                _identity(STRING, "string"),
                Overload("int64_to_string", (INT,), STRING, _to_string, str),
                Overload("uint64_to_string", (UINT,), STRING, _to_string, str),
                Overload("bool_to_string", (BOOL,), STRING, _to_string, _bool_text),
                Overload("double_to_string", (DOUBLE,), STRING, _double_to_string, double_text),
                Overload("bytes_to_string", (BYTES,), STRING, _bytes_to_string, _decoded, (Failure(NO_TEXT),)),
            ),
            "The value as text: a double with the fewest digits that read back as the same double; bytes are UTF-8. "
            f"{section}",
            (("string(1.0)", '"1"'), ("string(1234567.5)", '"1.2345675e+06"'), (r"string(b'\xff')", "error")),
        ),
        Function(
            "bytes",
            (
                _identity(BYTES, "bytes"),
                Overload("string_to_bytes", (STRING,), BYTES, _string_to_bytes, str.encode),
            ),
            f"The bytes of a text in UTF-8. {section}",
            (('bytes("é")', r"b'\303\251'"), ("bytes(b'abc')", "b'abc'")),
        ),
        Function(
            "dyn",
            (Overload("to_dyn", (anything,), Dynamic(anything), lower=_unchanged, body=_itself),),
            f"The value itself, its type to be decided at run time. {section}",
            (("dyn(1) == 1.0", "true"), ('dyn("1") == 1', "false"), ('dyn("1") + 1', "error")),
        ),
    )


def _identity(type_: Type, name: str) -> Overload:
    return Overload(f"{name}_to_{name}", (type_,), type_, lower=_same, body=_itself)


def _same(cell: Cell) -> Cell:
    """The cell itself, of its plain type: a null of it is an error of the call."""
    if cell.dtype.is_decimal():
        return result(plain(cell.type), cell.standard, cell, fails=False)
    return Cell(cell.value, plain(cell.type), cell.dtype, may_be_null(cell), None, cell.interval, cell.constant)


def _unchanged(cell: Cell) -> Cell:
    return cell


def _uint_to_int(cell: Cell) -> Cell:
    low, high = cell.interval or (0, UINT64_MAX)
    fails = high > INT64_MAX
    value = cell.standard.cast(pl.Int64, strict=False)
    interval = (min(low, INT64_MAX), min(high, INT64_MAX))
    return Cell(value, INT, pl.Int64(), fails or may_be_null(cell), interval=interval)


def _int_to_uint(cell: Cell) -> Cell:
    low, high = cell.interval or (INT64_MIN, INT64_MAX)
    value = cell.standard.cast(pl.UInt64, strict=False)
    return Cell(value, UINT, pl.UInt64(), low < 0 or may_be_null(cell), interval=(max(low, 0), max(high, 0)))


def _double_to_int(cell: Cell) -> Cell:
    x = cell.standard
    # -2^63 is an int, but the specification's suite has the conversion of the double fail at both ends.
    return result(INT, pl.when((x > -(2.0**63)) & (x < 2.0**63)).then(x).cast(pl.Int64, strict=False), cell)


def _double_to_uint(cell: Cell) -> Cell:
    x = cell.standard
    return result(UINT, pl.when((x >= 0.0) & (x < 2.0**64)).then(x).cast(pl.UInt64, strict=False), cell)


def _string_to_int(cell: Cell) -> Cell:
    return result(INT, cell.standard.cast(pl.Int64, strict=False), cell)


def _string_to_uint(cell: Cell) -> Cell:
    return result(UINT, cell.standard.cast(pl.UInt64, strict=False), cell)


def _number_to_double(cell: Cell) -> Cell:
    return result(DOUBLE, cell.standard.cast(pl.Float64), cell, fails=False)


def _string_to_double(cell: Cell) -> Cell:
    return result(DOUBLE, cell.standard.cast(pl.Float64, strict=False), cell)


def _string_to_bool(cell: Cell) -> Cell:
    texts = list(_BOOLS)
    value = cell.standard.replace_strict(texts, list(_BOOLS.values()), default=None, return_dtype=pl.Boolean)
    return result(BOOL, value, cell)


def _to_string(cell: Cell) -> Cell:
    return result(STRING, cell.standard.cast(pl.String), cell, fails=False)


def _string_to_bytes(cell: Cell) -> Cell:
    return result(BYTES, cell.standard.cast(pl.Binary), cell, fails=False)


def _bytes_to_string(cell: Cell) -> Cell:
    return result(STRING, text_of_bytes(cell.standard), cell)


def text_of_bytes(value: pl.Expr) -> pl.Expr:
    """The text that bytes are in UTF-8; null where they are none."""
    # A cast raises for bytes that are not UTF-8, even where it is told not to and where a null covers them.
    valid = value.bin.encode("hex").str.contains(_UTF8_IN_HEX)
    text = pl.when(valid).then(value).otherwise(pl.lit(b"", dtype=pl.Binary)).cast(pl.String)
    return pl.when(valid).then(text)


def _double_to_string(cell: Cell) -> Cell:
    """From the shortest text that Polars gives a double, which is scientific below 0.00001 and from 1e+16 on."""
    x = cell.standard
    size = x.abs()
    text = size.cast(pl.String)
    digits = text.str.replace(".", "", literal=True).str.strip_chars("0")
    mantissa = (digits.str.head(1) + "." + digits.str.slice(1)).str.strip_suffix(".")
    power = (text.str.find(".", literal=True) - 1).cast(pl.String).str.zfill(2)
    unsigned = (
        pl.when(size.is_nan())
        .then(pl.lit("nan"))
        .when((size == 0.0) | ((size >= 1e-4) & (size < 1e6)))
        .then(text.str.strip_suffix(".0"))
        .when((size >= 1e16) | (size < 1e-9))
        .then(text)
        .when(size < 1e-5)
        .then(text.str.replace("e-", "e-0", literal=True))
        .when(size < 1e-4)
        .then(mantissa + "e-05")
        .otherwise(mantissa + "e+" + power)
    )
    negative = (x < 0.0) | ((x == 0.0) & (1.0 / x < 0.0))
    return result(STRING, pl.when(negative).then("-" + unsigned).otherwise(unsigned), cell, fails=False)


def _itself(value: object) -> object:
    return value


def _integer_to_int(value: int) -> int:
    if value > INT64_MAX:
        raise EvaluationError(INT_RANGE)
    return value


def _integer_to_uint(value: int) -> int:
    if value < 0:
        raise EvaluationError(UINT_RANGE)
    return value


def _double_in_int(value: float) -> int:
    if not -(2.0**63) < value < 2.0**63:
        raise EvaluationError(INT_RANGE)
    return int(value)


def _double_in_uint(value: float) -> int:
    if not 0.0 <= value < 2.0**64:
        raise EvaluationError(UINT_RANGE)
    return int(value)


def _text_of_int(text: str) -> int:
    value = _decimal(text) if re.fullmatch(_INTEGER, text) else None
    if value is None or not INT64_MIN <= value <= INT64_MAX:
        raise EvaluationError(NO_INT)
    return value


def _text_of_uint(text: str) -> int:
    value = _decimal(text) if re.fullmatch(_UNSIGNED, text) else None
    if value is None or value > UINT64_MAX:
        raise EvaluationError(NO_UINT)
    return value


def _decimal(text: str) -> int | None:
    """The integer that a text is; None beyond 20 digits, leading zeros aside, where Python may refuse to read on."""
    sign, digits = text[0] == "-", text.lstrip("+-").lstrip("0")
    if len(digits) > 20:
        return None
    return -int(digits or "0") if sign else int(digits or "0")


def _text_of_double(text: str) -> float:
    if not re.fullmatch(_DOUBLE, text):
        raise EvaluationError(NO_DOUBLE)
    return float(text)


def _text_of_bool(text: str) -> bool:
    if text not in _BOOLS:
        raise EvaluationError(NO_BOOL)
    return _BOOLS[text]


def _bool_text(value: bool) -> str:
    return "true" if value else "false"


def _decoded(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise EvaluationError(NO_TEXT) from None


def double_text(value: float) -> str:
    """The text of a double, as ``string(double)`` gives it."""
    if not isfinite(value):
        return "nan" if isnan(value) else "inf" if value > 0 else "-inf"
    text = repr(value)
    if value == 0 or 1e-4 <= abs(value) < 1e6:
        return text.removesuffix(".0")
    shortest = Decimal(text).normalize()
    digits, power = "".join(map(str, shortest.as_tuple().digits)), shortest.adjusted()
    point = f"{digits[0]}.{digits[1:]}" if len(digits) > 1 else digits
    return f"{'-' if value < 0 else ''}{point}e{'-' if power < 0 else '+'}{abs(power):02d}"
