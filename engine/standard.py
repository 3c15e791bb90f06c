"""One Polars type for each CEL type, so that a result looks the same whichever path it came by."""

from __future__ import annotations

import polars as pl
from polars._typing import TimeUnit

from compiler.cell import INT64_MAX, INT64_MIN, standard_dtype
from compiler.functions import ticks
from compiler.types import DURATION, TIMESTAMP, ListType, OptionalType, Type, plain


def standard(values: pl.Series, type_: Type) -> pl.Series:
    """The values in the standard Polars type of their CEL type: Int64, UInt64, Float64, String, ...

    Timestamps become Datetime in UTC and durations Duration, in microseconds where that is exact, else in nanoseconds;
    beyond what 64 bits of nanoseconds can hold they stay nanoseconds in an Int128. Structs and maps stay as they
    are, the elements of lists do not; an optional is a struct of ``present`` and ``value``.
    """
    bare = plain(type_)
    if bare in (TIMESTAMP, DURATION):
        return _standard_times(values, bare)
    if isinstance(bare, OptionalType) and isinstance(values.dtype, pl.Struct):
        held = standard(values.struct.field("value"), bare.of).alias("value")
        packed = pl.select(pl.struct(values.struct.field("present"), held)).to_series()
        return pl.select(pl.when(values.is_not_null()).then(packed)).to_series()
    dtype = standard_dtype(bare)
    if dtype is None and isinstance(bare, ListType) and isinstance(values.dtype, pl.List):
        return _standard_lists(values, bare.element)
    return values if dtype is None or dtype == values.dtype else values.cast(dtype)


def _standard_lists(values: pl.Series, element: Type) -> pl.Series:
    from .spaces import masked, over_offsets  # brings numpy, which few values need

    elements = standard(values.explode(empty_as_null=False, keep_nulls=False), element)
    lengths = values.list.len().fill_null(0).cast(pl.Int64).to_numpy()
    lists = over_offsets(elements, lengths, pl.List(elements.dtype))
    return masked(lists, values.is_not_null())


def _standard_times(values: pl.Series, type_: Type) -> pl.Series:
    def dtype(unit: TimeUnit) -> pl.DataType:
        return pl.Datetime(unit, "UTC") if type_ == TIMESTAMP else pl.Duration(unit)

    if values.dtype == pl.Null():
        return values.cast(dtype("us"))
    unit = ticks.unit(values.dtype)
    physical = values if values.dtype == pl.Int128() else values.to_physical()
    if unit >= ticks.MICROSECOND:
        each = unit // ticks.MICROSECOND
        physical = physical.cast(pl.Int64)
        if each > 1 and not physical.is_between(INT64_MIN // each + 1, INT64_MAX // each).all():
            return physical.cast(pl.Int128) * pl.Series([unit], dtype=pl.Int128())
        return (physical * each).cast(dtype("us"))
    # Series do no arithmetic of Int128 and a Python int.
    factor = pl.Series([ticks.MICROSECOND], dtype=physical.dtype)
    microseconds = physical // factor
    if (microseconds * factor == physical).all() and microseconds.is_between(INT64_MIN, INT64_MAX).all():
        return microseconds.cast(pl.Int64).cast(dtype("us"))
    narrow = physical.cast(pl.Int64, strict=False)
    return values if narrow.null_count() != physical.null_count() else narrow.cast(dtype("ns"))
