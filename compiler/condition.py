"""From text to a condition that can be lowered: parse, check, normalise."""

from __future__ import annotations

from dataclasses import dataclass

from . import messages
from .check import check
from .diagnostics import CompileError, Diagnostic
from .ir import Column, Node, children
from .normalize import normalize
from .overloads import known
from .parse import parse
from .schema import Schema
from .source import Source
from .syntax import Syntax
from .types import BOOL, Dynamic, Type, plain


@dataclass(frozen=True, slots=True)
class Condition:
    """A checked condition.

    Attributes:
        source: its text.
        syntax: the tree as written, which the interpreter reads.
        checked: the typed tree as written.
        node: the typed tree in normal form, which is lowered.
    """

    source: Source
    syntax: Syntax
    checked: Node
    node: Node

    @property
    def type(self) -> Type:
        """The CEL type of its value."""
        return self.checked.type

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it reads, in the order of their first use."""
        return tuple(dict.fromkeys(_columns(self.checked)))


def compile_condition(
    text: str,
    schema: Schema,
    *,
    now: int,
    name: str = "<input>",
    unchecked: bool = False,
    segment: bool = False,
) -> Condition:
    """Parses, checks and normalises a condition.

    Args:
        text: the condition, in CEL.
        schema: the columns that there are.
        now: the time of the run, in nanoseconds since the epoch.
        name: what messages call the text.
        unchecked: take every variable as ``dyn`` (specification: "Gradual Type Checking").
        segment: the value must be a bool.

    Raises:
        CompileError: with every diagnostic, in source order.
    """
    source = Source(text, name)
    syntax = parse(source)
    checked = check(syntax, source, schema, now=now, unchecked=unchecked)
    type_ = known(checked.type)
    if segment and not (isinstance(type_, Dynamic) or plain(type_) == BOOL):
        message, hint = messages.not_a_segment(str(type_), source.slice(syntax.span))
        raise CompileError(source, [Diagnostic(syntax.span, message, hint)])
    return Condition(source, syntax, checked, normalize(checked))


def _columns(node: Node) -> list[str]:
    if isinstance(node, Column):
        return [node.name]
    return [name for child in children(node) for name in _columns(child)]
