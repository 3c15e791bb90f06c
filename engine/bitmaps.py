"""Which rows of a chunk something is true for, as packed bits.

Two bitmaps stand for a condition on a chunk: *surely*, the rows on which it is true, and *maybe*, those on which it is
true or an error. ``&&`` and ``||`` are one word operation on each; ``!`` swaps and inverts them. That is CEL's
absorption, as in Kleene's logic.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

Words = NDArray[np.uint64]
"""Bits of rows, 64 a word, the first row the lowest bit; the bits behind the last row are clear."""

_WORD_BITS = 64


class Bitmaps(NamedTuple):
    """The rows on which something is ``surely`` true, and on which it ``maybe`` is: true or an error.

    The two are one object where no row is an error.
    """

    surely: Words
    maybe: Words


def every_row(rows: int) -> Words:
    """The bitmap of all rows of a chunk."""
    words = np.full(_word_count(rows), np.iinfo(np.uint64).max, dtype=np.uint64)
    if rows % _WORD_BITS:
        words[-1] = (1 << rows % _WORD_BITS) - 1
    return words


def of_column(column: pl.Series, every: Words) -> Bitmaps:
    """A boolean column, whose nulls are errors; its bits are taken as Arrow packs them."""
    array = column.to_arrow()
    if array.offset:
        # A slice's bits start within a byte.
        surely = of_flags(column.fill_null(value=False).to_numpy())
        return Bitmaps(surely, of_flags(column.fill_null(value=True).to_numpy()) if column.has_nulls() else surely)
    validity, values = array.buffers()
    true = _of_buffer(values, len(column))
    if validity is None or not column.has_nulls():
        return Bitmaps(true, true)
    present = _of_buffer(validity, len(column))
    return Bitmaps(true & present, (true | ~present) & every)


def constants(values: Mapping[str, bool], every: Words) -> dict[str, Bitmaps]:
    """The bitmaps of what is true, or false, on every row."""
    none = np.zeros_like(every)
    return {name: Bitmaps(every, every) if value else Bitmaps(none, none) for name, value in values.items()}


def of_flags(flags: NDArray[np.bool_] | NDArray[np.unsignedinteger[Any]]) -> Words:
    """A flag a row: what is not zero is set."""
    packed = np.packbits(flags, bitorder="little")
    words = np.zeros(_word_count(len(flags)), dtype=np.uint64)
    words.view(np.uint8)[: len(packed)] = packed
    return words


def rows_of(words: Words, height: int) -> pl.Series:
    """The numbers of the rows in a bitmap, in ascending order."""
    flags = np.unpackbits(words.view(np.uint8), count=height, bitorder="little")
    return pl.Series(flags.view(np.bool_)).arg_true()


def conjunction(operands: Sequence[Bitmaps]) -> Bitmaps:
    """``&&`` of two operands or more."""
    return _combined(np.bitwise_and, operands)


def disjunction(operands: Sequence[Bitmaps]) -> Bitmaps:
    """``||`` of two operands or more."""
    return _combined(np.bitwise_or, operands)


def negation(operand: Bitmaps, every: Words) -> Bitmaps:
    """``!`` of an operand."""
    surely = ~operand.maybe & every
    return Bitmaps(surely, surely if operand.maybe is operand.surely else ~operand.surely & every)


def count(words: Words) -> int:
    """The number of rows in a bitmap."""
    rows = len(words) * _WORD_BITS
    # Arrow counts bits ten times faster than numpy adds up the counts of words.
    return int(pa.BooleanArray.from_buffers(pa.bool_(), rows, [None, pa.py_buffer(words)]).true_count)


def _combined(apply: np.ufunc, operands: Sequence[Bitmaps]) -> Bitmaps:
    surely = apply(operands[0].surely, operands[1].surely)
    for operand in operands[2:]:
        apply(surely, operand.surely, out=surely)
    for operand in operands:
        if operand.surely is not operand.maybe:
            break
    else:
        return Bitmaps(surely, surely)
    maybe = apply(operands[0].maybe, operands[1].maybe)
    for operand in operands[2:]:
        apply(maybe, operand.maybe, out=maybe)
    return Bitmaps(surely, maybe)


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
