"""Equality, ordering and membership."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from itertools import product
from typing import Any

import polars as pl

from ..cell import Cell, NotColumnar, integer_range, may_be_null, presence
from ..types import (
    BOOL,
    BYTES,
    DOUBLE,
    DURATION,
    INT,
    NOTHING,
    NULL,
    NUMBERS,
    STRING,
    TIMESTAMP,
    UINT,
    ListType,
    MapType,
    Nullable,
    OptionalType,
    Parameter,
    StructType,
    Type,
    TypeOf,
    plain,
)
from ..values import Duration, Optional, Timestamp
from . import constants, ticks
from .declare import Function, Overload

_ORDERINGS: dict[str, tuple[str, Callable[[Any, Any], bool], str]] = {
    "_<_": ("less", operator.lt, "less than"),
    "_<=_": ("less_equals", operator.le, "less than or equal to"),
    "_>_": ("greater", operator.gt, "greater than"),
    "_>=_": ("greater_equals", operator.ge, "greater than or equal to"),
}


def functions() -> tuple[Function, ...]:
    """``==``, ``!=``, ``<``, ``<=``, ``>``, ``>=`` and ``in``."""
    anything = Nullable(Parameter("A"))
    return (
        Function(
            "_==_",
            (Overload("equals", (anything, anything), BOOL, lower=equal, body=equal_values),),
            "True when both are equal. Numbers of different types are compared as numbers, NaN equals nothing, null "
            'equals only null. (Specification: "Equality")',
            (("1 == 1.0", "true"), ("[1, 2] == [1, 2, 3]", "false"), ("0.0 / 0.0 == 0.0 / 0.0", "false")),
        ),
        Function(
            "_!=_",
            (Overload("not_equals", (anything, anything), BOOL, lower=_not_equal, body=_unequal_values),),
            'The negation of ``==``. (Specification: "Equality")',
            (("1 != 2u", "true"), ("0.0 / 0.0 != 0.0 / 0.0", "true")),
        ),
        *(_ordering(name) for name in _ORDERINGS),
        Function(
            "@in",
            (
                Overload("in_list", (anything, ListType(anything)), BOOL, lower=in_list, body=_in_values),
                Overload(
                    "in_map",
                    (anything, MapType(anything, Nullable(Parameter("V")))),
                    BOOL,
                    lower=_in_map,
                    body=_in_keys,
                ),
            ),
            'True when a list holds an equal element, or a map an equal key. (Specification: "List Operators")',
            (('"a" in ["a", "b"]', "true"), ("2 in [1, 3]", "false"), ('"k" in {"k": null}', "true")),
        ),
    )


def _ordering(name: str) -> Function:
    overload, compare, words = _ORDERINGS[name]
    pairs: Iterable[tuple[Type, Type]] = (
        *((t, t) for t in (BOOL, STRING, BYTES, TIMESTAMP, DURATION)),
        *product(NUMBERS, NUMBERS),
    )
    symbol = name.strip("_")
    return Function(
        name,
        tuple(
            Overload(
                f"{overload}_{a}" if a == b else f"{overload}_{a}_{b}",
                (a, b),
                BOOL,
                lower=lambda left, right: order(symbol, left, right),
                body=_as_doubles(compare) if (a == DOUBLE) != (b == DOUBLE) else compare,
            )
            for a, b in pairs
        ),
        f"True when the first is {words} the second. Numbers of different types are compared as numbers, strings by "
        'code point, false before true; NaN is in no order. (Specification: "Ordering")',
        ((f"1 {symbol} 2.5", str(compare(1, 2.5)).lower()), (f'"b" {symbol} "B"', str(compare("b", "B")).lower())),
    )


def _as_doubles(compare: Callable[[Any, Any], bool]) -> Callable[[float, float], bool]:
    """The specification compares int and uint with double as doubles; Python compares them exactly."""
    return lambda left, right: compare(float(left), float(right))


def order(symbol: str, left: Cell, right: Cell) -> Cell:
    """An ordering of two cells of comparable types; null, which is an error, where either is null."""
    bare = plain(left.type)
    if bare in (TIMESTAMP, DURATION):
        value = ticks.compare(symbol, left, right)
    else:
        a, b = _common(left, right)
        value = _apply(symbol, a, b)
        # Polars orders NaN as the greatest value; in CEL it is in no order.
        if symbol in (">", ">=") and may_be_nan(left):
            value = value & _ordered(a, right, b)
        if symbol in ("<", "<=") and may_be_nan(right):
            value = value & _ordered(b, left, a)
    return Cell(value, BOOL, pl.Boolean(), may_be_null(left) or may_be_null(right))


def equal(left: Cell, right: Cell) -> Cell:
    """``==``: an error where either operand is one, otherwise never null."""
    failures = [f for f in (left.failed(), right.failed()) if f is not None]
    if isinstance(left.type, OptionalType) and isinstance(right.type, OptionalType):
        return Cell(_equal_optionals(left, right), BOOL, pl.Boolean(), bool(failures))
    if not left.nullable and not right.nullable:
        return Cell(_equal_present(left, right), BOOL, pl.Boolean(), bool(failures))
    if NULL in (left.type, right.type):
        other = right if left.type == NULL else left
        value = other.value.is_null() if other.nullable else pl.lit(value=False)
    else:
        value = _equal_present(left, right).fill_null(value=False)
        if left.nullable and right.nullable:
            value = value | (left.value.is_null() & right.value.is_null())
    if failures:
        value = pl.when(pl.any_horizontal(failures)).then(None).otherwise(value)
    return Cell(value, BOOL, pl.Boolean(), bool(failures))


def _not_equal(left: Cell, right: Cell) -> Cell:
    cell = equal(left, right)
    return Cell(~cell.value, BOOL, pl.Boolean(), cell.fallible)


def _equal_present(left: Cell, right: Cell) -> pl.Expr:
    """Equality where both are there; null where either is not."""
    a_type, b_type = plain(left.type), plain(right.type)
    if a_type in (TIMESTAMP, DURATION) and a_type == b_type:
        return ticks.compare("==", left, right)
    if isinstance(a_type, ListType) and isinstance(b_type, ListType):
        return _equal_lists(left, right)
    if isinstance(a_type, (MapType, StructType)) and type(a_type) is type(b_type):
        raise NotColumnar("maps and messages are compared as wholes")
    if isinstance(a_type, TypeOf) and isinstance(b_type, TypeOf):
        return left.value == right.value
    if a_type != b_type and not (a_type in NUMBERS and b_type in NUMBERS):
        # Values of different types are never equal.
        return pl.when(left.value.is_not_null() & right.value.is_not_null()).then(statement=False)
    a, b = _common(left, right)
    value = a == b
    if may_be_nan(left) and may_be_nan(right):
        value = value & _ordered(a, right, b)
    return value


def _equal_optionals(left: Cell, right: Cell) -> pl.Expr:
    """Both hold nothing, or equal values; null where either is an error."""
    a, b = presence(left), presence(right)
    held = pl.lit(value=False) if NOTHING in (a.value.type, b.value.type) else equal(a.value, b.value).value
    return pl.when(a.present & b.present).then(held.fill_null(value=False)).otherwise(~(a.present ^ b.present))


def _ordered(value: pl.Expr, other: Cell, other_value: pl.Expr) -> pl.Expr:
    """False where a value is NaN, unless the other operand is null: false must not hide that error."""
    return value.is_not_nan() | other_value.is_null() if may_be_null(other) else value.is_not_nan()


def _equal_lists(left: Cell, right: Cell) -> pl.Expr:
    element = _element(left.type)
    if element != _element(right.type) or element in (DOUBLE, TIMESTAMP, DURATION) or not is_scalar(element):
        raise NotColumnar(f"lists of {element} and {_element(right.type)} are compared as wholes")
    # Inside lists Polars takes null to equal null, as CEL does.
    a, b = left.standard, right.standard
    return pl.when(a.is_not_null() & b.is_not_null()).then(a.eq_missing(b))


def in_list(item: Cell, container: Cell) -> Cell:
    """``item in container``, for a list."""
    element, wanted = _element(container.type), plain(item.type)
    if container.constant is not None:
        return _in_constants(item, container)
    if not is_scalar(element):
        raise NotColumnar(f"the elements are {element}")
    if element != wanted or element in (DOUBLE, TIMESTAMP, DURATION):
        raise NotColumnar(f"{wanted} is looked up in a list of {element}")
    found = container.standard.list.contains(item.standard, nulls_equal=True)
    failures = [f for f in (item.failed(), container.value.is_null()) if f is not None]
    value = pl.when(~pl.any_horizontal(failures)).then(found)
    return Cell(value, BOOL, pl.Boolean(), fallible=item.fallible or may_be_null(container))


def _in_constants(item: Cell, container: Cell) -> Cell:
    (values,) = container.constant or ((),)
    assert isinstance(values, tuple)
    element, wanted = _element(container.type), plain(item.type)
    present = [v for v in values if v is not None and v == v]
    if element == wanted and wanted in (STRING, INT, UINT, BOOL, BYTES, DOUBLE):
        found = _is_in(item, present)
    else:
        tests = [_equal_present(item, c) for c in constants.elements(container) if c.type != NULL]
        found = pl.any_horizontal(tests) if tests else _is_in(item, [])
    if item.nullable:
        found = found.fill_null(value=None in values)
        if item.error is not None:
            found = pl.when(~item.error).then(found)
    return Cell(found, BOOL, pl.Boolean(), item.fallible)


def _is_in(item: Cell, present: list[object]) -> pl.Expr:
    """Membership among constants of the item's own type; null where the item is null."""
    if not present:
        return pl.when(item.value.is_not_null()).then(statement=False)
    limits = integer_range(item.dtype)
    if plain(item.type) in (INT, UINT) and limits is not None:
        low, high = limits
        fitting = [v for v in present if isinstance(v, int) and low <= v <= high]
        return item.value.is_in(pl.lit(pl.Series(fitting, dtype=item.dtype)).implode())
    series = pl.Series(present, dtype=pl.Series(present).dtype if item.dtype in (pl.Categorical, pl.Enum) else None)
    return item.standard.is_in(pl.lit(series).implode())


