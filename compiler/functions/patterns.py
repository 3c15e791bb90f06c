r"""Regular expressions: RE2's syntax, searched by Polars with the meaning that RE2 gives it.

Polars searches with the ``regex`` crate of Rust, which reads much of the same syntax with another meaning. So a pattern
is parsed here as RE2 parses it, and written anew in what both agree on:

- every class of characters is written out as the ranges of code points that RE2 holds it to contain: ``\d``, ``\w``,
  ``\s`` and the POSIX classes are ASCII, ``\pL`` and the like follow RE2's version of Unicode, and so does ``(?i)``,
  under which a letter becomes a class. What only Rust reads as syntax (``&&``, ``--``, ``~~``, ``[`` within brackets)
  is gone with them;
- ``\b`` and ``\B`` are ASCII: ``(?-u:\b)``; ``^`` and ``$`` become ``\A`` and ``\z``, or keep ``(?m:...)``;
- captures, laziness and ``(?U)`` change which match is found, never whether there is one: they are left out, as is what
  stands at either end and may be empty.

A pattern that is plain text, whole or at an end of the string, needs no regular expression at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import cache, lru_cache
from typing import assert_never

import polars as pl
import re2

from ..cell import NotColumnar
from . import characters
from .characters import Ranges

LONGEST_PATTERN = 1_000
"""Bytes of a regular expression in UTF-8."""

_LONGEST_REWRITTEN = 200_000
_MOST_REPETITIONS = 100_000_000


class InvalidPattern(Exception):  # noqa: N818  (as re2.error, an answer about its argument)
    """A text that is no regular expression of RE2, or too long a one; the message says why."""


class Place(Enum):
    """Where in the string a plain text must stand."""

    ANYWHERE = "anywhere"
    START = "start"
    END = "end"
    WHOLE = "whole"


@dataclass(frozen=True, slots=True)
class PlainText:
    """A pattern that asks for a text at a place."""

    text: str
    place: Place


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A pattern in the syntax of Rust's ``regex`` crate."""

    pattern: str


def refusal(pattern: str) -> str | None:
    """Why RE2 does not accept a pattern, in its words, or None where it does. For the checker of literal patterns."""
    try:
        _compiled(pattern)
    except InvalidPattern as error:
        return str(error)
    return None


def found(text: str, pattern: str) -> bool:
    """Whether RE2 finds the pattern in the text.

    Raises:
        InvalidPattern: RE2 does not accept the pattern, or it is longer than ``LONGEST_PATTERN``.
    """
    return _compiled(pattern).search(text) is not None


def search(text: pl.Expr, pattern: str) -> pl.Expr:
    """Whether the pattern is found in each string; null where the string is.

    Raises:
        NotColumnar: the pattern has no counterpart in Polars, or RE2 does not accept it.
    """
    match rewrite(pattern):
        case PlainText(literal, place):
            wanted = pl.lit(literal, dtype=pl.String)
            match place:
                case Place.ANYWHERE:
                    return text.str.contains(wanted, literal=True)
                case Place.START:
                    return text.str.starts_with(wanted)
                case Place.END:
                    return text.str.ends_with(wanted)
                case Place.WHOLE:
                    return text == wanted
                case _:
                    assert_never(place)
        case Rewritten(regex):
            return text.str.contains(regex)
        case other:
            assert_never(other)


@lru_cache(maxsize=1024)
def rewrite(pattern: str) -> PlainText | Rewritten:
    """What a pattern of RE2 asks for, in terms of Polars.

    Raises:
        NotColumnar: the pattern has no counterpart in Polars, or RE2 does not accept it.
    """
    if refusal(pattern) is not None:
        raise NotColumnar("RE2 does not accept the pattern")
    answer = _Parser(pattern).parse()
    if isinstance(answer, Rewritten):
        if len(answer.pattern) > _LONGEST_REWRITTEN:
            raise NotColumnar("the pattern is too large for Polars")
        try:
            pl.Series([""], dtype=pl.String).str.contains(answer.pattern)
        except pl.exceptions.ComputeError:
            raise NotColumnar("the pattern is too large for Polars") from None
    return answer


