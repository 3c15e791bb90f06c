"""Arithmetic on int, uint and double, and negation."""

from __future__ import annotations

import operator
from collections.abc import Callable
from math import copysign, frexp, inf, isfinite

import polars as pl

from ..cell import INT64_MAX, INT64_MIN, UINT64_MAX, Cell, may_be_null, result
from ..types import BOOL, DOUBLE, INT, UINT, Type, plain
from .declare import EvaluationError, Failure, Function, Overload

OVERFLOW = "integer overflow"
DIVISION_BY_ZERO = "division by zero"
MODULUS_BY_ZERO = "modulus by zero"

_LIMITS = {INT: (INT64_MIN, INT64_MAX), UINT: (0, UINT64_MAX)}


def functions() -> tuple[Function, ...]:
    """``+ - * / %`` and unary ``-`` on numbers, and ``!``. ``+`` of other types is declared with those types."""
    return (
        Function(
            "_+_",
            (*_integers("add", _add, _plus), Overload("add_double", (DOUBLE, DOUBLE), DOUBLE, lower=_add_doubles)),
            'The sum. Of integers, an error beyond 64 bits. (Specification: "Numeric Values")',
            (("1 + 2", "3"), ("0.5 + 1.0", "1.5"), ("9223372036854775807 + 1", "error")),
        ),
        Function(
            "_-_",
            (
                *_integers("subtract", _subtract, _minus),
                Overload("subtract_double", (DOUBLE, DOUBLE), DOUBLE, lower=_subtract_doubles),
            ),
            'The difference. Of integers, an error beyond 64 bits. (Specification: "Numeric Values")',
            (("1 - 2", "-1"), ("1u - 2u", "error")),
        ),
        Function(
            "_*_",
            (
                *_integers("multiply", _multiply, _times),
                Overload("multiply_double", (DOUBLE, DOUBLE), DOUBLE, lower=_multiply_doubles),
            ),
            'The product. Of integers, an error beyond 64 bits. (Specification: "Numeric Values")',
            (("6 * 7", "42"), ("9223372036854775807 * 2", "error")),
        ),
        Function(
            "_/_",
            (
                Overload("divide_int64", (INT, INT), INT, _divide, _quotient, _division_failures(DIVISION_BY_ZERO)),
                Overload("divide_uint64", (UINT, UINT), UINT, _divide, _quotient, (Failure(DIVISION_BY_ZERO),)),
                Overload("divide_double", (DOUBLE, DOUBLE), DOUBLE, lower=_divide_doubles, body=_double_quotient),
            ),
            "The quotient. Of integers, truncated toward zero, an error by zero; of doubles as IEEE 754 has it. "
            '(Specification: "Numeric Values")',
            (("7 / -2", "-3"), ("1 / 0", "error"), ("1.0 / 0.0 > 1.0", "true")),
        ),
        Function(
            "_%_",
            (
                Overload("modulo_int64", (INT, INT), INT, _modulo, _remainder, _division_failures(MODULUS_BY_ZERO)),
                Overload("modulo_uint64", (UINT, UINT), UINT, _modulo, _remainder, (Failure(MODULUS_BY_ZERO),)),
            ),
            'The remainder, with the sign of the dividend; an error by zero. (Specification: "Numeric Values")',
            (("7 % -2", "1"), ("-7 % 2", "-1"), ("1 % 0", "error")),
        ),
        Function(
            "-_",
            (
                Overload("negate_int64", (INT,), INT, _negate, _negative, (Failure(OVERFLOW),)),
                Overload("negate_double", (DOUBLE,), DOUBLE, lower=_negate_double),
            ),
            'The negative. An error for the smallest int. (Specification: "Numeric Values")',
            (("-(5)", "-5"), ("-(0.5)", "-0.5"), ("-(-9223372036854775808)", "error")),
        ),
        Function(
            "!_",
            (Overload("logical_not", (BOOL,), BOOL, lower=_not, body=_logical_not),),
            'True for false and false for true. (Specification: "Logical Operators")',
            (("!true", "false"), ("!(1 > 2)", "true")),
        ),
    )