def _in_map(key: Cell, container: Cell) -> Cell:
    map_type = plain(container.type)
    assert isinstance(map_type, MapType)
    if plain(key.type) != map_type.key or map_type.key not in (STRING, INT, BOOL, UINT) or key.nullable:
        raise NotColumnar(f"{plain(key.type)} is looked up among the keys {map_type.key}")
    if not isinstance(container.dtype, pl.Map):
        raise NotColumnar("the map is not a column")
    found = container.value.map.contains_key(key.value.cast(container.dtype.key, strict=False))
    if may_be_null(key):
        # Polars finds no null among the keys, where a null is the error of the key.
        found = pl.when(key.value.is_not_null()).then(found)
    return Cell(found, BOOL, pl.Boolean(), key.fallible or may_be_null(container))


def _common(left: Cell, right: Cell) -> tuple[pl.Expr, pl.Expr]:
    """Both as Polars types between which comparison is exact, or lossy just as CEL's own between int and double."""
    if left.constant is not None and right.constant is None:
        b, a = _common(right, left)
        return a, b
    if DOUBLE in (plain(left.type), plain(right.type)):
        return _as_double(left), _as_double(right)
    if right.constant is not None:
        limits = integer_range(left.dtype)
        value = right.constant[0]
        if limits is not None and isinstance(value, int) and limits[0] <= value <= limits[1]:
            return left.value, pl.lit(value, dtype=left.dtype)
    return left.standard, right.standard


