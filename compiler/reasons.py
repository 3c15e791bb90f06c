"""Why a row is an error: one reason for each, the first in source order, however the condition was rearranged.

Of a call, the arguments come first, from left to right, then what the call itself cannot do with them.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from .cell import Cell, Entries
from .comprehensions import TRANSFORMS
from .forms import key_failures
from .ir import (
    Bind,
    Bound,
    Call,
    Column,
    Comprehension,
    Conditional,
    Fail,
    Field,
    Has,
    Local,
    Logic,
    MakeList,
    MakeMap,
    Node,
    children,
)
from .lower import Clause, Lowering
from .source import Source, Span
from .space import Kind, Space
from .types import Nullable

BEYOND_INT64 = "integer overflow"

_LONGEST = 120


def reason(message: str, source: Source, span: Span) -> str:
    """What went wrong and where, as results show it: ``division by zero in `a / b` ``."""
    return f"{message} in `{shown(source, span)}`"


def null_reason(source: Source, argument: Span, span: Span | None = None) -> str:
    """A null where none is taken: ``age is null in `age > 30` ``; ``span`` is left out where it stands for itself."""
    message = f"{shown(source, argument)} is null"
    return message if span is None else reason(message, source, span)


def shown(source: Source, span: Span) -> str:
    """The text under a span on one line, shortened where it is very long."""
    text = " ".join(source.slice(span).split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def error_column(clause: Clause) -> str:
    """The column in which the interpreter gives a clause's reasons."""
    return f"{clause.name}!"


