"""How texts end, by their last octets: the answers are those of each condition alone."""

from __future__ import annotations

import random

import polars as pl
import pytest

from compiler.schema import Schema
from engine import count, evaluate
from engine.batch import batch
from engine.optimisations import Optimisations
from engine.plan import plan
from engine.results import Mode

WANTED = [
    "m",
    ".com",
    "@é.com",
    "ple.com",
    "mple.com",
    "ample.com",
    "@example.com",
    "@mail.example.com",
    "\x00",
    "é",
    "😀",
]
PIECES = [
    "",
    "a",
    "@",
    "é",
    "😀",
    "e\u0301",
    "\x00",
    ".com",
    "@example.com",
    "@mail.example.com",
    "example.com",
    "m" * 70,
]
CONDITIONS = [
    *(f"s.endsWith({wanted!r})" for wanted in WANTED),
    's.endsWith("")',
    '!s.endsWith(".com") || s.endsWith("e.com")',
]


def texts(rows: int, seed: int, *, nulls: bool) -> list[str | None]:
    draw = random.Random(seed)
    made: list[str | None] = ["".join(draw.choices(PIECES, k=draw.randrange(4))) for _ in range(rows)]
    return [None if nulls and draw.random() < 0.2 else text for text in made]


CASES = {
    "nulls": texts(3_000, 1, nulls=True),
    "no nulls": texts(3_000, 2, nulls=False),
    "none at first": [None] * 90 + [""] * 90 + texts(500, 3, nulls=True),
    "first": ["@example.com", "x@mail.example.com"],
    "empty": ["", "", None],
    "null": [None, None],
    "short": ["m", "é", "😀", ".com"] * 3,
}


@pytest.mark.parametrize("rows", CASES.values(), ids=CASES)
@pytest.mark.parametrize("chunk", [None, 77])
def test_endings_are_found(rows: list[str | None], chunk: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    if chunk is not None:
        monkeypatch.setattr("engine.counting._CHUNK_ROWS", chunk)  # slices of one column
    frame = pl.DataFrame({"s": rows, "n": range(len(rows))}, schema={"s": pl.String(), "n": pl.Int64()})
    chosen = Optimisations(dictionaries=False)
    for result in count(frame, {text: text for text in CONDITIONS}, optimisations=chosen).results:
        alone = evaluate(result.condition, frame, mode="interpreted").values
        assert (result.user_count, result.error_count) == (int(alone.sum()), alone.null_count()), result.condition


def test_a_few_endings_of_many_texts_are_read_together() -> None:
    two = {text: text for text in CONDITIONS[:2]}
    work = [batch(p.to_run(), p.lowering) for p in (plan(c, SCHEMA, now=0, mode=Mode.COMPILED) for c in (two, FOUR))]
    assert [[kind for kind, _ in one.families] for one in work] == [["endings"], ["dictionary", "endings"]]


SCHEMA = Schema.of({"s": pl.String()})
FOUR = {text: text for text in CONDITIONS[:4]}
