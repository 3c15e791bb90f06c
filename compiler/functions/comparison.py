"""Equality, ordering and membership."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import product
from typing import Any

import polars as pl

from ..cell import Cell, Element, Elements, Entries, NotColumnar, integer_range, may_be_null, presence, standard_dtype
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
from ..values import Duration, Optional, Timestamp, keys_of
from . import constants, ticks
from .declare import Function, Overload

_ORDERINGS: dict[str, tuple[str, Callable[[Any, Any], bool], str]] = {
    "_<_": ("less", operator.lt, "less than"),
    "_<=_": ("less_equals", operator.le, "less than or equal to"),
    "_>_": ("greater", operator.gt, "greater than"),
    "_>=_": ("greater_equals", operator.ge, "greater than or equal to"),
}

_MOST_PAIRS = 1_024
"""Pairs of entries of two maps that are compared on each row."""
_LEAST_OF_TABLE = 3
"""Constants that are looked up in a table; of fewer, each is compared."""


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
    return Cell(partial(_in_order, symbol, left, right), BOOL, pl.Boolean(), may_be_null(left) or may_be_null(right))


def _in_order(symbol: str, left: Cell, right: Cell) -> pl.Expr:
    if plain(left.type) in (TIMESTAMP, DURATION):
        return ticks.compare(symbol, left, right)
    a, b = _common(left, right)
    value = _apply(symbol, a, b)
    # Polars orders NaN as the greatest value; in CEL it is in no order.
    if symbol in (">", ">=") and may_be_nan(left):
        return value & _ordered(a, right, b)
    if symbol in ("<", "<=") and may_be_nan(right):
        return value & _ordered(b, left, a)
    return value


def equal(left: Cell, right: Cell) -> Cell:
    """``==``: an error where either operand is one, otherwise never null."""
    expression: pl.Expr | Callable[[], pl.Expr] = partial(_equal, left, right)
    if not is_scalar(plain(left.type)) or not is_scalar(plain(right.type)):
        # Which may have no columnar form.
        expression = _equal(left, right)
    return Cell(expression, BOOL, pl.Boolean(), left.fallible or right.fallible)


def _equal(left: Cell, right: Cell) -> pl.Expr:
    if isinstance(left.type, OptionalType) and isinstance(right.type, OptionalType):
        return _equal_optionals(left, right)
    failures = [f for f in (left.failed(), right.failed()) if f is not None]
    if isinstance(left.dtype, pl.Unknown) or isinstance(right.dtype, pl.Unknown):
        value = _equal_parts(left, right)
        return pl.when(~pl.any_horizontal(failures)).then(value) if failures else value
    if not left.nullable and not right.nullable:
        return _equal_present(left, right)
    if NULL in (left.type, right.type):
        other = right if left.type == NULL else left
        value = other.value.is_null() if other.nullable else pl.lit(value=False)
    else:
        value = _equal_present(left, right).fill_null(value=False)
        if left.nullable and right.nullable:
            value = value | (left.value.is_null() & right.value.is_null())
    return pl.when(pl.any_horizontal(failures)).then(None).otherwise(value) if failures else value


def _not_equal(left: Cell, right: Cell) -> Cell:
    cell = equal(left, right)
    return Cell(partial(_opposite, cell), BOOL, pl.Boolean(), cell.fallible)


def _opposite(cell: Cell) -> pl.Expr:
    return ~cell.value


def _equal_present(left: Cell, right: Cell) -> pl.Expr:
    """Equality where both are there; null where either is not."""
    a_type, b_type = plain(left.type), plain(right.type)
    if a_type in (TIMESTAMP, DURATION) and a_type == b_type:
        return ticks.compare("==", left, right)
    if isinstance(a_type, ListType) and isinstance(b_type, ListType):
        return _equal_lists(left, right)
    if isinstance(a_type, MapType) and isinstance(b_type, MapType):
        return _equal_maps(left, right)
    if isinstance(a_type, StructType) and isinstance(b_type, StructType):
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


def _equal_parts(left: Cell, right: Cell) -> pl.Expr:
    """Equality of lists or maps of which no column can hold one; where neither is an error."""
    if type(plain(left.type)) is not type(plain(right.type)):
        return pl.lit(value=False)
    match _parts(left), _parts(right):
        case Elements(of=a), Elements(of=b):
            if any(e.present is not None for e in (*a, *b)):
                raise NotColumnar("lists with optional elements are compared")
            if len(a) != len(b):
                return pl.lit(value=False)
            return _all([equal(x.value, y.value).value for x, y in zip(a, b, strict=True)])
        case Entries(), Entries():
            return _equal_maps(left, right)
        case _:
            raise NotColumnar(f"{left.type} and {right.type} are compared as wholes")


def _parts(cell: Cell) -> object:
    if isinstance(plain(cell.type), ListType) and cell.constant is not None:
        return Elements(tuple(Element(value) for value in constants.elements(cell)))
    return cell.parts


def _equal_maps(left: Cell, right: Cell) -> pl.Expr:
    """Equality of two maps, of which one at least was written out; null where either is null."""
    if not isinstance(left.parts, Entries):
        left, right = right, left
    written = left.parts
    if not isinstance(written, Entries):
        raise NotColumnar("maps are compared as wholes")
    if isinstance(right.parts, Entries) and len(written.of) * len(right.parts.of) > _MOST_PAIRS:
        raise NotColumnar(f"maps of more than {_MOST_PAIRS} pairs of entries are compared")
    same = [map_size(left) == map_size(right)]
    for entry in written.of:
        held = [found & equal(entry.value, value).value for found, value in entries_at(right, entry.key)]
        again = pl.any_horizontal(held).fill_null(value=False) if held else pl.lit(value=False)
        same.append(again if entry.present is None else again | ~entry.present)
    there = [cell.value.is_not_null() for cell in (left, right) if may_be_null(cell)]
    value = pl.all_horizontal(same)
    return pl.when(pl.all_horizontal(there)).then(value) if there else value


def map_size(cell: Cell) -> pl.Expr:
    """The number of entries of a map, where it is there."""
    if isinstance(cell.parts, Entries):
        sure = pl.lit(sum(e.present is None for e in cell.parts.of), dtype=pl.UInt32)
        return sum((e.present.cast(pl.UInt32) for e in cell.parts.of if e.present is not None), sure)
    if not isinstance(cell.dtype, pl.Map):
        raise NotColumnar("the map is not a column")
    return cell.value.map.len()


def entries_at(container: Cell, key: Cell) -> list[tuple[pl.Expr, Cell]]:
    """Where a map has a key, and what it then holds: one pair for each entry that may have it, at most one of which
    does. Neither is of use where the map or the key is an error.
    """
    if isinstance(container.parts, Entries):
        return _written_at(container.parts, key)
    map_type = plain(container.type)
    assert isinstance(map_type, MapType)
    if not isinstance(container.dtype, pl.Map):
        raise NotColumnar("the map is not a column")
    keys = plain(map_type.key)
    if {plain(key.type), keys} == {INT, UINT}:
        # A number that the other type does not have is no key.
        wanted = key.standard.cast(pl.Int64() if keys == INT else pl.UInt64(), strict=False).cast(
            container.dtype.key, strict=False
        )
    elif plain(key.type) == keys and keys in (STRING, INT, UINT, BOOL):
        wanted = key.value.cast(container.dtype.key, strict=False)
    else:
        raise NotColumnar(f"{plain(key.type)} is looked up among the keys {keys}")
    inner = container.dtype.value
    assert isinstance(inner, pl.DataType)
    found = container.value.map.contains_key(wanted).fill_null(value=False)
    return [(found, Cell(container.value.map.get(wanted), map_type.value, inner, fallible=False))]


def _written_at(entries: Entries, key: Cell) -> list[tuple[pl.Expr, Cell]]:
    table = _table(entries, key)
    if table is not None:
        return [table]
    pairs = []
    for entry in entries.of:
        if key.constant is not None and entry.key.constant is not None:
            if not equal_values(key.constant[0], entry.key.constant[0]):
                continue
            found = pl.lit(value=True)
        elif _are_comparable(key, entry.key):
            found = equal(key, entry.key).value.fill_null(value=False)
        else:
            continue
        pairs.append((found if entry.present is None else found & entry.present, entry.value))
    return pairs


def _are_comparable(a: Cell, b: Cell) -> bool:
    left, right = plain(a.type), plain(b.type)
    return left == right or (left in NUMBERS and right in NUMBERS)


def _table(entries: Entries, key: Cell) -> tuple[pl.Expr, Cell] | None:
    """Constants by a column: looked up in one table."""
    keys, values = [e.key for e in entries.of], [e.value for e in entries.of]
    types = {plain(cell.type) for cell in (*keys, key)}
    if len(keys) < _LEAST_OF_TABLE or len(types) > 1 or key.constant is not None or not types <= {STRING, INT}:
        return None
    if any(e.present is not None or e.key.constant is None or e.value.constant is None for e in entries.of):
        return None
    held = {plain(cell.type) for cell in values}
    if len(held) > 1 or not held <= {BOOL, INT, DOUBLE, STRING}:
        return None
    dtype = values[0].dtype
    choices, results = ([cell.constant[0] for cell in cells if cell.constant] for cells in (keys, values))
    found = _is_in(key, choices).fill_null(value=False)
    value = key.standard.replace_strict(choices, results, default=None, return_dtype=dtype)
    return found, Cell(value, values[0].type, dtype, fallible=False, interval=_interval(values))


def _interval(cells: list[Cell]) -> tuple[int, int] | None:
    ends = [cell.interval for cell in cells if cell.interval is not None]
    return (min(e[0] for e in ends), max(e[1] for e in ends)) if len(ends) == len(cells) else None


def _all(values: list[pl.Expr]) -> pl.Expr:
    return pl.all_horizontal(values) if values else pl.lit(value=True)


def _ordered(value: pl.Expr, other: Cell, other_value: pl.Expr) -> pl.Expr:
    """False where a value is NaN, unless the other operand is null: false must not hide that error."""
    return value.is_not_nan() | other_value.is_null() if may_be_null(other) else value.is_not_nan()


def _equal_lists(left: Cell, right: Cell) -> pl.Expr:
    for empty, other in ((left, right), (right, left)):
        if empty.constant == ((),) and isinstance(other.dtype, pl.List):
            return other.value.list.len() == 0
    element, other_element = _element(left.type), _element(right.type)
    dtype: pl.DataType | None = None
    if {element, other_element} <= set(NUMBERS):
        dtype = _common_number(element, other_element)
    elif element == other_element and _exact(left) == _exact(right):
        dtype = _exact(left)
    if dtype is None or not isinstance(left.dtype, pl.List) or not isinstance(right.dtype, pl.List):
        raise NotColumnar(f"lists of {element} and {other_element} are compared as wholes")
    a, b = (cell.standard.cast(pl.List(dtype)) for cell in (left, right))
    # Inside lists Polars takes null to equal null, as CEL does, and NaN to equal NaN.
    same = a.eq_missing(b)
    if dtype == pl.Float64():
        same = same & ~a.list.eval(pl.element().is_nan()).list.any()
    return pl.when(a.is_not_null() & b.is_not_null()).then(same)


def _common_number(a: Type, b: Type) -> pl.DataType:
    """A Polars type in which numbers compare as CEL's do."""
    if DOUBLE in (a, b):
        return pl.Float64()
    return pl.Int128() if a != b else pl.Int64() if a == INT else pl.UInt64()


