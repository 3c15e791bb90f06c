"""Types as values: what ``type()`` gives, and the names that stand for types (specification: "Abstract types")."""

from __future__ import annotations

import polars as pl

from ..cell import Cell
from ..types import NULL, Nullable, Parameter, TypeOf, name_of, plain
from ..values import Message, Optional, TypeValue
from .constants import type_of
from .declare import Function, Overload


def functions() -> tuple[Function, ...]:
    """``type``."""
    parameter = Parameter("A")
    return (
        Function(
            "type",
            (Overload("type", (Nullable(parameter),), TypeOf(parameter), lower=_type, body=_type_value),),
            "The type of a value: bool, int, uint, double, string, bytes, list, map, null_type, type, optional_type, "
            "google.protobuf.Timestamp or google.protobuf.Duration; of null it is null_type. (Specification: "
            '"Abstract types")',
            (("type(1) == int", "true"), ('type("a") == type(1)', "false"), ("type(null) == null_type", "true")),
        ),
    )


def _type(cell: Cell) -> Cell:
    bare = plain(cell.type)
    of = TypeOf(bare)
    name: pl.Expr = pl.lit(name_of(bare))
    if cell.nullable and cell.type != NULL:
        name = pl.when(cell.value.is_null()).then(pl.lit(name_of(NULL))).otherwise(name)
    failed = cell.failed()
    if failed is not None:
        name = pl.when(~failed).then(name)
    return Cell(name, of, pl.String(), cell.fallible)


def _type_value(value: object) -> TypeValue:
    match value:
        case list() | tuple():
            return TypeValue("list")
        case Message():
            return TypeValue("struct")
        case dict():
            return TypeValue("map")
        case Optional():
            return TypeValue("optional_type")
        case TypeValue():
            return TypeValue("type")
        case _:
            return TypeValue(name_of(type_of(value)))
