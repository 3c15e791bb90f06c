"""Numbers of a chunk in the narrowest type that holds them, so that comparing them moves fewer bytes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import polars as pl

from compiler.cell import integer_range

_NARROWER = (pl.Int8(), pl.Int16(), pl.Int32())


class Narrowed(NamedTuple):
    """How the columns of a chunk were narrowed.

    Attributes:
        integers: the columns that are there again, with their narrower types.
        finite: the columns of doubles without a NaN.
        prefix: with which the names of the narrower ones begin.
    """

    integers: tuple[tuple[str, pl.DataType], ...]
    finite: frozenset[str]
    prefix: str

    def columns(self) -> tuple[str, ...]:
        """The columns that can be compared in a cheaper way than as they are."""
        return (*(name for name, _ in self.integers), *sorted(self.finite))

    def dtypes(self) -> dict[str, pl.DataType]:
        """The types in which the columns are compared."""
        return dict(self.integers)

    def stored(self) -> dict[str, str]:
        """The names under which the narrowed columns are found."""
        return {name: self.prefix + name for name, _ in self.integers}


def narrow(chunk: pl.DataFrame, columns: Iterable[str], prefix: str) -> tuple[pl.DataFrame, Narrowed]:
    """The chunk with a narrower copy of each integer column that allows it, and what was done.

    ``prefix``: with which no column's name begins.
    """
    integers: list[tuple[str, pl.DataType]] = []
    finite: list[str] = []
    for name in columns:
        column = chunk.get_column(name)
        if column.dtype.is_float():
            if not column.is_nan().any():
                finite.append(name)
        elif column.dtype.is_integer():
            dtype = _narrowest(column)
            if dtype is not None:
                integers.append((name, dtype))
    narrowed = Narrowed(tuple(integers), frozenset(finite), f"{prefix}narrowed ")
    names = narrowed.stored()
    copies = [chunk.get_column(name).cast(dtype).alias(names[name]) for name, dtype in integers]
    return chunk.with_columns(copies), narrowed


def _narrowest(column: pl.Series) -> pl.DataType | None:
    """The narrowest type for a column's values; None where it has it already."""
    low, high = column.min(), column.max()
    if not isinstance(low, int) or not isinstance(high, int):
        return None
    for dtype in _NARROWER:
        if dtype == column.dtype:
            return None
        limits = integer_range(dtype)
        if limits is not None and limits[0] <= low and high <= limits[1]:
            return dtype
    return None