def _exact(cell: Cell) -> pl.DataType | None:
    """The type of a list's elements where Polars' own equality is CEL's, at any depth."""
    if not isinstance(cell.dtype, pl.List):
        return None
    element = _element(cell.type)
    inner = cell.dtype.inner
    assert isinstance(inner, pl.DataType)
    if isinstance(element, ListType):
        nested = _exact(Cell(cell.value, element, inner))
        return None if nested is None else pl.List(nested)
    if element in (TIMESTAMP, DURATION):
        return inner
    return standard_dtype(element) if is_scalar(element) and element != DOUBLE else None


def in_list(item: Cell, container: Cell) -> Cell:
    """``item in container``, for a list."""
    element, wanted = _element(container.type), plain(item.type)
    if container.constant is not None:
        return _in_constants(item, container)
    simple = element == wanted and is_scalar(element) and element not in (DOUBLE, TIMESTAMP, DURATION)
    if isinstance(container.parts, Elements) and (isinstance(container.dtype, pl.Unknown) or not simple):
        return _in_written(item, container.parts, container)
    if not is_scalar(element):
        raise NotColumnar(f"the elements are {element}")
    if not simple:
        raise NotColumnar(f"{wanted} is looked up in a list of {element}")
    found = container.standard.list.contains(item.standard, nulls_equal=True)
    failures = [f for f in (item.failed(), container.value.is_null()) if f is not None]
    value = pl.when(~pl.any_horizontal(failures)).then(found)
    return Cell(value, BOOL, pl.Boolean(), fallible=item.fallible or may_be_null(container))


