"""The typed tree: every name resolved, every call bound to one overload.

Each node has its type, its span, a structural ``fingerprint`` (equal for equal meanings, whatever the names of the
comprehension variables), and ``depends``: a set of bits, bit ``d`` for a variable of the comprehension at depth ``d``
around it. ``origin`` is the syntax that it stands for, None where normalisation made it.
"""

from __future__ import annotations

from typing import Literal as OneOf
from typing import NamedTuple

from .functions.declare import Overload
from .source import Span
from .syntax import Syntax
from .types import BOOL, Type


class Constant(NamedTuple):
    """A value known before any row is read. Timestamps (since the epoch) and durations are int nanoseconds.

    ``value`` is None, bool, int, float, str, bytes, or a tuple of such for a constant list.
    """

    span: Span
    type: Type
    value: object
    fingerprint: str
    depends: int = 0
    origin: Syntax | None = None


class Column(NamedTuple):
    """A column of the snapshot."""

    span: Span
    type: Type
    name: str
    fingerprint: str
    depends: int = 0
    origin: Syntax | None = None


def column_fingerprint(name: str) -> str:
    """The fingerprint of a column's node."""
    return f"column:{name!r}"


Part = OneOf["element", "index", "key", "value"]
"""What a variable of a comprehension stands for: an element of a list or a key where it is the only one; of two, an
element and its index, or an entry's key and value.
"""


class Local(NamedTuple):
    """A variable of a comprehension."""

    span: Span
    type: Type
    name: str
    fingerprint: str
    depends: int
    origin: Syntax | None = None
    part: Part = "element"


class Field(NamedTuple):
    """``operand.name`` of a struct."""

    span: Span
    type: Type
    operand: Node
    name: str
    fingerprint: str
    depends: int
    origin: Syntax | None = None


class Has(NamedTuple):
    """``has(operand)`` of a field of a struct or of the row: whether it is not null."""

    span: Span
    operand: Node
    fingerprint: str
    depends: int
    type: Type = BOOL
    origin: Syntax | None = None


class Call(NamedTuple):
    """A call of one overload."""

    span: Span
    type: Type
    overload: Overload
    arguments: tuple[Node, ...]
    fingerprint: str
    depends: int
    origin: Syntax | None = None


class Logic(NamedTuple):
    """``&&`` or ``||`` over two operands or more. One that decides absorbs errors ("Logical Operators")."""

    span: Span
    operator: OneOf["&&", "||"]
    operands: tuple[Node, ...]
    fingerprint: str
    depends: int
    type: Type = BOOL
    origin: Syntax | None = None


class Conditional(NamedTuple):
    """``condition ? then : otherwise``: only the branch taken can fail."""

    span: Span
    type: Type
    condition: Node
    then: Node
    otherwise: Node
    fingerprint: str
    depends: int
    origin: Syntax | None = None


class MakeList(NamedTuple):
    """``[a, b]`` with an element that is no constant; ``optional`` are the places of those written with ``?``."""

    span: Span
    type: Type
    elements: tuple[Node, ...]
    fingerprint: str
    depends: int
    origin: Syntax | None = None
    optional: frozenset[int] = frozenset()


class MakeMap(NamedTuple):
    """``{key: value}``; ``optional`` are the places of the entries written with ``?``."""

    span: Span
    type: Type
    keys: tuple[Node, ...]
    values: tuple[Node, ...]
    fingerprint: str
    depends: int
    origin: Syntax | None = None
    optional: frozenset[int] = frozenset()


class Comprehension(NamedTuple):
    """A macro: ``body`` over the elements of ``range`` for which ``condition`` (where there is one) holds.

    Attributes:
        macro: ``all``, ``exists``, ``exists_one``, ``filter``, ``map`` (which ``transformList`` is, too),
            ``transformMap`` or ``transformMapEntry``.
        depth: that of its own variables: 0 for the outermost.
        variables: how many it has: 1 or 2.
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
    variables: int = 1


class Bound(NamedTuple):
    """The variable of a :class:`Bind`. It is known by its value: its fingerprint is made of the value's, in short."""

    span: Span
    type: Type
    name: str
    fingerprint: str
    depends: int
    origin: Syntax | None = None


class Bind(NamedTuple):
    """``cel.bind(name, value, body)``: ``body``, in which ``variable`` stands for ``value``; that is evaluated once.

    An error of the value is one of the places where the variable is used. What the variable stands for is part of its
    own fingerprint, so the body's fingerprint is that of the whole.

    Attributes:
        variable: the fingerprint of the :class:`Bound` in the body.
    """

    span: Span
    type: Type
    variable: str
    value: Node
    body: Node
    fingerprint: str
    depends: int
    origin: Syntax | None = None


class Fail(NamedTuple):
    """An error on every row, known beforehand: of constants, or of types, unchecked or through ``dyn``.

    ``operands`` are evaluated first: their own errors come before this one, and so does a null of those ``needed``.
    """

    span: Span
    type: Type
    message: str
    operands: tuple[Node, ...]
    fingerprint: str
    depends: int
    origin: Syntax | None = None
    needed: tuple[Node, ...] = ()


class Deferred(NamedTuple):
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
    | Bound
    | Bind
    | Fail
    | Deferred
)


def children(node: Node) -> tuple[Node, ...]:
    """The nodes directly below, in source order."""
    # The commonest first: each pattern costs.
    match node:
        case Column() | Constant():
            return ()
        case Call():
            return node.arguments
        case Logic() | Fail() | Deferred():
            return node.operands
        case Local() | Bound():
            return ()
        case Field() | Has():
            return (node.operand,)
        case Conditional():
            return (node.condition, node.then, node.otherwise)
        case Bind():
            return (node.value, node.body)
        case MakeList():
            return node.elements
        case MakeMap():
            return tuple(part for entry in zip(node.keys, node.values, strict=True) for part in entry)
        case Comprehension():
            return (node.range, node.body) if node.condition is None else (node.range, node.condition, node.body)
