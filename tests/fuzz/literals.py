"""Literals that expressions by chance are made of: of each type, and where a function wants certain texts."""

from __future__ import annotations

from collections.abc import Mapping

from compiler.types import BOOL, BYTES, DOUBLE, DURATION, INT, STRING, TIMESTAMP, UINT, ListType, Type

LITERALS: Mapping[Type, tuple[str, ...]] = {
    BOOL: ("true", "false", "(1 / 0 > 1)"),
    INT: ("0", "1", "(-1)", "2", "3", "30", "9223372036854775807", "(-9223372036854775808)", "(1 / 0)", "size(s)"),
    UINT: ("0u", "1u", "3u", "18446744073709551615u"),
    DOUBLE: ("0.0", "(-0.0)", "1.0", "1.5", "(-2.5)", "1e300", "(0.0 / 0.0)", "(1.0 / 0.0)", "9007199254740993.0"),
    STRING: ('""', '"a"', '"b"', '"é"', '"😀"', '"\\x00"', '"A"', "'a b'", '"12"'),
    BYTES: ('b""', 'b"a"', r'b"\xff"'),
    TIMESTAMP: (
        "now", 'timestamp("2024-02-29T12:30:45.123456789Z")', "timestamp(0)", 'timestamp("9999-12-31T23:59:59Z")',
    ),
    DURATION: ('duration("1h30m")', 'duration("-1.5s")', 'duration("0s")', "days(30)", 'duration("1ns")'),
    ListType(INT): ("[1, 2, 3]", "[]", "[i, j]", "[k]"),
    ListType(STRING): ('["a", "b"]', "[s, t]"),
    ListType(DOUBLE): ("[x, y]", "[1.0, 0.5, 1.0]"),
}  # fmt: skip

_PATTERNS = (
    '"a"', 'r"^a"', 'r"b$"', 'r"^[a-zé]+$"', r'r"\d+"', r'r"\w"', r'r"\bab"', 'r"(?i)k"', 'r"a|b"', 'r"."', 'r"^.$"',
    '""', r'r"\s"', r'r"\pL"', 'r"a*"', 'r"(ab)?c"', r'r"^\S+@\S+$"',
)  # fmt: skip
_ZONES = ('"UTC"', '"Europe/Berlin"', '"America/New_York"', '"+05:30"', '"-01:00"', '"Asia/Kathmandu"')
_MOMENTS = ('"2024-02-29T12:30:45.123456Z"', '"2024-01-01T01:00:00+01:00"', "string(at)")
_SPANS = ('"1h"', '"-1.5s"', '"1h30m10s"', '"0s"', '"250ms"')
_NUMERALS = ("numeral", '"12"', '"-7"', "string(i)", "string(u)", "string(x)")
_GETTERS = (
    "getFullYear", "getMonth", "getDayOfYear", "getDayOfMonth", "getDate", "getDayOfWeek", "getHours", "getMinutes",
    "getSeconds", "getMilliseconds",
)  # fmt: skip

ARGUMENTS: Mapping[tuple[str, int], tuple[str, ...]] = {
    ("matches", 1): _PATTERNS,
    ("timestamp", 0): (*_MOMENTS, "moment"),
    ("duration", 0): (*_SPANS, "span"),
    ("int", 0): _NUMERALS,
    ("uint", 0): _NUMERALS,
    ("double", 0): _NUMERALS,
    ("bool", 0): ("numeral", '"true"', '"F"'),
    ("base64.decode", 0): ('"aGVsbG8="', '"YQ"', '"%%"', "base64.encode(bin)"),
    **{(getter, 1): _ZONES for getter in _GETTERS},
}
"""By the name of a function and the place of an argument, texts that it mostly takes."""
