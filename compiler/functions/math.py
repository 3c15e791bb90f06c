"""The math extension of cel-go: extremes, rounding, signs, what a double is, roots, bits."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from itertools import product

import polars as pl

from ..cell import INT64_MAX, INT64_MIN, UINT64_MAX, Cell, NotColumnar, may_be_null, result
from ..types import BOOL, DOUBLE, DYN, INT, NUMBERS, UINT, ListType, Type, plain
from . import arithmetic
from .aggregates import EMPTY, NAN, extreme, refuse_nan, refuse_nulls
from .arithmetic import OVERFLOW
from .declare import Body, EvaluationError, Failure, Function, Lower, Overload

NEGATIVE_OFFSET = "a negative offset"

_BITS = 64


def functions() -> tuple[Function, ...]:
    """``math.greatest``, ``math.least``, and the other functions of the namespace ``math``."""
    return (
        _extreme_function("greatest", largest=True),
        _extreme_function("least", largest=False),
        _rounding("ceil", "The least whole number that is not below the argument.", "-1.2", "-1.0"),
        _rounding("floor", "The greatest whole number that is not above the argument.", "-1.2", "-2.0"),
        _rounding("round", "The nearest whole number, of two that are as near the one away from zero.", "-2.5", "-3.0"),
        _rounding("trunc", "The argument without its fraction.", "-1.8", "-1.0"),
        Function(
            "math.abs",
            (
                Overload("math_abs_int", (INT,), INT, _abs_of_int, _magnitude, (Failure(OVERFLOW),)),
                Overload("math_abs_uint", (UINT,), UINT, _itself, lambda value: value),
                Overload("math_abs_double", (DOUBLE,), DOUBLE, _doubles(pl.Expr.abs), math.fabs),
            ),
            "The number without its sign. An error for the smallest int. (cel-go, math)",
            (("math.abs(-1)", "1"), ("math.abs(-1.5)", "1.5"), ("math.abs(-9223372036854775808)", "error")),
        ),
        Function(
            "math.sign",
            tuple(Overload(f"math_sign_{t}", (t,), t, partial(_sign, t), partial(_sign_of, t)) for t in NUMBERS),
            "-1, 0 or 1 for a number below, equal to or above zero, in its own type; NaN for NaN. (cel-go, math)",
            (("math.sign(-42)", "-1"), ("math.sign(0.5)", "1.0"), ("math.sign(0u)", "0u")),
        ),
        Function(
            "math.sqrt",
            tuple(Overload(f"math_sqrt_{t}", (t,), DOUBLE, _sqrt, _root) for t in NUMBERS),
            "The square root, as a double; NaN of what is below zero. (cel-go, math)",
            (("math.sqrt(81)", "9.0"), ("math.sqrt(2.25)", "1.5"), ("math.isNaN(math.sqrt(-1.0))", "true")),
        ),
        _test("isNaN", pl.Expr.is_nan, math.isnan, "NaN", (("0.0 / 0.0", "true"), ("1.2", "false"))),
        _test("isInf", pl.Expr.is_infinite, math.isinf, "infinite", (("-1.0 / 0.0", "true"), ("1.2", "false"))),
        _test(
            "isFinite", pl.Expr.is_finite, math.isfinite, "a finite number", (("0.0 / 0.0", "false"), ("1.2", "true"))
        ),
        _bits("bitAnd", lambda a, b: a & b, "one in both", (("3, 5", "1"), ("-3, -5", "-7"))),
        _bits("bitOr", lambda a, b: a | b, "one in either", (("1u, 2u", "3u"), ("-2, -4", "-2"))),
        _bits("bitXor", lambda a, b: a ^ b, "one in just one of both", (("3u, 5u", "6u"), ("1, 3", "2"))),
        Function(
            "math.bitNot",
            (
                Overload("math_bitNot_int", (INT,), INT, _bit_not, lambda value: ~value),
                Overload("math_bitNot_uint", (UINT,), UINT, _bit_not, lambda value: UINT64_MAX - value),
            ),
            "The 64 bits, each inverted. (cel-go, math)",
            (("math.bitNot(1)", "-2"), ("math.bitNot(0u)", "18446744073709551615u")),
        ),
        _shift(
            "bitShiftLeft",
            _shifted_left,
            lambda bits, offset: bits << offset,
            "The 64 bits, moved to the left by a number of places; those that leave are lost.",
            (("1, 2", "4"), ("-1, 2", "-4"), ("1u, 200", "0u"), ("1, -1", "error")),
        ),
        _shift(
            "bitShiftRight",
            _shifted_right,
            lambda bits, offset: bits >> offset,
            "The 64 bits, moved to the right by a number of places; zeros come in from the left, whatever the sign.",
            (("1024, 2", "256"), ("-1024, 64", "0"), ("1024u, 2", "256u"), ("1, -1", "error")),
        ),
    )


def _extreme_function(name: str, *, largest: bool) -> Function:
    words, first = ("greatest", "3") if largest else ("least", "1")
    return Function(
        f"math.{name}",
        (
            *(Overload(f"math_{name}_{t}", (t,), t, _itself, lambda value: value) for t in NUMBERS),
            *(_pair(name, a, b, largest=largest) for a, b in product(NUMBERS, NUMBERS)),
            *(extreme(f"math_{name}_list_{t}", t, largest=largest) for t in NUMBERS),
            Overload(
                f"math_{name}_list",
                (ListType(DYN),),
                DYN,
                _mixed,
                partial(_extreme_of_mixed, largest=largest),
                dynamic=True,
            ),
        ),
        f"The {words} of any number of numbers, or of a list of them; of equal ones the first. Numbers of different "
        "types are compared as numbers. An error where one of several is NaN, which is in no order. (cel-go, math)",
        (
            (f"math.{name}(3, 1)", first),
            (f"math.{name}(1.5, 3.0, 2.0)", "3.0" if largest else "1.5"),
            (f"math.{name}([1, 3, 2])", first),
            (f"math.{name}(1, 2.5) == {'2.5' if largest else '1'}", "true"),
            (f"math.{name}(1.0, 0.0 / 0.0)", "error"),
        ),
    )


def _pair(name: str, a: Type, b: Type, *, largest: bool) -> Overload:
    failures = (Failure(NAN),) if DOUBLE in (a, b) else ()
    lower: Lower = partial(_extreme_of_two, largest=largest) if a == b else _mixed
    body = partial(_extreme_of_values, largest=largest)
    return Overload(f"math_{name}_{a}_{b}", (a, b), a if a == b else DYN, lower, body, failures)


def _rounding(name: str, documentation: str, argument: str, value: str) -> Function:
    lower, body = _ROUNDINGS[name]
    overload = Overload(f"math_{name}_double", (DOUBLE,), DOUBLE, _doubles(lower), body)
    examples = ((f"math.{name}({argument})", value), (f"math.{name}(7.0)", "7.0"))
    return Function(f"math.{name}", (overload,), f"{documentation} (cel-go, math)", examples)


def _test(
    name: str,
    lower: Callable[[pl.Expr], pl.Expr],
    body: Callable[[float], bool],
    words: str,
    examples: tuple[tuple[str, str], ...],
) -> Function:
    def lowered(cell: Cell) -> Cell:
        return result(BOOL, lower(cell.standard), cell, fails=False)

    return Function(
        f"math.{name}",
        (Overload(f"math_{name}_double", (DOUBLE,), BOOL, lowered, body),),
        f"True when a double is {words}. (cel-go, math)",
        tuple((f"math.{name}({argument})", value) for argument, value in examples),
    )


def _bits(name: str, combine: Body, words: str, examples: tuple[tuple[str, str], ...]) -> Function:
    def lower(a: Cell, b: Cell) -> Cell:
        return result(plain(a.type), combine(a.standard, b.standard), a, b, fails=False)  # type: ignore[arg-type]

    return Function(
        f"math.{name}",
        tuple(Overload(f"math_{name}_{t}_{t}", (t, t), t, lower, combine) for t in (INT, UINT)),
        f"Of 64 bits each, those that are {words}. (cel-go, math)",
        tuple((f"math.{name}({arguments})", value) for arguments, value in examples),
    )


def _shift(
    name: str,
    lower: Callable[[pl.Expr, pl.Expr], pl.Expr],
    shift: Callable[[int, int], int],
    documentation: str,
    examples: tuple[tuple[str, str], ...],
) -> Function:
    return Function(
        f"math.{name}",
        tuple(
            Overload(
                f"math_{name}_{t}_int",
                (t, INT),
                t,
                partial(_shifted, lower),
                partial(_shift_of, t, shift),
                (Failure(NEGATIVE_OFFSET),),
            )
            for t in (INT, UINT)
        ),
        f"{documentation} An error for a negative number of places. (cel-go, math)",
        tuple((f"math.{name}({arguments})", value) for arguments, value in examples),
    )


# Columns


def _itself(cell: Cell) -> Cell:
    return Cell(cell.value, plain(cell.type), cell.dtype, may_be_null(cell), interval=cell.interval)


def _mixed(*_cells: Cell) -> Cell:
    raise NotColumnar("the type of the result depends on which number it is")


def _extreme_of_two(a: Cell, b: Cell, *, largest: bool) -> Cell:
    x, y = a.standard, b.standard
    takes_second = y > x if largest else y < x
    ordered = takes_second.is_not_null()
    bare = plain(a.type)
    if bare == DOUBLE:
        ordered &= x.is_not_nan() & y.is_not_nan()
    fails = bare == DOUBLE
    value = pl.when(takes_second).then(y).otherwise(x)
    if fails or may_be_null(a) or may_be_null(b):
        value = pl.when(ordered).then(value)
    cell = result(bare, value, a, b, fails=fails)
    if fails:
        return cell
    choose = max if largest else min
    low, high = (choose(ends) for ends in zip(arithmetic.interval(a), arithmetic.interval(b), strict=True))
    return Cell(cell.value, bare, cell.dtype, cell.fallible, interval=(low, high))


def _doubles(function: Callable[[pl.Expr], pl.Expr]) -> Lower:
    return lambda cell: result(DOUBLE, function(cell.standard), cell, fails=False)


def _abs_of_int(cell: Cell) -> Cell:
    low, high = arithmetic.interval(cell)
    x = cell.standard
    most = min(max(abs(low), abs(high)), INT64_MAX)
    if low > INT64_MIN:
        return Cell(x.abs(), INT, pl.Int64(), may_be_null(cell), interval=(0, most))
    return Cell(pl.when(x != INT64_MIN).then(x.abs()), INT, pl.Int64(), interval=(0, most))


def _sign(type_: Type, cell: Cell) -> Cell:
    number = cell.standard
    # Polars gives -0.0 the sign -0.0.
    value = pl.when(number == 0.0).then(pl.lit(0.0)).otherwise(number.sign()) if type_ == DOUBLE else number.sign()
    sign = result(type_, value, cell, fails=False)
    interval = None if type_ == DOUBLE else (0 if type_ == UINT else -1, 1)
    return Cell(sign.value, type_, sign.dtype, sign.fallible, interval=interval)


def _sqrt(cell: Cell) -> Cell:
    return result(DOUBLE, cell.standard.cast(pl.Float64).sqrt(), cell, fails=False)


def _bit_not(cell: Cell) -> Cell:
    return result(plain(cell.type), ~cell.standard, cell, fails=False)


def _shifted(shift: Callable[[pl.Expr, pl.Expr], pl.Expr], cell: Cell, offset: Cell) -> Cell:
    signed = plain(cell.type) == INT
    bits = cell.standard.reinterpret(signed=False) if signed else cell.standard
    places = offset.standard
    inside = pl.when(places.is_between(0, _BITS - 1)).then(places).cast(pl.UInt32)
    shifted = shift(bits, pl.lit(2, dtype=pl.UInt64).pow(inside))
    value = pl.when(places < _BITS).then(shifted).otherwise(pl.lit(0, dtype=pl.UInt64))
    value = pl.when((places >= 0) & bits.is_not_null()).then(value)
    negative = offset.constant is None or (isinstance(offset.constant[0], int) and offset.constant[0] < 0)
    return result(plain(cell.type), value.reinterpret(signed=True) if signed else value, cell, offset, fails=negative)


def _shifted_left(bits: pl.Expr, power: pl.Expr) -> pl.Expr:
    return bits * power


def _shifted_right(bits: pl.Expr, power: pl.Expr) -> pl.Expr:
    return bits // power


# Values


def _extreme_of_values(first: float, second: float, *, largest: bool) -> float:
    refuse_nan((first, second))
    a, b = first, second
    if isinstance(a, float) != isinstance(b, float):
        # The specification compares int and uint with double as doubles.
        a, b = float(a), float(b)
    return second if (b > a if largest else b < a) else first


def _extreme_of_mixed(values: Sequence[object], *, largest: bool) -> object:
    refuse_nulls(values)
    numbers = [v for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
    if len(numbers) < len(values):
        raise EvaluationError("no such overload")
    if not numbers:
        raise EvaluationError(EMPTY)
    found = numbers[0]
    for number in numbers[1:]:
        found = _extreme_of_values(found, number, largest=largest)
    return found


def _magnitude(value: int) -> int:
    if value == INT64_MIN:
        raise EvaluationError(OVERFLOW)
    return abs(value)


def _sign_of(type_: Type, value: float) -> float:
    if value != value:
        return value
    sign = (value > 0) - (value < 0)
    return float(sign) if type_ == DOUBLE else sign


def _root(value: float) -> float:
    return math.sqrt(value) if value >= 0 else math.nan


def _shift_of(type_: Type, shift: Callable[[int, int], int], value: int, offset: int) -> int:
    if offset < 0:
        raise EvaluationError(NEGATIVE_OFFSET)
    if offset >= _BITS:
        return 0
    bits = shift(int(value) & UINT64_MAX, offset) & UINT64_MAX
    return bits - 2**_BITS if type_ == INT and bits > INT64_MAX else bits


def _whole(function: Callable[[float], float]) -> Callable[[float], float]:
    """A rounding that keeps what is whole already, infinities and NaN, and the sign of a zero."""

    def rounded(value: float) -> float:
        # From 2**52 on every double is whole.
        return math.copysign(function(value), value) if abs(value) < 2**52 else value

    return rounded


def _nearest(value: float) -> float:
    whole = math.trunc(value)
    return whole + math.copysign(1, value) if abs(value - whole) >= 0.5 else whole


_ROUNDINGS: dict[str, tuple[Callable[[pl.Expr], pl.Expr], Callable[[float], float]]] = {
    "ceil": (pl.Expr.ceil, _whole(math.ceil)),
    "floor": (pl.Expr.floor, _whole(math.floor)),
    "round": (lambda value: value.round(0, mode="half_away_from_zero"), _whole(_nearest)),
    "trunc": (lambda value: value.truncate(0), _whole(math.trunc)),
}
