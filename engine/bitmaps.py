"""Which rows of a chunk something is true for, as packed bits.

Two bitmaps stand for a condition on a chunk: the rows on which it is true, and those on which it is not false; between
them are its errors. So ``&&`` and ``||`` are one word operation on each of the two, and ``!`` exchanges them. That is
CEL's absorption, as in Kleene's logic.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import reduce
from operator import and_, or_
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

Words = NDArray[np.uint64]
"""Bits of rows, 64 a word, the first row the lowest bit; the bits behind the last row are clear."""

_WORD_BITS = 64
_LANES = 8
_EVEN_OCTETS = np.uint64(0x00FF_00FF_00FF_00FF)
_MOST_ADDED = (2**16 - 1) // _WORD_BITS
_TOGETHER = 32
"""Conditions whose rows are counted together."""


class Bitmaps(NamedTuple):
    """The rows on which something is ``true``, and those on which it is ``possible``: true, or an error.

    Both are the same object where no row is an error. They may be shared, so they are never changed.
    """

    true: Words
    possible: Words

    @classmethod
    def of(cls, true: Words, error: Words | None = None) -> Bitmaps:
        """With errors on further rows, but where it is true; None where there are none."""
        return cls(true, true if error is None else true | error)

    @property
    def error(self) -> Words | None:
        """The rows on which it is an error; None where no row is one."""
        return None if self.possible is self.true else self.possible ^ self.true


def every_row(rows: int) -> Words:
    """The bitmap of all rows of a chunk."""
    words = np.full(_word_count(rows), np.iinfo(np.uint64).max, dtype=np.uint64)
    if rows % _WORD_BITS:
        words[-1] = (1 << rows % _WORD_BITS) - 1
    return words


def of_column(column: pl.Series, every: Words) -> Bitmaps:
    """A boolean column, whose nulls are errors; its bits are taken as Arrow packs them."""
    array = column.to_arrow()
    # A slice's bits start within a byte.
    sliced = array.offset > 0
    true = of_flags(column.fill_null(value=False).to_numpy()) if sliced else _of_buffer(array.buffers()[1], len(column))
    present = present_rows(column)
    return Bitmaps.of(true) if present is None else Bitmaps.of(true & present, present ^ every)


def present_rows(column: pl.Series) -> Words | None:
    """The rows on which a column is not null; None where it is so on all."""
    if not column.has_nulls():
        return None
    array = column.to_arrow()
    if array.offset:
        return of_flags(column.is_not_null().to_numpy())
    return _of_buffer(array.buffers()[0], len(column))


def constants(values: Mapping[str, bool], every: Words) -> dict[str, Bitmaps]:
    """The bitmaps of what is true, or false, on every row."""
    none = np.zeros_like(every)
    return {name: Bitmaps.of(every if value else none) for name, value in values.items()}


def of_flags(flags: NDArray[np.bool_] | NDArray[np.unsignedinteger[Any]]) -> Words:
    """A flag a row: what is not zero is set."""
    packed = np.packbits(flags, bitorder="little")
    if not len(flags) % _WORD_BITS:
        return packed.view(np.uint64)
    words = np.zeros(_word_count(len(flags)), dtype=np.uint64)
    words.view(np.uint8)[: len(packed)] = packed
    return words


def rows_of(words: Words, height: int) -> pl.Series:
    """The numbers of the rows in a bitmap, in ascending order."""
    flags = np.unpackbits(words.view(np.uint8), count=height, bitorder="little")
    return pl.Series(flags.view(np.bool_)).arg_true()


def conjunction(operands: Sequence[Bitmaps]) -> Bitmaps:
    """``&&`` of two operands or more."""
    return _combined(and_, operands)


def disjunction(operands: Sequence[Bitmaps]) -> Bitmaps:
    """``||`` of two operands or more."""
    return _combined(or_, operands)


def negation(operand: Bitmaps, every: Words) -> Bitmaps:
    """``!`` of an operand."""
    true = operand.possible ^ every
    return Bitmaps(true, true if operand.possible is operand.true else operand.true ^ every)


def _combined(operation: Callable[[Words, Words], Words], operands: Sequence[Bitmaps]) -> Bitmaps:
    true = reduce(operation, [operand.true for operand in operands])
    for operand in operands:
        if operand.possible is not operand.true:
            return Bitmaps(true, reduce(operation, [operand.possible for operand in operands]))
    return Bitmaps(true, true)


def count(words: Words) -> int:
    """The number of rows in a bitmap."""
    rows = len(words) * _WORD_BITS
    # Arrow counts bits ten times faster than numpy adds up the counts of words.
    return int(pa.BooleanArray.from_buffers(pa.bool_(), rows, [None, pa.py_buffer(words)]).true_count)


def tallies(found: Iterable[Bitmaps], words: int) -> Iterator[tuple[int, int]]:
    """The numbers of rows on which each is true, and on which it is an error; ``words`` is the length of all."""
    lanes = -(-words // _LANES) * _LANES
    counts = np.zeros((2 * _TOGETHER, lanes), dtype=np.uint8)
    rows = [row[:words] for row in counts]
    fallible: list[bool] = []
    for one in found:
        place = 2 * len(fallible)
        np.bitwise_count(one.true, out=rows[place])
        fallible.append(one.possible is not one.true)
        if fallible[-1]:
            np.bitwise_count(one.possible, out=rows[place + 1])
        if len(fallible) == _TOGETHER:
            yield from _tallied(counts, fallible)
            fallible = []
    yield from _tallied(counts, fallible)


def _tallied(counts: NDArray[np.uint8], fallible: Sequence[bool]) -> Iterator[tuple[int, int]]:
    """The sums of rows of numbers up to 64: of each condition one, and another that is asked where it is fallible."""
    lanes = counts[: 2 * len(fallible)].view(np.uint64)
    sums = np.zeros(len(lanes), dtype=np.int64)
    # Eight numbers are added at once, in every other octet of a word, so long as two octets hold the sums.
    for first in range(0, lanes.shape[1], _MOST_ADDED):
        block = lanes[:, first : first + _MOST_ADDED]
        for octets in (block & _EVEN_OCTETS, block >> 8 & _EVEN_OCTETS):
            sums += octets.sum(axis=1).view(np.uint16).reshape(-1, _LANES // 2).sum(axis=1, dtype=np.int64)
    totals = sums.tolist()
    for true, possible, fails in zip(totals[::2], totals[1::2], fallible, strict=True):
        yield true, possible - true if fails else 0


def _of_buffer(buffer: object, rows: int) -> Words:
    octets = -(-rows // 8)
    words = np.zeros(_word_count(rows), dtype=np.uint64)
    view = words.view(np.uint8)
    view[:octets] = np.frombuffer(buffer, dtype=np.uint8, count=octets)  # type: ignore[call-overload]
    if rows % 8:
        view[octets - 1] &= (1 << rows % 8) - 1
    return words


def _word_count(rows: int) -> int:
    return -(-rows // _WORD_BITS)
