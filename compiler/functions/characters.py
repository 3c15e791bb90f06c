"""Sets of code points, as RE2's classes of characters have them, and their text in a regular expression of Rust."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache, lru_cache
from itertools import pairwise

import numpy as np
import re2

Ranges = tuple[tuple[int, int], ...]
"""Code points from the first to the last of each pair; the pairs ascend and neither touch nor overlap."""

_LAST = 0x10FFFF
_SURROGATES = (0xD800, 0xDFFF)

# Blocks of Unicode with letters that have a case. Beyond them RE2 folds nothing.
_CASED_BLOCKS = (
    (0x0080, 0x2FFF),
    (0xA000, 0xABFF),
    (0xFB00, 0xFFFF),
    (0x10000, 0x11FFF),
    (0x16000, 0x16FFF),
    (0x1D000, 0x1EFFF),
)

_MOST_CACHED = 1024

_ESCAPES = {
    **{character: "\\" + character for character in "\\.+*?()|[]{}^$#&-~"},
    "\n": r"\n",
    "\r": r"\r",
    "\t": r"\t",
}

ALL: Ranges = ((0, _LAST),)
ALL_BUT_NEWLINE: Ranges = ((0, 9), (11, _LAST))

_DIGIT: Ranges = ((0x30, 0x39),)
_UPPER: Ranges = ((0x41, 0x5A),)
_LOWER: Ranges = ((0x61, 0x7A),)
_ALPHA: Ranges = (*_UPPER, *_LOWER)
_WORD: Ranges = (*_DIGIT, *_UPPER, (0x5F, 0x5F), *_LOWER)

PERL: dict[str, Ranges] = {"d": _DIGIT, "s": ((9, 10), (12, 13), (32, 32)), "w": _WORD}

POSIX: dict[str, Ranges] = {
    "alnum": (*_DIGIT, *_UPPER, *_LOWER),
    "alpha": _ALPHA,
    "ascii": ((0, 0x7F),),
    "blank": ((9, 9), (32, 32)),
    "cntrl": ((0, 0x1F), (0x7F, 0x7F)),
    "digit": _DIGIT,
    "graph": ((0x21, 0x7E),),
    "lower": _LOWER,
    "print": ((0x20, 0x7E),),
    "punct": ((0x21, 0x2F), (0x3A, 0x40), (0x5B, 0x60), (0x7B, 0x7E)),
    "space": ((9, 13), (32, 32)),
    "upper": _UPPER,
    "word": _WORD,
    "xdigit": (*_DIGIT, (0x41, 0x46), (0x61, 0x66)),
}


def union(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """The code points of all pairs, which may come in any order and overlap."""
    merged: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return tuple(merged)


def complement(ranges: Ranges) -> Ranges:
    """All other code points."""
    gaps = pairwise([(-1, -1), *ranges, (_LAST + 1, _LAST + 1)])
    return tuple((before + 1, after - 1) for (_, before), (after, _) in gaps if before + 1 < after)


@lru_cache(maxsize=_MOST_CACHED)
def folded(ranges: Ranges) -> Ranges:
    """The code points and those that RE2 takes for the same letters under ``(?i)``."""
    if not ranges:
        return ranges
    found = [*ranges]
    # The two letters beyond ASCII that fold to one of ASCII.
    for letter, other in ((0x6B, 0x212A), (0x73, 0x17F)):
        if any(low <= code <= high for low, high in ranges for code in (letter, letter - 32)):
            found.append((other, other))
    for low, high in ranges:
        for block, shift in ((_UPPER, 32), (_LOWER, -32)):
            ((first, last),) = block
            if low <= last and high >= first:
                found.append((max(low, first) + shift, min(high, last) + shift))
    if ranges[-1][1] > 0x7F:
        found.extend(_folded_by_re2(ranges))
    return union(found)


def _folded_by_re2(ranges: Ranges) -> Ranges:
    classes = "".join(rf"\x{{{low:x}}}-\x{{{high:x}}}" for low, high in ranges)
    return _found(f"(?i)[{classes}]+", _cased())


@lru_cache(maxsize=_MOST_CACHED)
def unicode_class(name: str) -> Ranges:
    """The code points of a Unicode class (``L``, ``Lu``, ``Greek``), in the version of Unicode that RE2 knows."""
    return _found(rf"\p{{{name}}}+", _encoded(_without_surrogates(ALL)))


@cache
def _cased() -> bytes:
    return _encoded(((0, 0x7F), *_CASED_BLOCKS))


def _encoded(ranges: Ranges) -> bytes:
    """The code points one after the other, in UTF-8."""
    codes = np.concatenate([np.arange(low, high + 1, dtype="<u4") for low, high in ranges])
    return codes.tobytes().decode("utf-32-le").encode()


def _found(pattern: str, text: bytes) -> Ranges:
    """The code points that RE2 finds by ``pattern``, which matches runs of single ones, in an ascending text."""
    found: list[tuple[int, int]] = []
    for match in re2.finditer(pattern.encode(), text):
        codes = np.frombuffer(match.group().decode().encode("utf-32-le"), dtype="<u4")
        breaks = np.flatnonzero(np.diff(codes) != 1)
        firsts, lasts = codes[[0, *(breaks + 1)]].tolist(), codes[[*breaks, -1]].tolist()
        found.extend(zip(firsts, lasts, strict=True))
    return union(found)


def escaped(character: str) -> str:
    """The character as a literal of Rust's syntax, within brackets and without."""
    return _ESCAPES.get(character) or (character if character.isprintable() else rf"\x{{{ord(character):x}}}")


def brackets(ranges: Ranges) -> str:
    """The class of these code points in Rust's syntax, which knows no surrogates."""
    ranges = _without_surrogates(ranges)
    if ranges == _without_surrogates(ALL):
        return "(?s:.)"
    if ranges and ranges[0][0] == 0 and ranges[-1][1] == _LAST:
        return f"[^{_listed(_without_surrogates(complement(ranges)))}]"
    return f"[{_listed(ranges)}]" if ranges else r"[^\x{0}-\x{10ffff}]"


def _without_surrogates(ranges: Ranges) -> Ranges:
    first, last = _SURROGATES
    parts = [part for low, high in ranges for part in ((low, min(high, first - 1)), (max(low, last + 1), high))]
    return tuple((low, high) for low, high in parts if low <= high)


def _listed(ranges: Ranges) -> str:
    return "".join(
        escaped(chr(low)) if low == high else f"{escaped(chr(low))}-{escaped(chr(high))}" for low, high in ranges
    )
