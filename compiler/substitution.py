"""Variables whose values are known before any row is read: ``segment.edition_id`` becomes the literal it stands for.

The literal keeps the place of what was written. So all that comes after (checker, lowering, interpreter) sees a literal
like any other, and a column of the same name is hidden in this condition alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_never

from . import messages
from .diagnostics import CompileError, Diagnostic
from .source import Source, Span
from .syntax import (
    Bind,
    Call,
    Comprehension,
    Conditional,
    Has,
    Index,
    ListLiteral,
    Literal,
    Logic,
    MapEntry,
    MapLiteral,
    MessageLiteral,
    Name,
    Select,
    Syntax,
)
from .types import BOOL, INT, STRING, Primitive

Constants = Mapping[str, Mapping[str, str | int | None]]
"""Variables with the values of their fields; None where a field has none."""


def substitute(tree: Syntax, source: Source, constants: Constants) -> Syntax:
    """A tree with each field of a constant replaced by its value, and ``has()`` of it by whether it has one.

    A variable of a macro hides a constant of its name, unless that is written with a leading dot.

    Raises:
        CompileError: a constant stands without a field, or its field is unknown or has no value.
    """
    substitution = _Substitution(constants)
    replaced = substitution.of(tree, frozenset())
    if substitution.diagnostics:
        raise CompileError(source, substitution.diagnostics)
    return replaced


class _Substitution:
    def __init__(self, constants: Constants) -> None:
        self.constants = constants
        self.diagnostics: list[Diagnostic] = []

    def of(self, node: Syntax, hidden: frozenset[str]) -> Syntax:
        match node:
            case Literal():
                return node
            case Name():
                if self.is_constant(node, hidden):
                    self.report(node.span, *messages.constant_alone(node.name, list(self.constants[node.name])))
                return node
            case Select() | Has():
                if isinstance(node.operand, Name) and self.is_constant(node.operand, hidden):
                    return self.field(node, node.operand.name)
                return node._replace(operand=self.of(node.operand, hidden))
            case Index():
                return node._replace(operand=self.of(node.operand, hidden), index=self.of(node.index, hidden))
            case Call():
                target = None if node.target is None else self.of(node.target, hidden)
                return node._replace(target=target, arguments=self.all(node.arguments, hidden))
            case Logic():
                return node._replace(operands=self.all(node.operands, hidden))
            case Conditional():
                condition, then, otherwise = self.all((node.condition, node.then, node.otherwise), hidden)
                return Conditional(node.span, condition, then, otherwise)
            case ListLiteral():
                return node._replace(elements=self.all(node.elements, hidden))
            case MapLiteral():
                entries = (MapEntry(self.of(e.key, hidden), self.of(e.value, hidden), e.optional) for e in node.entries)
                return node._replace(entries=tuple(entries))
            case MessageLiteral():
                return node._replace(fields=tuple(f._replace(value=self.of(f.value, hidden)) for f in node.fields))
            case Comprehension():
                inner = hidden.union(node.variables)
                return node._replace(range=self.of(node.range, hidden), arguments=self.all(node.arguments, inner))
            case Bind():
                body = self.of(node.body, hidden | {node.variable})
                return node._replace(value=self.of(node.value, hidden), body=body)
            case _:
                assert_never(node)

    def all(self, nodes: tuple[Syntax, ...], hidden: frozenset[str]) -> tuple[Syntax, ...]:
        return tuple(self.of(node, hidden) for node in nodes)

    def is_constant(self, name: Name, hidden: frozenset[str]) -> bool:
        return name.name in self.constants and (name.absolute or name.name not in hidden)

    def field(self, node: Select | Has, name: str) -> Syntax:
        fields = self.constants[name]
        if node.field not in fields:
            self.report(node.field_span, *messages.no_such_field(node.field, name, list(fields)))
            return node
        value = fields[node.field]
        if isinstance(node, Has):
            return Literal(node.span, BOOL, value is not None)
        if value is None:
            self.report(node.span, *messages.constant_unset(name, node.field))
            return node
        type_: Primitive = STRING if isinstance(value, str) else INT
        return Literal(node.span, type_, value)

    def report(self, span: Span, message: str, hint: str | None) -> None:
        self.diagnostics.append(Diagnostic(span, message, hint))
