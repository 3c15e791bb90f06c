"""A condition taken apart where people take it apart: at ``&&`` and ``||``."""

from __future__ import annotations

from typing import NamedTuple

from .parse import parse
from .source import Source
from .syntax import Logic, Syntax


class ClauseTree(NamedTuple):
    """A condition, or a part of one, that has a value of its own: no variable of a macro is free in it.

    Attributes:
        text: as written, without parentheses around it.
        operator: ``&&`` or ``||`` where it is a chain; None where it is taken apart no further.
        parts: of the chain, two or more, in source order; none of them is a chain of the same operator.
    """

    text: str
    operator: str | None = None
    parts: tuple[ClauseTree, ...] = ()

    def conjuncts(self) -> tuple[ClauseTree, ...]:
        """The clauses all of which must hold."""
        return self.parts if self.operator == "&&" else (self,)


def clause_tree(text: str) -> ClauseTree:
    """A condition as a tree of chains and the clauses in them. It is parsed, not checked.

    Raises:
        CompileError: it is malformed.
    """
    source = Source(text)
    return _tree(parse(source), source)


def _tree(node: Syntax, source: Source) -> ClauseTree:
    text = source.slice(node.span)
    match node:
        case Logic(operator=operator):
            return ClauseTree(text, operator, tuple(_tree(operand, source) for operand in _operands(node)))
        case _:
            return ClauseTree(text)


def _operands(node: Logic) -> list[Syntax]:
    """The operands of a chain, with those of chains of the same operator that stand in it in parentheses."""
    found: list[Syntax] = []
    for operand in node.operands:
        same = isinstance(operand, Logic) and operand.operator == node.operator
        found += _operands(operand) if isinstance(operand, Logic) and same else [operand]
    return found
