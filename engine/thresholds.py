"""Comparisons of one column with constants, sorted out together.

The constants cut the values of a column of numbers or times into classes, within which no comparison tells one value
from another. A chunk's values only have to be put into their classes.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from compiler.types import Type

from .bitmaps import Bitmaps, Words, of_flags
from .classes import Codes, Partition, Selection, code_type
from .comparisons import Answered, Point, Question, asked

_CELL_BITS = 16
_BEYOND_ORDER = 3
"""Classes beside those that begin at a threshold: the values below the first, null, and NaN."""

_MOST_COMPARED = 96
"""Octets that are compared for each value, such as eight with the beginnings of twelve classes: putting it into its
class costs more than that, and less than more."""

_BLOCK = 2**15
"""Values that are sorted out at once."""

_Starts = NDArray[np.int64] | NDArray[np.float64]
_Numbers = NDArray[np.integer[Any]] | NDArray[np.floating[Any]]


class _Stored(NamedTuple):
    """The numbers of a column as they are stored, and where there is none: it is null (``missing``), or a NaN
    (``strange``). None where all are numbers.
    """

    numbers: _Numbers
    missing: NDArray[np.bool_] | None
    strange: NDArray[np.bool_] | None


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The classes of a column's values, and what holds in each.

    Attributes:
        column: its name.
        starts: the least value of each class but the first, ascending, as numbers in which the column is stored. After
            these classes come that of null and that of NaN.
        partition: the rows of a chunk for each of ``selected``.
        selected: the comparisons, by fingerprint, and whether that is where they are an error, not true.
    """

    column: str
    starts: _Starts
    partition: Partition
    selected: tuple[tuple[str, bool], ...]

    def answer(self, chunk: pl.DataFrame, every: Words) -> dict[str, Bitmaps]:
        """The rows of a chunk for which each comparison holds."""
        stored = self._stored(chunk.get_column(self.column))
        if len(self.partition.heads) * stored.numbers.itemsize <= _MOST_COMPARED:
            rows = self.partition.rows_by_heads(self._heads(stored, every), every)
        else:
            rows = self.partition.rows(self._codes(stored), every)
        found: dict[str, Bitmaps] = {}
        for (name, errs), words in zip(self.selected, rows, strict=True):
            found[name] = Bitmaps(found[name].true, words) if errs else Bitmaps(words)
        return found

    def _heads(self, stored: _Stored, every: Words) -> dict[int, Words]:
        """The rows below each class that is asked for, by comparing."""
        values, missing, strange = stored
        null = len(self.starts) + 1
        known = every if missing is None else of_flags(missing) ^ every
        ordered = known if strange is None else known & (of_flags(strange) ^ every)
        heads: dict[int, Words] = {}
        for head in self.partition.heads:
            if head < null:
                start = self.starts[head - 1]
                # A Python integer leaves numpy the column's type; a double may be none of a column of floats.
                below = of_flags(values < (start if isinstance(start, np.float64) else int(start)))
                heads[head] = below if ordered is every else below & ordered
            else:
                heads[head] = ordered if head == null else ordered | (known ^ every)
        return heads

    def _stored(self, column: pl.Series) -> _Stored:
        values = column.to_physical().rechunk()
        missing = values.is_null().to_numpy() if values.has_nulls() else None
        if missing is not None:
            # One of the values that are there: any other could stretch their range.
            values = values.fill_null(values.min() if missing.sum() < len(missing) else 0)
        numbers = values.to_numpy()
        strange = np.isnan(numbers) if self.starts.dtype == np.float64 else None
        if strange is None or not strange.any():
            return _Stored(numbers, missing, None)
        return _Stored(np.where(strange, 0.0, numbers), missing, strange)

    def _codes(self, stored: _Stored) -> Codes:
        """The class of each row."""
        numbers, missing, strange = stored
        null, nan = len(self.starts) + 1, len(self.starts) + 2
        codes = _sorted_out(numbers, self.starts, code_type(nan))
        for where, code in ((strange, nan), (missing, null)):
            if where is not None:
                np.copyto(codes, codes.dtype.type(code), where=where)
        return codes


