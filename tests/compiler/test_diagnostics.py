"""What a condition that does not parse is answered: the messages word for word, the limits, and the time it takes."""

from __future__ import annotations

import pickle
from time import process_time

import pytest

from compiler.diagnostics import CompileError, Diagnostic
from compiler.limits import COMPREHENSION_DEPTH, DEPTH, NODES, SOURCE_BYTES
from compiler.parse import parse
from compiler.source import Source, Span
from tests.golden import Entry, entries, rewritten

NAME = "parse_errors.txt"


def error_of(text: str) -> CompileError:
    with pytest.raises(CompileError) as raised:
        parse(Source(text))
    assert len(raised.value.diagnostics) == 1
    return raised.value


rewritten(NAME, lambda entry: str(error_of(entry.text)))


@pytest.mark.parametrize("entry", list(entries(NAME)), ids=str)
def test_message(entry: Entry) -> None:
    assert str(error_of(entry.text)) == entry.message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "<input>:1:1: the condition is empty"),
        (" \n // nothing\n", "<input>:1:1: the condition is empty"),
        ("a &&\n  b = 1", "<input>:2:5: '=' is not an operator"),
        ("f(a,\n  [b,\n   c)", "<input>:3:5: expected ',' or ']' to match '[' at 2:3, but found ')'"),
        ("'a\nb'", "<input>:1:1: the string is not closed by ' on its line"),
        ("a\u00a0> 1", "<input>:1:2: unexpected character U+00A0"),
        ("a\x00", "<input>:1:2: unexpected character U+0000"),
        ("\ufeffa", "<input>:1:1: unexpected character U+FEFF"),
        ("a == '\ud800'", "<input>:1:7: U+D800 is half of a surrogate pair, not a character"),
        ("'\\\n'", "<input>:1:1: the string is not closed by ' on its line"),
        ("'''\\\n'''", "<input>:1:4: invalid escape sequence '\\U+000A'"),
    ],
)
def test_message_at_a_place_that_takes_no_single_line(text: str, message: str) -> None:
    assert str(error_of(text)).splitlines()[0] == f"ERROR: {message}"


def test_the_caret_stands_under_the_place_whatever_the_width_of_what_precedes() -> None:
    assert str(error_of("'東京' == c and d")).splitlines()[1:3] == [
        " | '東京' == c and d",
        " |             ^^^",
    ]


def test_diagnostics_come_in_source_order() -> None:
    source = Source("a + b", "segment")
    error = CompileError(source, [Diagnostic(Span(4, 5), "second"), Diagnostic(Span(0, 1), "first", "a hint")])
    assert str(error).splitlines() == [
        "ERROR: segment:1:1: first",
        " | a + b",
        " | ^",
        " = a hint",
        "ERROR: segment:1:5: second",
        " | a + b",
        " |     ^",
    ]


def nested_comprehensions(levels: int) -> str:
    return "a.all(x, " * levels + "true" + ")" * levels


@pytest.mark.parametrize(
    ("largest", "too_large", "message"),
    [
        ("a" * SOURCE_BYTES, "a" * (SOURCE_BYTES + 1), "10,001 bytes; at most 10,000"),
        ("'é'" + " " * (SOURCE_BYTES - 4), "'é'" + " " * (SOURCE_BYTES - 3), "10,001 bytes; at most 10,000"),
        (" || ".join("a" * (NODES - 1)), " || ".join("a" * NODES), "2,001 nodes; at most 2,000"),
        ("[" + "1," * (NODES - 1) + "]", "[" + "1," * NODES + "]", "2,001 nodes; at most 2,000"),
        ("(" * (DEPTH - 1) + "a" + ")" * (DEPTH - 1), "(" * DEPTH + "a" + ")" * DEPTH, "64 levels deep"),
        ("!" * (DEPTH - 1) + "a", "!" * DEPTH + "a", "64 levels deep"),
        ("-" * (DEPTH - 1) + "a", "-" * DEPTH + "a", "64 levels deep"),
        ("f(" * (DEPTH - 1) + "a" + ")" * (DEPTH - 1), "f(" * DEPTH + "a" + ")" * DEPTH, "64 levels deep"),
        ("a" + ".b" * (DEPTH - 1), "a" + ".b" * DEPTH, "64 levels deep"),
        ("a" + "[0]" * (DEPTH - 1), "a" + "[0]" * DEPTH, "64 levels deep"),
        ("a" + ".b()" * (DEPTH - 1), "a" + ".b()" * DEPTH, "64 levels deep"),
        ("a" + " + b" * (DEPTH - 1), "a" + " + b" * DEPTH, "64 levels deep"),
        ("a ? b : " * (DEPTH - 1) + "c", "a ? b : " * DEPTH + "c", "64 levels deep"),
        (
            nested_comprehensions(COMPREHENSION_DEPTH),
            nested_comprehensions(COMPREHENSION_DEPTH + 1),
            "nested more than 3 deep",
        ),
    ],
)
def test_limit(largest: str, too_large: str, message: str) -> None:
    parse(Source(largest))
    assert message in error_of(too_large).diagnostics[0].message


