"""The syntax tree: what a condition says, before any name has a meaning.

Spans are code point offsets into the source. The nodes follow the grammar of the CEL specification ("Syntax"); macros
are already recognised (:class:`Has`, :class:`Comprehension`, :class:`Bind`), operators are calls of the function with
the operator's name: ``_+_``, ``-_``, ``!_``, ``_==_``, ``_<_``, ``@in``.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import NamedTuple, assert_never

from .source import Source, Span
from .types import Primitive

Constant = None | bool | int | float | str | bytes


class Literal(NamedTuple):
    """A constant. ``type`` is one of NULL, BOOL, INT, UINT, DOUBLE, STRING, BYTES; both integers are Python's int."""

    span: Span
    type: Primitive
    value: Constant


class Name(NamedTuple):
    """A variable, or the first part of a dotted name. ``absolute``: written with a leading dot."""

    span: Span
    name: str
    absolute: bool = False


class Select(NamedTuple):
    """``operand.field``, ``operand.?field`` where ``optional``."""

    span: Span
    operand: Syntax
    field: str
    field_span: Span
    optional: bool = False


class Has(NamedTuple):
    """``has(operand.field)``."""

    span: Span
    operand: Syntax
    field: str
    field_span: Span


class Index(NamedTuple):
    """``operand[index]``, ``operand[?index]`` where ``optional``."""

    span: Span
    operand: Syntax
    index: Syntax  # type: ignore[assignment]  # hides tuple's method, which no one needs of a node
    optional: bool = False


class Call(NamedTuple):
    """A function, method or operator with its arguments. ``function_span`` is the name's (or operator's) place."""

    span: Span
    function: str
    function_span: Span
    target: Syntax | None
    arguments: tuple[Syntax, ...]


class Logic(NamedTuple):
    """A chain of one of ``&&`` and ``||`` (``operator``), as written without parentheses: two operands or more."""

    span: Span
    operator: str
    operands: tuple[Syntax, ...]


class Conditional(NamedTuple):
    """``condition ? then : otherwise``."""

    span: Span
    condition: Syntax
    then: Syntax
    otherwise: Syntax


class ListLiteral(NamedTuple):
    """``[a, b, ?c]``; ``optional`` holds the indices of elements written with ``?``."""

    span: Span
    elements: tuple[Syntax, ...]
    optional: frozenset[int] = frozenset()


class MapEntry(NamedTuple):
    """``key: value``, or ``?key: value`` where ``optional``."""

    key: Syntax
    value: Syntax
    optional: bool = False


class MapLiteral(NamedTuple):
    """``{key: value, ...}``."""

    span: Span
    entries: tuple[MapEntry, ...]


class MessageField(NamedTuple):
    """``name: value`` in a message literal."""

    span: Span
    name: str
    value: Syntax
    optional: bool = False


class MessageLiteral(NamedTuple):
    """``path.Type{field: value, ...}``: part of the grammar; the checker knows no message types to build."""

    span: Span
    name: str
    fields: tuple[MessageField, ...]


class Comprehension(NamedTuple):
    """A macro over a list or map.

    ``macro`` is ``all``, ``exists``, ``exists_one``, ``filter``, ``map``, ``transformList``, ``transformMap`` or
    ``transformMapEntry`` (``existsOne`` is written to the tree as ``exists_one``). ``variables`` has one name or two.
    ``arguments`` are the expressions after the variables: a body; for the three-argument ``map`` and the transforms
    with a filter, the filter and then the body.
    """

    span: Span
    macro: str
    macro_span: Span
    range: Syntax
    variables: tuple[str, ...]
    arguments: tuple[Syntax, ...]


class Bind(NamedTuple):
    """``cel.bind(variable, value, body)``, and what ``optMap`` and ``optFlatMap`` need of it."""

    span: Span
    variable: str
    value: Syntax
    body: Syntax


Syntax = (
    Literal
    | Name
    | Select
    | Has
    | Index
    | Call
    | Logic
    | Conditional
    | ListLiteral
    | MapLiteral
    | MessageLiteral
    | Comprehension
    | Bind
)


def children(node: Syntax) -> tuple[Syntax, ...]:
    """The nodes directly under a node; of a comprehension, the range first."""
    match node:
        case Literal() | Name():
            return ()
        case Select(operand=operand) | Has(operand=operand):
            return (operand,)
        case Call(target=target):
            return node.arguments if target is None else (target, *node.arguments)
        case Logic():
            return node.operands
        case Index():
            return (node.operand, node.index)
        case Conditional():
            return (node.condition, node.then, node.otherwise)
        case ListLiteral():
            return node.elements
        case MapLiteral():
            return tuple(child for entry in node.entries for child in (entry.key, entry.value))
        case MessageLiteral():
            return tuple(field.value for field in node.fields)
        case Comprehension():
            return (node.range, *node.arguments)
        case Bind():
            return (node.value, node.body)
        case _:
            assert_never(node)


def operand_text(source: Source, syntax: Syntax) -> str:
    """The text of an expression as an operand of something else."""
    text = source.slice(syntax.span)
    return f"({text})" if isinstance(syntax, Conditional) else text


def names_in(node: Syntax) -> Iterator[Name]:
    """The names in an expression, in no order; those of macros' variables, too, where they are used."""
    pending = [node]
    while pending:
        one = pending.pop()
        if isinstance(one, Name):
            yield one
        pending += children(one)


def dotted_name(node: Syntax) -> str | None:
    """A chain of names, such as ``math`` or ``a.b.c``, as one dotted name; None for any other expression."""
    parts: list[str] = []
    while isinstance(node, Select) and not node.optional:
        parts.append(node.field)
        node = node.operand
    return ".".join((node.name, *reversed(parts))) if isinstance(node, Name) else None


def function_name(call: Call, functions: Container[tuple[str, bool]]) -> tuple[str, bool]:
    """The name of the function that a call means, and whether its target is an argument: the receiver of a method.

    A target that is a chain of names may be a namespace, as in ``math.abs(x)``. Such a function goes before a method of
    a variable with the namespace's name, as in cel-go. (Specification: "Name Resolution")

    Args:
        call: the call as written.
        functions: those that there are, by name and by whether they are methods.
    """
    if call.target is None:
        return call.function, False
    namespace = dotted_name(call.target)
    name = f"{namespace}.{call.function}"
    if namespace is not None and (name, False) in functions:
        return name, False
    return call.function, True
