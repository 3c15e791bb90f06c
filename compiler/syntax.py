"""The syntax tree: what a condition says, before any name has a meaning.

Spans are code point offsets into the source. The nodes follow the grammar of the CEL specification ("Syntax"); macros
are already recognised (:class:`Has`, :class:`Comprehension`, :class:`Bind`), operators are calls of the function with
the operator's name: ``_+_``, ``-_``, ``!_``, ``_==_``, ``_<_``, ``@in``.
"""

from __future__ import annotations

from dataclasses import dataclass

from .source import Span
from .types import Primitive

Constant = None | bool | int | float | str | bytes


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant. ``type`` is one of NULL, BOOL, INT, UINT, DOUBLE, STRING, BYTES; both integers are Python's int."""

    span: Span
    type: Primitive
    value: Constant


@dataclass(frozen=True, slots=True)
class Name:
    """A variable, or the first part of a dotted name. ``absolute``: written with a leading dot."""

    span: Span
    name: str
    absolute: bool = False


@dataclass(frozen=True, slots=True)
class Select:
    """``operand.field``, ``operand.?field`` where ``optional``."""

    span: Span
    operand: Syntax
    field: str
    field_span: Span
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Has:
    """``has(operand.field)``."""

    span: Span
    operand: Syntax
    field: str
    field_span: Span


@dataclass(frozen=True, slots=True)
class Index:
    """``operand[index]``, ``operand[?index]`` where ``optional``."""

    span: Span
    operand: Syntax
    index: Syntax
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """A function, method or operator with its arguments. ``function_span`` is the name's (or operator's) place."""

    span: Span
    function: str
    function_span: Span
    target: Syntax | None
    arguments: tuple[Syntax, ...]


@dataclass(frozen=True, slots=True)
class Logic:
    """A chain of one of ``&&`` and ``||`` (``operator``), as written without parentheses: two operands or more."""

    span: Span
    operator: str
    operands: tuple[Syntax, ...]


@dataclass(frozen=True, slots=True)
class Conditional:
    """``condition ? then : otherwise``."""

    span: Span
    condition: Syntax
    then: Syntax
    otherwise: Syntax


@dataclass(frozen=True, slots=True)
class ListLiteral:
    """``[a, b, ?c]``; ``optional`` holds the indices of elements written with ``?``."""

    span: Span
    elements: tuple[Syntax, ...]
    optional: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class MapEntry:
    """``key: value``, or ``?key: value`` where ``optional``."""

    key: Syntax
    value: Syntax
    optional: bool = False


@dataclass(frozen=True, slots=True)
class MapLiteral:
    """``{key: value, ...}``."""

    span: Span
    entries: tuple[MapEntry, ...]


@dataclass(frozen=True, slots=True)
class MessageField:
    """``name: value`` in a message literal."""

    span: Span
    name: str
    value: Syntax
    optional: bool = False


@dataclass(frozen=True, slots=True)
class MessageLiteral:
    """``path.Type{field: value, ...}``: part of the grammar; the checker knows no message types to build."""

    span: Span
    name: str
    fields: tuple[MessageField, ...]


@dataclass(frozen=True, slots=True)
class Comprehension:
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


@dataclass(frozen=True, slots=True)
class Bind:
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
