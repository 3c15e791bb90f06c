"""Maps that are written out: their keys, and what many of them take to compile."""

from __future__ import annotations

from time import process_time

import polars as pl
import pytest

from compiler.condition import compile_condition
from compiler.lower import Lowering
from compiler.schema import Schema
from engine import evaluate

ROWS = pl.DataFrame({"user_id": [1, 2, 3], "country": ["NL", "DE", None], "n": [1, 2, None]})
DUPLICATE = "duplicate key in a map"


@pytest.mark.parametrize("mode", ["compiled", "interpreted"])
@pytest.mark.parametrize(
    ("condition", "values", "error"),
    [
        ('{"NL": 1, "DE": 2, "BE": 3}[country]', [1, 2, None], "no such key"),
        ('{"NL": 1, "DE": 2}[?country].orValue(0)', [1, 2, 0], None),
        ('{"a": 1, "a": 2}.size()', [None, None, None], DUPLICATE),
        ("{1: 1, 1u: 2}.size()", [None, None, None], DUPLICATE),
        ("{1: 1, n: 2}.size()", [None, 2, None], DUPLICATE),
        ("{?1: optional.none(), 1: 2}.size()", [1, 1, 1], None),
    ],
)
def test_keys(condition: str, values: list[object], error: str | None, mode: str) -> None:
    evaluation = evaluate(condition, ROWS, mode=mode)
    assert evaluation.values.to_list() == values
    first = next((reason for reason in evaluation.errors if reason is not None), None)
    assert (first is None) == (error is None)
    assert error is None or str(first).startswith(error)


def test_a_large_table_takes_no_longer_for_each_entry() -> None:
    schema = Schema.of(ROWS.schema)

    def seconds(entries: int) -> float:
        table = ", ".join(f'"k{i}": {i}' for i in range(entries))
        best = 1.0
        for _ in range(3):
            start = process_time()
            Lowering(schema).lower(compile_condition(f"{{{table}}}[country] == 3", schema, now=0).node)
            best = min(best, process_time() - start)
        return best

    assert seconds(700) < 25 * seconds(70)
