"""The cells of special forms, and cells as the forms around them need them."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from operator import and_, or_

import polars as pl
import polars.selectors as cs

from .cell import Cell, NotColumnar, may_be_null, presence, standard_dtype
from .facts import Facts
from .functions import ticks
from .ir import Fail
from .overloads import known
from .schema import data_type
from .types import (
    BOOL,
    DOUBLE,
    DURATION,
    NULL,
    TIMESTAMP,
    Dynamic,
    ListType,
    MapType,
    StructType,
    Type,
    nullable,
    plain,
)

_FEW = 4


def proven_cell(cell: Cell, facts: Facts) -> Cell:
    """A column's cell with what is known of its values: the fewer can occur, the fewer checks are made."""
    if cell.fallible or cell.dtype.is_nested():
        return cell
    interval = cell.interval
    if interval is not None and isinstance(facts.low, int) and isinstance(facts.high, int):
        interval = max(interval[0], facts.low), min(interval[1], facts.high)
    type_ = cell.type if facts.null else plain(cell.type)
    return replace(cell, type=type_, interval=interval, finite=plain(type_) == DOUBLE and not facts.nan)


def failing_cell(node: Fail) -> Cell:
    """An error on every row; of the type that the surroundings expect, or bool where that is not known."""
    bare = plain(known(node.type))
    type_ = BOOL if isinstance(bare, Dynamic) else bare
    dtype = ticks.dtype_of(0, type_) if type_ in (TIMESTAMP, DURATION) else standard_dtype(type_)
    if dtype is None:
        raise NotColumnar("it is an error on every row")
    return Cell(pl.lit(None, dtype=dtype), type_, dtype)


def column_expression(name: str) -> pl.Expr:
    """A column by its exact name: Polars reads some names as patterns."""
    pattern = name == "*" or (name.startswith("^") and name.endswith("$"))
    return cs.by_name(name).as_expr() if pattern else pl.col(name)


def logic_cell(operator: str, cells: list[Cell]) -> Cell:
    """``&&`` or ``||`` of two cells or more: Polars' Kleene logic, in which null stands for the error."""
    values = [bool_cell(c).value for c in cells]
    conjunction = operator == "&&"
    if len(values) <= _FEW:
        value = reduce(and_ if conjunction else or_, values)
    else:
        # A chain of operators takes Polars quadratic time, see the measurements.
        value = pl.all_horizontal(values) if conjunction else pl.any_horizontal(values)
    return Cell(value, BOOL, pl.Boolean(), any(may_be_null(c) for c in cells))


def bool_cell(cell: Cell) -> Cell:
    """A cell as an operand that must be bool; a null is an error."""
    if plain(cell.type) == BOOL:
        return cell
    if cell.type == NULL:
        return Cell(pl.lit(None, dtype=pl.Boolean), BOOL, pl.Boolean())
    raise NotColumnar("it is not known to be a bool")


def list_cell(cells: list[Cell], type_: Type, optional: frozenset[int] = frozenset()) -> Cell:
    """A list of the values of cells, of the type given; an error where one of them is. Of the cells at the places
    ``optional``, what they hold, where they hold anything.

    Raises:
        NotColumnar: the elements have no one Polars type, or are lists or structs.
    """
    bare = plain(type_)
    assert isinstance(bare, ListType)
    element = bare.element
    dtype = standard_dtype(element)
    if isinstance(element, Dynamic) or dtype is None or isinstance(dtype, pl.List):
        raise NotColumnar(f"a list of {element} is built")
    if optional:
        empty = pl.lit(pl.Series([[]], dtype=pl.List(dtype))).first()
        parts = []
        for place, cell in enumerate(cells):
            present, held = presence(cell) if place in optional else (None, cell)
            one = pl.concat_list(held.standard.cast(dtype))
            parts.append(one if present is None else pl.when(present).then(one).otherwise(empty))
        value = pl.concat_list(parts)
    else:
        value = pl.concat_list([c.standard.cast(dtype) for c in cells])
    failed = [f for f in (c.failed() for c in cells) if f is not None]
    if failed:
        value = pl.when(~pl.any_horizontal(failed)).then(value)
    return Cell(value, bare, pl.List(dtype), bool(failed))


def as_list(cell: Cell) -> Cell:
    """The range of a comprehension: a list, or the keys of a map."""
    bare = plain(cell.type)
    if isinstance(bare, MapType) and isinstance(cell.dtype, pl.Map):
        key = data_type(cell.dtype.key)
        keys: Type = ListType(bare.key)
        if cell.nullable:
            keys = nullable(keys)
        return Cell(cell.value.map.keys(), keys, pl.List(key), cell.fallible, cell.error)
    if not isinstance(bare, ListType) or not isinstance(cell.dtype, pl.List):
        raise NotColumnar("the range is not a column")
    return cell


def as_entries(cell: Cell) -> Cell:
    """The range of a comprehension of two variables: a list, or the entries of a map as structs of key and value."""
    bare = plain(cell.type)
    if not isinstance(bare, MapType) or not isinstance(cell.dtype, pl.Map):
        return as_list(cell)
    entry = StructType((("key", bare.key), ("value", bare.value)))
    entries: Type = ListType(entry)
    if cell.nullable:
        entries = nullable(entries)
    dtype = pl.List(pl.Struct({"key": cell.dtype.key, "value": cell.dtype.value}))
    return Cell(cell.value.map.entries(), entries, dtype, cell.fallible, cell.error)
