"""Comparisons of one column with constants, sorted out together.

The constants cut the values of a column of numbers or times into classes, within which no comparison tells one value
from another. What holds in a class is asked of one value of it, by the comparisons' own expressions. A chunk's values
then only have to be put into their classes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from compiler.cell import integer_range
from compiler.ir import Call, Column, Constant, Node

from .bitmaps import Bitmaps, Words
from .classes import Codes, Partition, code_type
from .evaluated import evaluated
from .texts import Truth, both, flags_of

_COMPARISONS = ("equals", "not_equals", "in_list", "less_", "greater_")
_CELL_BITS = 16
_EXACT_IN_DOUBLES = 2**53
_UNITS = {"ns": 1, "us": 1_000, "ms": 1_000_000}
_NANOSECONDS_A_DAY = 86_400 * 10**9
_BEYOND_ORDER = 3
"""Classes beside those between thresholds: below the first one, null, and NaN."""

_Point = int | float
_Starts = NDArray[np.int64] | NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The classes of a column's values, and what holds in each.

    Attributes:
        column: its name.
        starts: the least value of each class but the first, ascending, as numbers in which the column is stored.
        truths: for each comparison, by fingerprint, a flag a class, then one for null and one for NaN.
        partition: the rows by these classes.
    """

    column: str
    starts: _Starts
    truths: Mapping[str, Truth]
    partition: Partition

    def answer(self, chunk: pl.DataFrame, every: Words) -> dict[str, Bitmaps]:
        """The rows of a chunk for which each comparison holds."""
        column = chunk.get_column(self.column)
        return both(self.truths, self.partition.rows(self._codes(column), every))

    def _codes(self, column: pl.Series) -> Codes:
        """The class of each row."""
        values = column.to_physical().rechunk()
        missing = values.is_null().to_numpy() if values.has_nulls() else None
        numbers = (values if missing is None else values.fill_null(strategy="zero")).to_numpy()
        null, nan = len(self.starts) + 1, len(self.starts) + 2
        dtype = code_type(nan)
        if self.starts.dtype == np.float64:
            doubles = numbers.astype(np.float64, copy=False)
            strange = np.isnan(doubles)
            if strange.any():
                codes = _sorted_out(np.where(strange, 0.0, doubles), self.starts, dtype)
                codes[strange] = nan
            else:
                codes = _sorted_out(doubles, self.starts, dtype)
        else:
            codes = _sorted_out(numbers.astype(np.int64, copy=False), self.starts, dtype)
        if missing is not None:
            codes[missing] = null
        return codes


def thresholds(
    column: str, dtype: pl.DataType, atoms: Mapping[str, Node], expressions: Mapping[str, pl.Expr]
) -> Thresholds:
    """The classes that atoms make of a column's values.

    Args:
        column: its name.
        dtype: its Polars type.
        atoms: by fingerprint, conditions for which :func:`is_sorted_out` holds.
        expressions: the same, lowered.
    """
    points = sorted({point for node in atoms.values() for point in _points(node, dtype) or ()})
    starts, samples = _classes(points, dtype)
    physical = pl.Series(column, samples, dtype=pl.Float64 if dtype.is_float() else pl.Int64)
    strange = [pl.Series(column, [math.nan], dtype=dtype)] if dtype.is_float() else []
    frame = pl.concat([physical.cast(dtype), pl.Series(column, [None], dtype=dtype), *strange]).to_frame()
    truths = evaluated(frame, {name: expressions[name] for name in atoms})
    ordered = len(samples)
    true = truths.select(pl.all().fill_null(value=False)).to_numpy().T
    maybe = truths.select(pl.all().fill_null(value=True)).to_numpy().T
    # A class in which no atom differs from the one before is no class of its own.
    changes = (true[:, 1:ordered] != true[:, : ordered - 1]).any(axis=0)
    kept = np.concatenate([[0], np.flatnonzero(changes) + 1, np.arange(ordered, frame.height)])
    if not strange:
        kept = np.append(kept, ordered)  # there is no NaN; the place stands for one
    found = {}
    for place, name in enumerate(truths.columns):
        if (true[place, :ordered] == maybe[place, :ordered]).all():
            surely, possibly = true[place, kept], maybe[place, kept]
            found[name] = Truth(surely, surely if (surely == possibly).all() else possibly)
    stored = np.array(starts, dtype=np.float64 if dtype.is_float() else np.int64)
    return Thresholds(column, stored[changes], found, Partition(len(kept), flags_of(found)))


def is_sorted_out(node: Node, dtype: pl.DataType) -> bool:
    """Whether an atom compares a column of this type with constants that are exact in it."""
    return _points(node, dtype) is not None


def _points(node: Node, dtype: pl.DataType) -> Iterable[_Point] | None:
    """The values of a column, as stored, next to which a comparison can change; None where that is not known."""
    if not isinstance(node, Call) or not node.overload.id.startswith(_COMPARISONS):
        return None
    first, second = node.arguments
    constant = second if isinstance(first, Column) else first
    column = first if isinstance(first, Column) else second
    if not isinstance(constant, Constant) or not isinstance(column, Column):
        return None
    values = constant.value if isinstance(constant.value, tuple) else (constant.value,)
    points: list[_Point] = []
    for value in values:
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return None
        found = _stored(value, dtype)
        if found is None:
            return None
        points += found
    return points


