"""Expressions of each type, to put in place of a column in a condition: new conditions that cel-cpp can judge."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence

from tests.hostile.conditions import Written
from tests.hostile.exceptions import exceptions

_BY_TYPE: Mapping[str, Sequence[str]] = {
    "int": (
        "i", "j", "k", "i8", "i16", "i32", "u8", "u32", "user.i", "5", "(-1)", "9223372036854775807", "(1 / 0)",
        "(i + 1)", "(-k)", "(i * j)", "(i / k)", "(j % k)", "(i % 10)", "ints[0]", "small[0]", "triple[1]",
        "[1, 2][k]", "[i, 1][0]", "nested[0][0]", "size(s)", "orders.size()", "int(u)", "int(x)", "(p ? i : j)",
        "(true ? i : j)", "address.zip", 'scores["a"]', "at.getHours()", "texts.filter(w1, w1 == s).size()",
    ),
    "uint": (
        "u", "v", "3u", "uints[0]", "uint(i)", "(u + 1u)", "(p ? u : v)",
    ),
    "double": (
        "x", "y", "f32", "dec", "1.5", "(-0.0)", "(0.0 / 0.0)", "(1.0 / 0.0)", "(x / y)", "(x / 3.0)", "(x + y)",
        "(x + 0.0)", "(-x)", "doubles[0]", "[x, 1.0][k]", "double(i)", "address.geo.lat", "orders[0].price",
        "(p ? x : f32)",
    ),
    "string": (
        "s", "t", "cls", "cat", "enum", '"a"', '""', "user.s", "(s + t)", "texts[0]", 'labels["a"]', "labels.a",
        "string(i)", "string(bin)", "address.city", "orders[0].status", "(p ? s : t)",
    ),
    "bool": (
        "p", "q", "true", "false", "(!p)", "(1 / 0 > 1)", "(now > now)", "flags[0]", "[p, q][k]", "(i > j)",
        "(x == y)", "(x < y)", "(s < t)", "(p && q)", "(p || i > 5)", "has(user.s)", "(p ? q : i > j)",
        "(true ? p : q)", "ints.exists(w1, w1 > k)", "texts.all(w1, w1 != s)",
    ),
    "timestamp": (
        "at", "at2", "at_ms", "at_ns", "day", "at_berlin", "now", "times[0]", "address.since", "orders[0].at",
        "(at + for_us)", "timestamp(k)", "(p ? at : at_ms)", "(p ? at_ns : day)",
        'timestamp("2024-02-29T12:30:45.123456Z")',
    ),
    "duration": (
        "for_us", "for_ms", "for_ns", "(for_us + for_ns)", "(p ? for_ms : for_ns)", 'duration("1.5s")',
    ),
    "list(int)": (
        "ints", "more", "small", "triple", "user.ints", "[]", "[1, 2]", "[3, 1, null]", "[i, j]", "[k, null]",
        "nested[0]", "orders[0].lines", "(ints + more)", "(p ? ints : more)", "ints.map(w1, w1)",
        "small.map(w1, w1 + 1)", "ints.filter(w1, w1 != null)",
    ),
    "list(string)": (
        "texts", "words", "address.tags", '["a", "b"]', "[s, t]", "texts.map(w1, w1 + s)", "(texts + words)",
    ),
    "list(double)": (
        "doubles", "[x, y]", "[1.0, 0.0 / 0.0]", "doubles.map(w1, w1 / 3.0)",
    ),
    "list(bool)": (
        "flags", "[p, q]", "ints.map(w1, w1 > k)",
    ),
    "bytes": (
        "bin", "bin2", 'b"a"', "bytes(s)", "(bin + bin2)",
    ),
}  # fmt: skip
_NUMBERS = ("int", "uint", "double")
_TYPES = {e: type_ for type_, expressions in _BY_TYPE.items() for e in expressions if e.isidentifier()}
_COLUMN = re.compile(r"(?<![\w.`\"\\?])[a-z_][a-z_0-9]*(?![\w(`\"])")
_BOUND = re.compile(r"\.(?:exists|all|map|filter|exists_one)\((\w+),")
# What cel-cpp does not judge: see exceptions.yaml. The times are sums and differences near the ends of 64 bits; around
# the text of a number, white space is no error there.
_UNJUDGED = re.compile(
    r"has\(user|moment|span|numeral|ages|far|days|wide|by_id|in labels|in scores|in \{|!!|--|`| - |string\(|int\(s\)"
)

# The text of a NaN has a sign there: only what is no double is turned into a text.
_SIGNED = re.compile(r"string\((?!i\)|bin\))")


def substituted(conditions: Sequence[Written], seed: int | str, number: int) -> list[str]:
    """That many conditions, each made from one of ``conditions`` by putting other expressions in place of columns."""
    chance = random.Random(seed)
    usable = [w.text for w in conditions if w.checked and w.file != "null_structs" and w.text not in exceptions()]
    usable = [text for text in usable if not _UNJUDGED.search(text)]
    made: dict[str, None] = {}
    while len(made) < number:
        text = chance.choice(usable)
        for _ in range(chance.choice((1, 1, 2, 3))):
            bound = set(_BOUND.findall(text))
            columns = [m for m in _COLUMN.finditer(text) if m.group() in _TYPES and m.group() not in bound]
            if columns:
                column = chance.choice(columns)
                type_ = _TYPES[column.group()]
                if type_ in _NUMBERS and chance.random() < 0.15:
                    type_ = chance.choice(_NUMBERS)
                text = text[: column.start()] + chance.choice(_BY_TYPE[type_]) + text[column.end() :]
        if not _SIGNED.search(text):
            made[text] = None
    return list(made)