def _integers(
    name: str, lower: Callable[[Cell, Cell], Cell], body: Callable[[int, int], int]
) -> tuple[Overload, Overload]:
    failures = (Failure(OVERFLOW),)
    return (
        Overload(f"{name}_int64", (INT, INT), INT, lower, _within(INT, body), failures),
        Overload(f"{name}_uint64", (UINT, UINT), UINT, lower, _within(UINT, body), failures),
    )


def _within(type_: Type, body: Callable[[int, int], int]) -> Callable[[int, int], int]:
    low, high = _LIMITS[type_]  # type: ignore[index]

    def checked(a: int, b: int) -> int:
        value = body(a, b)
        if not low <= value <= high:
            raise EvaluationError(OVERFLOW)
        return value

    return checked


def _division_failures(by_zero: str) -> tuple[Failure, ...]:
    return Failure(by_zero, lambda _dividend, divisor: divisor.value == 0), Failure(OVERFLOW)


def _add(a: Cell, b: Cell) -> Cell:
    (a_low, a_high), (b_low, b_high) = interval(a), interval(b)
    return _checked(a, b, (a_low + b_low, a_high + b_high), lambda x, y: x + y)


def _subtract(a: Cell, b: Cell) -> Cell:
    (a_low, a_high), (b_low, b_high) = interval(a), interval(b)
    return _checked(a, b, (a_low - b_high, a_high - b_low), lambda x, y: x - y)


def _multiply(a: Cell, b: Cell) -> Cell:
    corners = [x * y for x in interval(a) for y in interval(b)]
    return _checked(a, b, (min(corners), max(corners)), lambda x, y: x * y)


def _checked(a: Cell, b: Cell, interval: tuple[int, int], apply: Callable[[pl.Expr, pl.Expr], pl.Expr]) -> Cell:
    """The operation in 64 bits where no value can leave them, else in 128 bits, back by a cast that gives null."""
    low, high = _LIMITS[_bare(a)]  # type: ignore[index]
    dtype = pl.Int64() if _bare(a) == INT else pl.UInt64()
    safe = low <= interval[0] and interval[1] <= high
    if safe:
        value = apply(a.standard, b.standard)
    else:
        value = apply(a.value.cast(pl.Int128), b.value.cast(pl.Int128)).cast(dtype, strict=False)
    fallible = not safe or may_be_null(a) or may_be_null(b)
    bounds = (max(low, interval[0]), min(high, interval[1]))
    return Cell(value, _bare(a), dtype, fallible, interval=bounds)


def _divide(a: Cell, b: Cell) -> Cell:
    bare = _bare(a)
    x, y = a.standard, _nonzero(b)
    value = x // y if bare == UINT else x.truncdiv(y)
    return _division(a, b, value)


def _modulo(a: Cell, b: Cell) -> Cell:
    x, y = a.standard, _nonzero(b)
    value = x % y if _bare(a) == UINT else x - y * x.truncdiv(y)
    return _division(a, b, value)


def _nonzero(divisor: Cell) -> pl.Expr:
    y = divisor.standard
    if _excludes(divisor, 0):
        return y
    return pl.when(y != 0).then(y)


def _division(a: Cell, b: Cell, value: pl.Expr) -> Cell:
    bare = _bare(a)
    overflows = bare == INT and not _excludes(b, -1) and not _excludes(a, INT64_MIN)
    if overflows:
        value = pl.when((a.standard != INT64_MIN) | (b.standard != -1)).then(value)
    return result(bare, value, a, b, fails=overflows or not _excludes(b, 0))


def _excludes(cell: Cell, value: int) -> bool:
    low, high = interval(cell)
    if cell.constant is not None:
        return cell.constant[0] != value
    return not low <= value <= high


def _negate(a: Cell) -> Cell:
    low, high = interval(a)
    x = a.standard
    if low > INT64_MIN:
        return Cell(-x, INT, pl.Int64(), may_be_null(a), interval=(-high, -low))
    return result(INT, pl.when(x != INT64_MIN).then(-x), a)


def _add_doubles(a: Cell, b: Cell) -> Cell:
    if _is_zero(b, 1.0):
        value = _plus_zero(a.standard)
    elif _is_zero(a, 1.0):
        value = _plus_zero(b.standard)
    else:
        value = operator.add(*_summands(a, b))
    return result(DOUBLE, value, a, b, fails=False)