def _stored(value: float, dtype: pl.DataType) -> list[_Point] | None:
    """The stored values at a constant, or around it; None where they cannot be told exactly."""
    match dtype:
        case pl.Float64() | pl.Float32():
            inexact = isinstance(value, int) and abs(value) > _EXACT_IN_DOUBLES
            return None if inexact or value != value else [float(value) + 0.0]
        case pl.Datetime() | pl.Duration():
            return _around(Fraction(value) / _UNITS[dtype.time_unit], dtype) if isinstance(value, int) else None
        case pl.Date():
            return _around(Fraction(value) / _NANOSECONDS_A_DAY, dtype) if isinstance(value, int) else None
        case pl.UInt64():
            return None
        case _ if dtype.is_integer() and integer_range(dtype) is not None:
            if isinstance(value, int):
                return _around(Fraction(value), dtype)
            # Int and double compare as doubles: from here on, several integers are one double.
            return _around(Fraction(value), dtype) if abs(value) < _EXACT_IN_DOUBLES else None
        case _:
            return None


def _around(value: Fraction, dtype: pl.DataType) -> list[_Point]:
    low, high = _limits(dtype)
    return [point for point in {math.floor(value), math.ceil(value)} if low <= point <= high]


def _limits(dtype: pl.DataType) -> tuple[int, int]:
    limits = integer_range(pl.Int32() if dtype == pl.Date() else dtype if dtype.is_integer() else pl.Int64())
    assert limits is not None
    return limits


def _classes(points: list[_Point], dtype: pl.DataType) -> tuple[list[_Point], list[_Point]]:
    """The classes that points make: each point, and the values between two. The least value of each but the first, and
    one value of each.
    """
    if not points:
        return [], [0]
    starts: list[_Point] = []
    if dtype.is_float():
        samples: list[_Point] = [_next(points[0], -math.inf, dtype)]
        for point in points:
            starts += [point, _next(point, math.inf, dtype)]
        return starts, samples + starts
    low, high = _limits(dtype)
    for point, following in zip(points, [*points[1:], high + 1], strict=True):
        starts.append(point)
        if point + 1 < following:
            starts.append(point + 1)
    return starts, [max(low, points[0] - 1), *starts]


def _next(point: float, towards: float, dtype: pl.DataType) -> float:
    """The nearest value that the type has beyond a point."""
    if dtype == pl.Float64():
        return math.nextafter(point, towards)
    with np.errstate(over="ignore"):
        nearest = np.float32(point)
        beyond = float(nearest) > point if towards > point else float(nearest) < point
        return float(nearest if beyond else np.nextafter(nearest, np.float32(towards)))


def _sorted_out(values: _Starts, starts: _Starts, dtype: np.dtype[np.unsignedinteger[Any]]) -> Codes:
    """How many of the starts are not above each value.

    Values are first put into equal cells between the least and the greatest; most cells hold no start, and all values
    of such a cell are of one class. The others are searched for.
    """
    low, high = values.min(), values.max()
    before = int(np.searchsorted(starts, low, side="right"))
    inside = starts[(starts > low) & (starts <= high)]
    if not len(inside):
        return np.full(len(values), before, dtype=dtype)
    cells = _cells(values, inside, low, high)
    if cells is None:
        return np.searchsorted(starts, values, side="right").astype(dtype)
    of_values, of_starts, exact = cells
    held = np.bincount(of_starts, minlength=2**_CELL_BITS)
    table = (before + np.cumsum(held)).astype(dtype)
    codes: Codes = table.take(of_values)
    if not exact:
        unsure = np.flatnonzero((held > 0).take(of_values))
        codes[unsure] = np.searchsorted(starts, values[unsure], side="right")
    return codes


def _cells(
    values: _Starts, starts: _Starts, low: np.number[Any], high: np.number[Any]
) -> tuple[NDArray[np.intp], NDArray[np.intp], bool] | None:
    """The cells of values and of starts, and whether a cell holds but one value; None where the range has no cells.

    A greater number is in no lower cell: that is all that matters, so rounding does no harm.
    """
    if starts.dtype == np.float64:
        with np.errstate(all="ignore"):
            scale = (2**_CELL_BITS - 1) / (high - low)
        if not np.isfinite(scale) or not np.isfinite(low):
            return None
        # Rounding up must not lead beyond the last cell.
        scale = np.nextafter(scale, 0) * (1 - 2**-30)
        return ((values - low) * scale).astype(np.intp), ((starts - low) * scale).astype(np.intp), False
    span = int(high) - int(low)
    if span >= 2**63:
        return None
    shift = max(0, span.bit_length() - _CELL_BITS)
    return _shifted(values, low, shift), _shifted(starts, low, shift), shift == 0


def _shifted(values: _Starts, low: np.number[Any], shift: int) -> NDArray[np.intp]:
    return np.right_shift(np.subtract(values, low, dtype=np.int64), shift, dtype=np.intp)
