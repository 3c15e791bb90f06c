"""What statistics decide of a condition is what happens: on hostile rows, for all conditions of the hostile suite."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import product
from pathlib import Path

import polars as pl
import pytest

from compiler.condition import Condition, compile_condition
from compiler.facts import Facts, Value
from compiler.ir import Column, Node, children
from compiler.outcomes import ERROR, FALSE, TRUE, FactsOf, assume, outcomes
from compiler.schema import Schema
from compiler.types import Primitive, plain
from engine import count
from engine.optimisations import Optimisations
from engine.results import run_time
from engine.sources.frames import facts_of
from engine.statistics import by_fingerprint
from tests.hostile.conditions import Written, one_in, written
from tests.hostile.rows import NOW, hostile_rows
from tests.hostile.substitutes import substituted
from tests.hostile.test_hostile import as_condition, bools, combined, compiled_answer, counted
from tests.hostile.values import ERROR as AN_ERROR
from tests.hostile.values import Value as Outcome

PIECES = [range(96), range(1), range(40, 41), *one_in(4, (range(start, start + 4) for start in range(0, 96, 4)))]
FILES = sorted({condition.file for condition in written() if condition.checked})
BITS: dict[object, int] = {("bool", True): TRUE, ("bool", False): FALSE, AN_ERROR: ERROR}
NANOSECONDS = {"ms": 10**6, "us": 10**3, "ns": 1}


@cache
def schema() -> Schema:
    return Schema.of(hostile_rows().schema)


@cache
def compiled(condition: Written) -> Condition:
    return compile_condition(condition.text, schema(), now=run_time(NOW))


def bools_of(file: str) -> list[Written]:
    return [condition for condition in bools().values() if condition.file == file]


def facts_with_choices(column: pl.Series) -> Facts:
    """More than any source tells: the bounds of all types that have an order, and the values themselves."""
    facts = facts_of(column)
    values = values_of(column)
    if values is None or not facts.present:
        return facts
    kept = [value for value in values if value is not None and value == value]
    nan = len(kept) < sum(value is not None for value in values)
    low, high = (min(kept), max(kept)) if kept else (None, None)
    return facts._replace(low=low, high=high, nan=nan, choices=frozenset(kept))


def values_of(column: pl.Series) -> list[Value | None] | None:
    match column.dtype:
        case pl.Date():
            return [None if day is None else day * 86_400 * 10**9 for day in column.to_physical()]
        case pl.Datetime() | pl.Duration():
            tick = NANOSECONDS[column.dtype.time_unit]
            return [None if value is None else value * tick for value in column.to_physical()]
        case dtype if dtype.is_nested() or isinstance(dtype, (pl.Decimal, pl.Null)):
            return None
        case _:
            return column.to_list()


@cache
def known_of(piece: range, *, choices: bool) -> FactsOf:
    rows = hostile_rows()[piece.start : piece.stop]
    tell = facts_with_choices if choices else facts_of
    return by_fingerprint({name: tell(rows.get_column(name)) for name in rows.columns})


@pytest.mark.parametrize("file", FILES)
def test_outcomes_are_all_that_happens(file: str) -> None:
    for one in bools_of(file):
        condition = compiled(one)
        values = as_condition(compiled_answer(one).values)
        for piece, choices in product(PIECES, (True, False)):
            found = {BITS[value] for value in values[piece.start : piece.stop]}
            for node in (condition.node, condition.checked):
                possible = outcomes(node, known_of(piece, choices=choices))
                assert all(bit & possible for bit in found), (one.text, piece)


def test_outcomes_are_often_decided() -> None:
    decided = 0
    for condition in bools().values():
        node = compiled(condition).node
        decided += sum(outcomes(node, known_of(piece, choices=False)) in (TRUE, FALSE) for piece in PIECES)
    assert decided > 400


def assumed(condition: Condition, values: list[Outcome], piece: range, *, choices: bool) -> Iterator[str]:
    """What is wrongly concluded of the values of columns from a condition's being true, or false."""
    for true in (True, False):
        for node in (condition.node, condition.checked):
            known = assume(node, known_of(piece, choices=choices), true=true)
            rows = [row for row in piece if values[row] == ("bool", true)]
            for name in {column.name for column in columns_of(node)}:
                column = hostile_rows().get_column(name)[rows]
                if isinstance(plain(schema().types[name]), Primitive) and f"column:{name!r}" in known:
                    yield from wrong(known[f"column:{name!r}"], column)


def wrong(facts: Facts, column: pl.Series) -> Iterator[str]:
    values = values_of(column)
    if (values is None and column.null_count() < len(column)) or values is None:
        return
    present = [value for value in values if value is not None]
    kept = [value for value in present if value == value]
    if present and not facts.present:
        yield "a value is present"
    if len(present) < len(values) and not facts.null:
        yield "a null is possible"
    if len(kept) < len(present) and not facts.nan:
        yield "a NaN is possible"
    if facts.low is not None and any(value < facts.low for value in kept):  # type: ignore[operator]
        yield "a value is less"
    if facts.high is not None and any(value > facts.high for value in kept):  # type: ignore[operator]
        yield "a value is greater"
    if facts.choices is not None and any(value not in facts.choices for value in kept):
        yield "there is another value"


def columns_of(node: Node) -> Iterator[Column]:
    if isinstance(node, Column):
        yield node
    for child in children(node):
        yield from columns_of(child)


@pytest.mark.parametrize("file", FILES)
def test_what_is_assumed_is_true_of_the_values(file: str) -> None:
    for one in bools_of(file):
        values = as_condition(compiled_answer(one).values)
        for piece, choices in product(PIECES, (True, False)):
            assert list(assumed(compiled(one), values, piece, choices=choices)) == [], (one.text, piece)


@pytest.mark.parametrize("skipping", [True, False])
@pytest.mark.parametrize("proofs", [True, False])
def test_counts_with_each_on_and_off(tmp_path: Path, skipping: bool, proofs: bool) -> None:
    combinations = [combined(name) for name in range(0, 300, 5)]
    conditions = {n: w.text for n, w in bools().items()} | {text: text for text, _ in combinations}
    expected = {n: compiled_answer(w).values for n, w in bools().items()} | dict(combinations)
    chosen = Optimisations(skipping=skipping, proofs=proofs)
    for by in one_in(2, ("i", "s"), skipping + proofs):
        path = tmp_path / f"{by}.parquet"
        hostile_rows().sort(by, nulls_last=True).write_parquet(path, row_group_size=4)
        report = count(path, conditions, now=NOW, optimisations=chosen)
        for result in report.results:
            assert result.error is None, result.name
            assert (result.user_count, result.error_count) == counted(expected[result.name]), result.name
        for name in one_in(40, conditions, 10 * (skipping + 2 * proofs)):
            result = count(path, conditions[name], now=NOW, optimisations=chosen).results[0]
            assert (result.user_count, result.error_count) == counted(expected[name]), name


def test_counts_of_arithmetic_with_proofs(tmp_path: Path) -> None:
    texts = {f"({text}) != null": text for text in substituted([w for w in written() if w.file == "numbers"], 7, 150)}
    path = tmp_path / "rows.parquet"
    hostile_rows().sort("i").write_parquet(path, row_group_size=4)
    off = Optimisations(skipping=False, proofs=False)
    for start in range(4, 96, 23):
        hostile_rows().sort("i")[start : start + 9].write_parquet(path, row_group_size=4)
        without = count(path, {text: text for text in texts}, now=NOW, optimisations=off)
        proven = count(path, {text: text for text in texts}, now=NOW)
        assert [r[2:5] for r in proven.results] == [r[2:5] for r in without.results]
