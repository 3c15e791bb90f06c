"""From text to a condition that can be lowered: parse, check, normalise."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from . import messages
from .check import check, logic
from .diagnostics import CompileError, Diagnostic
from .ir import Column, Node, children
from .normalize import normalize
from .overloads import known
from .parse import parse
from .schema import Schema
from .source import UNNAMED, Source, Span
from .substitution import Constants, substitute
from .syntax import Logic, Syntax, operand_text
from .types import BOOL, Dynamic, Type, plain


class Condition(NamedTuple):
    """A checked condition.

    Attributes:
        source: its text.
        syntax: the tree as written, which the interpreter reads.
        checked: the typed tree as written.
        node: the typed tree in normal form, which is lowered.
        parts: the conditions that it combines; none where it was compiled as one.
    """

    source: Source
    syntax: Syntax
    checked: Node
    node: Node
    parts: tuple[Condition, ...] = ()

    @property
    def type(self) -> Type:
        """The CEL type of its value."""
        return self.checked.type

    def source_of(self, span: Span) -> Source:
        """The source of the condition that a place is in: its own, or that of a part."""
        for part in self.parts:
            if part.syntax.span.start <= span.start < part.syntax.span.end:
                return part.source_of(span)
        return self.source

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it reads, in the order of their first use."""
        return tuple(dict.fromkeys(_columns(self.checked)))


def compile_condition(
    text: str,
    schema: Schema,
    *,
    now: int,
    name: str = UNNAMED,
    unchecked: bool = False,
    segment: bool = False,
    before: str = "",
    constants: Constants | None = None,
) -> Condition:
    """Parses, checks and normalises a condition.

    Args:
        text: the condition, in CEL.
        schema: the columns that there are.
        now: the time of the run, in nanoseconds since the epoch.
        name: what messages call the text.
        unchecked: take every variable as ``dyn`` (specification: "Gradual Type Checking").
        segment: the value must be a bool.
        before: the texts of the conditions that it is to be combined with, see :func:`combine`.
        constants: variables that are known before any row is read.

    Raises:
        CompileError: with every diagnostic, in source order.
    """
    source = Source(before + text, name, len(before))
    syntax = parse(source)
    if constants:
        syntax = substitute(syntax, source, constants)
    checked = check(syntax, source, schema, now=now, unchecked=unchecked)
    type_ = known(checked.type)
    if segment and not (isinstance(type_, Dynamic) or plain(type_) == BOOL):
        text, after = operand_text(source, syntax), source.text[syntax.span.end :]
        message, hint = messages.not_a_segment(type_, text, after)
        raise CompileError(source, [Diagnostic(syntax.span, message, hint)])
    return Condition(source, syntax, checked, normalize(checked))


def combine(operator: str, parts: Sequence[Condition]) -> Condition:
    """Conditions joined by ``&&`` or ``||``.

    A part keeps its normal form as it is, so that conditions which have parts in common share these whole.

    Args:
        operator: ``&&`` or ``||``.
        parts: one condition or more, each of type bool. They are compiled with ``before``, the text up to them: they
            stand in the order of the text, and the last one's source is that of all.
    """
    if len(parts) == 1:
        return parts[0]
    first, *_, last = parts
    span = Span(first.syntax.span.start, last.syntax.span.end)
    syntax = Logic(span, operator, tuple(part.syntax for part in parts))
    checked = logic(span, operator, tuple(part.checked for part in parts), syntax)
    node = logic(span, operator, tuple(part.node for part in parts), syntax)
    return Condition(last.source, syntax, checked, node, tuple(parts))


def distinct_parts(conditions: Iterable[Condition]) -> list[Condition]:
    """The conditions that others combine, and those that combine none, each once, in the order of their first use."""
    found: list[Condition] = []
    seen: set[int] = set()
    pending = list(conditions)[::-1]
    while pending:
        condition = pending.pop()
        if id(condition) not in seen:
            seen.add(id(condition))
            if not condition.parts:
                found.append(condition)
            pending += condition.parts[::-1]
    return found


def _columns(node: Node) -> list[str]:
    if isinstance(node, Column):
        return [node.name]
    return [name for child in children(node) for name in _columns(child)]
