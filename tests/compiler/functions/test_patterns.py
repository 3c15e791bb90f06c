"""Patterns rewritten for Polars: RE2 itself says what each of them must find."""

from __future__ import annotations

import random
import time
from functools import cache

import polars as pl
import pytest
import re2

from compiler.cell import NotColumnar
from compiler.functions import characters, patterns
from compiler.functions.pattern_parts import Place, PlainText, Rewritten

LETTERS = (
    "aAbkKsSzZ019_ -.\t\n\r\v\f\0éÉßẞſ\u212aİıiIΣσς١२５\xa0\u2003\x85ǅǆ\u0345ω\u2126日😀\ua7dc\u019b&~[]{}^$\\|<>#/,"
)

PIECES = r"""
    \d \w \s \D \W \S \pL \PN \p{Lu} \p{^Ll} \P{Greek} \pZ \p{Nd}
    [[:alpha:]] [[:^upper:]] [[:space:][:word:]] [:alpha:] [[.a.]]
    . [a&&b] [[a]] [[a]b] [a~~b] []a] [^]a] [a-] [-a] [a\-z] [^\d\s] [\W\d] [é-ω] [^é-ω] [k-s] [^k] [ſ]
    [\x{D7F0}-\x{E100}] [^\x00-\x{10FFFF}] [\x00-\x{10FFFF}] [\n] [^\n] [^\W] [^\PL] [--a] [+--] [\[-\]] [,-.]
    \x{D800} \x{212A} \x41 \101 \07 \x{10ffff} \Qa.b\E \Q[\E \Q\E \. \_ \- \< \/ \n \v \a
    { } ] {,5} {a a{b && ~~ -- # {01} {1000000000000}
"""
ASSERTIONS = ("^", "$", r"\b", r"\B", r"\A", r"\z", "(?i)", "(?m)", "(?s)", "(?U)", "(?-i)", "(?i-s)", "(?)")
GROUPS = ("(", "(?:", "(?i:", "(?s:", "(?m:", "(?-i:", "(?ims:")
REPETITIONS = ("*", "+", "?", "*?", "+?", "??", "{2}", "{0,2}", "{1,}", "{0}", "{3}?", "{01}", "{,2}")


def drawn(random_: random.Random, depth: int) -> str:
    """A pattern that RE2 may or may not accept."""
    kind = random_.random()
    if depth == 0 or kind < 0.3:
        letter = random_.choice(LETTERS)
        return "\\" + letter if letter in "[]{}^$\\|.#" and random_.random() < 0.8 else letter
    if kind < 0.55:
        return random_.choice(PIECES.split())
    if kind < 0.62:
        return random_.choice(ASSERTIONS)
    if kind < 0.78:
        return drawn(random_, depth - 1) + drawn(random_, depth - 1)
    if kind < 0.86:
        named = random_.choice(("(?P<n{}>", "(?<n{}>")).format(random_.randrange(10**6))
        return random_.choice((*GROUPS, named)) + drawn(random_, depth - 1) + ")"
    if kind < 0.92:
        return drawn(random_, depth - 1) + "|" + random_.choice(("", drawn(random_, depth - 1)))
    return drawn(random_, depth - 1) + random_.choice(REPETITIONS)


def by_polars(pattern: str, texts: list[str]) -> list[bool]:
    frame = pl.DataFrame({"text": texts}, schema={"text": pl.String})
    return frame.select(patterns.search(pl.col("text"), pattern)).to_series().to_list()


def by_re2(pattern: str, texts: list[str]) -> list[bool]:
    return [patterns.found(text, pattern) for text in texts]


def test_polars_finds_what_re2_finds() -> None:
    random_ = random.Random("patterns")
    tried = 0
    while tried < 400:
        pattern = drawn(random_, random_.randrange(5))
        if patterns.refusal(pattern) is not None:
            continue
        texts = ["".join(random_.choices(LETTERS, k=random_.choice((0, 1, 2, 3, 6, 12)))) for _ in range(20)]
        try:
            found = by_polars(pattern, texts)
        except NotColumnar as error:
            assert r"\B" in error.reason  # noqa: PT017  (nothing else that is drawn here may be refused)
            continue
        tried += 1
        assert found == by_re2(pattern, texts), pattern


