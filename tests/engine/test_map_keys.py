"""Maps with keys of several types: true is not 1, although Python takes the two for one key."""

from __future__ import annotations

import polars as pl
import pytest

from engine import evaluate

CASES = [
    ('"%s".format([{1: "a", 2u: "b", true: "c"}])', "{1: a, 2: b, true: c}"),
    ("{1: 2, true: 3}[dyn(true)]", 3),
    ("{1: 2, true: 3}[dyn(1)]", 2),
    ("{0: 2, dyn(false): 3, dyn(true): 4}[dyn(false)]", 3),
    ("{dyn(1): 2, dyn(true): 3} == {dyn(true): 3, dyn(1): 2}", True),
    ("{dyn(1): 2} == {dyn(true): 2}", False),
    ("{dyn(1): 2} != {dyn(true): 2}", True),
    ("dyn(true) in {dyn(1): 2}", False),
    ("dyn(true) in {dyn(1): 2, dyn(true): 3}", True),
    ("{dyn(1): 2, dyn(true): 3}[?dyn(false)].hasValue()", False),
    ("{dyn(1): 2, dyn(true): 3}.exists_one(k, k == dyn(true))", True),
    ("{dyn(1): 2, dyn(true): 3}.all(k, v, type(k) == bool ? v == 3 : v == 2)", True),
    ('size({dyn(1): 2, dyn(true): 3, dyn("a"): 1})', 3),
    ("{dyn(1): 2, dyn(true): 3, dyn(true): 4}", None),
]


@pytest.mark.parametrize("mode", ["auto", "interpreted"])
@pytest.mark.parametrize(("text", "expected"), CASES, ids=[text for text, _ in CASES])
def test_true_is_not_one(text: str, expected: object, mode: str) -> None:
    answer = evaluate(text, pl.DataFrame({"row": [1]}), mode=mode)
    assert answer.values.to_list() == [expected]
    assert answer.errors.is_not_null().to_list() == [expected is None]
