"""``format`` of cel-go's strings extension: values in a text by the clauses of a format string, as printf has them.

Decided where cel-go and cel-cpp differ: ``%s`` and ``%d`` write a double with the fewest digits that read back as the
same double and no exponent, as cel-go does (cel-cpp rounds to six digits); ``%s`` writes a timestamp or duration as
``string()`` does; ``%f`` and ``%e`` take numbers only (cel-cpp: ``"NaN"``, too).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from itertools import product
from math import isfinite, isnan
from typing import NamedTuple

import polars as pl

from ..cell import Cell, NotColumnar, result
from ..types import (
    BOOL,
    BYTES,
    DOUBLE,
    DURATION,
    DYN,
    INT,
    NULL,
    STRING,
    TIMESTAMP,
    UINT,
    ListType,
    StructType,
    Type,
    TypeOf,
    plain,
)
from ..values import Duration, Message, Timestamp, TypeValue, keys_of
from . import conversions, generated, ticks, time_text
from .constants import elements
from .declare import EvaluationError, Failure, Function, Overload

INVALID_FORMAT = "invalid format string"
TOO_FEW = "more clauses in the format string than values"
UNSUITABLE = "a value of a type that its clause does not format"

_MOST_DIGITS = 1_000
_CLAUSE = r"%(?:%|(?:\.([0-9]+))?([sdfebxXo]))"
_NUMBERS = (INT, UINT, DOUBLE)

_TYPES: dict[str, tuple[Type, ...]] = {
    "d": _NUMBERS,
    "f": _NUMBERS,
    "e": _NUMBERS,
    "b": (INT, UINT, BOOL),
    "x": (INT, UINT, STRING, BYTES),
    "X": (INT, UINT, STRING, BYTES),
    "o": (INT, UINT),
}
"""The types that a clause other than ``%s`` takes. That one takes all but structs."""

_BASES = {"b": (1, "01"), "o": (3, "01234567"), "x": (4, "0123456789abcdef"), "X": (4, "0123456789ABCDEF")}
"""Bits in a digit, and the digits."""


class Clause(NamedTuple):
    """``%.3f``: its letter and the digits after the point."""

    letter: str
    precision: int


def functions() -> tuple[Function, ...]:
    """``format``."""
    return (
        Function(
            "format",
            (
                Overload(
                    "string_format",
                    (STRING, ListType(DYN)),
                    STRING,
                    lower=_format,
                    body=_formatted,
                    failures=_FAILURES,
                    literals=((0, parse),),
                    unpacks=True,
                ),
            ),
            "The string with its clauses replaced by the values of the list, in their order: %s any value, %d a "
            "number, %f one with six digits after the point and %.2f with two (at most 1,000), %e in scientific "
            "notation, %b, %o, %x and %X an integer in base 2, 8 or 16 (%x also the bytes of a string, %b a bool), "
            "%% a percent sign. (cel-go: strings extension)",
            (
                ('"%s is %d".format(["age", 30])', '"age is 30"'),
                ('"%.2f%%".format([12.345])', '"12.35%"'),
                ('"%x %b %o".format([255, 5, 8])', '"ff 101 10"'),
                ('"%s".format([[1, 2.5, null]])', '"[1, 2.5, null]"'),
                ('"%d".format(["1"])', "error"),
                ('"%s %s".format([1])', "error"),
            ),
            method=True,
        ),
    )


def parse(text: str) -> tuple[str | Clause, ...]:
    """The clauses of a format string and the texts between them.

    Raises:
        EvaluationError: a clause is none, with the place of it.
    """
    parts: list[str | Clause] = []
    end = 0
    clause = re.compile(_CLAUSE)
    while (start := text.find("%", end)) >= 0:
        parts.append(text[end:start])
        match = clause.match(text, start)
        if match is None:
            raise EvaluationError(
                f"{text[start : start + 4]!r} is no clause of a format string; write '%%' for a percent"
            )
        digits, letter = match.groups()
        if digits is not None and (len(digits.lstrip("0")) > 4 or int(digits) > _MOST_DIGITS):
            raise EvaluationError(f"a clause has more than {_MOST_DIGITS:,} digits after the point")
        parts.append("%" if letter is None else Clause(letter, 6 if digits is None else int(digits)))
        end = match.end()
    parts.append(text[end:])
    return tuple(part for part in parts if part)


# By value


def _formatted(text: str, values: Sequence[object]) -> str:
    parts = _parsed(text)
    if parts is None:
        raise EvaluationError(INVALID_FORMAT)
    if _clauses(parts) > len(values):
        raise EvaluationError(TOO_FEW)
    pieces: list[str] = []
    problems: list[str] = []
    rest = iter(values)
    for part in parts:
        try:
            pieces.append(part if isinstance(part, str) else _piece(part, next(rest)))
        except EvaluationError as error:
            problems.append(str(error))
    if problems:
        raise EvaluationError(min(problems, key=_PRIORITY.index))
    if sum(map(generated.size, pieces)) > generated.LONGEST:
        raise EvaluationError(generated.TOO_LONG)
    return "".join(pieces)


def _parsed(text: str) -> tuple[str | Clause, ...] | None:
    try:
        return parse(text)
    except EvaluationError:
        return None


def _clauses(parts: Sequence[str | Clause]) -> int:
    return sum(isinstance(part, Clause) for part in parts)


def _piece(clause: Clause, value: object) -> str:
    letter = clause.letter
    if letter == "s":
        return _text(value)
    match value:
        case bool():
            if letter == "b":
                return str(int(value))
        case Timestamp() | Duration():
            pass
        case int() if letter in _BASES:
            return format(int(value), letter)
        case int() if letter == "d":
            return str(int(value))
        case int() | float() if letter in "fe":
            return _special(float(value)) or format(float(value), f".{clause.precision}{letter}")
        case float() if letter == "d":
            return _decimal(value)
        case str() | bytes() if letter in "xX":
            digits = (value.encode() if isinstance(value, str) else value).hex()
            return digits.upper() if letter == "X" else digits
    raise EvaluationError(UNSUITABLE)


def _text(value: object) -> str:
    """What ``%s`` writes."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case Timestamp():
            return time_text.format_timestamp(_in_range(TIMESTAMP, value, time_text.TIMESTAMP_RANGE))
        case Duration():
            return time_text.format_duration(_in_range(DURATION, value, time_text.DURATION_RANGE))
        case int():
            return str(int(value))
        case float():
            return _decimal(value)
        case str():
            return value
        case TypeValue():
            return value.name
        case bytes():
            try:
                return value.decode()
            except UnicodeDecodeError:
                raise EvaluationError(conversions.NO_TEXT) from None
        case list() | tuple():
            return f"[{_listed(map(_text, value))}]"
        case dict() if not isinstance(value, Message):
            pairs = zip(keys_of(value), value.values(), strict=True)
            entries = sorted((_text(key).encode(), _text(entry)) for key, entry in pairs)
            return f"{{{_listed(f'{key.decode()}: {entry}' for key, entry in entries)}}}"
        case _:
            raise EvaluationError(UNSUITABLE)


