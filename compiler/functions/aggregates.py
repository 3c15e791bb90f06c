"""Aggregates of lists: those of Kubernetes' CEL (its library "lists"), and ``avg``.

A null element is an error of each of them. ``sum`` and ``avg`` add from left to right on every path.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import polars as pl

from ..cell import INT64_MAX, INT64_MIN, UINT64_MAX, Cell, NotColumnar, integer_range, result, standard_dtype
from ..types import (
    BOOL,
    BYTES,
    DOUBLE,
    DURATION,
    INT,
    NUMBERS,
    STRING,
    TIMESTAMP,
    UINT,
    ListType,
    Nullable,
    Type,
    is_nullable,
    plain,
)
from . import ticks
from .arithmetic import OVERFLOW
from .declare import EvaluationError, Failure, Function, Overload
from .time_text import DURATION_RANGE

NULL_ELEMENT = "an element is null"
EMPTY = "the list is empty"
NAN = "NaN is in no order"

COMPARABLE = (INT, UINT, DOUBLE, BOOL, DURATION, TIMESTAMP, STRING, BYTES)
"""The types that have an order."""

_SUMMABLE = (INT, UINT, DOUBLE, DURATION)
_LIMITS: dict[Type, tuple[int, int]] = {
    INT: (INT64_MIN, INT64_MAX),
    UINT: (0, UINT64_MAX),
    DURATION: ticks.RANGES[DURATION],
}


def functions() -> tuple[Function, ...]:
    """``sum``, ``min``, ``max``, ``avg`` and ``isSorted``."""
    return (
        Function(
            "sum",
            tuple(_sum(t) for t in _SUMMABLE),
            "The sum of the elements, added from left to right; zero for an empty list. An error where an element is "
            "null, and beyond 64 bits. (Kubernetes' CEL, lists)",
            (
                ("[1, 3].sum()", "4"),
                ("[0.1, 0.2, 0.3].sum() == 0.1 + 0.2 + 0.3", "true"),
                ("[1.5].filter(x, x > 2.0).sum()", "0.0"),
                ('[duration("1m"), duration("1s")].sum() == duration("61s")', "true"),
                ("[9223372036854775807, 1, -1].sum()", "error"),
                ("[1, null].sum()", "error"),
            ),
            method=True,
        ),
        _extreme_function("min", "least", "1", '"a"'),
        _extreme_function("max", "greatest", "3", '"c"'),
        Function(
            "avg",
            tuple(
                Overload(f"list_{t}_avg", (list_of(t),), DOUBLE, _avg, _mean, (_NULLS, Failure(EMPTY))) for t in NUMBERS
            ),
            "The mean of the elements: their sum as doubles, added from left to right, divided by their number. An "
            "error for an empty list, and where an element is null.",
            (("[1, 2].avg()", "1.5"), ("[2.0].avg()", "2.0"), ("[1].filter(x, x > 1).avg()", "error")),
            method=True,
        ),
        Function(
            "isSorted",
            tuple(
                Overload(f"list_{t}_is_sorted", (list_of(t),), BOOL, _is_sorted, _in_order, (Failure(NULL_ELEMENT),))
                for t in COMPARABLE
            ),
            "True when no element is greater than the next; NaN is in no order. An error where an element is null. "
            "(Kubernetes' CEL, lists)",
            (("[1, 2, 2].isSorted()", "true"), ('["b", "a"].isSorted()', "false"), ("[1, null].isSorted()", "error")),
            method=True,
        ),
    )


def _extreme_function(name: str, word: str, of_numbers: str, of_texts: str) -> Function:
    return Function(
        name,
        tuple(extreme(f"list_{t}_{name}", t, largest=name == "max") for t in COMPARABLE),
        f"The {word} element, the first of equal ones. An error for an empty list, where an element is null, and where "
        "one of several is NaN, which is in no order. (Kubernetes' CEL, lists)",
        (
            (f"[1, 3].{name}()", of_numbers),
            (f'["b", "a", "c"].{name}()', of_texts),
            (f"[1].filter(x, x > 1).{name}()", "error"),
            (f"[1.0, 0.0 / 0.0].{name}()", "error"),
        ),
        method=True,
    )


def list_of(type_: Type) -> ListType:
    """The parameter for a list of a type. It takes null elements, to refuse them with a message of their own."""
    return ListType(Nullable(type_))


def extreme(name: str, type_: Type, *, largest: bool) -> Overload:
    """The overload for the greatest or the least element of a list."""
    failures = (_NULLS, Failure(NAN, not_numbers), Failure(EMPTY)) if type_ == DOUBLE else (_NULLS, Failure(EMPTY))
    lower, body = partial(_extreme, largest=largest), partial(extreme_value, largest=largest)
    return Overload(name, (list_of(type_),), type_, lower, body, failures)


# Columns


def elements(cell: Cell) -> tuple[pl.Expr, pl.DataType]:
    """A list column, with its elements in the standard Polars type, and that type.

    Raises:
        NotColumnar: the list is no column.
    """
    if not isinstance(cell.dtype, pl.List):
        raise NotColumnar("the list is not a column")
    dtype = standard_dtype(cell.type) or cell.dtype
    assert isinstance(dtype, pl.List)
    inner = dtype.inner
    assert isinstance(inner, pl.DataType)
    return cell.standard, inner


def null_elements(cell: Cell) -> pl.Expr:
    """Whether any element of each list is null."""
    return cell.value.list.agg(pl.element().is_null().any())


def not_numbers(cell: Cell) -> pl.Expr:
    """Whether any element of each list of doubles is NaN, beside another element."""
    return cell.standard.list.agg(pl.element().is_nan().any()) & (cell.value.list.len() > 1)


def may_hold_nulls(cell: Cell) -> bool:
    """Whether an element of a list may be null."""
    if cell.constant is not None and isinstance(cell.constant[0], tuple):
        return None in cell.constant[0]
    bare = plain(cell.type)
    assert isinstance(bare, ListType)
    return is_nullable(bare.element)


def checked(cell: Cell, value: pl.Expr, *, ordered: bool = False) -> pl.Expr:
    """A value of a list, null where an element is null, and, where they are put in order, where one is NaN."""
    bad = [null_elements(cell)] if may_hold_nulls(cell) else []
    if ordered and elements(cell)[1] == pl.Float64():
        bad.append(not_numbers(cell))
    return pl.when(~pl.any_horizontal(bad)).then(value) if bad else value


_NULLS = Failure(NULL_ELEMENT, null_elements)


def _sum(type_: Type) -> Overload:
    lower = _sum_of_durations if type_ == DURATION else partial(_sum_of_numbers, type_)
    name, overflow = f"list_{type_}_sum", Failure(DURATION_RANGE if type_ == DURATION else OVERFLOW)
    failures = (_NULLS,) if type_ == DOUBLE else (_NULLS, overflow)
    return Overload(name, (list_of(type_),), type_, lower, partial(_total, type_), failures)


def _sum_of_numbers(type_: Type, cell: Cell) -> Cell:
    values, inner = elements(cell)
    if inner == pl.Null():
        # Of lists that are known to be empty, or to hold nulls only.
        inner = pl.Int64()
        values = values.cast(pl.List(inner))
    total, safe = _added(values, inner), type_ == DOUBLE or _is_narrow(cell.dtype)
    if not safe:
        total = _guarded(values, total, _LIMITS[type_])
    return result(type_, checked(cell, total), cell, fails=may_hold_nulls(cell) or not safe)


def _added(values: pl.Expr, inner: pl.DataType) -> pl.Expr:
    """The sums from left to right, to the last bit."""
    zero = pl.lit(0, dtype=inner)
    # Where there are nulls, Polars adds in another order.
    total = values.list.eval(pl.element().fill_null(zero)).list.sum()
    # Its sum of no doubles is -0.0.
    return pl.when(total == zero).then(zero).otherwise(total) if inner == pl.Float64() else total


def _is_narrow(dtype: pl.DataType) -> bool:
    """Whether no sum of a list's integers can leave 64 bits: a list has less than 2**32 elements."""
    inner = dtype.inner if isinstance(dtype, pl.List) else None
    limits = integer_range(inner) if isinstance(inner, pl.DataType) else None
    return limits is not None and limits[1] < 2**32


