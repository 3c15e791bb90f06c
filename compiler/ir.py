"""The typed tree: every name resolved, every call bound to one overload.

Each node has its type, its span, a structural ``fingerprint`` (equal for equal meanings, whatever the names of the
comprehension variables), and ``depends``: a set of bits, bit ``d`` for a variable of the comprehension at depth ``d``
around it. ``origin`` is the syntax that it stands for, None where normalisation made it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal as OneOf

from .functions.declare import Overload
from .source import Span
from .syntax import Syntax
from .types import BOOL, Type


@dataclass(frozen=True, slots=True)
class Constant:
    """A value known before any row is read. Timestamps (since the epoch) and durations are int nanoseconds.

    ``value`` is None, bool, int, float, str, bytes, or a tuple of such for a constant list.
    """

    span: Span
    type: Type
    value: object
    fingerprint: str
    depends: int = 0
    origin: Syntax | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the snapshot."""

    span: Span
    type: Type
    name: str
    fingerprint: str
    depends: int = 0
    origin: Syntax | None = None


@dataclass(frozen=True, slots=True)
class Local:
    """The variable of a comprehension: the element (``index`` 0), or the second of two variables (1)."""

    span: Span
    type: Type
    name: str
    fingerprint: str
    depends: int
    index: int = 0
    origin: Syntax | None = None


@dataclass(frozen=True, slots=True)
class Field:
    """``operand.name`` of a struct."""

    span: Span
    type: Type
    operand: Node
    name: str
    fingerprint: str
    depends: int
    origin: Syntax | None = None


@dataclass(frozen=True, slots=True)
class Has:
    """``has(operand)`` of a field of a struct or of the row: whether it is not null."""

    span: Span
    operand: Node
    fingerprint: str
    depends: int
    type: Type = BOOL
    origin: Syntax | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """A call of one overload."""

    span: Span
    type: Type
    overload: Overload
    arguments: tuple[Node, ...]
    fingerprint: str
    depends: int
    origin: Syntax | None = None


@dataclass(frozen=True, slots=True)
class Logic:
    """``&&`` or ``||`` over two operands or more. A deciding one absorbs errors (specification: "Logical Operators")."""

    span: Span
    operator: OneOf["&&", "||"]
    operands: tuple[Node, ...]
    fingerprint: str
    depends: int
    type: Type = BOOL
    origin: Syntax | None = None


@dataclass(frozen=True, slots=True)
class Conditional:
    """``condition ? then : otherwise``: only the branch taken can fail."""

    span: Span
    type: Type
    condition: Node
    then: Node
    otherwise: Node
    fingerprint: str
    depends: int
    origin: Syntax | None = None


@dataclass(frozen=True, slots=True)
class MakeList:
    """``[a, b]`` with an element that is no constant."""

    span: Span
    type: Type
    elements: tuple[Node, ...]
    fingerprint: str
    depends: int
    origin: Syntax | None = None


@dataclass(frozen=True, slots=True)
class MakeMap:
    """``{key: value}``."""

    span: Span
    type: Type
    keys: tuple[Node, ...]
    values: tuple[Node, ...]
    fingerprint: str
    depends: int
    origin: Syntax | None = None


@dataclass(frozen=True, slots=True)
class Comprehension:
    """A macro: ``body`` over the elements of ``range`` for which ``condition`` (where there is one) holds.

    ``depth`` is that of its own variables: 0 for the outermost.
    """

    span: Span
    type: Type
    macro: str
    range: Node
    condition: Node | None
    body: Node
    depth: int
    fingerprint: str
    depends: int
    origin: Syntax | None = None


@dataclass(frozen=True, slots=True)
class Fail:
    """An error on every row, known beforehand; only where a condition is evaluated unchecked or through ``dyn``.

    ``operands`` are evaluated first: their own errors come before this one.
    """

    span: Span
    type: Type
    message: str
    operands: tuple[Node, ...]
    fingerprint: str
    depends: int
    origin: Syntax | None = None


@dataclass(frozen=True, slots=True)
class Deferred:
    """Something that only the interpreter can decide, because a type is known at run time only."""

    span: Span
    type: Type
    reason: str
    operands: tuple[Node, ...]
    fingerprint: str
    depends: int
    origin: Syntax | None = None


Node = (
    Constant
    | Column
    | Local
    | Field
    | Has
    | Call
    | Logic
    | Conditional
    | MakeList
    | MakeMap
    | Comprehension
    | Fail
    | Deferred
)


def children(node: Node) -> tuple[Node, ...]:
    """The nodes directly below, in source order."""
    match node:
        case Constant() | Column() | Local():
            return ()
        case Field() | Has():
            return (node.operand,)
        case Call():
            return node.arguments
        case Logic() | Fail() | Deferred():
            return node.operands
        case Conditional():
            return (node.condition, node.then, node.otherwise)
        case MakeList():
            return node.elements
        case MakeMap():
            return tuple(part for entry in zip(node.keys, node.values, strict=True) for part in entry)
        case Comprehension():
            return (node.range, node.body) if node.condition is None else (node.range, node.condition, node.body)