def _listed(texts: Iterable[str]) -> str:
    """The texts with commas between them; what they add up to is bounded, for a list may hold one text many times."""
    listed: list[str] = []
    length = 0
    for text in texts:
        listed.append(text)
        length += len(text)
        if length > generated.LONGEST:
            raise EvaluationError(generated.TOO_LONG)
    return ", ".join(listed)


def _in_range(type_: Type, nanoseconds: int, message: str) -> int:
    low, high = ticks.RANGES[type_]
    if not low <= nanoseconds <= high:
        raise EvaluationError(message)
    return nanoseconds


def _decimal(value: float) -> str:
    return _special(value) or format(Decimal(repr(value)), "f").removesuffix(".0")


def _special(value: float) -> str | None:
    """The text of a double that is no number."""
    if isfinite(value):
        return None
    return "NaN" if isnan(value) else "Infinity" if value > 0 else "-Infinity"


# By column


def _format(text: Cell, values: Cell | tuple[Cell, ...]) -> Cell:
    if text.constant is None:
        raise NotColumnar("the format string is not a literal")
    cells = _cells(values)
    if cells is None:
        raise NotColumnar("the values to format are not written as a list")
    parts = _parsed(str(text.constant[0]))
    if parts is None or _clauses(parts) > len(cells) or _unsuitable(parts, cells):
        return result(STRING, pl.lit(None, dtype=pl.String), text)
    rest = iter(cells)
    pieces = [pl.lit(p, dtype=pl.String) if isinstance(p, str) else _column(p, next(rest)) for p in parts]
    whole = pl.concat_str(pieces) if pieces else pl.lit("", dtype=pl.String)
    guards = [~failed for failed in (cell.failed() for cell in cells) if failed is not None]
    if any(plain(cell.type) in (STRING, BYTES) for cell in cells):
        sizes = [piece.str.len_bytes().cast(pl.Int64) for piece in pieces]
        guards.append(pl.sum_horizontal(sizes) <= generated.LONGEST)
    return result(STRING, pl.when(pl.all_horizontal(guards)).then(whole) if guards else whole, text, *cells)


