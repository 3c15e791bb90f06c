"""The pieces that a pattern is rewritten into, and what they come to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from . import characters
from .characters import Ranges


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


@dataclass(frozen=True, slots=True)
class Part:
    r"""A piece of the pattern, rewritten.

    Attributes:
        pattern: in Rust's syntax; ``atom`` where an operator may follow it as it is.
        text: the one text that it matches, where it is plain text.
        optional: whether it matches the empty string wherever it stands.
        width: whether a match of it has at least one character.
        assertion: the assertion that it is, such as ``\A``; otherwise None.
    """

    pattern: str
    atom: bool
    text: str | None
    optional: bool
    width: bool
    assertion: str | None = None


def simplest(parts: list[Part]) -> PlainText | Rewritten:
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


def alternatives(branches: list[list[Part]]) -> Part:
    """A group of the branches between ``|``; without one, the parts as they are."""
    patterns = ["".join(part.pattern for part in branch) for branch in branches]
    optional = any(all(part.optional for part in branch) for branch in branches)
    width = all(any(part.width for part in branch) for branch in branches)
    if len(branches) > 1:
        return Part(f"(?:{'|'.join(patterns)})", atom=True, text=None, optional=optional, width=width)
    (parts,) = branches
    if len(parts) == 1:
        return parts[0]
    texts = [part.text for part in parts if part.text is not None]
    text = "".join(texts) if len(texts) == len(parts) else None
    return Part(patterns[0], atom=False, text=text, optional=optional, width=width)


def assertion(pattern: str) -> Part:
    r"""A condition on a place in the string, such as ``\A``."""
    return Part(pattern, atom=False, text=None, optional=False, width=False, assertion=pattern)


def one_of(ranges: Ranges) -> Part:
    """One character of a class, which may be the class of a single one."""
    if len(ranges) == 1 and ranges[0][0] == ranges[0][1] and not 0xD800 <= ranges[0][0] <= 0xDFFF:
        character = chr(ranges[0][0])
        return Part(characters.escaped(character), atom=True, text=character, optional=False, width=True)
    return Part(characters.brackets(ranges), atom=True, text=None, optional=False, width=True)


def as_atom(part: Part) -> str:
    """The part's pattern, grouped where an operator after it would take hold of its end only."""
    return part.pattern if part.atom else f"(?:{part.pattern})"
