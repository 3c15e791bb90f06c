"""A column of CEL values as Polars expressions.

The contract that every lowering keeps:

- where a cell's type is not nullable, a null of ``value`` is a CEL error (so Polars' own null propagation is CEL's
  strictness, and Polars' Kleene ``&`` and ``|`` are CEL's absorption of errors);
- where its type is nullable, a null of ``value`` is CEL's null, except in the rows where ``error`` is true. There the
  row is an error, and ``value`` is null too;
- ``fallible`` is false only where no row can be an error. Such a cell costs no check.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import polars as pl

from .types import (
    BOOL,
    BYTES,
    DOUBLE,
    INT,
    NULL,
    STRING,
    UINT,
    ListType,
    OptionalType,
    Type,
    TypeOf,
    is_nullable,
    plain,
)

INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1
UINT64_MAX = 2**64 - 1

_STANDARD: dict[Type, pl.DataType] = {
    BOOL: pl.Boolean(),
    INT: pl.Int64(),
    UINT: pl.UInt64(),
    DOUBLE: pl.Float64(),
    STRING: pl.String(),
    BYTES: pl.Binary(),
    NULL: pl.Null(),
}

_INTEGER_RANGES: dict[pl.DataType, tuple[int, int]] = {
    pl.Int8(): (-(2**7), 2**7 - 1),
    pl.Int16(): (-(2**15), 2**15 - 1),
    pl.Int32(): (-(2**31), 2**31 - 1),
    pl.Int64(): (INT64_MIN, INT64_MAX),
    pl.UInt8(): (0, 2**8 - 1),
    pl.UInt16(): (0, 2**16 - 1),
    pl.UInt32(): (0, 2**32 - 1),
    pl.UInt64(): (0, UINT64_MAX),
}


@dataclass(frozen=True)
class Cell:
    """A CEL value for each row of a space.

    Attributes:
        expression: the values, see the contract above; or what makes that expression, which raises nothing, for those
            that are not always needed: of many conditions, most are answered without.
        type: the CEL type; never ``dyn``: what is only known at run time has no columnar form.
        dtype: the Polars type of ``value``. Columns keep theirs (``Int8``, ``Enum``, ``Datetime('ns')``, ...).
        fallible: whether a row can be an error.
        error: true where a row of a nullable cell is an error; None where ``fallible`` is false or the type is not
            nullable.
        interval: for int and uint, the least and the greatest value that can occur.
        constant: the value itself where it is one constant for all rows, in a tuple of one; otherwise None. Timestamps
            (since the epoch) and durations are in nanoseconds.
        finite: whether no value of a double is a NaN.
        parts: what it was made of, where that is known: of an optional, ask ``presence``; of a list or map, what was
            written. Where no column can hold a list or map, ``dtype`` is Unknown, and ``value`` tells only errors.
    """

    expression: pl.Expr | Callable[[], pl.Expr]
    type: Type
    dtype: pl.DataType
    fallible: bool = True
    error: pl.Expr | None = None
    interval: tuple[int, int] | None = None
    constant: tuple[object] | None = None
    finite: bool = False
    parts: Presence | Elements | Entries | None = None

    @cached_property
    def value(self) -> pl.Expr:
        """The values, see the contract above."""
        made = self.expression
        return made if isinstance(made, pl.Expr) else made()

    @property
    def nullable(self) -> bool:
        """Whether CEL's null can be among the values."""
        return is_nullable(self.type)

    @property
    def standard(self) -> pl.Expr:
        """The values in the standard Polars type of the CEL type: Int64, UInt64, Float64, String, ..."""
        wanted = standard_dtype(self.type)
        if wanted is None or wanted == self.dtype:
            return self.value
        if _holds_long_decimals(self.dtype):
            raise NotColumnar("a list of decimals that may be beyond 64 bits")
        return self.value.cast(wanted)

    def failed(self) -> pl.Expr | None:
        """True where a row is an error, or None where none can be."""
        if not self.fallible:
            return None
        return self.error if self.nullable else self.value.is_null()


class Presence(NamedTuple):
    """What an optional is made of.

    Attributes:
        present: whether it holds a value; null where the optional is an error.
        value: what it holds; null where it holds nothing or is an error, and never an error itself.
    """

    present: pl.Expr
    value: Cell


