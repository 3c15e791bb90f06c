"""The one table of types: which column type is which CEL type (design, section 1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import polars as pl

from .types import (
    BOOL,
    BYTES,
    DOUBLE,
    DURATION,
    INT,
    NULL,
    STRING,
    TIMESTAMP,
    UINT,
    ListType,
    MapType,
    StructType,
    Type,
    Unusable,
    nullable,
)

if TYPE_CHECKING:
    from polars.datatypes import DataTypeClass

_SCALARS: Mapping[type[pl.DataType], Type] = {
    pl.Int8: INT,
    pl.Int16: INT,
    pl.Int32: INT,
    pl.Int64: INT,
    pl.UInt8: INT,
    pl.UInt16: INT,
    pl.UInt32: INT,
    pl.UInt64: UINT,
    pl.Float32: DOUBLE,
    pl.Float64: DOUBLE,
    pl.String: STRING,
    pl.Categorical: STRING,
    pl.Enum: STRING,
    pl.Boolean: BOOL,
    pl.Binary: BYTES,
    pl.Null: NULL,
    pl.Date: TIMESTAMP,
    pl.Datetime: TIMESTAMP,
    pl.Duration: DURATION,
}


def cel_type(column_type: pl.DataType) -> Type:
    """The CEL type of a column type, without the nullable wrapper of the value itself.

    A column type without a counterpart is :class:`~compiler.types.Unusable`: no obstacle until a condition uses it.
    """
    match column_type:
        case pl.Decimal():
            return INT if column_type.scale == 0 else DOUBLE
        case pl.List() | pl.Array():
            return ListType(nullable(cel_type(data_type(column_type.inner))))
        case pl.Struct():
            return StructType(tuple((f.name, nullable(cel_type(data_type(f.dtype)))) for f in column_type.fields))
        case pl.Map():
            return MapType(cel_type(data_type(column_type.key)), nullable(cel_type(data_type(column_type.value))))
        case _:
            return _SCALARS.get(type(column_type)) or Unusable(str(column_type))


def data_type(column_type: pl.DataType | DataTypeClass) -> pl.DataType:
    """An inner type as an instance: Polars declares that it may be a class."""
    return column_type if isinstance(column_type, pl.DataType) else column_type()


@dataclass(frozen=True)
class Schema:
    """The columns of a snapshot: their Polars types, in order, and their CEL types.

    What is known of all names is found out once: a table may have thousands of columns, and so many conditions.
    """

    columns: Mapping[str, pl.DataType]
    types: Mapping[str, Type]

    @cached_property
    def has_dotted_names(self) -> bool:
        """Whether a column's name has a dot in it."""
        return any("." in name for name in self.types)

    @cached_property
    def free_prefix(self) -> str:
        """What no column's name begins with."""
        prefix = "#"
        while any(name.startswith(prefix) for name in self.columns):
            prefix += "#"
        return prefix

    @classmethod
    def of(cls, columns: Mapping[str, pl.DataType]) -> Schema:
        """The schema of a frame: each column is nullable (design, section 1)."""
        return cls(dict(columns), {name: nullable(cel_type(type_)) for name, type_ in columns.items()})
