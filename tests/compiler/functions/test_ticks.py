"""Comparisons of timestamps and durations in every physical form, against Python's integers."""

from __future__ import annotations

import operator
from itertools import product

import polars as pl
import pytest

from compiler.cell import Cell
from compiler.functions import ticks
from compiler.types import DURATION, TIMESTAMP, Type, nullable

SYMBOLS = {"==": operator.eq, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
FORMS: tuple[tuple[Type, pl.DataType], ...] = (
    (TIMESTAMP, pl.Date()),
    (TIMESTAMP, pl.Datetime("ms")),
    (TIMESTAMP, pl.Datetime("us")),
    (TIMESTAMP, pl.Datetime("us", "Europe/Paris")),
    (TIMESTAMP, pl.Datetime("ns")),
    (TIMESTAMP, pl.Datetime("ns", "UTC")),
    (TIMESTAMP, pl.Int128()),
    (DURATION, pl.Duration("ms")),
    (DURATION, pl.Duration("us")),
    (DURATION, pl.Duration("ns")),
    (DURATION, pl.Int128()),
)
BASES = (0, 86_400 * 10**9, -86_400 * 10**9, 1_577_836_800 * 10**9, -62_135_596_800 * 10**9)
STEPS = (0, 1, -1, 999, 1_000, -1_000, 1_001, 10**6, -(10**6) - 1, 10**9 - 1)
INSTANTS = sorted({base + step for base, step in product(BASES, STEPS)})


def physical(dtype: pl.DataType) -> pl.DataType:
    if dtype == pl.Int128():
        return pl.Int128()
    return pl.Int32() if dtype == pl.Date() else pl.Int64()


def stored(dtype: pl.DataType) -> list[int | None]:
    """Ticks around every instant, the ends of the type, and null."""
    bits = 127 if dtype == pl.Int128() else 31 if dtype == pl.Date() else 63
    low, high = -(2**bits), 2**bits - 1
    around = {instant // ticks.unit(dtype) + step for instant in INSTANTS for step in (0, 1)}
    return [None, low, low + 1, high - 1, high, *(max(low, min(high, tick)) for tick in sorted(around))]


def column(name: str, dtype: pl.DataType, values: list[int | None]) -> pl.Series:
    return pl.Series(name, values, dtype=physical(dtype)).cast(dtype)


@pytest.mark.parametrize(
    ("type_", "left", "right"),
    [(a_type, a, b) for (a_type, a), (b_type, b) in product(FORMS, FORMS) if a_type == b_type],
    ids=str,
)
def test_columns_of_any_two_forms_compare_exactly(type_: Type, left: pl.DataType, right: pl.DataType) -> None:
    pairs = list(product(stored(left), stored(right)))
    frame = pl.DataFrame([column("a", left, [a for a, _ in pairs]), column("b", right, [b for _, b in pairs])])
    a, b = Cell(pl.col("a"), nullable(type_), left), Cell(pl.col("b"), nullable(type_), right)
    answers = frame.select(ticks.compare(symbol, a, b).alias(symbol) for symbol in SYMBOLS)
    for symbol, compare in SYMBOLS.items():
        expected = [
            None if x is None or y is None else compare(x * ticks.unit(left), y * ticks.unit(right)) for x, y in pairs
        ]
        assert answers[symbol].to_list() == expected, symbol


@pytest.mark.parametrize(("type_", "dtype"), FORMS, ids=str)
@pytest.mark.parametrize("symbol", SYMBOLS)
def test_a_column_compares_exactly_with_a_constant_on_either_side(type_: Type, dtype: pl.DataType, symbol: str) -> None:
    values, compare = stored(dtype), SYMBOLS[symbol]
    constants = [*INSTANTS, 2**63 - 1, -(2**63), 2**63, -(2**63) - 1, 10**20, -(10**20)]
    cell = Cell(pl.col("a"), nullable(type_), dtype)
    frame = pl.DataFrame([column("a", dtype, values)])
    answers = frame.select(
        expression
        for i, constant in enumerate(constants)
        for expression in (
            ticks.compare(symbol, cell, ticks.constant(constant, type_)).alias(f"right {i}"),
            ticks.compare(symbol, ticks.constant(constant, type_), cell).alias(f"left {i}"),
        )
    )
    unit = ticks.unit(dtype)
    for i, constant in enumerate(constants):
        assert answers[f"right {i}"].to_list() == [None if v is None else compare(v * unit, constant) for v in values]
        assert answers[f"left {i}"].to_list() == [None if v is None else compare(constant, v * unit) for v in values]


@pytest.mark.parametrize(
    ("nanoseconds", "dtype"),
    [
        (0, pl.Datetime("us")),
        (1_000, pl.Datetime("us")),
        (1, pl.Datetime("ns")),
        (2**63 - 1, pl.Datetime("ns")),
        (2**63, pl.Int128()),
        (-62_135_596_800 * 10**9, pl.Datetime("us")),
        (253_402_300_800 * 10**9 - 1, pl.Int128()),
    ],
)
def test_a_constant_takes_the_coarsest_type_that_holds_it(nanoseconds: int, dtype: pl.DataType) -> None:
    cell = ticks.constant(nanoseconds, TIMESTAMP)
    assert cell.dtype == dtype == ticks.dtype_of(nanoseconds, TIMESTAMP)
    assert pl.select(cell.value).to_series().dtype == dtype
    assert pl.select(ticks.nanoseconds(cell)).item() == nanoseconds


def test_a_comparison_with_a_constant_is_one_comparison_in_the_column_type() -> None:
    cell = Cell(pl.col("a"), nullable(TIMESTAMP), pl.Datetime("ms", "Europe/Paris"))
    expression = ticks.compare("<", cell, ticks.constant(1_500_000, TIMESTAMP))
    assert expression.meta.eq(pl.col("a") < pl.lit(2).cast(pl.Datetime("ms", "Europe/Paris")))
