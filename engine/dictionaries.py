"""Conditions on one column of texts, answered on its distinct values instead of its rows.

Of a chunk's column a dictionary is made: its distinct values, and for each row the place of its value among them. A
condition is evaluated on the distinct values alone. Which rows it holds for then follows from the rows of each value:
few values have a bitmap each, of many the rows are sorted by value once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from .bitmaps import Bitmaps, Words, of_flags

_FEW_VALUES = 64
_LARGEST_SHARE = 0.25
"""Of distinct values among the rows: beyond, making the dictionary costs more than it saves."""

_SPARSE_SHARE = 0.05
"""Of rows that a condition holds for: up to it, they are set one by one."""


@dataclass(slots=True)
class Dictionary:
    """The distinct values of a column, null last where there is one, and each row's place among them."""

    values: pl.Series
    codes: NDArray[np.integer]
    every: Words
    _by_value: dict[int, Words] = field(default_factory=dict)
    _sorted: tuple[NDArray[np.intp], NDArray[np.intp]] | None = None

    def answer(self, conditions: Mapping[str, pl.Expr]) -> dict[str, Bitmaps]:
        """The rows for which each condition on the column holds, given as expressions over it."""
        truths = self.values.to_frame().with_columns(**conditions).select(list(conditions))
        return {name: self._rows(truths.get_column(name)) for name in conditions}

    def _rows(self, truth: pl.Series) -> Bitmaps:
        surely = self._of_values(truth.fill_null(value=False).to_numpy())
        if not truth.has_nulls():
            return Bitmaps(surely, surely)
        return Bitmaps(surely, self._of_values(truth.fill_null(value=True).to_numpy()))

    def _of_values(self, wanted: NDArray[np.bool_]) -> Words:
        """The rows whose value is wanted."""
        if len(self.values) <= _FEW_VALUES:
            return self._of_few(wanted)
        order, ends = self._rows_by_value()
        chosen = np.flatnonzero(wanted)
        starts = np.where(chosen > 0, ends[chosen - 1], 0)
        total = int((ends[chosen] - starts).sum())
        if total > _SPARSE_SHARE * len(self.codes):
            return of_flags(wanted[self.codes])
        flags = np.zeros(len(self.codes), dtype=np.bool_)
        for start, end in zip(starts, ends[chosen], strict=True):
            flags[order[start:end]] = True
        return of_flags(flags)

    def _of_few(self, wanted: NDArray[np.bool_]) -> Words:
        """The bitmaps of the wanted values together, or of the others where these are fewer."""
        inverted = 2 * int(wanted.sum()) > len(wanted)
        rows = np.zeros_like(self.every)
        for value in np.flatnonzero(wanted != inverted):
            np.bitwise_or(rows, self._of_one(int(value)), out=rows)
        return ~rows & self.every if inverted else rows

    def _of_one(self, value: int) -> Words:
        words = self._by_value.get(value)
        if words is None:
            words = self._by_value[value] = of_flags(self.codes == value)
        return words

    def _rows_by_value(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """The rows sorted by value, and where each value's rows end."""
        if self._sorted is None:
            order = np.argsort(self.codes, kind="stable")
            ends = np.cumsum(np.bincount(self.codes, minlength=len(self.values)))
            self._sorted = order, ends
        return self._sorted


def _distinct(column: pl.Series) -> int:
    """About how many distinct values there are."""
    return int(pl.select(pl.lit(column).approx_n_unique()).item())


def dictionary(column: pl.Series, every: Words) -> Dictionary | None:
    """The dictionary of a column of texts; None where it has too many distinct values for one to pay."""
    import pyarrow.compute as pc

    if column.dtype != pl.String() or _distinct(column) > max(_FEW_VALUES, _LARGEST_SHARE * len(column)):
        return None
    # The nulls are kept out and get a place of their own: pyarrow 26 encodes a null of string views as an empty text.
    encoded = pc.dictionary_encode(column.rechunk().to_arrow(compat_level=pl.CompatLevel.newest()))
    values = pl.Series(column.name, encoded.dictionary, dtype=pl.String())
    indices = encoded.indices
    if indices.null_count:
        indices = indices.fill_null(len(values))
        values = values.extend(pl.Series([None], dtype=pl.String()))
    codes = indices.to_numpy(zero_copy_only=False)
    return Dictionary(values, codes.astype(np.min_scalar_type(max(len(values) - 1, 0))), every)
