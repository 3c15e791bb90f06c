"""Lists and maps: size, indexing, concatenation."""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from ..cell import Cell, Elements, Entries, NotColumnar, Presence, may_be_null, standard_dtype
from ..types import DOUBLE, INT, NOTHING, UINT, ListType, MapType, Nullable, Parameter, nullable, plain
from ..values import keys_of
from .bounds import LIST_TOO_LONG, LONGEST_LIST
from .choice import both_intervals, one_type, or_never
from .comparison import entries_at, equal_values, map_size
from .declare import EvaluationError, Failure, Function, Overload

NO_SUCH_KEY = "no such key"
DUPLICATE_KEY = "duplicate key in a map"
BAD_KEY = "a map's key must be a bool, int, uint or string"
INDEX_OUT_OF_RANGE = "index out of range"

_LONGEST = 2**32 - 1


def functions() -> tuple[Function, ...]:
    """``size``, ``[]`` and ``+`` of lists and maps."""
    element, key, value = (Nullable(Parameter(name)) for name in "AKV")
    list_type, map_type = ListType(element), MapType(Parameter("K"), value)

    def sizes(list_id: str, map_id: str) -> tuple[Overload, Overload]:
        return (
            Overload(list_id, (list_type,), INT, lower=_size_of_list, body=len),
            Overload(map_id, (map_type,), INT, lower=_size_of_map, body=len),
        )

    documentation = 'The number of elements of a list, or of entries of a map. (Specification: "size")'
    examples = (("size([1, 2])", "2"), ("size([])", "0"), ("size({'a': 1})", "1"))
    out_of_range = (Failure(INDEX_OUT_OF_RANGE),)
    return (
        Function("size", sizes("size_list", "size_map"), documentation, examples),
        Function(
            "size",
            sizes("list_size", "map_size"),
            documentation,
            (("[1, 2].size()", "2"), ("{1: 2}.size()", "1")),
            method=True,
        ),
        Function(
            "_[_]",
            (
                Overload("index_list", (list_type, INT), element, element_at, list_item, out_of_range),
                Overload("index_list_uint", (list_type, UINT), element, element_at, list_item, out_of_range, True),
                Overload("index_list_double", (list_type, DOUBLE), element, element_at, list_item, out_of_range, True),
                Overload("index_map", (map_type, key), value, value_at, map_item, (Failure(NO_SUCH_KEY),)),
            ),
            "The element of a list at a position counted from 0, or the value of a map at a key; an error where there "
            'is none. (Specification: "Field Selection and Indexing")',
            (("[7, 8][1]", "8"), ("[7][1]", "error"), ("{'a': 1}['a']", "1"), ("{'a': 1}['b']", "error")),
        ),
        Function(
            "_+_",
            (
                Overload(
                    "add_list", (list_type, list_type), list_type, _concatenate, _joined, (Failure(LIST_TOO_LONG),)
                ),
            ),
            'Both lists, one after the other. (Specification: "List Operators")',
            (("[1] + [2, 3]", "[1, 2, 3]"), ("size([] + [])", "0")),
        ),
    )


def _size_of_list(cell: Cell) -> Cell:
    if isinstance(cell.parts, Elements) and isinstance(cell.dtype, pl.Unknown):
        if any(element.present is not None for element in cell.parts.of):
            raise NotColumnar("the list is not a column")
        return _size(cell, pl.lit(len(cell.parts.of), dtype=pl.UInt32))
    if not isinstance(cell.dtype, pl.List):
        raise NotColumnar("the list is not a column")
    return _size(cell, cell.value.list.len())


def _size_of_map(cell: Cell) -> Cell:
    return _size(cell, map_size(cell))


def _size(cell: Cell, length: pl.Expr) -> Cell:
    if cell.parts is not None and cell.fallible:
        length = pl.when(cell.value.is_not_null()).then(length)
    return Cell(length, INT, pl.UInt32(), may_be_null(cell), interval=(0, _LONGEST))


def element_at(container: Cell, index: Cell) -> Cell:
    """The element of a list; ``error`` is true where there is none, or where either argument is null or an error."""
    list_type = plain(container.type)
    assert isinstance(list_type, ListType)
    if isinstance(container.parts, Elements) and index.constant is not None and isinstance(container.dtype, pl.Unknown):
        return _written_element(container, container.parts, index.constant[0])
    if not isinstance(container.dtype, pl.List):
        raise NotColumnar("the list is not a column")
    position = _position(index)
    inner = container.dtype.inner
    assert isinstance(inner, pl.DataType)
    inside = (position >= 0) & (position < container.value.list.len().cast(pl.Int64))
    value = container.value.list.get(pl.when(position >= 0).then(position), null_on_oob=True)
    return Cell(value, list_type.element, inner, fallible=True, error=~inside.fill_null(value=False))


