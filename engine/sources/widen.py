"""Which type holds the values of two types exactly, when part files of one snapshot disagree."""

from __future__ import annotations

import polars as pl

from compiler.schema import data_type

_SIGNED = (pl.Int8(), pl.Int16(), pl.Int32(), pl.Int64())
_SMALL_UNSIGNED = (pl.UInt8(), pl.UInt16(), pl.UInt32())


def widened(left: pl.DataType, right: pl.DataType) -> pl.DataType | None:
    """A type that holds every value of both and is the same CEL type, or None.

    Integers widen up to Int64 (UInt64, which is CEL's uint, only to itself), Float32 to Float64, categories to strings,
    and a column without values to anything. Lists widen with their elements. Times of different units do not: a count
    of nanoseconds holds only six centuries.
    """
    match left, right:
        case _ if left == right:
            return left
        case pl.Null(), other:
            return other
        case other, pl.Null():
            return other
        case _ if left in _SIGNED and right in _SIGNED:
            return max(left, right, key=_SIGNED.index)
        case _ if left in _SIGNED + _SMALL_UNSIGNED and right in _SIGNED + _SMALL_UNSIGNED:
            return pl.Int64()
        case ((pl.Float32() | pl.Float64()), (pl.Float32() | pl.Float64())):
            return pl.Float64()
        case ((pl.String() | pl.Categorical() | pl.Enum()), (pl.String() | pl.Categorical() | pl.Enum())):
            return pl.String()
        case pl.List(), pl.List():
            inner = widened(data_type(left.inner), data_type(right.inner))
            return None if inner is None else pl.List(inner)
        case _:
            return None
