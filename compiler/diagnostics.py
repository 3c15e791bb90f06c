"""What can be said about a condition before any row is read, and how it is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from unicodedata import combining, east_asian_width

from .source import Source, Span

_LONGEST_LINE = 120
_CUT = "…"


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

        Of a long line, only the part around the place is shown.
        """
        line, column = source.position(self.span.start)
        before, under, after = _around(source.line(line), column - 1, self.span.end - self.span.start)
        shown = [
            f"{self.severity.upper()}: {source.name}:{line}:{column}: {self.message}",
            f" | {(before + under + after).replace(chr(9), ' ')}",
            f" | {' ' * cells(before)}{'^' * max(1, cells(under))}",
        ]
        if self.hint:
            shown.append(f" = {self.hint}")
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


def cells(text: str) -> int:
    """The number of terminal cells that a text takes."""
    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)
