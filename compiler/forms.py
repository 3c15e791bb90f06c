"""The cells of special forms, and cells as the forms around them need them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial, reduce
from operator import and_, or_

import polars as pl
import polars.selectors as cs

from .cell import (
    Cell,
    Element,
    Elements,
    Entries,
    Entry,
    NotColumnar,
    may_be_null,
    presence,
    standard_dtype,
    unstored,
)
from .facts import Facts
from .functions import ticks
from .functions.collections import BAD_KEY, DUPLICATE_KEY
from .functions.comparison import equal, equal_values
from .ir import Fail
from .overloads import known
from .schema import data_type
from .types import (
    BOOL,
    DOUBLE,
    DURATION,
    INT,
    NOTHING,
    NULL,
    NUMBERS,
    STRING,
    TIMESTAMP,
    UINT,
    Dynamic,
    ListType,
    MapType,
    StructType,
    Type,
    nullable,
    plain,
)

_FEW = 4
_MOST_KEYS = 64
"""Keys of a map that are compared with one another on each row."""


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
    operands = [bool_cell(cell) for cell in cells]
    fallible = any(may_be_null(cell) for cell in cells)
    return Cell(partial(_joined, operator, operands), BOOL, pl.Boolean(), fallible)


def _joined(operator: str, operands: Sequence[Cell]) -> pl.Expr:
    values = [operand.value for operand in operands]
    conjunction = operator == "&&"
    if len(values) <= _FEW:
        return reduce(and_ if conjunction else or_, values)
    # A chain of operators takes Polars quadratic time, see the measurements.
    return pl.all_horizontal(values) if conjunction else pl.any_horizontal(values)


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
    """
    bare = plain(type_)
    assert isinstance(bare, ListType)
    parts = Elements(tuple(Element(*_held(cell, optional=place in optional)) for place, cell in enumerate(cells)))
    own = {plain(e.value.type) for e in parts.of} - {NULL, NOTHING}
    if plain(bare.element) == NOTHING and len(own) == 1:
        # The checker did not know what is taken from a mixed list.
        bare = ListType(nullable(own.pop()))
    failed = _any([c.failed() for c in cells])
    stored = _one_column([e.value for e in parts.of], bare.element)
    if stored is None:
        return unstored(bare, failed, parts)
    dtype, values = stored
    value = _listed(values, [e.present for e in parts.of], dtype)
    if failed is not None:
        value = pl.when(~failed).then(value)
    return Cell(value, bare, pl.List(dtype), failed is not None, parts=parts)


def map_cell(keys: list[Cell], values: list[Cell], type_: Type, optional: frozenset[int] = frozenset()) -> Cell:
    """A map with these entries; an error where a key or value is one, or a key is none or there twice.

    Raises:
        NotColumnar: booleans and numbers are keys together, which the interpreter cannot tell apart.
    """
    bare = plain(type_)
    assert isinstance(bare, MapType)
    kinds = {plain(key.type) for key in keys}
    if BOOL in kinds and not kinds.isdisjoint(NUMBERS):
        raise NotColumnar("booleans and numbers are keys of one map")
    entries = []
    for place, (key, cell) in enumerate(zip(keys, values, strict=True)):
        held, present = _held(cell, optional=place in optional)
        entries.append(Entry(key, held, present))
    parts = Entries(tuple(entries))
    failed = _any([*(c.failed() for c in (*keys, *values)), *(failure for _, failure in key_failures(parts))])
    key_column = None
    if plain(bare.key) in (BOOL, INT, UINT, STRING):
        key_column = _one_column(keys, bare.key)
    elif not keys:
        key_column = (pl.String(), [])
    value_column = _one_column([e.value for e in entries], bare.value)
    if key_column is None or value_column is None:
        return unstored(bare, failed, parts)
    dtype = pl.Struct({"key": key_column[0], "value": value_column[0]})
    structs = [pl.struct(key=k, value=v) for k, v in zip(key_column[1], value_column[1], strict=True)]
    value = _listed(structs, [e.present for e in entries], dtype)
    # What a conditional does not choose, Polars computes from nulls, and refuses a null key even there.
    unchosen = [e.key.value.is_null() for e in entries if not e.key.nullable and e.key.constant is None]
    missing = _any([failed, *unchosen])
    if missing is not None:
        value = pl.when(~missing).then(value)
    map_type = pl.Map(key_column[0], value_column[0])
    return Cell(value.cast(map_type), bare, map_type, failed is not None, parts=parts)