# Digits, spaces and letters beyond ASCII; what Rust alone reads as syntax; ends of lines and of the text.
@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        (r"\d", "١५５", False),
        (r"\D", "١", True),
        (r"^\s$", "\xa0", False),
        (r"^\s$", "\v", False),
        (r"^[[:space:]]$", "\v", True),
        (r"^\w$", "é", False),
        (r"\bx", "éx", True),
        (r"é\b", "é", False),
        (r"^.$", "\n", False),
        (r"(?s)^.$", "\n", True),
        (r"^.$", "\r", True),
        (r"^[^a]$", "\n", True),
        (r"a$", "a\n", False),
        (r"(?m)a$", "a\nb", True),
        (r"(?m)^b", "a\nb", True),
        (r"^b", "a\nb", False),
        (r"^\z", "", True),
        (r"(?i)K", "\u212a", True),
        (r"(?i)ſ", "S", True),
        (r"(?i)^\w$", "\u212a", True),
        (r"(?i)ß", "ẞ", True),
        (r"(?i)ß", "SS", False),
        (r"(?i)i", "İ", False),
        (r"(?i)i", "ı", False),
        (r"(?i)σ", "ς", True),
        (r"[a&&b]", "&", True),
        (r"^[+--]$", ",", True),
        (r"^[[a]$", "[", True),
        (r"^[[a]]$", "a]", True),
        (r"a{,2}", "a{,2}", True),
        (r"^a{,2}$", "aa", False),
        (r"\Q(\E+", "((", True),
        (r"\101", "A", True),
        (r"^\x{1F600}{2}$", "😀😀", True),
        (r"\x{D800}", "\ud7ff", False),
        (r"^[\x{D800}-\x{E000}]$", "\ue000", True),
        (r"[^\x00-\x{10FFFF}]", "a", False),
        (r"a(?i)b|c", "C", True),
        (r"(?U)^a+$", "aa", True),
        (r"^(?P<x>a)(?<y>b)$", "ab", True),
        (r"x\B", "xé", False),
        (r"x\B", "xy", True),
        (r"\p{Greek}", "ω", True),
        (r"\p{^Greek}", "ω", False),
    ],
)
def test_meaning(pattern: str, text: str, expected: bool) -> None:
    assert by_re2(pattern, [text]) == [expected]
    assert by_polars(pattern, [text]) == [expected]


@pytest.mark.parametrize(
    ("pattern", "text", "place"),
    [
        ("", "", Place.ANYWHERE),
        ("abc", "abc", Place.ANYWHERE),
        ("a.b".replace(".", r"\."), "a.b", Place.ANYWHERE),
        (".*abc.*", "abc", Place.ANYWHERE),
        ("(a)(?:b)c", "abc", Place.ANYWHERE),
        ("^abc", "abc", Place.START),
        (r"\Aabc.*", "abc", Place.START),
        (r"@example\.com$", "@example.com", Place.END),
        (r".*\Q.com\E\z", ".com", Place.END),
        ("^(abc)$", "abc", Place.WHOLE),
        ("^$", "", Place.WHOLE),
        ("x*", "", Place.ANYWHERE),
        ("a|", "", Place.ANYWHERE),
    ],
)
def test_plain_text_needs_no_regular_expression(pattern: str, text: str, place: Place) -> None:
    assert patterns.rewrite(pattern) == PlainText(text, place)
    texts = ["", "abc", "xabc", "abcx", "a.b", "a@example.com", "@example.com.", "a\nabc", ".com"]
    assert by_polars(pattern, texts) == by_re2(pattern, texts)


