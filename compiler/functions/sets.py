"""Lists as sets: the sets extension of cel-go. Elements are the same where ``==`` says so; NaN is in no set."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from operator import and_

import polars as pl

from ..cell import Cell, NotColumnar, may_be_null
from ..types import BOOL, ListType, Nullable, Parameter, nullable, plain
from . import constants
from .aggregates import elements
from .comparison import equal, equal_values, in_list, is_scalar
from .declare import Body, Function, Lower, Overload

_LIST = ListType(Nullable(Parameter("T")))


def functions() -> tuple[Function, ...]:
    """``sets.contains``, ``sets.equivalent`` and ``sets.intersects``."""
    return (
        _function(
            "contains",
            _lowered(_contains),
            _holds_all,
            "True when the first list holds each element of the second.",
            (
                ("sets.contains([1, 2, 3], [2, 3.0])", "true"),
                ("sets.contains([1], [1, 2])", "false"),
                ("sets.contains([], [])", "true"),
            ),
        ),
        _function(
            "equivalent",
            _lowered(lambda a, b: _contains(a, b) & _contains(b, a)),
            lambda a, b: _holds_all(a, b) and _holds_all(b, a),
            "True when each of two lists holds each element of the other, in whatever order and number.",
            (("sets.equivalent([1, 2], [2, 1, 1])", "true"), ("sets.equivalent([1], [1, 2])", "false")),
        ),
        _function(
            "intersects",
            _lowered(_intersects),
            _holds_any,
            "True when two lists have an element in common.",
            (("sets.intersects([1, 2], [2, 3])", "true"), ("sets.intersects([1], [])", "false")),
        ),
    )


def _function(
    name: str, lower: Lower, body: Body, documentation: str, examples: tuple[tuple[str, str], ...]
) -> Function:
    overload = Overload(f"sets_{name}_list_list", (_LIST, _LIST), BOOL, lower, body)
    return Function(f"sets.{name}", (overload,), f"{documentation} (cel-go, sets)", examples)


def _lowered(relation: Callable[[Cell, Cell], pl.Expr]) -> Lower:
    def lower(a: Cell, b: Cell) -> Cell:
        value = relation(a, b)
        present = [cell.value.is_not_null() for cell in (a, b) if may_be_null(cell)]
        if present:
            value = pl.when(pl.all_horizontal(present)).then(value)
        return Cell(value, BOOL, pl.Boolean(), bool(present))

    return lower


def _contains(container: Cell, part: Cell) -> pl.Expr:
    if part.constant is not None:
        values, element = _element(container)
        found = [values.list.agg(equal(element, wanted).value.any()) for wanted in constants.elements(part)]
        return reduce(and_, found, pl.when(container.value.is_not_null()).then(statement=True))
    values, element = _element(part)
    if container.constant is not None:
        return values.list.agg(in_list(element, container).value.all())
    missing = _same_type(part, container).list.set_difference(_same_type(container, part))
    value = missing.list.len() == 0
    # To Polars NaN equals NaN.
    return value & values.list.agg(pl.element().is_not_nan().all()) if element.dtype == pl.Float64() else value


def _intersects(a: Cell, b: Cell) -> pl.Expr:
    if a.constant is not None:
        a, b = b, a
    values, element = _element(a)
    if b.constant is not None:
        return values.list.agg(in_list(element, b).value.any())
    common = _same_type(a, b).list.set_intersection(_same_type(b, a))
    if element.dtype == pl.Float64():
        return common.list.agg((pl.element().is_not_nan() | pl.element().is_null()).any())
    return common.list.len() > 0


def _element(cell: Cell) -> tuple[pl.Expr, Cell]:
    """A list column, and any element of it as a cell."""
    bare = plain(cell.type)
    assert isinstance(bare, ListType)
    if not is_scalar(plain(bare.element)):
        raise NotColumnar(f"the elements are {bare.element}")
    values, inner = elements(cell)
    return values, Cell(pl.element(), nullable(bare.element), inner, fallible=False)


def _same_type(cell: Cell, other: Cell) -> pl.Expr:
    """A list column whose elements Polars can compare with those of the other."""
    (values, a), (_, b) = _element(cell), _element(other)
    if plain(a.type) != plain(b.type) or a.dtype != b.dtype:
        raise NotColumnar(f"lists of {a.type} and {b.type} are compared as sets")
    if may_be_null(cell) and not values.meta.root_names():
        # A null for all rows makes Polars panic beside a column without one; what comes of it is not asked for.
        values = pl.coalesce(values, pl.lit(pl.Series([[]], dtype=pl.List(a.dtype))).first())
    # Polars makes no sets of booleans.
    return values.cast(pl.List(pl.UInt8)) if a.dtype == pl.Boolean() else values


def _holds_all(container: Sequence[object], part: Sequence[object]) -> bool:
    return all(any(equal_values(wanted, element) for element in container) for wanted in part)


def _holds_any(a: Sequence[object], b: Sequence[object]) -> bool:
    return any(equal_values(x, y) for x in a for y in b)