def _guarded(values: pl.Expr, total: pl.Expr, limits: tuple[int, int]) -> pl.Expr:
    """The total, null where a sum on the way to it is beyond the limits.

    The sums on the way are made, in 128 bits, only where the sum of the magnitudes comes near the limits.
    """
    magnitude = values.list.eval(pl.element().cast(pl.Float64).abs()).list.sum()
    suspect = magnitude > 0.99 * limits[1]
    on_the_way = pl.when(suspect).then(values).list.eval(pl.element().cast(pl.Int128).cum_sum())
    return pl.when(~suspect | _within(on_the_way, limits)).then(total)


def _within(values: pl.Expr, limits: tuple[int, int]) -> pl.Expr:
    low, high = (pl.lit(limit, dtype=pl.Int128) for limit in limits)
    inside = (values.list.min() >= low) & (values.list.max() <= high)
    return pl.when(values.is_not_null()).then(inside.fill_null(value=True))


def _sum_of_durations(cell: Cell) -> Cell:
    values, inner = elements(cell)
    tick = ticks.MICROSECOND if ticks.unit(inner) % ticks.MICROSECOND == 0 else 1
    factor = pl.lit(ticks.unit(inner) // tick, dtype=pl.Int128)
    numbers = pl.element() if inner == pl.Int128() else pl.element().to_physical().cast(pl.Int128)
    wide = values.list.eval((numbers * factor).fill_null(pl.lit(0, dtype=pl.Int128)))
    low, high = _LIMITS[DURATION]
    limits = -(-low // tick), high // tick
    inside = _within(wide, limits) & _within(wide.list.eval(pl.element().cum_sum()), limits)
    dtype = pl.Duration("us" if tick == ticks.MICROSECOND else "ns")
    total = pl.when(inside).then(wide.list.sum()).cast(pl.Int64).cast(dtype)
    return Cell(checked(cell, total), DURATION, dtype)


def _extreme(cell: Cell, *, largest: bool) -> Cell:
    values, inner = elements(cell)
    value = values.list.max() if largest else values.list.min()
    if inner == pl.Float64():
        # 0.0 and -0.0 are equal, so the first of them is meant; Polars takes the last.
        zeros = pl.when(value == 0.0).then(values)
        first = zeros.list.arg_max() if largest else zeros.list.arg_min()
        value = pl.when(value == 0.0).then(zeros.list.get(first, null_on_oob=True)).otherwise(value)
    bare = plain(cell.type)
    assert isinstance(bare, ListType)
    return Cell(checked(cell, value, ordered=True), plain(bare.element), inner, interval=integer_range(inner))


def _avg(cell: Cell) -> Cell:
    values, _ = elements(cell)
    doubles = values.list.eval(pl.element().cast(pl.Float64))
    count = values.list.len()
    mean = _added(doubles, pl.Float64()) / pl.when(count > 0).then(count).cast(pl.Float64)
    return result(DOUBLE, checked(cell, mean), cell)


def _is_sorted(cell: Cell) -> Cell:
    values, inner = elements(cell)
    falls = pl.element() > pl.element().shift(-1)
    if inner == pl.Float64():
        # Polars has NaN for the greatest.
        falls &= pl.element().is_not_nan()
    value = ~values.list.agg(falls.any())
    return result(BOOL, checked(cell, value), cell, fails=may_hold_nulls(cell))


# Values


def _total(type_: Type, values: Sequence[Any]) -> float:
    refuse_nulls(values)
    if type_ == DOUBLE:
        return sum_of_doubles(values)
    low, high = _LIMITS[type_]
    total = 0
    for value in values:
        total += value
        if not low <= total <= high or not low <= value <= high:
            raise EvaluationError(DURATION_RANGE if type_ == DURATION else OVERFLOW)
    return total


def sum_of_doubles(values: Sequence[float]) -> float:
    """The sum from left to right; Python's own ``sum`` may add more exactly than that."""
    total = 0.0
    for value in values:
        total += value
    return total


def extreme_value(values: Sequence[Any], *, largest: bool) -> object:
    """The greatest or the least of Python values, the first of equal ones."""
    refuse_nulls(values)
    refuse_nan(values)
    if not values:
        raise EvaluationError(EMPTY)
    return max(values) if largest else min(values)


def _mean(values: Sequence[float]) -> float:
    refuse_nulls(values)
    if not values:
        raise EvaluationError(EMPTY)
    return sum_of_doubles(list(map(float, values))) / len(values)


def _in_order(values: Sequence[Any]) -> bool:
    refuse_nulls(values)
    return not any(a > b for a, b in pairwise(values))


def refuse_nulls(values: Sequence[object]) -> None:
    """Refuse values among which one is null.

    Raises:
        EvaluationError: with the message ``NULL_ELEMENT``.
    """
    if any(value is None for value in values):
        raise EvaluationError(NULL_ELEMENT)


def refuse_nan(values: Sequence[object]) -> None:
    """Refuse several values among which one is NaN.

    Raises:
        EvaluationError: with the message ``NAN``.
    """
    if len(values) > 1 and any(value != value for value in values):
        raise EvaluationError(NAN)
