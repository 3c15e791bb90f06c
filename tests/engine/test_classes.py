"""Rows by class, against looking each row up."""

import numpy as np
import pytest

from engine.bitmaps import every_row, of_flags, rows_of
from engine.classes import Partition, code_type, selection

ROWS = 1_000


@pytest.mark.parametrize("nulls", [True, False])
@pytest.mark.parametrize("size", [1, 2, 3, 8, 60, 255, 256, 257, 700])
def test_the_rows_of_any_classes_are_those_with_their_codes(size: int, *, nulls: bool) -> None:
    generator = np.random.default_rng(size)
    codes = generator.integers(0, size, ROWS).astype(code_type(size - 1))
    wanted = [generator.random(size) < share for share in (0, 0.02, 0.1, 0.5, 0.9, 1) for _ in range(20)]
    # Ranges, and lists that have classes in common.
    wanted += [np.arange(size) >= start for start in generator.integers(0, size + 1, 20)]
    wanted += [np.isin(np.arange(size), generator.integers(0, min(size, 6), 4)) for _ in range(20)]
    every = every_row(ROWS)
    known = generator.random(ROWS) < 0.7
    found = Partition(size, map(selection, wanted)).rows(codes, every, of_flags(known) if nulls else None)
    of_rows = np.where(known, codes, 0) if nulls else codes
    assert len(found) == len(wanted)
    for words, flags in zip(found, wanted, strict=True):
        assert rows_of(words, ROWS).to_list() == np.flatnonzero(flags[of_rows]).tolist()