def _cells(values: Cell | tuple[Cell, ...]) -> tuple[Cell, ...] | None:
    """The cells of the values, where they are written one by one."""
    if isinstance(values, tuple):
        return values
    return None if values.constant is None else elements(values)


def _unsuitable(parts: Sequence[str | Clause], cells: Sequence[Cell]) -> bool:
    """Whether a type alone tells that a clause cannot format its value."""
    return any(
        isinstance(cell.type, StructType)  # one that may be null is then "null"
        if clause.letter == "s"
        else plain(cell.type) not in _TYPES[clause.letter]
        for clause, cell in _pairs(parts, cells)
    )


def _pairs(parts: Sequence[str | Clause], cells: Sequence[Cell]) -> list[tuple[Clause, Cell]]:
    return list(zip([part for part in parts if isinstance(part, Clause)], cells, strict=False))


def _column(clause: Clause, cell: Cell) -> pl.Expr:
    """What a clause writes; null where the value is null, unless it is ``%s``, and where it cannot."""
    letter, type_ = clause.letter, plain(cell.type)
    if letter == "s":
        text = _text_column(cell)
        return pl.when(cell.value.is_null()).then(pl.lit("null")).otherwise(text) if cell.nullable else text
    if letter == "d":
        return _decimal_column(cell.standard) if type_ == DOUBLE else cell.standard.cast(pl.String)
    if letter in ("f", "e"):
        if type_ == DOUBLE or letter == "e":
            raise NotColumnar(f"%{letter} of {type_} has no exact columnar form")
        # As a double, which is a whole number.
        whole = cell.standard.cast(pl.Float64).cast(pl.Int128).cast(pl.String)
        return whole + f".{'0' * clause.precision}" if clause.precision else whole
    if type_ == BOOL:
        return cell.standard.cast(pl.Int8).cast(pl.String)
    if type_ in (STRING, BYTES):
        digits = cell.standard.cast(pl.Binary).bin.encode("hex")
        return digits.str.to_uppercase() if letter == "X" else digits
    return _based(cell.standard, *_BASES[letter])


def _text_column(cell: Cell) -> pl.Expr:
    """What ``%s`` writes; null where the value is null or cannot be written."""
    type_ = plain(cell.type)
    if type_ == NULL:
        return pl.lit(None, dtype=pl.String)
    if type_ == DOUBLE:
        return _decimal_column(cell.standard)
    if type_ == BYTES:
        return conversions.text_of_bytes(cell.standard)
    if type_ == TIMESTAMP:
        return time_text.format_timestamps(cell)
    if type_ == DURATION:
        return time_text.format_durations(cell)
    if type_ in (STRING, INT, UINT, BOOL) or isinstance(type_, TypeOf):
        return cell.standard.cast(pl.String)
    raise NotColumnar(f"%s of {type_} has no columnar form")