class Element(NamedTuple):
    """An element of a list that was written out; ``present``, where it is optional, tells whether it is there."""

    value: Cell
    present: pl.Expr | None = None


class Elements(NamedTuple):
    """The elements of a list that was written out."""

    of: tuple[Element, ...]


class Entry(NamedTuple):
    """An entry of a map that was written out; ``present``, where it is optional, tells whether it is there."""

    key: Cell
    value: Cell
    present: pl.Expr | None = None


class Entries(NamedTuple):
    """The entries of a map that was written out."""

    of: tuple[Entry, ...]


def unstored(type_: Type, failed: pl.Expr | None, parts: Elements | Entries) -> Cell:
    """The cell of a list or map that no column can hold: only its parts are of use."""
    there = pl.lit(value=True) if failed is None else pl.when(~failed).then(statement=True)
    return Cell(there, type_, pl.Unknown(), failed is not None, parts=parts)


def optional_cell(present: pl.Expr, value: Cell, *, fallible: bool) -> Cell:
    """The cell of an optional: as a column, a struct of ``present`` and ``value``, null where it is an error."""
    packed = pl.struct(present=present, value=value.value)
    if fallible:
        packed = pl.when(present.is_not_null()).then(packed)
    dtype: pl.DataType = pl.Struct({"present": pl.Boolean(), "value": value.dtype})
    if isinstance(value.dtype, pl.Unknown):
        packed, dtype = pl.when(present.is_not_null()).then(statement=True), pl.Unknown()
    return Cell(packed, OptionalType(value.type), dtype, fallible, parts=Presence(present, value))


def presence(cell: Cell) -> Presence:
    """What an optional is made of: as it was made, or taken from its column.

    Raises:
        NotColumnar: no column can hold it, and it was not made here.
    """
    if isinstance(cell.parts, Presence):
        return cell.parts
    bare = plain(cell.type)
    assert isinstance(bare, OptionalType)
    if not isinstance(cell.dtype, pl.Struct):
        raise NotColumnar("no column can hold what the optional holds")
    present, value = (cell.value.struct.field(field.name) for field in cell.dtype.fields)
    dtype = cell.dtype.fields[1].dtype
    assert isinstance(dtype, pl.DataType)
    return Presence(present, Cell(value, bare.of, dtype, fallible=False))


def _holds_long_decimals(dtype: pl.DataType) -> bool:
    if isinstance(dtype, pl.List):
        inner = dtype.inner
        return isinstance(inner, pl.DataType) and _holds_long_decimals(inner)
    return isinstance(dtype, pl.Decimal) and dtype.scale == 0


def standard_dtype(type_: Type) -> pl.DataType | None:
    """The Polars type in which functions return a CEL type, or None where it is not one and the same."""
    bare = plain(type_)
    if isinstance(bare, ListType):
        element = standard_dtype(bare.element)
        return None if element is None else pl.List(element)
    if isinstance(bare, TypeOf):
        return pl.String()
    return _STANDARD.get(bare)


def integer_range(dtype: pl.DataType) -> tuple[int, int] | None:
    """The least and greatest value of an integer column's type."""
    return _INTEGER_RANGES.get(dtype)


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


def result(type_: Type, value: pl.Expr, *arguments: Cell, fails: bool = True) -> Cell:
    """The cell of a strict function: null (an error) where an argument is null or an error.

    ``fails``: whether the function can fail although no argument does.
    """
    dtype = standard_dtype(type_)
    if dtype is None:
        raise AssertionError(f"{type_} has no one Polars type: build the cell itself")
    interval = integer_range(dtype)
    return Cell(value, type_, dtype, fails or any(may_be_null(a) for a in arguments), None, interval)


def may_be_null(cell: Cell) -> bool:
    """Whether ``value`` can hold a null, be it CEL's null or an error."""
    return cell.fallible or cell.nullable


class NotColumnar(Exception):  # noqa: N818  (it is an answer, not a fault)
    """Raised by a lowering that has no columnar form for its arguments; the clause is interpreted.

    The reason is shown to people: a short statement, such as "the pattern is not a literal".
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)