def _compiled(pattern: str) -> re2._Regexp:
    size = len(pattern.encode())
    if size > LONGEST_PATTERN:
        raise InvalidPattern(f"the pattern has {size:,} bytes; at most {LONGEST_PATTERN:,} are allowed")
    try:
        return re2.compile(pattern, _options())
    except re2.error as error:
        (message,) = error.args
        raise InvalidPattern(message.decode(errors="replace") if isinstance(message, bytes) else message) from None


@cache
def _options() -> re2.Options:
    options = re2.Options()
    options.log_errors = False
    return options


@dataclass(frozen=True, slots=True)
class _Part:
    r"""A piece of the pattern, rewritten.

    Attributes:
        pattern: in Rust's syntax; ``atom`` where an operator may follow it as it is.
        text: the one text that it matches, where it is plain text.
        optional: whether it matches the empty string wherever it stands.
        width: whether a match of it has at least one character.
        assertion: for ``\A`` and ``\z``, that; otherwise None.
    """

    pattern: str
    atom: bool
    text: str | None
    optional: bool
    width: bool
    assertion: str | None = None


@dataclass(frozen=True, slots=True)
class _Flags:
    """The flags in force: ``(?i)``, ``(?m)`` and ``(?s)``."""

    fold: bool = False
    lines: bool = False
    dot_all: bool = False


class _Group:
    """An open group: the branches that are complete, the parts of the last one, and the flags to return to."""

    __slots__ = ("branches", "outer", "parts")

    def __init__(self, outer: _Flags) -> None:
        self.branches: list[list[_Part]] = []
        self.parts: list[_Part] = []
        self.outer = outer


