"""How large a condition may be: the bounds that keep compile time linear and the process alive."""

from __future__ import annotations

from .diagnostics import CompileError, Diagnostic
from .source import Source, Span
from .syntax import Comprehension, Syntax, children

SOURCE_BYTES = 10_000
"""Bytes of a condition's text in UTF-8."""

NODES = 2_000
"""Nodes of the syntax tree."""

DEPTH = 64
"""Levels of nesting, parentheses included."""

COMPREHENSION_DEPTH = 3
"""Macros over lists and maps, each in the body of the one before."""


def check_text(source: Source) -> None:
    """Refuse a text that is too long, or that is not valid Unicode.

    Raises:
        CompileError: more than ``SOURCE_BYTES`` bytes, or half of a surrogate pair.
    """
    text = source.own
    try:
        size = len(text) if text.isascii() else len(text.encode())
    except UnicodeEncodeError as error:
        code_point = ord(text[error.start])
        message = f"U+{code_point:04X} is half of a surrogate pair, not a character"
        start = source.start + error.start
        raise _exceeded(source, Span(start, start + 1), message) from None
    if size > SOURCE_BYTES:
        message = f"the condition has {size:,} bytes; at most {SOURCE_BYTES:,} are allowed"
        raise _exceeded(source, Span(source.start, source.start + 1), message)


def check_tree(source: Source, tree: Syntax) -> None:
    """Refuse a tree with too many nodes, or nested too deep.

    Raises:
        CompileError: ``NODES``, ``DEPTH`` or ``COMPREHENSION_DEPTH`` is exceeded.
    """
    nodes = 0
    pending: list[tuple[Syntax, int, int]] = [(tree, 1, 0)]
    while pending:
        node, depth, comprehensions = pending.pop()
        nodes += 1
        if depth > DEPTH:
            raise too_deep(source, node.span)
        below = list(children(node))
        inner = comprehensions
        if isinstance(node, Comprehension):
            range_, *below = below
            pending.append((range_, depth + 1, comprehensions))
            inner += 1
            if inner > COMPREHENSION_DEPTH:
                message = f"comprehensions are nested more than {COMPREHENSION_DEPTH} deep"
                raise _exceeded(source, node.macro_span, message)
        pending.extend((child, depth + 1, inner) for child in below)
    if nodes > NODES:
        message = f"the condition has {nodes:,} nodes; at most {NODES:,} are allowed"
        hint = "a long chain of comparisons with '==' is shorter as 'x in [...]'"
        raise _exceeded(source, tree.span, message, hint)


def too_deep(source: Source, span: Span) -> CompileError:
    """The error of a condition nested deeper than ``DEPTH`` at a token, which is empty where the text ends."""
    message = f"the condition is nested more than {DEPTH} levels deep"
    return _exceeded(source, Span(span.start, min(span.start + 1, span.end)), message)


def _exceeded(source: Source, span: Span, message: str, hint: str | None = None) -> CompileError:
    return CompileError(source, [Diagnostic(span, message, hint)])
