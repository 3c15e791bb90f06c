"""The nodes of ``.?``: selections of fields that may be missing."""

from __future__ import annotations

from .functions.optionals import select_field, select_present
from .ir import Call, Constant, Node
from .syntax import Has, Select
from .types import STRING, OptionalType, Type, plain

_PRESENT = select_present()
_FIELD = select_field()


def of_present(field: Node, origin: Select | Has) -> Call:
    """The optional of a field or column, which holds nothing where that is null."""
    fingerprint = f"{_PRESENT.id}({field.fingerprint})"
    type_ = OptionalType(plain(field.type))
    return Call(origin.span, type_, _PRESENT, (field,), fingerprint, field.depends, origin=origin)


def present_operand(node: Node) -> Node | None:
    """What :func:`of_present` made an optional of; None for any other node."""
    return node.arguments[0] if isinstance(node, Call) and node.overload is _PRESENT else None


def of_field(operand: Node, type_: Type, origin: Select | Has) -> Call:
    """The optional of a field, of that type, of an optional message."""
    name = Constant(origin.field_span, STRING, origin.field, f"string:{origin.field!r}")
    fingerprint = f"{_FIELD.id}({operand.fingerprint},{name.fingerprint})"
    result = OptionalType(plain(type_))
    return Call(origin.span, result, _FIELD, (operand, name), fingerprint, operand.depends, origin=origin)
