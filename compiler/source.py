"""The text of a condition, and places in it."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

UNNAMED = "<input>"
"""What messages call a condition without a name."""


class Span(NamedTuple):
    """A half-open range of code points ``[start, end)`` in a source text."""

    start: int
    end: int


to_span = partial(tuple.__new__, Span)
"""``Span`` of a pair, in a third of the time that ``Span(start, end)`` takes: each token and each node has one."""


class Position(NamedTuple):
    """A place as people count: line and column, both from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Source:
    """A condition's text with the name that messages give it.

    Conditions that are combined into one share one text, one after the other, so that a place says which of them it is
    in. Each has a source of its own, whose text ends where it ends, and begins with what comes before.

    Attributes:
        start: where in ``text`` the condition begins. Lines and columns are counted from there.
    """

    text: str
    name: str = UNNAMED
    start: int = 0
    _line_starts: list[int] = field(default_factory=list, compare=False, repr=False)

    @property
    def own(self) -> str:
        """The text of the condition, without what comes before it."""
        return self.text[self.start :]

    def position(self, offset: int) -> Position:
        """The line and column of a code point's offset."""
        starts = self._starts()
        line = bisect_right(starts, offset) - 1
        return Position(line + 1, offset - starts[line] + 1)

    def line(self, number: int) -> str:
        """The text of a line, counted from 1, without its line break."""
        starts = self._starts()
        end = starts[number] - 1 if number < len(starts) else len(self.text)
        return self.text[starts[number - 1] : end].rstrip("\r")

    def slice(self, span: Span) -> str:
        """The text under a span."""
        return self.text[span.start : span.end]

    def _starts(self) -> list[int]:
        if not self._line_starts:
            self._line_starts.append(self.start)
            self._line_starts.extend(i for i, c in enumerate(self.own, self.start + 1) if c == "\n")
        return self._line_starts
