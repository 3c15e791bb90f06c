"""Constants as cells."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import polars as pl

from ..cell import Cell, NotColumnar, standard_dtype
from ..types import (
    BOOL,
    BYTES,
    DOUBLE,
    DURATION,
    INT,
    NOTHING,
    NULL,
    STRING,
    TIMESTAMP,
    UINT,
    ListType,
    Type,
    TypeOf,
    nullable,
    plain,
)
from ..values import Duration, Timestamp, TypeValue, Uint
from . import ticks


def constant(value: object, type_: Type) -> Cell:
    """The cell of a constant (see ``values.py``) of a type; of the value's own type where the type is ``dyn``.

    Raises:
        NotColumnar: for an element of a type that has no constants.
    """
    if isinstance(value, tuple):
        return constant_list(value, type_)
    bare, dtype = type_and_dtype(value, type_)
    if isinstance(value, TypeValue):
        return Cell(pl.lit(value.name), bare, dtype, fallible=False, constant=(value,))
    if bare in (TIMESTAMP, DURATION) and isinstance(value, int):
        return ticks.constant(value, bare)
    interval = (int(value), int(value)) if bare in (INT, UINT) and isinstance(value, int) else None
    # A literal of a text or a truth is of its type as it is; one of a number would take another. Comparisons make their
    # own, in the type of the column.
    literal = partial(pl.lit, value, dtype=None if bare in (STRING, BOOL) else dtype)
    return Cell(literal, bare, dtype, fallible=False, interval=interval, constant=(value,))


def type_and_dtype(value: object, type_: Type) -> tuple[Type, pl.DataType]:
    """The CEL type of a constant that is no list, and the Polars type in which its cell has it.

    Raises:
        NotColumnar: for an element of a type that has no constants.
    """
    bare = plain(type_) if value is not None else NULL
    if isinstance(bare, TypeOf) and isinstance(value, TypeValue):
        return bare, pl.String()
    if bare in (TIMESTAMP, DURATION) and isinstance(value, int):
        return bare, ticks.dtype_of(value, bare)
    if bare in (BOOL, INT, UINT, DOUBLE, STRING, BYTES, NULL):
        dtype = standard_dtype(bare)
        assert dtype is not None
        return bare, dtype
    return type_and_dtype(value, type_of(value))


def constant_list(values: Sequence[object], type_: Type) -> Cell:
    """The cell of a constant list. Of a list that no Polars list can hold, only ``constant`` can be used."""
    bare = plain(type_)
    element = bare.element if isinstance(bare, ListType) else NULL
    dtype = pl.List(pl.Null()) if not values and element == NOTHING else standard_dtype(ListType(element))
    constant_values = (tuple(values),)
    if not isinstance(dtype, pl.List):
        return Cell(pl.lit(None), ListType(element), pl.Unknown(), fallible=False, constant=constant_values)
    literal = partial(_list_literal, values, dtype)
    held = element if element == NOTHING else nullable(element)
    return Cell(literal, ListType(held), dtype, fallible=False, constant=constant_values)


def _list_literal(values: Sequence[object], dtype: pl.List) -> pl.Expr:
    return pl.lit(pl.Series([_thawed(values)], dtype=dtype)).first()


def elements(cell: Cell) -> tuple[Cell, ...]:
    """The cells of the elements of a constant list."""
    assert cell.constant is not None
    (values,) = cell.constant
    assert isinstance(values, tuple)
    bare = plain(cell.type)
    element = bare.element if isinstance(bare, ListType) else NULL
    return tuple(constant(value, element) for value in values)


def type_of(value: object) -> Type:
    """The type of a value that is no list and no map."""
    match value:
        case None:
            return NULL
        case bool():
            return BOOL
        case Timestamp():
            return TIMESTAMP
        case Duration():
            return DURATION
        case Uint():
            return UINT
        case int():
            return INT
        case float():
            return DOUBLE
        case str():
            return STRING
        case bytes():
            return BYTES
        case _:
            raise NotColumnar("a constant of mixed types")


def _thawed(value: Sequence[object]) -> list[object]:
    return [_thawed(v) if isinstance(v, tuple) else v for v in value]
