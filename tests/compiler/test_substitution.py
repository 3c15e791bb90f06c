"""Constants in conditions, and conditions that share one text."""

from __future__ import annotations

import polars as pl
import pytest

from compiler.condition import Condition, combine, compile_condition, distinct_parts
from compiler.diagnostics import CompileError
from compiler.limits import SOURCE_BYTES
from compiler.schema import Schema
from compiler.source import Source, Span
from compiler.substitution import Constants

SCHEMA = Schema.of({"a": pl.Int64(), "s": pl.String(), "tags": pl.List(pl.String()), "c": pl.Struct({"x": pl.Int64()})})
CONSTANTS: Constants = {"c": {"x": "one", "n": 2, "none": None}}


def compiled(text: str, before: str = "", *, constants: bool = True) -> Condition:
    given = CONSTANTS if constants else None
    return compile_condition(text, SCHEMA, now=0, segment=True, before=before, constants=given)


@pytest.mark.parametrize(
    ("text", "written_out"),
    [
        ("s == c.x", 's == "one"'),
        ("a == c.n", "a == 2"),
        ("s == .c.x", 's == "one"'),
        ("has(c.x) && !has(c.none)", "true && !false"),
        ("c.x in tags || [c.x, s][0] == s", '"one" in tags || ["one", s][0] == s'),
        ("(a > c.n ? c.x : s).startsWith(c.x)", '(a > 2 ? "one" : s).startsWith("one")'),
        ("tags.exists(t, t == c.x)", 'tags.exists(t, t == "one")'),
        ("tags.exists(c, c == s)", "tags.exists(d, d == s)"),
        ("tags.exists(c, c == .c.x)", 'tags.exists(d, d == "one")'),
        ("tags.filter(c, c == s).exists(t, t == c.x)", 'tags.filter(c, c == s).exists(t, t == "one")'),
        ('{"k": c.n}["k"] == a', '{"k": 2}["k"] == a'),
        ("user.c.x == c.n", "c.x == 2"),
    ],
)
def test_a_constant_is_the_literal_that_it_stands_for(text: str, written_out: str) -> None:
    assert compiled(text).node.fingerprint == compiled(written_out, constants=False).node.fingerprint


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("s == c.y", "<input>:1:8: c has no field 'y'"),
        ("s == c.none", "<input>:1:6: c.none has no value here"),
        ("a > 0 && c == s", "<input>:1:10: 'c' has no value of its own: select a field of it, as in c.x"),
        ("a == c.x", "<input>:1:3: int and string are never equal"),
    ],
)
def test_what_is_wrong_is_reported_where_it_was_written(text: str, message: str) -> None:
    with pytest.raises(CompileError) as raised:
        compiled(text)
    assert str(raised.value).startswith(f"ERROR: {message}")


def test_conditions_share_one_text() -> None:
    first = compiled("a > 1")
    second = compiled("s ==\n c.x", "a > 1\n")
    both = combine("&&", [first, second])
    assert both.source.text == "a > 1\ns ==\n c.x"
    assert [both.source.slice(part.checked.span) for part in both.parts] == ["a > 1", "s ==\n c.x"]
    assert both.columns == ("a", "s")
    assert both.source_of(first.checked.span) is first.source
    assert both.source_of(second.checked.span) is second.source
    assert combine("||", [first]) is first
    third = compiled("a > 3", "a > 1\ns ==\n c.x\n")
    nested = combine("||", [both, third])
    assert distinct_parts([nested, both, third]) == [first, second, third]
    assert nested.source_of(second.checked.span) is second.source


def test_places_are_counted_from_where_the_condition_begins() -> None:
    source = Source("x == 1\ny ==\n 2", start=7)
    assert source.own == "y ==\n 2"
    assert source.position(7) == (1, 1)
    assert source.position(13) == (2, 2)
    assert source.line(2) == " 2"
    assert source.slice(Span(0, 6)) == "x == 1"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "<input>:1:1: the condition is empty"),
        ("a > ", "<input>:1:4: expected an expression, but the condition ends"),
        ("a >\n'", "<input>:2:1: the string is not closed by ' on its line"),
        ("a = 1", "<input>:1:3: '=' is not an operator"),
        ("\ud800", "<input>:1:1: U+D800 is half of a surrogate pair, not a character"),
        (" " * SOURCE_BYTES + "a > 1", f"<input>:1:1: the condition has {SOURCE_BYTES + 5:,} bytes"),
    ],
)
def test_syntax_errors_are_counted_from_there_too(text: str, message: str) -> None:
    for before in ("", "a > 1 &&\ns == 'x'\n"):
        with pytest.raises(CompileError) as raised:
            compiled(text, before)
        assert str(raised.value).startswith(f"ERROR: {message}")


def test_what_comes_before_does_not_count_against_the_limit() -> None:
    assert compiled("a > 1", " " * SOURCE_BYTES).columns == ("a",)
