"""Maps as columns whose keys are narrower than the key that is asked for."""

from __future__ import annotations

import polars as pl
import pytest

from engine import evaluate

MAPS = pl.DataFrame(
    {
        "m": pl.Series([{1: "a"}, {100: "b"}, None, {}], dtype=pl.Map(pl.Int8(), pl.String())),
        "k": [1, 300, 1, 2],
    }
)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("300 in m", [False, False, None, False]),
        ("m[300]", [None, None, None, None]),
        ("m[k]", ["a", None, None, None]),
        ('m[?k].orValue("none")', ["a", "none", None, "none"]),
        ("m[?300].hasValue()", [False, False, None, False]),
        ("(k / 0) in m", [None, None, None, None]),
    ],
)
def test_a_key_that_the_keys_cannot_hold_is_not_there(text: str, values: list[object]) -> None:
    compiled, interpreted = (evaluate(text, MAPS, mode=mode) for mode in ("compiled", "interpreted"))
    assert compiled.values.to_list() == interpreted.values.to_list() == values
    assert compiled.errors.to_list() == interpreted.errors.to_list()