def thresholds(
    column: str,
    type_: Type,
    dtype: pl.DataType,
    questions: Iterable[Question],
    expressions: Mapping[str, pl.Expr],
    *,
    certain: Container[str] = (),
) -> Thresholds:
    """The classes that comparisons make of a column's values.

    Args:
        column: its name.
        type_: its CEL type.
        dtype: its Polars type.
        questions: comparisons of it with constants.
        expressions: the same, lowered, by fingerprint.
        certain: the fingerprints of those that fail on no row: there is no null.
    """
    answered = list(asked(column, type_, dtype, questions, expressions))
    changes = sorted({start for one in answered for start in one.changes()})
    places = {start: place for place, start in enumerate(changes, 1)}
    selected: list[tuple[str, bool]] = []
    selections: list[Selection] = []
    for one in answered:
        selected.append((one.name, False))
        selections.append(_selection(one, one.true, places))
        if any(one.error) and one.name not in certain:
            selected.append((one.name, True))
            selections.append(_selection(one, one.error, places))
    starts: _Starts = np.array(changes, np.float64) if dtype.is_float() else np.array(changes, np.int64)
    return Thresholds(column, starts, Partition(len(starts) + _BEYOND_ORDER, selections), tuple(selected))


def _selection(one: Answered, truth: Sequence[bool], places: Mapping[Point, int]) -> Selection:
    """Where a comparison holds, among the classes that all of them make."""
    *ordered, null, nan = truth
    heads = [places[start] for start, (then, now) in zip(one.starts, pairwise(ordered), strict=True) if now != then]
    if null != ordered[-1]:
        heads.append(len(places) + 1)
    if nan != null:
        heads.append(len(places) + 2)
    return Selection(tuple(heads), (), inverted=nan)


def _sorted_out(values: _Numbers, starts: _Starts, dtype: np.dtype[np.unsignedinteger[Any]]) -> Codes:
    """How many of the starts are not above each value.

    Values are first put into equal cells between the least and the greatest; most cells hold no start, and all values
    of such a cell are of one class. The others are searched for.
    """
    low, high = values.min(), values.max()
    before = int(np.searchsorted(starts, low, side="right"))
    inside = starts[(starts > low) & (starts <= high)]
    if not len(inside):
        return np.full(len(values), before, dtype=dtype)
    cells = _cells(starts.dtype, low, high)
    if cells is None:
        return np.searchsorted(starts, values, side="right").astype(dtype)
    held = np.bincount(cells.of(inside), minlength=2**_CELL_BITS)
    table = (before + np.cumsum(held)).astype(dtype)
    uncertain = held > 0
    codes: Codes = np.empty(len(values), dtype=dtype)
    # In blocks, so that what is computed on the way stays in the cache and asks for no new memory.
    for first in range(0, len(values), _BLOCK):
        block, found = values[first : first + _BLOCK], codes[first : first + _BLOCK]
        of_values = cells.of(block)
        # No cell is beyond the table: that spares numpy a copy in which it would look for one.
        table.take(of_values, out=found, mode="clip")
        if not cells.exact:
            unsure = np.flatnonzero(uncertain.take(of_values))
            found[unsure] = np.searchsorted(starts, block[unsure], side="right")
    return codes


class _Cells(NamedTuple):
    """Equal cells from the number ``low`` on: those of doubles by a ``scale``, those of integers by a ``shift``.

    A greater number is in no lower cell: that is all that matters, so rounding does no harm.
    """

    low: float | int
    scale: float | None
    shift: int

    @property
    def exact(self) -> bool:
        """Whether a cell holds but one number."""
        return self.scale is None and self.shift == 0

    def of(self, numbers: _Numbers) -> NDArray[np.intp]:
        """The cell of each number."""
        if self.scale is not None:
            return (np.subtract(numbers, self.low, dtype=np.float64) * self.scale).astype(np.intp)
        distances = np.subtract(numbers, self.low, dtype=np.int64)
        return np.right_shift(distances, self.shift, out=distances)


def _cells(dtype: np.dtype[Any], low: np.number[Any], high: np.number[Any]) -> _Cells | None:
    """The cells of the numbers from ``low`` to ``high``; None where the range has none."""
    if dtype == np.float64:
        first, last = np.float64(low), np.float64(high)
        with np.errstate(all="ignore"):
            scale = (2**_CELL_BITS - 1) / (last - first)
        if not np.isfinite(scale) or not np.isfinite(first):
            return None
        # Rounding up must not lead beyond the last cell.
        return _Cells(float(first), float(np.nextafter(scale, 0) * (1 - 2**-30)), 0)
    span = int(high) - int(low)
    if span >= 2**63:
        return None
    return _Cells(int(low), None, max(0, span.bit_length() - _CELL_BITS))