def _written_element(container: Cell, elements: Elements, index: object) -> Cell:
    """An element of a list that no column can hold, at a constant place."""
    if any(element.present is not None for element in elements.of):
        raise NotColumnar("the list is not a column")
    places = [place for place in range(len(elements.of)) if equal_values(place, index)]
    if not places:
        return Cell(pl.lit(None), NOTHING, pl.Null(), error=pl.lit(value=True))
    held = elements.of[places[0]].value
    failed = container.failed()
    if failed is not None:
        # Where another element is an error, so is this one, whatever it holds.
        parts = held.parts
        if isinstance(parts, Presence):
            parts = parts._replace(present=pl.when(~failed).then(parts.present))
        held = replace(held, expression=pl.when(~failed).then(held.value), constant=None, parts=parts)
    return replace(held, type=nullable(held.type), fallible=True, error=or_never(failed))


def _position(index: Cell) -> pl.Expr:
    """The index as an Int64; a double or uint without an equal int becomes one that no list reaches."""
    if plain(index.type) == INT:
        return index.standard
    value = index.standard
    exact = value.cast(pl.Int64, strict=False)
    whole = exact if plain(index.type) == UINT else pl.when(value == value.floor()).then(exact)
    return pl.when(value.is_not_null()).then(whole.fill_null(-1))


def value_at(container: Cell, key: Cell) -> Cell:
    """The value of a map; its ``error`` is true where there is none, or where either argument is null or an error."""
    pairs = entries_at(container, key)
    failures = [
        f for f in (key.failed(), container.value.is_null() if may_be_null(container) else None) if f is not None
    ]
    if not pairs:
        return Cell(pl.lit(None), NOTHING, pl.Null(), error=pl.lit(value=True))
    *others, (_, last) = pairs
    type_, dtype, value = last.type, last.dtype, last.value
    interval = last.interval
    for there, held in reversed(others):
        so_far = Cell(value, type_, dtype, fallible=False, interval=interval)
        type_, dtype, first, second = one_type(held, so_far)
        value, interval = pl.when(there).then(first).otherwise(second), both_intervals(held, so_far)
    missing = ~pl.any_horizontal(there for there, _ in pairs)
    return Cell(
        pl.when(~pl.any_horizontal(missing, *failures)).then(value),
        nullable(type_),
        dtype,
        fallible=True,
        error=pl.any_horizontal(missing, *failures),
        interval=interval,
        parts=last.parts if isinstance(last.parts, Elements | Entries) and not others else None,
    )


def _concatenate(left: Cell, right: Cell) -> Cell:
    for empty, other in ((left, right), (right, left)):
        if empty.constant == ((),) and isinstance(other.dtype, pl.List):
            return Cell(other.value, plain(other.type), other.dtype, may_be_null(other), constant=other.constant)
    a, b = plain(left.type), plain(right.type)
    assert isinstance(a, ListType)
    assert isinstance(b, ListType)
    wider = left.type if standard_dtype(a) is not None else right.type
    dtype = standard_dtype(wider)
    if dtype is None or plain(a.element) != plain(b.element):
        raise NotColumnar(f"lists of {a.element} and {b.element} are joined")
    joined = left.standard.list.concat(right.standard)
    # A null list has no size, and so no sum.
    size = left.value.list.len().cast(pl.Int64) + right.value.list.len().cast(pl.Int64)
    element = a.element if isinstance(a.element, Nullable) else b.element
    return Cell(pl.when(size <= LONGEST_LIST).then(joined), ListType(element), dtype)


def list_item(container: list[object], index: float) -> object:
    """The element of a list.

    Raises:
        EvaluationError: there is none.
    """
    if not 0 <= index < len(container) or index != int(index):
        raise EvaluationError(INDEX_OUT_OF_RANGE)
    return container[int(index)]


def map_item(container: dict[object, object], key: object) -> object:
    """The value of a map.

    Raises:
        EvaluationError: there is none.
    """
    for other, value in zip(keys_of(container), container.values(), strict=True):
        if equal_values(key, other):
            return value
    raise EvaluationError(NO_SUCH_KEY)


def _joined(left: list[object], right: list[object]) -> list[object]:
    if len(left) + len(right) > LONGEST_LIST:
        raise EvaluationError(LIST_TOO_LONG)
    return [*left, *right]
