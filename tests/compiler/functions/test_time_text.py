"""Texts of durations as columns: to the nanosecond what the text of one is."""

from __future__ import annotations

import random

import polars as pl

from compiler.functions import time_text
from compiler.functions.declare import EvaluationError
from tests.hostile.rows import SPANS

NUMBERS = ("", "0", "1", "12", "999", "9223372036854775807", "0.5", "1.999999999999", "3.", ".", "0" * 30 + "7")
UNITS = ("h", "m", "s", "ms", "us", "ns", "", "x")
LIMITS = (
    "2562047h47m16.854775807s", "2562047h47m16.854775808s", "-2562047h47m16.854775808s", "-2562047h47m16.854775809s",
    "99999999999999999999ns", "0.5ns0.5ns", "-1.9ns", "0.99999999999999999999999h", "1h" * 300,
)  # fmt: skip


def by_text(text: str | None) -> int | None:
    try:
        return None if text is None else time_text.parse_duration(text)
    except EvaluationError:
        return None


def test_durations_of_a_column_are_those_of_its_texts() -> None:
    chance = random.Random(20240701)
    drawn = [
        chance.choice(("", "-", "+"))
        + "".join(chance.choice(NUMBERS) + chance.choice(UNITS) for _ in range(chance.randint(1, 3)))
        for _ in range(2_000)
    ]
    texts = [*SPANS, *LIMITS, *drawn]
    column = pl.Series("text", texts, dtype=pl.String)
    found = column.to_frame().select(time_text.parse_durations(pl.col("text"))).to_series().to_list()
    assert found == [by_text(text) for text in texts]
    assert sum(value is not None for value in found) > 200
