"""A choice between two values, row by row: ``?:`` and what optionals need of it."""

from __future__ import annotations

import polars as pl

from ..cell import Cell, NotColumnar, integer_range, may_be_null, optional_cell, presence, standard_dtype
from ..types import (
    DURATION,
    INT,
    NOTHING,
    NULL,
    TIMESTAMP,
    UINT,
    OptionalType,
    Type,
    TypeOf,
    is_nullable,
    nullable,
    plain,
)
from . import ticks


def one_type(a: Cell, b: Cell) -> tuple[Type, pl.DataType, pl.Expr, pl.Expr]:
    """One type for two cells, the Polars type for both, and both as that.

    Raises:
        NotColumnar: there is none.
    """
    if NOTHING in (a.type, b.type):
        other = b if a.type == NOTHING else a
        return other.type, other.dtype, a.value, b.value
    if NULL in (a.type, b.type):
        other = b if a.type == NULL else a
        return nullable(other.type), other.dtype, a.value, b.value
    for empty, other in ((a, b), (b, a)):
        if empty.constant == ((),) and isinstance(other.dtype, pl.List) and other.constant != ((),):
            # What an empty list is one of, only the other one says.
            none = pl.lit(pl.Series([[]], dtype=other.dtype)).first()
            return other.type, other.dtype, *((none, b.value) if empty is a else (a.value, none))
    bare = plain(a.type)
    types = {type(bare), type(plain(b.type))}
    if bare != plain(b.type) and types != {TypeOf}:
        raise NotColumnar(f"it is {bare} or {plain(b.type)}")
    type_ = nullable(bare) if a.nullable or b.nullable else bare
    if a.dtype == b.dtype:
        return type_, a.dtype, a.value, b.value
    if bare in (TIMESTAMP, DURATION):
        return type_, pl.Int128(), ticks.nanoseconds(a), ticks.nanoseconds(b)
    for column, constant in ((a, b), (b, a)):
        value = _within(column, constant)
        if value is not None:
            return type_, column.dtype, *((a.value, value) if column is a else (value, b.value))
    dtype = standard_dtype(bare)
    if dtype is None:
        raise NotColumnar(f"{bare} in two forms")
    return type_, dtype, a.standard, b.standard


def _within(column: Cell, constant: Cell) -> pl.Expr | None:
    """A constant integer in the type of a column that can hold it."""
    limits = integer_range(column.dtype)
    if constant.constant is None or limits is None or plain(column.type) not in (INT, UINT):
        return None
    (value,) = constant.constant
    fits = isinstance(value, int) and limits[0] <= value <= limits[1]
    return pl.lit(value, dtype=column.dtype) if fits else None


def conditional_cell(condition: Cell, then: Cell, otherwise: Cell) -> Cell:
    """``condition ? then : otherwise``: an error where the condition is one, or the branch that it takes.

    Raises:
        NotColumnar: the branches have no one type.
    """
    if isinstance(then.type, OptionalType) and isinstance(otherwise.type, OptionalType):
        return _conditional_optional(condition, then, otherwise)
    type_, dtype, first, second = one_type(then, otherwise)
    test = condition.value
    value = pl.when(test).then(first).otherwise(second)
    if may_be_null(condition):
        value = pl.when(test.is_not_null()).then(value)
    fallible = may_be_null(condition) or then.fallible or otherwise.fallible
    error = None
    if fallible and is_nullable(type_):
        taken = pl.when(test).then(or_never(then.failed())).otherwise(or_never(otherwise.failed()))
        error = pl.any_horizontal(test.is_null(), taken)
    return Cell(value, type_, dtype, fallible, error, both_intervals(then, otherwise))


def _conditional_optional(condition: Cell, then: Cell, otherwise: Cell) -> Cell:
    first, second = presence(then), presence(otherwise)
    type_, dtype, a, b = one_type(first.value, second.value)
    test = condition.value
    present = pl.when(test).then(first.present).otherwise(second.present)
    value = pl.when(test).then(a).otherwise(b)
    if may_be_null(condition):
        present, value = (pl.when(test.is_not_null()).then(e) for e in (present, value))
    held = Cell(value, type_, dtype, fallible=False, interval=both_intervals(first.value, second.value))
    return optional_cell(present, held, fallible=may_be_null(condition) or then.fallible or otherwise.fallible)


def both_intervals(a: Cell, b: Cell) -> tuple[int, int] | None:
    """The interval of values that are either cell's."""
    if a.interval is None or b.interval is None:
        return None
    return min(a.interval[0], b.interval[0]), max(a.interval[1], b.interval[1])


def or_never(failed: pl.Expr | None) -> pl.Expr:
    """Where a cell is an error, as an expression even where it never is."""
    return pl.lit(value=False) if failed is None else failed