def _in_constants(item: Cell, container: Cell) -> Cell:
    (values,) = container.constant or ((),)
    assert isinstance(values, tuple)
    element, wanted = _element(container.type), plain(item.type)
    if element == wanted and wanted in (STRING, INT, UINT, BOOL, BYTES, DOUBLE):
        return Cell(partial(_among, item, values), BOOL, pl.Boolean(), item.fallible)
    tests = [_equal_present(item, c) for c in constants.elements(container) if c.type != NULL]
    found = pl.any_horizontal(tests) if tests else _is_in(item, [])
    return Cell(_with_null(item, found, among=None in values), BOOL, pl.Boolean(), item.fallible)


def _among(item: Cell, values: Sequence[object]) -> pl.Expr:
    """Membership among constants of the item's own type, and null."""
    found = _is_in(item, [v for v in values if v is not None and v == v])
    return _with_null(item, found, among=None in values)


def _with_null(item: Cell, found: pl.Expr, *, among: bool) -> pl.Expr:
    """What is found of an item, which may be null: then, whether null is ``among`` what it is looked for in."""
    if not item.nullable:
        return found
    found = found.fill_null(value=among)
    return found if item.error is None else pl.when(~item.error).then(found)


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
    places = [found for found, _ in entries_at(container, key)]
    found = pl.any_horizontal(places) if places else pl.lit(value=False)
    failures = [
        f for f in (key.failed(), container.value.is_null() if may_be_null(container) else None) if f is not None
    ]
    value = pl.when(~pl.any_horizontal(failures)).then(found) if failures else found
    return Cell(value, BOOL, pl.Boolean(), bool(failures))


