"""Comparisons of one column with constants, sorted out together.

The constants cut the values of a column of numbers or times into classes, within which no comparison tells one value
from another. A chunk's values only have to be put into their classes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from compiler.cell import Cell
from compiler.types import Type

from .bitmaps import Bitmaps, Words, of_flags, present_rows
from .classes import Codes, Edges, Partition, Selection, code_type
from .comparisons import Answered, Point, Question, asked

_CELL_BITS = 16
_FIRST = 2
"""The first class that begins at a threshold: before it come that of null, and that of the values below the first.
Behind the last comes that of NaN.
"""

_MOST_COMPARED = 96
"""Octets that are compared for each value, such as eight with the beginnings of twelve classes: putting it into its
class costs more than that, and less than more."""

_BLOCK = 2**15
"""Values that are sorted out at once."""

_Starts = NDArray[np.int64] | NDArray[np.float64]
_Numbers = NDArray[np.integer[Any]] | NDArray[np.floating[Any]]


class _Stored(NamedTuple):
    """The numbers of a column as they are stored.

    Attributes:
        numbers: of each row; where there is none, any.
        low: the least of those that are there.
        high: the greatest.
        present: the rows that have one; None where all have.
        strange: flags those that are NaN; None where none is.
    """

    numbers: _Numbers
    low: float | int
    high: float | int
    present: Words | None
    strange: NDArray[np.bool_] | None


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The classes of a column's values, and what holds in each.

    Attributes:
        column: its name.
        starts: the least value of each class of values but the first, ascending, as numbers in which the column is
            stored.
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
        if len(self.partition.edges) * stored.numbers.itemsize <= _MOST_COMPARED:
            rows = self.partition.rows_by_edges(self._edges(stored, every), every)
        else:
            rows = self.partition.rows(self._codes(stored), every, stored.present)
        found: dict[str, Bitmaps] = {}
        for (name, errs), words in zip(self.selected, rows, strict=True):
            found[name] = Bitmaps.of(found[name].true, words) if errs else Bitmaps.of(words)
        return found

    def _edges(self, stored: _Stored, every: Words) -> Edges:
        """The rows on either side of each class that is asked for, by comparing."""
        values = stored.numbers
        nan = None if stored.strange is None else of_flags(stored.strange)

        def from_start(number: int) -> Words:
            place = number - _FIRST
            if 0 <= place < len(self.starts):
                start = self.starts[place]
                # A Python integer leaves numpy the column's type; a double may be none of a column of floats.
                found = of_flags(values >= (start if isinstance(start, np.float64) else int(start)))
            else:
                found = np.zeros_like(every) if place > 0 else every
            if nan is not None:
                found = found | nan
            return found if stored.present is None else found & stored.present

        onwards = {number: from_start(number) for number in self.partition.edges}
        below = {number: onwards[number] ^ every for number in self.partition.below}
        return Edges(below, onwards)

    def _stored(self, column: pl.Series) -> _Stored:
        values = column.to_physical().rechunk()
        low, high = (bound if isinstance(bound, (int, float)) else 0 for bound in (values.min(), values.max()))
        numbers = _numbers(values)
        strange = np.isnan(numbers) if self.starts.dtype == np.float64 else None
        if strange is None or not strange.any():
            return _Stored(numbers, low, high, present_rows(values), None)
        return _Stored(np.where(strange, low, numbers), low, high, present_rows(values), strange)

    def _codes(self, stored: _Stored) -> Codes:
        """The class of each row."""
        nan = _FIRST + len(self.starts)
        codes = _sorted_out(stored, self.starts, code_type(nan))
        if stored.strange is not None:
            np.copyto(codes, codes.dtype.type(nan), where=stored.strange)
        return codes


def _numbers(values: pl.Series) -> _Numbers:
    """Numbers as they are stored; where one is null, any."""
    if not values.has_nulls():
        return values.to_numpy()
    array = values.to_arrow()
    dtype = np.dtype(array.type.to_pandas_dtype())
    return np.frombuffer(array.buffers()[1], dtype, array.offset + len(array))[array.offset :]


def thresholds(
    column: str,
    type_: Type,
    dtype: pl.DataType,
    questions: Iterable[Question],
    cells: Mapping[str, Cell],
) -> Thresholds:
    """The classes that comparisons make of a column's values.

    Args:
        column: its name.
        type_: its CEL type.
        dtype: its Polars type.
        questions: comparisons of it with constants.
        cells: the same, lowered, by fingerprint.
    """
    answered = list(asked(column, type_, dtype, questions, cells))
    changes = sorted({start for one in answered for start in one.changes()})
    places = {start: place for place, start in enumerate(changes, _FIRST)}
    selected: list[tuple[str, bool]] = []
    selections: list[Selection] = []
    for one in answered:
        selected.append((one.name, False))
        selections.append(_selection(one, one.true, places))
        if any(one.error) and cells[one.name].fallible:
            selected.append((one.name, True))
            selections.append(_selection(one, one.error, places))
    starts: _Starts = np.array(changes, np.float64) if dtype.is_float() else np.array(changes, np.int64)
    return Thresholds(column, starts, Partition(_FIRST + len(starts) + 1, selections), tuple(selected))


def _selection(one: Answered, truth: Sequence[bool], places: Mapping[Point, int]) -> Selection:
    """Where a comparison holds, among the classes that all of them make."""
    *ordered, null, nan = truth
    heads = [places[start] for start, (then, now) in zip(one.starts, pairwise(ordered), strict=True) if now != then]
    if null != ordered[0]:
        heads.insert(0, _FIRST - 1)
    if nan != ordered[-1]:
        heads.append(_FIRST + len(places))
    return Selection(tuple(heads), (), inverted=nan)


def _sorted_out(stored: _Stored, starts: _Starts, dtype: np.dtype[np.unsignedinteger[Any]]) -> Codes:
    """The class of each value: the first, and one more for each of the starts that is not above it.

    Values are first put into equal cells between the least and the greatest; most cells hold no start, and all values
    of such a cell are of one class. The others are searched for.
    """
    values, low, high = stored.numbers, stored.low, stored.high
    before = _FIRST - 1 + int(np.searchsorted(starts, low, side="right"))
    inside = starts[(starts > low) & (starts <= high)]
    if not len(inside):
        return np.full(len(values), before, dtype=dtype)
    cells = _cells(starts.dtype, low, high)
    if cells is None:
        return (_FIRST - 1 + np.searchsorted(starts, values, side="right")).astype(dtype)
    held = np.bincount(cells.of(inside), minlength=2**_CELL_BITS)
    table = (before + np.cumsum(held)).astype(dtype)
    uncertain = held > 0
    codes: Codes = np.empty(len(values), dtype=dtype)
    # In blocks, so that what is computed on the way stays in the cache and asks for no new memory. What stands for a
    # null may be beyond all cells: it is taken for the first or the last, as nobody asks.
    for first in range(0, len(values), _BLOCK):
        block, found = values[first : first + _BLOCK], codes[first : first + _BLOCK]
        of_values = cells.of(block)
        # No cell is beyond the table: that spares numpy a copy in which it would look for one.
        table.take(of_values, out=found, mode="clip")
        if not cells.exact:
            unsure = np.flatnonzero(uncertain.take(of_values, mode="clip"))
            found[unsure] = _FIRST - 1 + np.searchsorted(starts, block[unsure], side="right")
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
            with np.errstate(all="ignore"):
                return (np.subtract(numbers, self.low, dtype=np.float64) * self.scale).astype(np.intp)
        distances = np.subtract(numbers, self.low, dtype=np.int64)
        return np.right_shift(distances, self.shift, out=distances)


def _cells(dtype: np.dtype[Any], low: float, high: float) -> _Cells | None:
    """The cells of the numbers from ``low`` to ``high``; None where the range has none."""
    if dtype == np.float64:
        first, last = np.float64(low), np.float64(high)
        with np.errstate(all="ignore"):
            span = last - first
            scale = (2**_CELL_BITS - 1) / span
        if not np.isfinite(span) or not np.isfinite(scale):
            return None
        # Rounding up must not lead beyond the last cell.
        return _Cells(float(first), float(np.nextafter(scale, 0) * (1 - 2**-30)), 0)
    distance = int(high) - int(low)
    if distance >= 2**63:
        return None
    return _Cells(int(low), None, max(0, distance.bit_length() - _CELL_BITS))