def _subtract_doubles(a: Cell, b: Cell) -> Cell:
    if _is_zero(b, -1.0):
        value = _plus_zero(a.standard)
    elif _is_zero(a, 1.0):
        value = _plus_zero(-b.standard)
    else:
        value = operator.sub(*_summands(a, b))
    return result(DOUBLE, value, a, b, fails=False)


def _summands(a: Cell, b: Cell) -> tuple[pl.Expr, pl.Expr]:
    """Two doubles to be added. Polars adds no 0.0 that is the same for all rows, and leaves -0.0 as it is."""
    left, right = a.standard, b.standard
    first = left if a.constant is not None or left.meta.is_column() else _of_each_row(left, right)
    second = right if b.constant is not None or right.meta.is_column() else _of_each_row(right, left)
    return first, second


def _of_each_row(number: pl.Expr, other: pl.Expr) -> pl.Expr:
    """The same doubles, bit by bit, as a column with a number of its own for each row of ``other``.

    What is one number for all rows, such as a literal that each row has taken of a conditional, Polars calculates with
    in other ways: it multiplies with a reciprocal, which rounds twice, and leaves out a sum with zero.
    """
    zero = (other.is_null() & pl.lit(value=False)).cast(pl.Int64)
    return (number.reinterpret(dtype=pl.Int64) + zero).reinterpret(dtype=pl.Float64)


def _is_zero(cell: Cell, sign: float) -> bool:
    """Whether a cell is the constant zero of that sign."""
    return cell.constant is not None and cell.constant[0] == 0 and copysign(1.0, cell.constant[0]) == sign


def _plus_zero(x: pl.Expr) -> pl.Expr:
    """``x + 0.0``, which makes 0.0 of -0.0; Polars leaves it out."""
    return pl.when(x == 0.0).then(pl.lit(0.0, dtype=pl.Float64)).otherwise(x)


def _multiply_doubles(a: Cell, b: Cell) -> Cell:
    return result(DOUBLE, a.standard * b.standard, a, b, fails=False)


def _divide_doubles(a: Cell, b: Cell) -> Cell:
    dividend, divisor = a.standard, b.standard
    if not _has_exact_reciprocal(b):
        divisor = _of_each_row(divisor, dividend)
    return result(DOUBLE, dividend / divisor, a, b, fails=False)


def _has_exact_reciprocal(cell: Cell) -> bool:
    """Whether a cell is a constant with which dividing is the same as multiplying with its reciprocal."""
    value = None if cell.constant is None else cell.constant[0]
    if not isinstance(value, float):
        return False
    return value == 0 or not isfinite(value) or (abs(frexp(value)[0]) == 0.5 and 1e-300 < abs(value) < 1e300)


def _negate_double(a: Cell) -> Cell:
    return result(DOUBLE, -a.standard, a, fails=False)


def _not(a: Cell) -> Cell:
    return Cell(~a.value, BOOL, pl.Boolean(), may_be_null(a))


def interval(cell: Cell) -> tuple[int, int]:
    """The least and the greatest value that an int or uint can have."""
    return cell.interval or _LIMITS[_bare(cell)]  # type: ignore[index]


def _bare(cell: Cell) -> Type:
    return plain(cell.type)


def _plus(a: int, b: int) -> int:
    return a + b


def _minus(a: int, b: int) -> int:
    return a - b


def _times(a: int, b: int) -> int:
    return a * b


def _quotient(a: int, b: int) -> int:
    if b == 0:
        raise EvaluationError(DIVISION_BY_ZERO)
    value = abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
    if value > INT64_MAX and b < 0:
        raise EvaluationError(OVERFLOW)
    return value


def _remainder(a: int, b: int) -> int:
    if b == 0:
        raise EvaluationError(MODULUS_BY_ZERO)
    if a == INT64_MIN and b == -1:
        raise EvaluationError(OVERFLOW)
    return abs(a) % abs(b) * (-1 if a < 0 else 1)


def _double_quotient(a: float, b: float) -> float:
    if b:
        return a / b
    if a != a or a == 0:
        return float("nan")
    return copysign(inf, a) * copysign(1.0, b)


def _negative(a: int) -> int:
    if a == INT64_MIN:
        raise EvaluationError(OVERFLOW)
    return -a


def _logical_not(a: bool) -> bool:
    return not a