class Reasons:
    """Expressions that give, for the rows on which a condition is an error, the reason; null elsewhere."""

    def __init__(self, lowering: Lowering, source: Source) -> None:
        self._lowering = lowering
        self._source = source
        self._clauses = {id(c.node): c for c in lowering.clauses}
        self._known: dict[tuple[int, int], pl.Expr | None] = {}
        self._values: dict[tuple[int, str], Node] = {}
        self._bound: dict[tuple[int, str], pl.Expr | None] = {}

    def of_condition(self, node: Node) -> pl.Expr:
        """The reasons of a whole condition, for which null is an error too."""
        cell = self._lowering.lower(node)
        parts = [self.of(node, self._lowering.rows), pl.lit(null_reason(self._source, node.span))]
        return pl.when(cell.value.is_null()).then(_first(parts))

    def of(self, node: Node, space: Space) -> pl.Expr | None:
        """The reasons of a node's errors in a space; None where it cannot be an error."""
        key = (id(node), id(space))
        if key not in self._known:
            self._known[key] = self._reason(node, space)
        return self._known[key]

    def _reason(self, node: Node, space: Space) -> pl.Expr | None:
        if space.parent is not None and not node.depends >> space.depth & 1:
            outer = self.of(node, space.parent)
            return None if outer is None else self._lowering.capture(outer, space)
        clause = self._clause(node)
        if clause is not None:
            return pl.col(error_column(clause))
        match node:
            case Bind():
                self._lowering.lower(node, space)  # what is bound has a cell in each space that it is asked for
                self._values[id(self._lowering.home(node.value, space)), node.variable] = node.value
                return self.of(node.body, space)
            case Bound():
                return self._of_bound(node, space)
            case _:
                pass
        cell = self._lowering.lower(node, space)
        failed = cell.failed()
        if failed is None:
            return None
        match node:
            case Column() | Local():
                return pl.when(failed).then(self._text(BEYOND_INT64, node))
            case Field() | Has() | MakeList():
                parts = self._all(children(node), space)
                if isinstance(node, Field):
                    parts.append(self._text(BEYOND_INT64, node))
            case MakeMap():
                parts = self._all(children(node), space)
                if isinstance(cell.parts, Entries):
                    parts += [pl.when(w).then(self._text(m, node)) for m, w in key_failures(cell.parts)]
            case Call():
                parts = self._call(node, space)
            case Logic():
                parts = self._operands(node, space)
            case Conditional():
                parts = [self._conditional(node, space)]
            case Comprehension():
                parts = self._comprehension(node, space)
            case Fail():
                parts = self._all(node.operands, space)
                parts += [self._null(n, space, None if n.span == node.span else node.span) for n in node.needed]
                parts.append(self._text(node.message, node))
            case _:
                return None
        return pl.when(failed).then(_first(parts))

    def _of_bound(self, node: Bound, space: Space) -> pl.Expr | None:
        """The reasons of a variable's value, computed once."""
        key = (id(space), node.fingerprint)
        if key not in self._bound:
            why = self.of(self._values[key], space)
            self._bound[key] = None if why is None else self._lowering.compute(why, space)
        return self._bound[key]

    def _clause(self, node: Node) -> Clause | None:
        found = self._clauses.get(id(node))
        if found is None:
            found = next((c for c in self._lowering.clauses if c.node.fingerprint == node.fingerprint), None)
        return found

    def _text(self, message: str, node: Node) -> pl.Expr:
        return pl.lit(reason(message, self._source, node.span))

    def _all(self, nodes: Sequence[Node], space: Space) -> list[pl.Expr | None]:
        return [self.of(n, space) for n in nodes]

    def _call(self, node: Call, space: Space) -> list[pl.Expr | None]:
        cells = self._lowering.arguments(node, space)
        parts: list[pl.Expr | None] = []
        for argument, cell in zip(node.arguments, cells, strict=True):
            parts += self._all(children(argument) if isinstance(cell, tuple) else (argument,), space)
        for parameter, argument, cell in zip(node.overload.parameters, node.arguments, cells, strict=True):
            if isinstance(cell, Cell) and cell.nullable and not isinstance(parameter, Nullable):
                span = None if argument.span == node.span else node.span
                text = pl.lit(null_reason(self._source, argument.span, span))
                parts.append(pl.when(cell.value.is_null()).then(text))
        for failure in node.overload.failures:
            text = self._text(failure.message, node)
            parts.append(text if failure.when is None else pl.when(failure.when(*cells)).then(text))
        return parts

    def _operands(self, node: Logic, space: Space) -> list[pl.Expr | None]:
        parts: list[pl.Expr | None] = []
        for operand in sorted(node.operands, key=lambda o: o.span):
            parts += [self.of(operand, space), self._null(operand, space)]
        return parts

    def _null(self, node: Node, space: Space, span: Span | None = None) -> pl.Expr | None:
        """The reason where what has to be there is null; ``span`` is what needs it, where that is not itself."""
        cell: Cell = self._lowering.operand(node, space)
        if not cell.nullable:
            return None
        return pl.when(cell.value.is_null()).then(pl.lit(null_reason(self._source, node.span, span)))

    def _conditional(self, node: Conditional, space: Space) -> pl.Expr:
        test = self._lowering.operand(node.condition, space).value
        nothing = pl.lit(None, dtype=pl.String)
        before = _first([self.of(node.condition, space), self._null(node.condition, space)])
        then, otherwise = (self.of(n, space) for n in (node.then, node.otherwise))
        after = (
            pl.when(test).then(nothing if then is None else then).otherwise(nothing if otherwise is None else otherwise)
        )
        return pl.when(test.is_null()).then(before).otherwise(after)

    def _comprehension(self, node: Comprehension, space: Space) -> list[pl.Expr | None]:
        child, range_cell = self._lowering.elements(node.range, node.depth, space, variables=node.variables)
        parts = [self.of(node.range, space)]
        if range_cell.nullable:
            text = pl.lit(null_reason(self._source, node.range.span, node.span))
            parts.append(pl.when(range_cell.value.is_null()).then(text))
        inner = [self.of(node.body, child)]
        if node.macro not in TRANSFORMS:
            inner.append(self._null(node.body, child))
        if node.condition is not None:
            # Of what is left out, the body is not evaluated.
            kept = self._lowering.operand(node.condition, child).value
            inner = [None if part is None else pl.when(kept).then(part) for part in inner]
            inner = [self.of(node.condition, child), self._null(node.condition, child), *inner]
        if any(p is not None for p in inner):
            parts.append(self._lowering.reduce(child, Kind.FIRST, pl.String(), value=_first(inner)))
        return parts


def _first(parts: Sequence[pl.Expr | None]) -> pl.Expr:
    present = [p for p in parts if p is not None]
    return pl.coalesce(present) if present else pl.lit(None, dtype=pl.String)