def _as_double(cell: Cell) -> pl.Expr:
    if cell.constant is not None:
        value = cell.constant[0]
        assert isinstance(value, (int, float))
        return pl.lit(float(value), dtype=pl.Float64())
    return cell.value if cell.dtype == pl.Float64() else cell.value.cast(pl.Float64())


def may_be_nan(cell: Cell) -> bool:
    """Whether NaN can be among the values."""
    if plain(cell.type) != DOUBLE or cell.finite:
        return False
    return cell.constant is None or cell.constant[0] != cell.constant[0]


def _apply(symbol: str, a: pl.Expr, b: pl.Expr) -> pl.Expr:
    match symbol:
        case "<":
            return a < b
        case "<=":
            return a <= b
        case ">":
            return a > b
        case _:
            return a >= b


def _element(type_: Type) -> Type:
    bare = plain(type_)
    assert isinstance(bare, ListType)
    return plain(bare.element)


def is_scalar(type_: Type) -> bool:
    """Whether values of a type are no lists, maps or messages."""
    return type_ in (BOOL, INT, UINT, DOUBLE, STRING, BYTES, TIMESTAMP, DURATION, NULL)


def equal_values(left: object, right: object) -> bool:
    """CEL's equality of two Python values (see ``values.py``), of any types."""
    if isinstance(left, (list, tuple)) and isinstance(right, (list, tuple)):
        return len(left) == len(right) and all(map(equal_values, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return (
            type(left) is type(right)
            and len(left) == len(right)
            and all(key in right and equal_values(value, right[key]) for key, value in left.items())
        )
    if _kind(left) != _kind(right):
        return False
    if isinstance(left, Optional) and isinstance(right, Optional):
        return left.present == right.present and equal_values(left.value, right.value)
    if isinstance(left, float) != isinstance(right, float):
        # The specification compares int and uint with double as doubles.
        return float(left) == float(right)  # type: ignore[arg-type]
    return left == right


def _kind(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "bool"
        case Timestamp():
            return "timestamp"
        case Duration():
            return "duration"
        case int() | float():
            return "number"
        case _:
            return type(value).__name__


def _unequal_values(left: object, right: object) -> bool:
    return not equal_values(left, right)


def _in_values(item: object, container: Iterable[object]) -> bool:
    return any(equal_values(item, element) for element in container)


def _in_keys(key: object, container: dict[object, object]) -> bool:
    return any(equal_values(key, other) for other in container)