def key_failures(entries: Entries) -> list[tuple[str, pl.Expr]]:
    """What can be wrong with the keys of a map, in the order of the entries, and where it is."""
    failures: list[tuple[str, pl.Expr]] = []
    before: list[Entry] = []
    if len(entries.of) > _MOST_KEYS and any(e.key.constant is None for e in entries.of):
        raise NotColumnar(f"a map of more than {_MOST_KEYS} keys that are no constants")
    constants: dict[tuple[bool, object], list[Entry]] = {}
    for entry in entries.of:
        key, present = entry.key, entry.present
        usable = plain(key.type) in (BOOL, INT, UINT, STRING)
        bad = key.value.is_null() if usable and key.nullable else None if usable else pl.lit(value=True)
        alike = before
        if key.constant is not None:
            # Constants are known to be equal or not, so that many of them take no longer each.
            (value,) = key.constant
            same = constants.get((isinstance(value, bool), value), [])
            others = [e for e in before if e.key.constant is None] if len(before) < _MOST_KEYS else []
            alike = [*others, *same]
            if not any(e.present is None for e in same):
                constants[isinstance(value, bool), value] = [*same, entry]
        again = _any([_present_and_same(e, key) for e in alike]) if usable else None
        for message, where in ((BAD_KEY, bad), (DUPLICATE_KEY, again)):
            if where is not None:
                failures.append((message, where if present is None else present & where))
        before.append(entry)
    return failures


def _same_key(a: Cell, b: Cell) -> pl.Expr | None:
    if a.constant is not None and b.constant is not None:
        return pl.lit(value=True) if equal_values(a.constant[0], b.constant[0]) else None
    same = equal(a, b).value
    return None if plain(a.type) != plain(b.type) and not {plain(a.type), plain(b.type)} <= set(NUMBERS) else same


def _present_and_same(entry: Entry, key: Cell) -> pl.Expr | None:
    same = _same_key(key, entry.key)
    return same if same is None or entry.present is None else same & entry.present


def _any(flags: Sequence[pl.Expr | None]) -> pl.Expr | None:
    present = [flag for flag in flags if flag is not None]
    return pl.any_horizontal(present).fill_null(value=False) if present else None


def _held(cell: Cell, *, optional: bool) -> tuple[Cell, pl.Expr | None]:
    """What an element or an entry holds; of an optional one, with whether it does."""
    if not optional:
        return cell, None
    present, held = presence(cell)
    return held, present


def _one_column(cells: Sequence[Cell], type_: Type) -> tuple[pl.DataType, list[pl.Expr]] | None:
    """The Polars type in which one column can hold the values of cells, and these; None where there is none."""
    if isinstance(plain(type_), Dynamic) or any(isinstance(c.dtype, pl.Unknown) for c in cells):
        return None
    dtype = standard_dtype(type_)
    bare = plain(type_)
    is_time = bare in (TIMESTAMP, DURATION)
    if (is_time or dtype is not None) and not all(_is_of(c.type, type_) for c in cells):
        # The checker did not know what a mixed list holds where: a cast would make another value of it.
        return None
    if is_time:
        stored = {c.dtype for c in cells}
        if len(stored) == 1:
            return stored.pop(), [c.value for c in cells]
        return pl.Int128(), [ticks.nanoseconds(c) for c in cells]
    if dtype is None:
        stored = {c.dtype for c in cells if c.type not in (NULL, NOTHING)}
        if not cells and bare == NOTHING:
            return pl.Null(), []
        return (stored.pop(), [c.value for c in cells]) if len(stored) == 1 else None
    return dtype, [c.standard.cast(dtype) for c in cells]


def _is_of(type_: Type, wanted: Type) -> bool:
    """Whether values of a type, or null, or what is not there, are of the type wanted, at any depth of lists."""
    own, bare = plain(type_), plain(wanted)
    if isinstance(own, ListType) and isinstance(bare, ListType):
        return _is_of(own.element, bare.element)
    return own in (NULL, NOTHING, bare) or (own.kind == "type" and bare.kind == "type")


def _listed(values: Sequence[pl.Expr], present: Sequence[pl.Expr | None], dtype: pl.DataType) -> pl.Expr:
    """A list of values, each where it is present."""
    empty = pl.lit(pl.Series([[]], dtype=pl.List(dtype))).first()
    if not values:
        return empty
    wraps = isinstance(dtype, pl.List)
    if all(p is None for p in present) and not wraps:
        return pl.concat_list(values)
    # A list among others would be taken apart: it is wrapped until they are one list.
    ones = [pl.concat_list(pl.struct(list=v) if wraps else v) for v in values]
    if wraps:
        empty = pl.lit(pl.Series([[]], dtype=pl.List(pl.Struct({"list": dtype})))).first()
    joined = pl.concat_list(
        [one if p is None else pl.when(p).then(one).otherwise(empty) for one, p in zip(ones, present, strict=True)]
    )
    return joined.list.eval(pl.element().struct.field("list")) if wraps else joined


def as_list(cell: Cell) -> Cell:
    """The range of a comprehension: a list, or the keys of a map."""
    bare = plain(cell.type)
    if isinstance(cell.parts, Entries) and not isinstance(cell.dtype, pl.Map):
        raise NotColumnar("no column can hold the map's entries")
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
