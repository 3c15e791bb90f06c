"""Texts that nobody would write: conditions mangled by chance, and texts of every kind of character."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

from compiler.limits import SOURCE_BYTES
from tests.golden import entries
from tests.hostile.conditions import written

_TOKENS = (
    "(", ")", "[", "]", "{", "}", ".", ",", ":", "?", ".?", "[?", "!", "-", "+", "*", "/", "%", "<", "<=", "==", "!=",
    ">", ">=", "&&", "||", " in ", "//", "\n", " ", "'", '"', "'''", '"""', "`", "\\", "b'", 'r"', "br'''", "0", "1u",
    "1.5", ".5", "5.", "1e9", "0x", "0xFF", "9223372036854775808", "1e999", "true", "false", "null", "user", "now",
    "as", "x", "i", "s", "ints", "address", "orders", "labels", "has(", "size(", "all(", ".exists(e,", ".map(e,",
    "dyn(", "cel.bind(a,", "optional.of(", "type(",
    "duration(", "timestamp(", ".matches(", "\\u0000", "\\x", "\\777", "@", "$",
    "#", ";", "=", "&", "|", "<>", "->", "=>", "::", "…", "“", "\ufeff", "\u200b", "\u202e", "\x00", "\x1b[2J",
    "\ud800", "\udcff", "\U0010ffff", "e\u0301", "İ", "ß", "👩\u200d🎤", "\u2028", "\x85", "\r", "\t", "\v", "\f",
)  # fmt: skip
_PLANES = (0x80, 0x800, 0x10000, 0x20000, 0xE0000, 0xF0000, 0x110000)


def corpus() -> tuple[str, ...]:
    """The conditions of the fixtures, right ones and wrong ones."""
    wrong = [entry.text for name in ("diagnostics.txt", "parse_errors.txt") for entry in entries(name)]
    return (*(one.text for one in written()), *wrong)


def mangled(seed: str, number: int) -> list[str]:
    """That many texts, each made from one or two conditions of the corpus, or from nothing, by a few changes."""
    chance = random.Random(seed)
    conditions = corpus()
    texts = []
    for _ in range(number):
        text = chance.choice(conditions)
        for _ in range(chance.choice((1, 1, 1, 2, 4))):
            text = chance.choice(_CHANGES)(chance, text, conditions)
        texts.append(text[: 2 * SOURCE_BYTES])
    return texts


def _place(chance: random.Random, text: str) -> int:
    return chance.randrange(len(text) + 1)


def _range(chance: random.Random, text: str) -> tuple[int, int]:
    start, end = sorted((_place(chance, text), _place(chance, text)))
    return start, end


def _inserted(chance: random.Random, text: str, _: Sequence[str]) -> str:
    at = _place(chance, text)
    return text[:at] + chance.choice(_TOKENS) + text[at:]


def _cut(chance: random.Random, text: str, _: Sequence[str]) -> str:
    start, end = _range(chance, text)
    return text[:start] + text[end:]


def _one_removed(chance: random.Random, text: str, _: Sequence[str]) -> str:
    at = _place(chance, text)
    return text[:at] + text[at + 1 :]


def _swapped(chance: random.Random, text: str, _: Sequence[str]) -> str:
    at = _place(chance, text)
    return text[:at] + text[at + 1 : at + 2] + text[at : at + 1] + text[at + 2 :]


def _moved(chance: random.Random, text: str, conditions: Sequence[str]) -> str:
    """One token replaced by one of another condition."""
    tokens = re.findall(r"\w+|\W", text)
    others = re.findall(r"\w+|\W", chance.choice(conditions))
    if not tokens or not others:
        return text
    tokens[chance.randrange(len(tokens))] = chance.choice(others)
    return "".join(tokens)


def _repeated(chance: random.Random, text: str, _: Sequence[str]) -> str:
    start, end = _range(chance, text)
    return text[:end] + text[start:end] * chance.choice((1, 2, 5, 70, 1_000)) + text[end:]


def _spliced(chance: random.Random, text: str, conditions: Sequence[str]) -> str:
    other = chance.choice(conditions)
    return text[: _place(chance, text)] + other[_place(chance, other) :]


def _nested(chance: random.Random, text: str, _: Sequence[str]) -> str:
    opening, closing = chance.choice(
        (("(", ")"), ("[", "]"), ("!", ""), ("-", ""), ("{1:", "}"), ("size(", ")"), ("x?", ":1"), ("ints.all(e,", ")"))
    )
    depth = chance.choice((1, 3, 30, 63, 64, 65, 1_000))
    return opening * depth + text + closing * (depth + chance.choice((0, 0, 0, -1, 1)))


def _huge(chance: random.Random, text: str, _: Sequence[str]) -> str:
    piece = chance.choice(
        ("9", "a", " ", "\n", "'a", "0", "é", "\\", "\\n", "||p", "&&q", "+i", ".x", ",1", "_", "=", "\x00")
    )
    at = _place(chance, text)
    return text[:at] + piece * chance.choice((100, 2_500, SOURCE_BYTES)) + text[at:]


def _any_character(chance: random.Random, text: str, _: Sequence[str]) -> str:
    at = _place(chance, text)
    top = chance.choice(_PLANES)
    return text[:at] + chr(chance.randrange(top)) + text[at:]


def _bytes(chance: random.Random, text: str, _: Sequence[str]) -> str:
    octets = bytearray(text.encode("utf-8", "surrogatepass")) or bytearray(b"a")
    for _change in range(chance.choice((1, 3, 10))):
        octets[chance.randrange(len(octets))] = chance.randrange(256)
    return octets.decode("utf-8", chance.choice(("surrogateescape", "replace", "ignore")))


def _noise(chance: random.Random, _text: str, _conditions: Sequence[str]) -> str:
    return "".join(chance.choices(_TOKENS, k=chance.choice((2, 5, 10, 40))))


_CHANGES: tuple[Callable[[random.Random, str, Sequence[str]], str], ...] = (
    *(
        _inserted,
        _inserted,
        _one_removed,
        _one_removed,
        _one_removed,
        _swapped,
        _swapped,
        _moved,
        _moved,
        _moved,
        _spliced,
    ),
    *(_cut, _repeated, _nested, _huge, _any_character, _bytes, _noise),
)
