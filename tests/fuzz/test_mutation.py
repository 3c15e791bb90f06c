"""Whatever the text, a condition ends in a CompileError or in a value: no crash, no recursion, no hanging.

``make fuzz FUZZ=20000 FUZZ_SEED=2`` makes twice as many from that seed; without, a few hundred.
"""

from __future__ import annotations

import os
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.condition import compile_condition
from compiler.limits import SOURCE_BYTES
from compiler.schema import Schema
from engine import CompileError, count
from engine.evaluation import evaluate
from tests.fuzz.mutation import mangled
from tests.hostile.rows import NOW, hostile_rows

BATCH = 200
BATCHES = -(-int(os.environ.get("FUZZ", "100")) // 100)
SEED = os.environ.get("FUZZ_SEED", "1")
SCHEMA = Schema.of(hostile_rows().schema)
FEW_ROWS = hostile_rows().head(24)


def compiles(text: str, *, unchecked: bool = False) -> bool:
    """Whether a text is a condition. What is wrong with it has a place in the text, and can be shown."""
    try:
        compile_condition(text, SCHEMA, now=0, unchecked=unchecked)
    except CompileError as error:
        can_be_shown(error)
        return False
    return True


def can_be_shown(error: CompileError) -> None:
    """Asserts that each diagnostic has a place in the text, and that a terminal can show them."""
    assert error.diagnostics
    for diagnostic in error.diagnostics:
        assert 0 <= diagnostic.span.start <= diagnostic.span.end <= max(len(error.source.text), 1), error.source.text
    shown = str(error)
    assert len(shown) < 3_000 * len(error.diagnostics)
    shown.encode()
    assert not set(shown) & {"\x00", "\x1b", "\u202e", "\r", "\t"}


def seconds(text: str) -> float:
    start = process_time()
    compiles(text)
    return process_time() - start


@pytest.mark.parametrize("batch", range(BATCHES))
def test_mangled_conditions(batch: int) -> None:
    # A chain that fills the longest text that there may be.
    usual = min(seconds(" || ".join(["i > 12345"] * 600)) for _ in range(3))
    for text in mangled(f"{SEED}:{batch}", BATCH):
        assert seconds(text) < 10 * usual or min(seconds(text) for _ in range(3)) < 10 * usual, text
        compiles(text, unchecked=True)


@pytest.mark.parametrize("batch", range(BATCHES))
def test_mangled_conditions_are_counted_alike(batch: int) -> None:
    texts = {t: t for t in mangled(f"{SEED}:{batch}", BATCH) if len(t) < 300}
    compiled = count(FEW_ROWS, texts, now=NOW)
    interpreted = count(FEW_ROWS, texts, now=NOW, mode="interpreted")
    for text in texts:
        one, other = compiled[text], interpreted[text]
        found = (one.user_count, one.error_count, str(one.error))
        assert found == (other.user_count, other.error_count, str(other.error)), text


def test_some_mangled_conditions_are_conditions() -> None:
    assert sum(map(compiles, mangled("some", 300))) > 10


@given(st.text(st.characters(), max_size=60))
@settings(max_examples=300, deadline=None)
def test_any_text(text: str) -> None:
    compiles(text)


@given(st.binary(max_size=60), st.sampled_from(["surrogateescape", "replace", "surrogatepass"]))
@settings(max_examples=200, deadline=None)
def test_any_bytes(octets: bytes, errors: str) -> None:
    try:
        text = octets.decode("utf-8", errors)
    except UnicodeDecodeError:
        text = octets.decode("latin-1")
    compiles(text)


@given(
    st.text(st.characters(codec="utf-8"), max_size=20), st.sampled_from(["'{}'", '"{}"', "r'{}'", "'''{}'''", "b'{}'"])
)
@settings(max_examples=300, deadline=None)
def test_any_string(content: str, quotes: str) -> None:
    text = quotes.format(content)
    if not compiles(text):
        return
    one, other = (evaluate(text, FEW_ROWS.head(1), mode=mode).values[0] for mode in ("auto", "interpreted"))
    assert one == other


@pytest.mark.parametrize("character", ["\x00", "\x1b", "\u202e", "\ud800", "\ufeff", "\U0010ffff", "\u2028"])
@pytest.mark.parametrize("form", ["{}", "i > {}", "'{}'", "// {}", "user.`{}`", "i {} 1", "{}" * 300])
def test_characters_that_act_or_are_none(character: str, form: str) -> None:
    compiles(form.format(character) if form.count("{}") == 1 else character * 300)


def test_the_longest_tokens() -> None:
    for piece in ("9", "a", "é", "\\", "\\n", "'", '"', "`a", "0x1", "1e1", ".1", "//"):
        for prefix in ("", "'", '"', "`", "r'", "b'", "user.", "-", "1."):
            compiles((prefix + piece * SOURCE_BYTES)[:SOURCE_BYTES])
