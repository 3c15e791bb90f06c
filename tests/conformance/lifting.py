"""Lifting: every literal of an expression becomes a column, so that no constant is left to fold."""

from __future__ import annotations

import re
from collections.abc import Iterator

from compiler.parse import parse
from compiler.source import Source
from compiler.syntax import (
    Bind,
    Call,
    Comprehension,
    Conditional,
    Has,
    Index,
    ListLiteral,
    Literal,
    Logic,
    MapLiteral,
    MessageLiteral,
    Name,
    Select,
    Syntax,
)
from compiler.types import INT, UINT
from compiler.values import Uint

from .suite import Variable

_LIFTED = frozenset({"int", "uint", "double", "string", "bool"})
_INT64_MIN = -(2**63)


def lift(expression: str) -> tuple[str, tuple[Variable, ...]]:
    """The expression with names for its literals, and the variables of those names.

    Stay as they are: the pattern of ``matches``, a time zone, a format string, and int64's minimum.

    Raises:
        CompileError: the expression cannot be parsed.
    """
    parts: list[str] = []
    variables: list[Variable] = []
    end = 0
    for literal in sorted(set(_literals(parse(Source(expression)))), key=lambda literal: literal.span):
        name = f"lit{len(variables)}"
        value = Uint(literal.value) if literal.type == UINT and isinstance(literal.value, int) else literal.value
        variables.append(Variable(name, literal.type.name, value))
        before, after = expression[end : literal.span.start], expression[literal.span.end : literal.span.end + 1]
        parts += [before, " " * bool(re.search(r"\w$", before)), name, " " * bool(re.match(r"\w", after))]
        end = literal.span.end
    return "".join(parts) + expression[end:], tuple(variables)


def _literals(node: Syntax) -> Iterator[Literal]:
    """The literals below a node that are to be lifted. Some macros have one twice."""
    if isinstance(node, Literal):
        if node.type.name in _LIFTED and not (node.type == INT and node.value == _INT64_MIN):
            yield node
        return
    for child in _children(node):
        yield from _literals(child)


def _children(node: Syntax) -> tuple[Syntax, ...]:
    match node:
        case Literal() | Name():
            return ()
        case Select(operand=operand) | Has(operand=operand):
            return (operand,)
        case Index(operand=operand, index=index):
            return operand, index
        case Call(target=None, arguments=arguments):
            return arguments
        case Call(target=target) if target is not None:
            return _parts_of_method(node, target)
        case Logic(operands=operands):
            return operands
        case Conditional():
            return node.condition, node.then, node.otherwise
        case ListLiteral(elements=elements):
            return elements
        case MapLiteral(entries=entries):
            return tuple(part for entry in entries for part in (entry.key, entry.value))
        case MessageLiteral(fields=fields):
            return tuple(field.value for field in fields)
        case Comprehension():
            return node.range, *node.arguments
        case Bind():
            return node.value, node.body
        case _:
            raise AssertionError(node)


def _parts_of_method(node: Call, target: Syntax) -> tuple[Syntax, ...]:
    if node.function == "format":
        return node.arguments
    if node.function == "matches" or node.function.startswith("get"):
        return (target,)
    return target, *node.arguments
