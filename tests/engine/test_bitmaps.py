"""Bitmaps of three truths, against Kleene's logic row by row."""

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.bitmaps import Bitmaps, conjunction, disjunction, every_row, negation, of_column, rows_of, tallies

ROWS = 70
TRUTHS = st.lists(st.sampled_from([True, False, None]), min_size=ROWS, max_size=ROWS)


def bitmaps(truths: list[bool | None]) -> Bitmaps:
    return of_column(pl.Series(truths, dtype=pl.Boolean), every_row(len(truths)))


def truths(found: Bitmaps, rows: int = ROWS) -> list[bool | None]:
    error = [] if found.error is None else rows_of(found.error, rows).to_list()
    true = rows_of(found.true, rows).to_list()
    assert not set(true) & set(error)
    return [True if row in true else None if row in error else False for row in range(rows)]


def both(operands: tuple[bool | None, ...]) -> bool | None:
    return False if False in operands else None if None in operands else True


def either(operands: tuple[bool | None, ...]) -> bool | None:
    return True if True in operands else None if None in operands else False


@pytest.mark.parametrize(("combined", "kleene"), [(conjunction, both), (disjunction, either)])
@given(operands=st.lists(TRUTHS, min_size=2, max_size=4))
def test_operands_are_combined_as_in_kleenes_logic(
    combined: Callable[[list[Bitmaps]], Bitmaps],
    kleene: Callable[[tuple[bool | None, ...]], bool | None],
    operands: list[list[bool | None]],
) -> None:
    found = combined([bitmaps(one) for one in operands])
    assert truths(found) == [kleene(row) for row in zip(*operands, strict=True)]


@given(TRUTHS)
def test_a_negation_keeps_errors(values: list[bool | None]) -> None:
    found = negation(bitmaps(values), every_row(ROWS))
    assert truths(found) == [None if value is None else not value for value in values]


@given(TRUTHS, TRUTHS)
def test_a_truth_outweighs_errors_of_others(values: list[bool | None], others: list[bool | None]) -> None:
    found = Bitmaps.of(bitmaps(values).true, bitmaps(others).true)
    assert truths(found) == [
        value is True or (None if other else False) for value, other in zip(values, others, strict=True)
    ]


@pytest.mark.parametrize("conditions", [0, 1, 31, 32, 33, 70])
@pytest.mark.parametrize("rows", [1, 64, 65, 511, 512, 262_144])
def test_rows_are_counted(conditions: int, rows: int) -> None:
    generator = np.random.default_rng(rows)
    drawn = [generator.integers(0, 3, rows) for _ in range(conditions)]
    columns = [pl.Series(one == 0).set(pl.Series(one == 1) & (place % 2 == 0), None) for place, one in enumerate(drawn)]
    found = [of_column(column, every_row(rows)) for column in columns]
    assert list(tallies(found, len(every_row(rows)))) == [(int(c.sum()), c.null_count()) for c in columns]


@pytest.mark.parametrize("rows", [8_184 * 64, 8_185 * 64, 2**20 + 3])
def test_all_rows_of_long_bitmaps_are_counted(rows: int) -> None:
    every = every_row(rows)
    none = np.zeros_like(every)
    found = [Bitmaps(every, every), Bitmaps(none, every), Bitmaps(none, none)]
    assert list(tallies(found, len(every))) == [(rows, 0), (0, rows), (0, 0)]
