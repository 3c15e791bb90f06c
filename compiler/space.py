"""Where a cell's values live: the rows, or the flattened elements of a list.

A macro evaluates its body in the space of its list's elements and reduces the outcome to the parent space. What the
body takes from outside is captured: computed once in the parent space and gathered through each element's parent.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

import polars as pl

from .cell import Cell

ELEMENT = "element"
"""The column of a child space that holds the elements themselves."""

INDEX = "index"
"""The column of a child space that holds each element's place in its list, counted from 0 (Int64)."""


@dataclass(eq=False, slots=True)
class Space:
    """The rows (``parent`` is None), or the elements of ``range``, a list cell of the parent space.

    Attributes:
        depth: that of the comprehensions whose variable the elements are; -1 for the rows.
        captures: the columns that may be taken from the parent space, by name, as expressions there.
        element: the elements themselves, as an expression.
        within_lists: whether expressions are run within the lists, and so can have no columns.
    """

    depth: int = -1
    parent: Space | None = None
    range: Cell | None = None
    captures: dict[str, pl.Expr] = field(default_factory=dict)
    element: pl.Expr = field(default_factory=lambda: pl.col(ELEMENT))
    within_lists: bool = False


class Kind(StrEnum):
    """How the elements of a space are reduced to one value for each parent."""

    ALL = "all"
    EXISTS = "exists"
    EXISTS_ONE = "exists_one"
    COUNT = "count"
    LIST = "list"
    FIRST = "first"


class Reduction(NamedTuple):
    """One value for each parent from the elements of ``space``; a column ``name`` of the parent space.

    A null range gives null, which is an error. The three logical kinds reduce ``keep``, whose nulls are errors, with
    CEL's absorption; what ``failed`` names is an error all the same. ``COUNT`` counts the elements that ``keep`` holds
    for; null where it is null for one. ``LIST`` makes a list of ``value`` (its nulls are CEL's null) for the elements
    that ``keep`` holds for (all, where it is None); null where ``failed``, or a null of ``keep``, says that any element
    is an error. ``FIRST`` takes the first ``value`` that is not null.

    Attributes:
        dtype: of the column that results.
    """

    name: str
    space: Space
    kind: Kind
    dtype: pl.DataType
    keep: pl.Expr | None = None
    value: pl.Expr | None = None
    failed: pl.Expr | None = None

    @property
    def expressions(self) -> dict[str, pl.Expr]:
        """What is reduced, by the name of the attribute."""
        named = {"keep": self.keep, "value": self.value, "failed": self.failed}
        return {name: expression for name, expression in named.items() if expression is not None}


class Computed(NamedTuple):
    """An expression over ``space`` that several expressions use: a column ``name`` of it, computed once.

    Attributes:
        grows: whether its values may be longer than those that it is computed of: strings, bytes, lists.
    """

    name: str
    space: Space
    expression: pl.Expr
    grows: bool = False

    @property
    def expressions(self) -> dict[str, pl.Expr]:
        """What is computed, as of a reduction."""
        return {"value": self.expression}


Step = Reduction | Computed
"""What is computed before the cells that use it."""
