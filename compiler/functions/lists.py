"""Lists: the lists extension of cel-go, and ``indexOf`` and ``lastIndexOf`` of Kubernetes' CEL."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import polars as pl

from ..cell import Cell, NotColumnar, column_cell, may_be_null, optional_cell, standard_dtype
from ..types import DOUBLE, DYN, INT, ListType, Nullable, OptionalType, Parameter, is_nullable, nullable, plain
from ..values import NONE, Optional
from . import constants
from .aggregates import (
    COMPARABLE,
    NAN,
    NULL_ELEMENT,
    checked,
    elements,
    list_of,
    not_numbers,
    null_elements,
    refuse_nan,
    refuse_nulls,
)
from .bounds import GENERATED_ELEMENTS, LIST_TOO_LONG, LONGEST_LIST
from .comparison import equal, equal_values, is_scalar
from .declare import EvaluationError, Failure, Function, Overload

NEGATIVE_INDEX = "a negative index"
START_AFTER_END = "the start is after the end"
BEYOND_THE_END = "the end is beyond the list"
NEGATIVE_DEPTH = "a negative depth"
NEGATIVE_SIZE = "a negative size"
TOO_LONG = f"a list of more than {GENERATED_ELEMENTS:,} elements"

_ELEMENT = Nullable(Parameter("A"))
_LIST = ListType(_ELEMENT)
_ANYTHING = ListType(DYN)


def functions() -> tuple[Function, ...]:
    """``slice``, ``flatten``, ``sort``, what ``sortBy`` calls, ``distinct``, ``reverse``, ``first``, ``last``,
    ``lists.range``, ``indexOf`` and ``lastIndexOf``.
    """
    return (
        Function(
            "slice",
            (
                Overload(
                    "list_slice",
                    (_LIST, INT, INT),
                    _LIST,
                    _slice,
                    _sliced,
                    (
                        Failure(NEGATIVE_INDEX, lambda _, start, end: (start.value < 0) | (end.value < 0)),
                        Failure(START_AFTER_END, lambda _, start, end: start.standard > end.standard),
                        Failure(BEYOND_THE_END),
                    ),
                ),
            ),
            "The elements from the first position up to, but not including, the second; an error where the list is "
            "shorter. (cel-go, lists)",
            (
                ("[1, 2, 3, 4].slice(1, 3)", "[2, 3]"),
                ("[1, 2].slice(2, 2).size()", "0"),
                ("[1, 2].slice(0, 3)", "error"),
                ("[1, 2].slice(-1, 1)", "error"),
            ),
            method=True,
        ),
        Function(
            "flatten",
            (
                Overload("list_flatten", (ListType(Nullable(_LIST)),), _LIST, _flatten, partial(_flattened, depth=1)),
                Overload(
                    "list_flatten_dyn",
                    (_ANYTHING,),
                    _ANYTHING,
                    _flatten,
                    partial(_flattened, depth=1),
                    dynamic=True,
                ),
                Overload(
                    "list_flatten_int",
                    (_ANYTHING, INT),
                    _ANYTHING,
                    _flatten_deep,
                    _flattened,
                    (Failure(NEGATIVE_DEPTH),),
                ),
            ),
            "The elements of a list's lists as one list; with a number, so many levels deep. (cel-go, lists)",
            (
                ("[[1], [2, 3], []].flatten()", "[1, 2, 3]"),
                ("[1, [2, [3]]].flatten().size()", "3"),
                ("[1, [2, [3, [4]]]].flatten(2) == [1, 2, 3, [4]]", "true"),
                ("[[1]].flatten(-1) == [1]", "error"),
            ),
            method=True,
        ),
        Function(
            "sort",
            tuple(
                Overload(
                    f"list_{t}_sort",
                    (list_of(t),),
                    ListType(t),
                    _sort,
                    _sorted,
                    (Failure(NULL_ELEMENT, null_elements), Failure(NAN, not_numbers))
                    if t == DOUBLE
                    else (Failure(NULL_ELEMENT),),
                )
                for t in COMPARABLE
            ),
            "The elements in ascending order. An error where one is null, and where one of several is NaN, which is in "
            "no order. (cel-go, lists)",
            (
                ("[3, 1, 2].sort()", "[1, 2, 3]"),
                ('["b", "C", "a"].sort()', '["C", "a", "b"]'),
                ("[1, null].sort()", "error"),
            ),
            method=True,
        ),
        Function(
            "@sortBy",
            tuple(
                Overload(
                    f"list_{t}_sort_by",
                    (_LIST, list_of(t)),
                    _LIST,
                    _sort_by,
                    _sorted_by,
                    tuple(
                        Failure(message, partial(_of_keys, when))
                        for message, when in ((NULL_ELEMENT, null_elements), (NAN, not_numbers))
                        if message == NULL_ELEMENT or t == DOUBLE
                    ),
                )
                for t in COMPARABLE
            ),
            "The elements of a list in ascending order of another's, the keys. What the macro sortBy() calls. (cel-go, "
            "lists)",
            (("[3, 1, 2].sortBy(x, -x)", "[3, 2, 1]"),),
            method=True,
        ),
        Function(
            "distinct",
            (Overload("list_distinct", (_LIST,), _LIST, _distinct, _different),),
            "The elements without those that are equal to an earlier one. (cel-go, lists)",
            (("[1, 2, 2, 3, 1].distinct()", "[1, 2, 3]"), ('["b", "a", "b"].distinct()', '["b", "a"]')),
            method=True,
        ),
        Function(
            "reverse",
            (Overload("list_reverse", (_LIST,), _LIST, _reverse, _reversed),),
            "The elements in reverse order. (cel-go, lists)",
            (("[5, 1, 3].reverse()", "[3, 1, 5]"), ("[].reverse().size()", "0")),
            method=True,
        ),
        _end("first", last=False),
        _end("last", last=True),
        Function(
            "lists.range",
            (
                Overload(
                    "lists_range",
                    (INT,),
                    ListType(INT),
                    _range,
                    _counted,
                    (Failure(NEGATIVE_SIZE, lambda n: n.value < 0), Failure(TOO_LONG)),
                ),
            ),
            f"The integers from 0 up to, but not including, the argument; at most {GENERATED_ELEMENTS:,} of them. "
            "(cel-go, lists)",
            (("lists.range(3)", "[0, 1, 2]"), ("lists.range(0).size()", "0"), ("lists.range(-1)", "error")),
        ),
        _position("indexOf", "list_index_of", "first", "1", last=False),
        _position("lastIndexOf", "list_last_index_of", "last", "2", last=True),
    )


def _end(name: str, *, last: bool) -> Function:
    return Function(
        name,
        (
            Overload(
                f"list_{name}",
                (_LIST,),
                OptionalType(_ELEMENT),
                partial(_end_of, last=last),
                partial(_at_end, last=last),
            ),
        ),
        f"The optional of the {name} element, which holds nothing for an empty list. (cel-go: optional types)",
        ((f"[7, 8].{name}().value()", "8" if last else "7"), (f"[].{name}().hasValue()", "false")),
        method=True,
    )


def _position(name: str, overload: str, word: str, example: str, *, last: bool) -> Function:
    lower, body = partial(_find, last=last), partial(_found, last=last)
    return Function(
        name,
        (Overload(overload, (_LIST, _ELEMENT), INT, lower, body),),
        f"The position, counted from 0, of the {word} element that is equal to the argument; -1 where none is. "
        "(Kubernetes' CEL, lists)",
        ((f"[1, 2, 2].{name}(2)", example), (f'["a"].{name}("b")', "-1")),
        method=True,
    )


# Columns


def _slice(cell: Cell, start: Cell, end: Cell) -> Cell:
    _require_list(cell)
    first, last = start.standard, end.standard
    size = cell.value.list.len().cast(pl.Int64)
    inside = (first >= 0) & (first <= last) & (last <= size)
    first, last = (pl.when(inside).then(position) for position in (first, last))
    value = pl.when(inside).then(cell.value.list.slice(first, last - first))
    return Cell(value, plain(cell.type), cell.dtype)


def _flatten(cell: Cell) -> Cell:
    inner = _inner(cell)
    bare = plain(cell.type)
    assert isinstance(bare, ListType)
    if not isinstance(inner, pl.List):
        raise NotColumnar("the lists in the list are not a column")
    value = cell.value.list.eval(pl.element().explode(empty_as_null=False, keep_nulls=True))
    flat = plain(bare.element)
    assert isinstance(flat, ListType)
    # A list that is null becomes an element that is.
    type_ = ListType(nullable(flat.element)) if is_nullable(bare.element) else flat
    return Cell(value, type_, inner, may_be_null(cell))


def _flatten_deep(_cell: Cell, _depth: Cell) -> Cell:
    raise NotColumnar("the type of the result depends on the depth")


def _sort(cell: Cell) -> Cell:
    values, inner = elements(cell)
    bare = plain(cell.type)
    assert isinstance(bare, ListType)
    # Not ``list.sort``, which takes fifty times as long.
    value = checked(cell, values.list.eval(pl.element().sort()), ordered=True)
    return Cell(value, ListType(plain(bare.element)), pl.List(inner))


def _sort_by(cell: Cell, keys: Cell) -> Cell:
    _require_list(cell)
    values, _ = elements(keys)
    order = values.list.eval(pl.int_range(pl.element().len()).sort_by(pl.element(), maintain_order=True))
    return Cell(checked(keys, cell.value.list.gather(order), ordered=True), plain(cell.type), cell.dtype)


def _of_keys(when: Callable[[Cell], pl.Expr], _cell: Cell, keys: Cell) -> pl.Expr:
    return when(keys)


def _end_of(cell: Cell, *, last: bool) -> Cell:
    inner = _inner(cell)
    bare = plain(cell.type)
    assert isinstance(bare, ListType)
    element = column_cell(cell.value.list.get(-1 if last else 0, null_on_oob=True), bare.element, inner)
    # What is no value of CEL's is an error as soon as it is used; an optional holds values.
    failed = element.failed()
    present = cell.value.list.len() > 0
    if failed is not None:
        present = pl.when(~failed).then(present)
    held = replace(element, fallible=False, error=None)
    return optional_cell(present, held, fallible=may_be_null(cell) or element.fallible)


def _distinct(cell: Cell) -> Cell:
    bare = plain(cell.type)
    assert isinstance(bare, ListType)
    if not is_scalar(plain(bare.element)):
        raise NotColumnar(f"the elements are {bare.element}")
    values, inner = elements(cell)
    if inner == pl.Float64():
        # Polars takes NaN to equal itself.
        first = pl.element().is_first_distinct() | pl.element().is_nan().fill_null(value=False)
        value = values.list.eval(pl.element().filter(first))
    else:
        value = values.list.unique(maintain_order=True)
    return Cell(value, bare, pl.List(inner), may_be_null(cell))


def _reverse(cell: Cell) -> Cell:
    _require_list(cell)
    return Cell(cell.value.list.reverse(), plain(cell.type), cell.dtype, may_be_null(cell))


def _range(size: Cell) -> Cell:
    if size.constant is not None:
        number = size.constant[0]
        assert isinstance(number, int)
        if 0 <= number <= GENERATED_ELEMENTS:
            return constants.constant(tuple(range(number)), ListType(INT))
        return Cell(pl.lit(None, dtype=pl.List(pl.Int64)), ListType(INT), pl.List(pl.Int64()))
    number_of = size.standard
    allowed = pl.when(number_of.is_between(0, GENERATED_ELEMENTS)).then(number_of)
    return Cell(pl.int_ranges(pl.lit(0, dtype=pl.Int64), allowed), ListType(INT), pl.List(pl.Int64()))


def _find(cell: Cell, item: Cell, *, last: bool) -> Cell:
    bare = plain(cell.type)
    assert isinstance(bare, ListType)
    if not is_scalar(plain(bare.element)):
        raise NotColumnar(f"the elements are {bare.element}")
    values, inner = elements(cell)
    type_ = nullable(bare.element)
    if item.constant is not None:
        among, hit = values, equal(Cell(pl.element(), type_, inner, fallible=False), item).value
    else:
        if plain(item.type) != plain(bare.element) or (inner != item.dtype and standard_dtype(item.type) != inner):
            raise NotColumnar(f"{item.type} is looked up in a list of {bare.element}")
        # No column may be named within a list, so each list gets the item for its first element.
        among = pl.concat_list(item.standard, values)
        element = Cell(pl.element().slice(1), type_, inner, fallible=False)
        hit = equal(element, Cell(pl.element().first(), type_, inner, fallible=False)).value
    found = among.list.agg(hit.any())
    position = among.list.agg((hit.reverse() if last else hit).arg_max()).cast(pl.Int64)
    if last:
        position = values.list.len().cast(pl.Int64) - 1 - position
    value = pl.when(found).then(position).otherwise(pl.lit(-1, dtype=pl.Int64))
    bad = [f for f in (cell.value.is_null(), item.failed()) if f is not None]
    fallible = may_be_null(cell) or item.fallible
    value = pl.when(~pl.any_horizontal(bad)).then(value) if fallible else value
    return Cell(value, INT, pl.Int64(), fallible, interval=(-1, 2**32 - 1))


def _require_list(cell: Cell) -> None:
    if not isinstance(cell.dtype, pl.List):
        raise NotColumnar("the list is not a column")


def _inner(cell: Cell) -> pl.DataType:
    _require_list(cell)
    assert isinstance(cell.dtype, pl.List)
    assert isinstance(cell.dtype.inner, pl.DataType)
    return cell.dtype.inner


# Values


def _sliced(values: Sequence[object], start: int, end: int) -> list[object]:
    if start < 0 or end < 0:
        raise EvaluationError(NEGATIVE_INDEX)
    if start > end:
        raise EvaluationError(START_AFTER_END)
    if end > len(values):
        raise EvaluationError(BEYOND_THE_END)
    return list(values[start:end])


def _flattened(values: Sequence[object], depth: int) -> list[object]:
    if depth < 0:
        raise EvaluationError(NEGATIVE_DEPTH)
    if sum(len(value) if isinstance(value, list | tuple) else 1 for value in values) > LONGEST_LIST:
        raise EvaluationError(LIST_TOO_LONG)
    flat: list[object] = []
    for value in values:
        if isinstance(value, list | tuple) and depth > 0:
            flat.extend(_flattened(value, depth - 1))
        else:
            flat.append(value)
    return flat


def _sorted(values: Sequence[Any]) -> list[Any]:
    refuse_nulls(values)
    refuse_nan(values)
    return sorted(values)


def _sorted_by(values: Sequence[object], keys: Sequence[Any]) -> list[object]:
    refuse_nulls(keys)
    refuse_nan(keys)
    return [values[place] for place in sorted(range(len(values)), key=keys.__getitem__)]


def _at_end(values: Sequence[object], *, last: bool) -> Optional:
    return Optional(values[-1 if last else 0]) if values else NONE


def _different(values: Sequence[object]) -> list[object]:
    kept: list[object] = []
    for value in values:
        if not any(equal_values(value, other) for other in kept):
            kept.append(value)
    return kept


def _reversed(values: Sequence[object]) -> list[object]:
    return list(reversed(values))


def _counted(size: int) -> list[int]:
    if size < 0:
        raise EvaluationError(NEGATIVE_SIZE)
    if size > GENERATED_ELEMENTS:
        raise EvaluationError(TOO_LONG)
    return list(range(size))


def _found(values: Sequence[object], item: object, *, last: bool) -> int:
    places = [place for place, value in enumerate(values) if equal_values(value, item)]
    return -1 if not places else places[-1] if last else places[0]
