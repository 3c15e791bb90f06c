"""Timestamps and durations as columns: physical forms of any unit, compared exactly.

A timestamp is a Date, a Datetime of any unit and zone (none means UTC) or an Int128 of nanoseconds since the epoch; a
duration is a Duration of any unit or an Int128 of nanoseconds. A column's integer counts its own unit: its ticks.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import partial
from typing import Any

import polars as pl

from ..cell import INT64_MAX, INT64_MIN, Cell
from ..types import DURATION, TIMESTAMP, Type, plain

MICROSECOND = 1_000
MILLISECOND = 1_000_000
SECOND = 1_000_000_000
DAY = 86_400 * SECOND

RANGES: dict[Type, tuple[int, int]] = {
    TIMESTAMP: (-62_135_596_800 * SECOND, 253_402_300_800 * SECOND - 1),
    DURATION: (INT64_MIN, INT64_MAX),
}
"""The least and the greatest value, in nanoseconds. Timestamps are of the years 1 to 9999. Durations are 64 bits of
nanoseconds (292 years), as in cel-go: the conformance suite (``timestamp_range/sub_time_duration_under``) wants an
error for a difference that protobuf's own range of 10,000 years would hold.
"""

_UNITS = {"ns": 1, "us": MICROSECOND, "ms": MILLISECOND}

_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}

_MIRRORED = {"==": "==", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


def unit(dtype: pl.DataType) -> int:
    """Nanoseconds in one tick of a timestamp's or duration's Polars type."""
    match dtype:
        case pl.Date():
            return DAY
        case pl.Datetime() | pl.Duration():
            return _UNITS[dtype.time_unit]
        case _:
            return 1


def dtype_of(nanoseconds: int, type_: Type) -> pl.DataType:
    """The Polars type of a constant: microseconds where it is a whole number of them, else nanoseconds, and Int128
    where neither holds it.
    """
    temporal: type[pl.Datetime | pl.Duration] = pl.Datetime if type_ == TIMESTAMP else pl.Duration
    if nanoseconds % MICROSECOND == 0 and INT64_MIN <= nanoseconds // MICROSECOND <= INT64_MAX:
        return temporal("us")
    if INT64_MIN <= nanoseconds <= INT64_MAX:
        return temporal("ns")
    return pl.Int128()


def literal(nanoseconds: int, type_: Type) -> pl.Expr:
    """A constant timestamp (since the epoch) or duration, as a value of ``dtype_of``."""
    dtype = dtype_of(nanoseconds, type_)
    return pl.lit(nanoseconds // unit(dtype), dtype=dtype)


def constant(nanoseconds: int, type_: Type) -> Cell:
    """The cell of a constant timestamp (since the epoch) or duration."""
    return Cell(
        partial(literal, nanoseconds, type_),
        type_,
        dtype_of(nanoseconds, type_),
        fallible=False,
        constant=(nanoseconds,),
    )


def ticks(cell: Cell) -> pl.Expr:
    """The integers that the values are stored as, in units of the cell's own type."""
    return cell.value if cell.dtype == pl.Int128() else cell.value.to_physical()


def nanoseconds(cell: Cell) -> pl.Expr:
    """The values in nanoseconds, as Int128: exact for every column."""
    value = ticks(cell).cast(pl.Int128)
    factor = unit(cell.dtype)
    return value if factor == 1 else value * pl.lit(factor, dtype=pl.Int128)


def bounds(cell: Cell) -> tuple[int, int] | None:
    """The ticks of the least and the greatest value within CEL's range, or None where the column's type cannot hold
    any value outside it: nanoseconds of 64 bits.
    """
    low, high = RANGES[plain(cell.type)]
    tick = unit(cell.dtype)
    return None if tick == 1 and cell.dtype != pl.Int128() else (-(-low // tick), high // tick)


def outside(cell: Cell) -> pl.Expr:
    """Where a column holds a value beyond CEL's range: no such value is of use but in comparisons."""
    limits = bounds(cell)
    return pl.lit(value=False) if limits is None else ~ticks(cell).is_between(*limits)


def within(cell: Cell, value: pl.Expr) -> pl.Expr:
    """``value``, null where the cell's own value is beyond CEL's range."""
    limits = bounds(cell)
    return value if limits is None else pl.when(ticks(cell).is_between(*limits)).then(value)


def constant_nanoseconds(cell: Cell) -> int | None:
    """The nanoseconds of a constant cell, or None where the cell is a column."""
    if cell.constant is None:
        return None
    value = cell.constant[0]
    assert isinstance(value, int)
    return int(value)


def compare(symbol: str, left: Cell, right: Cell) -> pl.Expr:
    """``==``, ``<``, ``<=``, ``>`` or ``>=`` of two timestamps or two durations as instants, exact whatever their
    units; null where either is null. A column against a constant is one comparison in the column's own type.
    """
    a, b = constant_nanoseconds(left), constant_nanoseconds(right)
    if a is not None and b is not None:
        return pl.lit(bool(_COMPARE[symbol](a, b)), dtype=pl.Boolean)
    if b is not None:
        return _compare_constant(symbol, left, b)
    if a is not None:
        return _compare_constant(_MIRRORED[symbol], right, a)
    if left.dtype == right.dtype:
        return _apply(symbol, left.value, right.value)
    if unit(left.dtype) < unit(right.dtype):
        return _compare_columns(_MIRRORED[symbol], right, left)
    return _compare_columns(symbol, left, right)


def _compare_constant(symbol: str, cell: Cell, nanoseconds: int) -> pl.Expr:
    tick, rest = divmod(nanoseconds, unit(cell.dtype))
    if rest and symbol == "==":
        return _everywhere(cell, value=False)
    if rest and symbol in ("<", ">="):
        # Between two ticks: the column is below the constant where it is below the next tick.
        tick += 1
    low, high = _tick_range(cell.dtype)
    if low <= tick <= high:
        # Casting the literal costs a fifth of making it of the type.
        return _apply(symbol, cell.value, pl.lit(tick).cast(cell.dtype))
    return _everywhere(cell, value=bool(_COMPARE[symbol](0, tick)))


def _compare_columns(symbol: str, coarse: Cell, fine: Cell) -> pl.Expr:
    a, b = ticks(coarse), ticks(fine)
    factor = unit(coarse.dtype) // unit(fine.dtype)
    if factor == 1:
        return _apply(symbol, a, b)
    # The finer is rounded to the coarser's unit; the other way round would overflow.
    floor = b // factor
    match symbol:
        case "==":
            # Not ``&`` alone: false would hide the null of the other side.
            return pl.when(a.is_not_null() & b.is_not_null()).then((a == floor) & (b % factor == 0))
        case "<" | ">=":
            return _apply(symbol, a, floor + (b % factor != 0).cast(pl.Int8))
        case _:
            return _apply(symbol, a, floor)


def _apply(symbol: str, a: pl.Expr, b: pl.Expr) -> pl.Expr:
    value = _COMPARE[symbol](a, b)
    assert isinstance(value, pl.Expr)
    return value


def _everywhere(cell: Cell, *, value: bool) -> pl.Expr:
    return pl.when(cell.value.is_not_null()).then(pl.lit(value, dtype=pl.Boolean))


def _tick_range(dtype: pl.DataType) -> tuple[int, int]:
    match dtype:
        case pl.Date():
            return -(2**31), 2**31 - 1
        case pl.Datetime() | pl.Duration():
            return INT64_MIN, INT64_MAX
        case _:
            return -(2**127), 2**127 - 1
