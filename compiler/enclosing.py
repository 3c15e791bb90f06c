"""A part of a condition by itself, which the interpreter can be given without the rest."""

from __future__ import annotations

from collections.abc import Sequence

from .syntax import Bind, Name, Syntax, children


def enclosed(part: Syntax, binds: Sequence[Bind]) -> Syntax:
    """A part within those of the ``cel.bind`` around it whose variables it uses; each keeps the part's place.

    Args:
        part: what stands in the body of all of them.
        binds: the outermost first.
    """
    if not binds:
        return part
    span, names = part.span, _names(part)
    for bind in reversed(binds):
        if bind.variable in names:
            part = bind._replace(span=span, body=part)
            names |= _names(bind.value)
    return part


def _names(tree: Syntax) -> set[str]:
    """The names that a tree reads, those of its own variables among them."""
    found: set[str] = set()
    pending = [tree]
    while pending:
        node = pending.pop()
        if isinstance(node, Name):
            found.add(node.name)
        pending += children(node)
    return found