def _decimal_column(value: pl.Expr) -> pl.Expr:
    """The columnar ``_decimal``, from Polars' shortest text, which has an exponent below 1e-5 and from 1e+16 on."""
    size = value.abs()
    text = size.cast(pl.String)
    power = text.str.extract(r"e([+-]?[0-9]+)$").cast(pl.Int64)
    digits = text.str.extract(r"^([0-9.]+)e").str.replace(".0", "", literal=True).str.replace(".", "", literal=True)
    count = digits.str.len_chars().cast(pl.Int64)
    unsigned = (
        pl.when(size.is_nan())
        .then(pl.lit("NaN"))
        .when(size.is_infinite())
        .then(pl.lit("Infinity"))
        .when(power.is_null())
        .then(text.str.strip_suffix(".0"))
        .when(power > 0)
        .then(digits.str.pad_end((power + 1).clip(0), "0"))
        .otherwise("0." + digits.str.pad_start((count - power - 1).clip(0), "0"))
    )
    negative = (value < 0.0) | ((value == 0.0) & (1.0 / value < 0.0))
    return pl.when(negative & ~size.is_nan()).then("-" + unsigned).otherwise(unsigned)


def _based(value: pl.Expr, bits: int, digits: str) -> pl.Expr:
    """An integer with a sign and the digits of a base, which is a power of two."""
    wide = value.cast(pl.Int128)
    rest = wide.abs().cast(pl.UInt64)
    # Several digits at once, from a table of all there are.
    length = 4 // bits
    table = pl.lit("".join(map("".join, product(digits, repeat=length))))
    group = length * bits
    written: list[pl.Expr] = []
    for place in range((63 // group) * group, -1, -group):
        index = (rest // pl.lit(1 << place, dtype=pl.UInt64)) % pl.lit(1 << group, dtype=pl.UInt64)
        written.append(table.str.slice(index.cast(pl.Int64) * length, length))
    text = pl.concat_str(written).str.strip_chars_start("0")
    unsigned = pl.when(text == "").then(pl.lit("0")).otherwise(text)
    return pl.when(wide < 0).then("-" + unsigned).otherwise(unsigned)


# Why a row is an error


def _literal(text: Cell) -> tuple[str | Clause, ...] | None:
    return None if text.constant is None else _parsed(str(text.constant[0]))


def _is_invalid(text: Cell, _: Cell | tuple[Cell, ...]) -> pl.Expr:
    return pl.lit(_literal(text) is None)


def _has_too_few(text: Cell, values: Cell | tuple[Cell, ...]) -> pl.Expr:
    return pl.lit(_clauses(_literal(text) or ()) > len(_cells(values) or ()))


def _is_unsuitable(text: Cell, values: Cell | tuple[Cell, ...]) -> pl.Expr:
    pairs = _pairs(_literal(text) or (), _cells(values) or ())
    if _unsuitable([clause for clause, _ in pairs], [cell for _, cell in pairs]):
        return pl.lit(value=True)
    nulls = [cell.value.is_null() for clause, cell in pairs if clause.letter != "s" and cell.nullable]
    return pl.any_horizontal(nulls) if nulls else pl.lit(value=False)


def _fails_as_text(type_: Type, fails: Callable[[Cell], pl.Expr]) -> Callable[..., pl.Expr]:
    """Where a value of the type that ``%s`` is to write fails."""

    def when(text: Cell, values: Cell | tuple[Cell, ...]) -> pl.Expr:
        pairs = _pairs(_literal(text) or (), _cells(values) or ())
        failed = [fails(cell) for clause, cell in pairs if clause.letter == "s" and plain(cell.type) == type_]
        return pl.any_horizontal(failed) if failed else pl.lit(value=False)

    return when


def _is_no_text(cell: Cell) -> pl.Expr:
    return cell.value.is_not_null() & conversions.text_of_bytes(cell.standard).is_null()


_FAILURES = (
    Failure(INVALID_FORMAT, _is_invalid),
    Failure(TOO_FEW, _has_too_few),
    Failure(UNSUITABLE, _is_unsuitable),
    Failure(conversions.NO_TEXT, _fails_as_text(BYTES, _is_no_text)),
    Failure(time_text.TIMESTAMP_RANGE, _fails_as_text(TIMESTAMP, ticks.outside)),
    Failure(time_text.DURATION_RANGE, _fails_as_text(DURATION, ticks.outside)),
    generated.FAILURE,
)
_PRIORITY = [failure.message for failure in _FAILURES]