@pytest.mark.parametrize(
    ("pattern", "rewritten"),
    [
        (r"\d{2,}x", "[0-9]{2,}x"),
        (r"\d{2}x", "[0-9]{2}x"),
        (r"\bab", r"(?-u:\b)ab"),
        ("^a|b$", r"(?:\Aa|b\z)"),
        ("(?m)^a", "(?m:^)a"),
        ("(?i)ka", "[Kk\u212a][Aa]"),
        ("a.b", r"a[^\n]b"),
        ("[^a]b", "[^a]b"),
        ("(?s)a.b", "a(?s:.)b"),
        ("(a|b)+?c", "(?:a|b)+c"),
        ("[a&&b]c", r"[\&a-b]c"),
    ],
)
def test_rewriting(pattern: str, rewritten: str) -> None:
    assert patterns.rewrite(pattern) == Rewritten(rewritten)


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        (r"a\C", r"\C"),
        (r"\B", r"\B"),
        (r"a?\B", r"\B"),
        ("(", "RE2 does not accept"),
        (r"(?:" * 245 + r"ab|c" + r")+" * 245, "RE2 does not accept|too large"),
        ("(?i)" + r"\pL|\pN" * 130, "too large"),
    ],
)
def test_not_columnar(pattern: str, reason: str) -> None:
    with pytest.raises(NotColumnar) as raised:
        patterns.rewrite(pattern)
    assert any(part in raised.value.reason for part in reason.split("|"))


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("a(b", "missing ): a(b"),
        ("a**", "bad repetition operator: **"),
        ("a{1001}", "invalid repetition size: {1001}"),
        (r"\Z", r"invalid escape sequence: \Z"),
        ("(?=a)", "invalid perl operator: (?="),
        (r"\é", "invalid escape sequence: \\é"),
        ("é" * 501, "the pattern has 1,002 bytes; at most 1,000 are allowed"),
        ("é" * 500, None),
        (r"^\pL+$", None),
    ],
)
def test_refusal_is_in_the_words_of_re2(pattern: str, message: str | None) -> None:
    assert patterns.refusal(pattern) == message


@pytest.mark.parametrize(
    "pattern",
    [
        "(" * 490 + "a" + ")" * 490,
        "(?:a|" * 160 + "b" + ")" * 160,
        "(?i)" + "é" * 490,
        ".{1000}" + "x?" * 400,
        "[a-z]+" * 160,
    ],
)
def test_large_patterns_take_no_long_time(pattern: str) -> None:
    patterns.rewrite("(?i)é")
    start = time.perf_counter()
    try:
        patterns.rewrite(pattern)
    except NotColumnar as error:
        assert "too large" in error.reason  # noqa: PT017
    assert time.perf_counter() - start < 0.5


@cache
def cased() -> tuple[str, str]:
    """Every character that any of Python's mappings of case changes; and all characters of the same blocks."""
    every = [chr(code) for code in range(0x20000) if not 0xD800 <= code < 0xE000]
    with_case = [c for c in every if {c.lower(), c.upper(), c.title(), c.casefold()} != {c}]
    return "".join(with_case), "".join(every)


def test_letters_of_another_case_are_those_of_re2() -> None:
    with_case, every = cased()
    haystack = every.encode()
    options = re2.Options()
    for letter in [*with_case, "\u1c8a", "\ua7cd", "\U00010d50"]:
        compiled = re2.compile(rf"(?i)\x{{{ord(letter):x}}}", options)
        expected = "".join(sorted(match.group().decode() for match in compiled.finditer(haystack)))
        folded = characters.folded(((ord(letter), ord(letter)),))
        assert "".join(chr(code) for low, high in folded for code in range(low, high + 1)) == expected


@pytest.mark.parametrize(
    "pattern",
    [
        r"\pL",
        r"\p{Lu}",
        r"(?i)\p{Lu}",
        r"\pN",
        r"\pC",
        r"\p{Greek}",
        r"(?i)[^k-s]",
        r"(?i)\W",
    ],
)
def test_classes_hold_the_code_points_that_re2_says(pattern: str) -> None:
    every = [chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000]
    expected = set("".join(re2.findall(f"{pattern}+", "".join(every))))
    column = pl.Series(every)
    rewritten = patterns.rewrite(pattern)
    assert isinstance(rewritten, Rewritten)
    assert set(column.filter(column.str.contains(rewritten.pattern))) == expected
