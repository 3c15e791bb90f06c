"""Aggregates of lists, as in Kubernetes' CEL (its library "lists"), and ``avg``.

A null element is an error of each. ``sum`` and ``avg`` add from left to right, and an integer overflow on the way is an
error: ``list.sum`` of Polars adds just so, to the last bit, as long as no element is null.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import polars as pl

from ..cell import INT64_MAX, INT64_MIN, UINT64_MAX, Cell, NotColumnar, may_be_null, result
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
from .declare import Body, EvaluationError, Failure, Function, Lower, Overload
from .time_text import DURATION_RANGE

NULL_ELEMENT = "an element is null"
EMPTY = "the list is empty"
NAN = "NaN is in no order"

COMPARABLE = (INT, UINT, DOUBLE, BOOL, DURATION, TIMESTAMP, STRING, BYTES)
"""The types that have an order."""

_SUMMABLE = (INT, UINT, DOUBLE, DURATION)
_LIMITS: dict[Type, tuple[int, int]] = {INT: (INT64_MIN, INT64_MAX), UINT: (0, UINT64_MAX), DURATION: ticks.RANGES[DURATION]}

_ELEMENT = pl.element()
_ZERO = 0.0


def functions() -> tuple[Function, ...]:
    """``sum``, ``min``, ``max``, ``avg`` and ``isSorted``."""
    return (
        Function(
            "sum",
            tuple(
                Overload(f"list_{t}_sum", (list_of(t),), t, partial(_sum, t), partial(_total, t), _sum_failures(t))
                for t in _SUMMABLE
            ),
            "The sum of the elements, added from left to right; zero of an empty list. An error where an element is "
            "null, and of integers and durations beyond 64 bits. (Kubernetes' CEL, lists)",
            (
                ("[1, 3].sum()", "4"),
                ("[0.5, 1.0].sum()", "1.5"),
                ("[1.5].filter(x, x > 2.0).sum()", "0.0"),
                ("[9223372036854775807, 1, -1].sum()", "error"),
                ("[1, null].sum()", "error"),
            ),
            method=True,
        ),
        *(_extreme_function(name) for name in ("min", "max")),
        Function(
            "avg",
            tuple(
                Overload(
                    f"list_{t}_avg",
                    (list_of(t),),
                    DOUBLE,
                    _avg,
                    _mean,
                    (Failure(NULL_ELEMENT, null_elements), Failure(EMPTY)),
                )
                for t in NUMBERS
            ),
            "The mean of the elements: their sum as doubles, added from left to right, divided by their number. An "
            "error of an empty list, and where an element is null.",
            (("[1, 2].avg()", "1.5"), ("[2.0].avg()", "2.0"), ("[1].filter(x, x > 1).avg()", "error")),
            method=True,
        ),
        Function(
            "isSorted",
            tuple(
                Overload(f"list_{t}_is_sorted", (list_of(t),), BOOL, _is_sorted, _sorted_already, (Failure(NULL_ELEMENT),))
                for t in COMPARABLE
            ),
            "True when no element is greater than the next; NaN is in no order. An error where an element is null. "
            "(Kubernetes' CEL, lists)",
            (("[1, 2, 2].isSorted()", "true"), ('["b", "a"].isSorted()', "false"), ("[1, null].isSorted()", "error")),
            method=True,
        ),
    )


def _extreme_function(name: str) -> Function:
    word = "least" if name == "min" else "greatest"
    return Function(
        name,
        tuple(extreme(f"list_{t}_{name}", t, largest=name == "max") for t in COMPARABLE),
        f"The {word} element, the first of equal ones. An error of an empty list, where an element is null, and where "
        "one is NaN, which is in no order. (Kubernetes' CEL, lists)",
        (
            (f"[1, 3].{name}()", "1" if name == "min" else "3"),
            (f'["b", "a", "c"].{name}()', '"a"' if name == "min" else '"c"'),
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
    failures = [Failure(NULL_ELEMENT, null_elements), Failure(EMPTY)]
    if type_ == DOUBLE:
        failures.insert(1, Failure(NAN, _not_numbers))
    lower, body = partial(_extreme, largest=largest), partial(extreme_value, largest=largest)
    return Overload(name, (list_of(type_),), type_, lower, body, tuple(failures))


# Columns


def elements_of(cell: Cell) -> tuple[pl.Expr, Type, pl.DataType]:
    """A list in the standard type of its elements, with the elements' CEL type and Polars type.

    Raises:
        NotColumnar: the list is no column.
    """
    bare = plain(cell.type)
    if not isinstance(bare, ListType) or not isinstance(cell.dtype, pl.List):
        raise NotColumnar("the list is not a column")
    standard = cell.standard
    inner = cell.dtype.inner if standard is cell.value else None
    return standard, plain(bare.element), _instance(inner) if inner is not None else _standard_inner(bare)


def null_elements(cell: Cell) -> pl.Expr:
    """Whether any element of each list is null."""
    return cell.value.list.agg(_ELEMENT.is_null().any())


def may_hold_nulls(cell: Cell) -> bool:
    """Whether an element of a list may be null."""
    bare = plain(cell.type)
    assert isinstance(bare, ListType)
    if cell.constant is not None and isinstance(cell.constant[0], tuple):
        return None in cell.constant[0]
    return is_nullable(bare.element)


def without(value: pl.Expr, *bad: pl.Expr | None) -> pl.Expr:
    """The value, null where one of the conditions holds."""
    present = [b for b in bad if b is not None]
    return pl.when(~pl.any_horizontal(present)).then(value) if present else value


def nulls_of(cell: Cell) -> pl.Expr | None:
    """:func:`null_elements`, or None where no element can be null."""
    return null_elements(cell) if may_hold_nulls(cell) else None


def not_numbers(cell: Cell, type_: Type) -> pl.Expr | None:
    """Whether any element of each list is NaN, or None where none can be."""
    return _not_numbers(cell) if type_ == DOUBLE else None


def _not_numbers(cell: Cell) -> pl.Expr:
    return cell.standard.list.agg(_ELEMENT.is_nan().any())


def _instance(dtype: Any) -> pl.DataType:
    return dtype if isinstance(dtype, pl.DataType) else dtype()
