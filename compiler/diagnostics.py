"""What can be said about a condition before any row is read, and how it is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from unicodedata import category, combining, east_asian_width

from .source import Source, Span

_LONGEST_LINE = 120
_LONGEST_MESSAGE = 400
_CUT = "…"
_UNSHOWN = "\ufffd"
_JOINER = "\u200d"
"""Of emoji. The other characters of its category are invisible, and some turn the direction of what follows."""


class Severity(StrEnum):
    """An error stops a condition; a warning never does."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One message about one place in a condition.

    ``message`` says what is wrong, ``hint`` (where there is one) what to write instead.
    """

    span: Span
    message: str
    hint: str | None = None
    severity: Severity = Severity.ERROR

    def render(self, source: Source) -> str:
        """The message with its place and a caret under it, in the manner of cel-go.

        ::

            ERROR: <input>:1:1: undeclared reference to 'agee'
             | agee > 30
             | ^^^^
             = did you mean 'age'?

        Of a long line, only the part around the place is shown. Characters that would act on a terminal are replaced.
        """
        line, column = source.position(self.span.start)
        before, under, after = _around(source.line(line), column - 1, self.span.end - self.span.start)
        shown = [
            f"{self.severity.upper()}: {source.name}:{line}:{column}: {_shown(self.message)}",
            f" | {_printable(before + under + after)}",
            f" | {' ' * cells(before)}{'^' * max(1, cells(under))}",
        ]
        if self.hint:
            shown.append(f" = {_shown(self.hint)}")
        return "\n".join(shown)


class CompileError(Exception):
    """A condition that cannot be compiled, with every diagnostic that was found.

    Attributes:
        source: the condition's text.
        diagnostics: at least one, in source order.
    """

    def __init__(self, source: Source, diagnostics: Sequence[Diagnostic]) -> None:
        self.source = source
        self.diagnostics = tuple(sorted(diagnostics, key=lambda d: d.span))
        super().__init__("\n".join(d.render(source) for d in self.diagnostics))

    def __reduce__(self) -> tuple[type[CompileError], tuple[Source, tuple[Diagnostic, ...]]]:
        return CompileError, (self.source, self.diagnostics)

    def named(self, name: str) -> CompileError:
        """The same error of a text that messages call by this name."""
        return CompileError(replace(self.source, name=name), self.diagnostics)


def _around(text: str, start: int, length: int) -> tuple[str, str, str]:
    """What a line has before a place, at it and after it, shortened where the line is long."""
    first = max(0, min(start - _LONGEST_LINE // 3, len(text) - _LONGEST_LINE))
    last = first + _LONGEST_LINE
    end = min(start + max(1, length), last)
    before = (_CUT if first else "") + text[first:start]
    return before, text[start:end], text[end:last] + (_CUT if last < len(text) else "")


def _shown(text: str) -> str:
    return _printable(text if len(text) <= _LONGEST_MESSAGE else text[:_LONGEST_MESSAGE] + _CUT)


def _printable(text: str) -> str:
    """The text with a blank for a tab, and a mark for each other character that a terminal would obey."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        " " if c == "\t" else _UNSHOWN if category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") and c != _JOINER else c
        for c in text
    )


def cells(text: str) -> int:
    """The number of terminal cells that a text takes."""
    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)
