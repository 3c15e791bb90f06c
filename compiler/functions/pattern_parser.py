"""RE2's syntax, read piece by piece and rewritten in that of Rust's ``regex`` crate: see ``patterns.py``."""

from __future__ import annotations

from dataclasses import dataclass

from ..cell import NotColumnar
from . import characters
from .characters import Ranges
from .pattern_parts import Part, Place, PlainText, Rewritten, alternatives, as_atom, assertion, one_of, simplest

_MOST_REPETITIONS = 100_000_000


def parse(pattern: str) -> PlainText | Rewritten:
    """What a pattern that RE2 accepts asks for.

    Raises:
        NotColumnar: it has no counterpart in Rust's syntax.
    """
    return _Parser(pattern).parse()


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
        self.branches: list[list[Part]] = []
        self.parts: list[Part] = []
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
            return simplest(group.parts)
        if any(all(part.optional for part in branch) for branch in branches):
            return PlainText("", Place.ANYWHERE)
        return Rewritten(alternatives(branches).pattern)

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
                group.parts.append(assertion("(?m:^)" if self._flags.lines else r"\A"))
            case "$":
                group.parts.append(assertion("(?m:$)" if self._flags.lines else r"\z"))
            case ".":
                group.parts.append(one_of(characters.ALL if self._flags.dot_all else characters.ALL_BUT_NEWLINE))
            case "[":
                group.parts.append(one_of(self._brackets()))
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
        self._groups[-1].parts.append(one_of(characters.folded(ranges) if self._flags.fold else ranges))

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
        self._groups[-1].parts.append(alternatives([*group.branches, group.parts]))

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
            Part(
                f"{as_atom(part)}{operator}",
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
            parts.append(one_of(named))
            return
        match self._pattern[self._at]:
            case "b":
                self._at += 1
                parts.append(assertion(r"(?-u:\b)"))
            case "B":
                self._at += 1
                self._uses_not_boundary = True
                parts.append(assertion(r"(?-u:\B)"))
            case "A":
                self._at += 1
                parts.append(assertion(r"\A"))
            case "z":
                self._at += 1
                parts.append(assertion(r"\z"))
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
