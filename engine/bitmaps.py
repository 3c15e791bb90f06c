"""Which rows of a chunk something is true for, as packed bits.

Two bitmaps stand for a condition on a chunk: the rows on which it is true, and those on which it is an error, which
many conditions share: the rows on which a column is null. ``&&``, ``||`` and ``!`` are a few word operations. That is
CEL's absorption, as in Kleene's logic.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

Words = NDArray[np.uint64]
"""Bits of rows, 64 a word, the first row the lowest bit; the bits behind the last row are clear."""

_WORD_BITS = 64


class Bitmaps(NamedTuple):
    """The rows on which something is ``true``, and those on which it is an ``error``: no row is in both.

    ``error`` is None where no row is one; it may be shared, so it is never changed.
    """

    true: Words
    error: Words | None = None


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
        true = of_flags(column.fill_null(value=False).to_numpy())
        return Bitmaps(true, of_flags(column.is_null().to_numpy()) if column.has_nulls() else None)
    validity, values = array.buffers()
    true = _of_buffer(values, len(column))
    if validity is None or not column.has_nulls():
        return Bitmaps(true)
    present = _of_buffer(validity, len(column))
    return Bitmaps(true & present, present ^ every)


def constants(values: Mapping[str, bool], every: Words) -> dict[str, Bitmaps]:
    """The bitmaps of what is true, or false, on every row."""
    none = np.zeros_like(every)
    return {name: Bitmaps(every if value else none) for name, value in values.items()}


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
    true = operands[0].true & operands[1].true
    for operand in operands[2:]:
        true &= operand.true
    for operand in operands:
        if operand.error is not None:
            break
    else:
        return Bitmaps(true)
    error, *others = (one.true if one.error is None else one.true | one.error for one in operands)
    error = error & others[0]
    for other in others[1:]:
        error &= other
    error ^= true
    return Bitmaps(true, error)


def disjunction(operands: Sequence[Bitmaps]) -> Bitmaps:
    """``||`` of two operands or more."""
    true = operands[0].true | operands[1].true
    for operand in operands[2:]:
        true |= operand.true
    errors = {id(operand.error): operand.error for operand in operands if operand.error is not None}
    return outweighed(Bitmaps(true), errors.values())


def outweighed(found: Bitmaps, errors: Iterable[Words]) -> Bitmaps:
    """With errors on further rows, but where it is true."""
    error = found.error
    for more in errors:
        error = more if error is None else error | more
    if error is None:
        return found
    either = error | found.true
    either ^= found.true
    return Bitmaps(found.true, either)


def negation(operand: Bitmaps, every: Words) -> Bitmaps:
    """``!`` of an operand."""
    if operand.error is None:
        return Bitmaps(operand.true ^ every)
    false = operand.true | operand.error
    false ^= every
    return Bitmaps(false, operand.error)


def count(words: Words) -> int:
    """The number of rows in a bitmap."""
    rows = len(words) * _WORD_BITS
    # Arrow counts bits ten times faster than numpy adds up the counts of words.
    return int(pa.BooleanArray.from_buffers(pa.bool_(), rows, [None, pa.py_buffer(words)]).true_count)


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
