"""The cells of special forms, and cells as the forms around them need them."""

from __future__ import annotations

from functools import reduce
from operator import and_, or_

import polars as pl
import polars.selectors as cs

from .cell import Cell, NotColumnar, integer_range, may_be_null, standard_dtype
from .functions import ticks
from .ir import Fail
from .overloads import known
from .schema import data_type
from .types import BOOL, DURATION, NULL, TIMESTAMP, Dynamic, ListType, MapType, Type, is_nullable, nullable, plain

_FEW = 4


def column_cell(value: pl.Expr, type_: Type, dtype: pl.DataType) -> Cell:
    """The cell of a column, field or element, as it is stored."""
    match dtype:
        case pl.Array():
            return column_cell(value.arr.to_list(), type_, pl.List(dtype.inner))
        case pl.Decimal() if dtype.scale == 0:
            # A value beyond 64 bits is an error on use.
            narrow = value.cast(pl.Int64, strict=False)
            error = value.is_not_null() & narrow.is_null()
            return Cell(narrow, type_, pl.Int64(), fallible=True, error=error)
        case pl.Decimal():
            return Cell(value.cast(pl.Float64), type_, pl.Float64(), fallible=False)
        case _:
            return Cell(value, type_, dtype, fallible=False, interval=integer_range(dtype))


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


def list_cell(cells: list[Cell], type_: Type) -> Cell:
    """A list of the values of cells, of the type given; an error where one of them is.

    Raises:
        NotColumnar: the elements have no one Polars type, or are lists or structs.
    """
    bare = plain(type_)
    assert isinstance(bare, ListType)
    element = bare.element
    dtype = standard_dtype(element)
    if isinstance(element, Dynamic) or dtype is None or isinstance(dtype, pl.List):
        raise NotColumnar(f"a list of {element} is built")
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


def one_type(a: Cell, b: Cell) -> tuple[Type, pl.DataType, pl.Expr, pl.Expr]:
    """One type for two cells, the Polars type for both, and both as that."""
    if NULL in (a.type, b.type):
        other = b if a.type == NULL else a
        return nullable(other.type), other.dtype, a.value, b.value
    bare = plain(a.type)
    if bare != plain(b.type):
        raise NotColumnar(f"it is {bare} or {plain(b.type)}")
    type_ = nullable(bare) if a.nullable or b.nullable else bare
    if a.dtype == b.dtype:
        return type_, a.dtype, a.value, b.value
    if bare in (TIMESTAMP, DURATION):
        return type_, pl.Int128(), ticks.nanoseconds(a), ticks.nanoseconds(b)
    dtype = standard_dtype(bare)
    if dtype is None:
        raise NotColumnar(f"{bare} in two forms")
    return type_, dtype, a.standard, b.standard


def conditional_cell(condition: Cell, then: Cell, otherwise: Cell) -> Cell:
    """``condition ? then : otherwise``: an error where the condition is one, or the branch that it takes.

    Raises:
        NotColumnar: the branches have no one type.
    """
    type_, dtype, first, second = one_type(then, otherwise)
    test = condition.value
    value = pl.when(test).then(first).otherwise(second)
    if may_be_null(condition):
        value = pl.when(test.is_not_null()).then(value)
    fallible = may_be_null(condition) or then.fallible or otherwise.fallible
    error = None
    if fallible and is_nullable(type_):
        taken = pl.when(test).then(_or_never(then.failed())).otherwise(_or_never(otherwise.failed()))
        error = pl.any_horizontal(test.is_null(), taken)
    interval = None
    if then.interval is not None and otherwise.interval is not None:
        interval = (min(then.interval[0], otherwise.interval[0]), max(then.interval[1], otherwise.interval[1]))
    return Cell(value, type_, dtype, fallible, error, interval)


def _or_never(failed: pl.Expr | None) -> pl.Expr:
    return pl.lit(value=False) if failed is None else failed
