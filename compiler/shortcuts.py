"""Which forms of macros have a shorter way than a list of their own."""

from __future__ import annotations

import polars as pl

from .cell import Cell
from .ir import Bind, Bound, Call, Column, Comprehension, Constant, Fail, Field, MakeMap, Node, children
from .overloads import known
from .space import Kind
from .types import BOOL, BYTES, DOUBLE, DURATION, INT, STRING, TIMESTAMP, UINT, ListType, plain

_MOST_FILTERS = 4
_SCALARS = frozenset({BOOL, INT, UINT, DOUBLE, STRING, BYTES, TIMESTAMP, DURATION})


def is_membership(node: Call) -> bool:
    """Whether a constant is looked up in a column of lists of scalars."""
    item, range_ = node.arguments
    bare = plain(known(range_.type))
    return (
        isinstance(item, Constant)
        and isinstance(range_, (Column, Field))
        and isinstance(bare, ListType)
        and plain(bare.element) in _SCALARS
    )


def is_list_expression(node: Comprehension) -> bool:
    """Whether a macro asks the elements of a list of scalars alone: Polars' list expressions know no outer columns, and
    take what is the same for each element for one element, even of an empty list.
    """
    bare = plain(known(node.range.type))
    return (
        node.macro in ("all", "exists")
        and node.variables == 1
        and node.body.depends == 1 << node.depth
        and isinstance(bare, ListType)
        and plain(bare.element) in _SCALARS
        and not isinstance(node.range, Comprehension)
        and _asks_elements_alone(node.body)
    )


def _asks_elements_alone(node: Node) -> bool:
    if isinstance(node, Constant):
        return True
    # What is the same for all elements, though of constants, is computed once a row: in an outer column.
    if not node.depends or isinstance(node, (Column, Comprehension, Bound, Bind, Fail, MakeMap)):
        return False
    return all(map(_asks_elements_alone, children(node)))


def through_filters(range_: Node) -> tuple[list[Node], Node]:
    """``list.filter(x, a).filter(x, b)`` as the conditions in their order, and the list.

    No more than a few at once: each condition holds the ones before it twice.
    """
    filters: list[Node] = []
    while isinstance(range_, Comprehension) and range_.macro == "filter" and len(filters) < _MOST_FILTERS:
        filters.insert(0, range_.body)
        range_ = range_.range
    return filters, range_


def decided(kind: Kind, body: Cell, kept: Cell | None) -> dict[str, pl.Expr]:
    """What a logical reduction takes of the elements that are kept; the others decide nothing."""
    if kept is None:
        return {"keep": body.value}
    keep = pl.when(kept.value).then(body.value).otherwise(statement=kind is Kind.ALL)
    return {"keep": keep, "failed": kept.value.is_null()} if kept.fallible else {"keep": keep}