def _in_written(item: Cell, elements: Elements, container: Cell) -> Cell:
    """``item in [a, b]`` with elements of any types."""
    found = []
    for element in elements.of:
        same = equal(item, element.value).value.fill_null(value=False)
        found.append(same if element.present is None else same & element.present)
    failures = [f for f in (item.failed(), container.failed()) if f is not None]
    value = pl.any_horizontal(found) if found else pl.lit(value=False)
    if failures:
        value = pl.when(~pl.any_horizontal(failures)).then(value)
    return Cell(value, BOOL, pl.Boolean(), bool(failures))


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
            # Polars takes it in the type of the column; to make it of a type first costs five times as much.
            return left.value, pl.lit(value)
    return left.standard, right.standard


def _as_double(cell: Cell) -> pl.Expr:
    if cell.constant is not None:
        value = cell.constant[0]
        assert isinstance(value, (int, float))
        return pl.lit(float(value))
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
        return type(left) is type(right) and _equal_entries(_entries(left), _entries(right))
    if _kind(left) != _kind(right):
        return False
    if isinstance(left, Optional) and isinstance(right, Optional):
        return left.present == right.present and equal_values(left.value, right.value)
    if isinstance(left, float) != isinstance(right, float):
        # The specification compares int and uint with double as doubles.
        return float(left) == float(right)  # type: ignore[arg-type]
    return left == right


def _entries(container: Mapping[object, object]) -> dict[tuple[bool, object], object]:
    """The values of a map by its keys, of which true is not 1."""
    keys = ((isinstance(key, bool), key) for key in keys_of(container))
    return dict(zip(keys, container.values(), strict=True))


def _equal_entries(left: Mapping[tuple[bool, object], object], right: Mapping[tuple[bool, object], object]) -> bool:
    return left.keys() == right.keys() and all(equal_values(value, right[key]) for key, value in left.items())


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
    return any(equal_values(key, other) for other in keys_of(container))