class _Parser:
    """Reads a pattern that RE2 has accepted, in the order of RE2's own parser (``re2/parse.cc``)."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0
        self._flags = _Flags()
        self._groups = [_Group(self._flags)]
        self._uses_not_boundary = False

    def parse(self) -> PlainText | Rewritten:
        while self._at < len(self._pattern):
            self._step()
        (group,) = self._groups
        branches = [*group.branches, group.parts]
        if self._uses_not_boundary and not all(any(part.width for part in branch) for branch in branches):
            # RE2 finds \B between the bytes of one character, too.
            raise NotColumnar(r"the pattern may match nothing but \B")
        if len(branches) == 1:
            return _simplest(group.parts)
        if any(all(part.optional for part in branch) for branch in branches):
            return PlainText("", Place.ANYWHERE)
        return Rewritten(_alternatives(branches).pattern)

    def _step(self) -> None:
        group = self._groups[-1]
        match self._next():
            case "(":
                self._open()
            case ")":
                self._close()
            case "|":
                group.branches.append(group.parts)
                group.parts = []
            case "^":
                group.parts.append(_assertion("(?m:^)" if self._flags.lines else r"\A"))
            case "$":
                group.parts.append(_assertion("(?m:$)" if self._flags.lines else r"\z"))
            case ".":
                group.parts.append(_characters(characters.ALL if self._flags.dot_all else characters.ALL_BUT_NEWLINE))
            case "[":
                group.parts.append(_characters(self._brackets()))
            case "*":
                self._repeat(0, None)
            case "+":
                self._repeat(1, None)
            case "?":
                self._repeat(0, 1)
            case "{":
                bounds = self._bounds()
                if bounds is None:
                    self._literal("{")
                else:
                    self._repeat(*bounds)
            case "\\":
                self._escape()
            case character:
                self._literal(character)

    def _next(self) -> str:
        character = self._pattern[self._at]
        self._at += 1
        return character

    def _rest_starts_with(self, text: str) -> bool:
        return self._pattern.startswith(text, self._at)

    def _take(self, text: str) -> bool:
        if self._rest_starts_with(text):
            self._at += len(text)
            return True
        return False

    def _literal(self, character: str) -> None:
        code = ord(character)
        ranges: Ranges = ((code, code),)
        self._groups[-1].parts.append(_characters(characters.folded(ranges) if self._flags.fold else ranges))

    def _open(self) -> None:
        outer = self._flags
        if self._take("?"):
            if self._take("P<") or self._take("<"):
                self._at = self._pattern.index(">", self._at) + 1
            elif self._set_flags() == ")":
                return
        self._groups.append(_Group(outer))

    def _set_flags(self) -> str:
        """Reads flags up to the ``)`` or ``:`` that ends them, and returns that."""
        fold, lines, dot_all, on = self._flags.fold, self._flags.lines, self._flags.dot_all, True
        while True:
            match self._next():
                case "i":
                    fold = on
                case "m":
                    lines = on
                case "s":
                    dot_all = on
                case "U":
                    pass
                case "-":
                    on = False
                case ")" | ":" as end:
                    self._flags = _Flags(fold, lines, dot_all)
                    return end
                case other:
                    raise NotColumnar(f"the pattern has the flag {other}")

    def _close(self) -> None:
        group = self._groups.pop()
        self._flags = group.outer
        self._groups[-1].parts.append(_alternatives([*group.branches, group.parts]))

    def _bounds(self) -> tuple[int, int | None] | None:
        """``n}``, ``n,}`` or ``n,m}``; None, and nothing read, where it is none of them."""
        start = self._at
        low = self._number()
        if low is not None:
            if self._take("}"):
                return low, low
            if self._take(","):
                if self._take("}"):
                    return low, None
                high = self._number()
                if high is not None and self._take("}"):
                    return low, high
        self._at = start
        return None

    def _number(self) -> int | None:
        start = self._at
        while self._at < len(self._pattern) and self._pattern[self._at] in "0123456789":
            self._at += 1
        digits = self._pattern[start : self._at]
        if not digits or (digits[0] == "0" and len(digits) > 1) or int(digits[:-1] or "0") >= _MOST_REPETITIONS:
            return None
        return int(digits)

    def _repeat(self, low: int, high: int | None) -> None:
        self._take("?")
        parts = self._groups[-1].parts
        if not parts:
            raise NotColumnar("the pattern repeats nothing")
        part = parts.pop()
        match low, high:
            case 0, None:
                operator = "*"
            case 1, None:
                operator = "+"
            case 0, 1:
                operator = "?"
            case _, None:
                operator = f"{{{low},}}"
            case _ if low == high:
                operator = f"{{{low}}}"
            case _:
                operator = f"{{{low},{high}}}"
        parts.append(
            _Part(
                f"{_atom(part)}{operator}",
                atom=False,
                text=None,
                optional=low == 0 or part.optional,
                width=low > 0 and part.width,
            )
        )

    def _escape(self) -> None:
        parts = self._groups[-1].parts
        named = self._named_class()
        if named is not None:
            parts.append(_characters(named))
            return
        match self._pattern[self._at]:
            case "b":
                self._at += 1
                parts.append(_assertion(r"(?-u:\b)"))
            case "B":
                self._at += 1
                self._uses_not_boundary = True
                parts.append(_assertion(r"(?-u:\B)"))
            case "A":
                self._at += 1
                parts.append(_assertion(r"\A"))
            case "z":
                self._at += 1
                parts.append(_assertion(r"\z"))
            case "C":
                raise NotColumnar(r"the pattern has \C, a single byte")
            case "Q":
                self._at += 1
                self._quoted()
            case _:
                self._literal(self._escaped())

    def _quoted(self) -> None:
        while self._at < len(self._pattern) and not self._take(r"\E"):
            self._literal(self._next())

    def _escaped(self) -> str:
        """The character that an escape stands for; the backslash has been read."""
        character = self._next()
        match character:
            case "0" | "1" | "2" | "3" | "4" | "5" | "6" | "7":
                octal = str(character)
                while len(octal) < 3 and self._at < len(self._pattern) and self._pattern[self._at] in "01234567":
                    octal += self._next()
                return chr(int(octal, 8))
            case "x":
                if self._take("{"):
                    end = self._pattern.index("}", self._at)
                    digits, self._at = self._pattern[self._at : end], end + 1
                else:
                    digits = self._next() + self._next()
                return chr(int(digits, 16))
            case "a":
                return "\a"
            case "f":
                return "\f"
            case "n":
                return "\n"
            case "r":
                return "\r"
            case "t":
                return "\t"
            case "v":
                return "\v"
            case _ if character.isascii() and not character.isalnum():
                return character
            case _:
                raise NotColumnar(f"the pattern has the escape \\{character}")

    def _named_class(self) -> Ranges | None:
        r"""``\d``, ``\pL`` and the like, after their backslash; None, and nothing read, where it is another escape."""
        letter = self._pattern[self._at]
        if letter in "dswDSW":
            self._at += 1
            return self._signed(characters.PERL[letter.lower()], negated=letter.isupper())
        if letter not in "pP":
            return None
        self._at += 1
        name = self._next()
        if name == "{":
            end = self._pattern.index("}", self._at)
            name, self._at = self._pattern[self._at : end], end + 1
        negated = (letter == "P") != name.startswith("^")
        return self._signed(characters.unicode_class(name.removeprefix("^")), negated=negated)

    def _signed(self, ranges: Ranges, *, negated: bool) -> Ranges:
        if self._flags.fold:
            ranges = characters.folded(ranges)
        return characters.complement(ranges) if negated else ranges

    def _brackets(self) -> Ranges:
        """The characters of a class in brackets, whose ``[`` has been read."""
        negated = self._take("^")
        found: list[tuple[int, int]] = []
        first = True
        while first or not self._rest_starts_with("]"):
            first = False
            posix = self._posix_class()
            if posix is not None:
                found.extend(posix)
                continue
            if self._rest_starts_with("\\"):
                self._at += 1
                named = self._named_class()
                if named is not None:
                    found.extend(named)
                    continue
                self._at -= 1
            low = self._class_character()
            high = low
            if self._rest_starts_with("-") and not self._rest_starts_with("-]"):
                self._at += 1
                high = self._class_character()
            span: Ranges = ((low, high),)
            found.extend(characters.folded(span) if self._flags.fold else span)
        self._at += 1
        ranges = characters.union(found)
        return characters.complement(ranges) if negated else ranges

    def _class_character(self) -> int:
        character = self._next()
        return ord(self._escaped() if character == "\\" else character)

    def _posix_class(self) -> Ranges | None:
        if not self._rest_starts_with("[:"):
            return None
        end = self._pattern.find(":]", self._at + 2)
        if end < 0:
            return None
        name = self._pattern[self._at + 2 : end]
        self._at = end + 2
        return self._signed(characters.POSIX[name.removeprefix("^")], negated=name.startswith("^"))


def _simplest(parts: list[_Part]) -> PlainText | Rewritten:
    """``^abc.*`` → the text abc at the start; what is no plain text stays a pattern."""
    first, last = 0, len(parts)
    while first < last and parts[first].optional:
        first += 1
    while first < last and parts[last - 1].optional:
        last -= 1
    parts = parts[first:last]
    inner = parts
    at_start = bool(inner) and inner[0].assertion == r"\A"
    inner = inner[1:] if at_start else inner
    at_end = bool(inner) and inner[-1].assertion == r"\z"
    inner = inner[:-1] if at_end else inner
    texts = [part.text for part in inner if part.text is not None]
    if len(texts) < len(inner):
        return Rewritten("".join(part.pattern for part in parts))
    place = {
        (False, False): Place.ANYWHERE,
        (True, False): Place.START,
        (False, True): Place.END,
        (True, True): Place.WHOLE,
    }[at_start, at_end]
    return PlainText("".join(texts), place)


def _alternatives(branches: list[list[_Part]]) -> _Part:
    patterns = ["".join(part.pattern for part in branch) for branch in branches]
    optional = any(all(part.optional for part in branch) for branch in branches)
    width = all(any(part.width for part in branch) for branch in branches)
    if len(branches) > 1:
        return _Part(f"(?:{'|'.join(patterns)})", atom=True, text=None, optional=optional, width=width)
    (parts,) = branches
    if len(parts) == 1:
        return parts[0]
    texts = [part.text for part in parts if part.text is not None]
    text = "".join(texts) if len(texts) == len(parts) else None
    return _Part(patterns[0], atom=False, text=text, optional=optional, width=width)


def _assertion(pattern: str) -> _Part:
    return _Part(pattern, atom=False, text=None, optional=False, width=False, assertion=pattern)


def _characters(ranges: Ranges) -> _Part:
    if len(ranges) == 1 and ranges[0][0] == ranges[0][1] and not 0xD800 <= ranges[0][0] <= 0xDFFF:
        character = chr(ranges[0][0])
        return _Part(characters.escaped(character), atom=True, text=character, optional=False, width=True)
    return _Part(characters.brackets(ranges), atom=True, text=None, optional=False, width=True)


def _atom(part: _Part) -> str:
    return part.pattern if part.atom else f"(?:{part.pattern})"