def test_nesting_too_deep_where_the_text_ends_has_a_place_within_it() -> None:
    error = error_of("f(" * DEPTH)
    assert "64 levels deep" in error.diagnostics[0].message
    assert error.diagnostics[0].span == (2 * DEPTH, 2 * DEPTH)


def test_comprehensions_one_after_another_are_not_nested() -> None:
    parse(Source("a" + ".filter(x, x)" * 10 + ".all(x, x)"))


HOSTILE = [
    *("(", "[", "{", "!", "-", "f(", "a.f(", "[[", "{1:", "T{x:", "a?b:", "a?", "a||(b&&", "a||b&&c==d+e*("),
    *(
        "x.map(y,",
        "o.optMap(x,",
        "a+",
        "a.b.",
        "a[0].",
        "-1-",
        "a,",
        "::",
        ".",
        "a.",
        "?",
        "\n(",
        "/",
        "\\",
        "\x00",
        "é",
    ),
    *("'", '"""', "'''", "`", "r'", "b'\\", "'\\n", "9", "0x", "1.", "1e9"),
]


@pytest.mark.parametrize("piece", HOSTILE)
@pytest.mark.parametrize("end", ["", "a", "'"])
def test_hostile_texts_take_linear_time(piece: str, end: str) -> None:
    def seconds(share: int) -> float:
        text = piece * (SOURCE_BYTES // share // len(piece.encode()) - 1) + end
        times = []
        for _ in range(3):
            start = process_time()
            with pytest.raises(CompileError):
                parse(Source(text))
            times.append(process_time() - start)
        return min(times)

    # Eight times the length: 64 times the time if it were quadratic.
    assert seconds(1) < 30 * max(seconds(8), 1e-4)


def test_a_chain_of_many_operands_is_flat_and_takes_linear_time() -> None:
    def seconds(operands: int) -> float:
        text = " || ".join(["a && b"] * operands)
        times = []
        for _ in range(3):
            start = process_time()
            parse(Source(text))
            times.append(process_time() - start)
        return min(times)

    assert seconds(600) < 30 * max(seconds(75), 1e-4)


@pytest.mark.parametrize(
    ("text", "start", "end", "shown", "caret"),
    [
        ("a" * 120, 119, 120, "a" * 120, 119),
        ("b" * 50 + "?" + "a" * 500, 50, 51, "…" + "b" * 40 + "?" + "a" * 79 + "…", 41),
        ("a" * 500 + "?", 500, 501, "…" + "a" * 119 + "?", 120),
        ("?" + "a" * 500, 0, 1, "?" + "a" * 119 + "…", 0),
        ("(" + "a" * 500, 0, 501, "(" + "a" * 119 + "…", 0),
    ],
)
def test_of_a_long_line_the_part_around_the_place_is_shown(
    text: str, start: int, end: int, shown: str, caret: int
) -> None:
    lines = str(CompileError(Source(text), [Diagnostic(Span(start, end), "wrong")])).splitlines()
    assert lines[0] == f"ERROR: <input>:1:{start + 1}: wrong"
    assert lines[1] == f" | {shown}"
    assert lines[2] == f" | {' ' * caret}{'^' * min(end - start, 120)}"


def test_an_error_goes_from_one_process_to_another() -> None:
    error = error_of("a &&\n  b = 1")
    sent = pickle.loads(pickle.dumps(error))
    assert isinstance(sent, CompileError)
    assert (str(sent), sent.source, sent.diagnostics) == (str(error), error.source, error.diagnostics)
