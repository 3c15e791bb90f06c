"""CEL values as plain tuples, to compare what different evaluators gave: equal tuples are the same value to the bit."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import polars as pl

Value = object
"""None for CEL's null, or ``(type, value)``; ``ERROR``. NaN is the text "nan", so that it equals itself."""

ERROR = ("error",)

_TICK = {"ms": 10**6, "us": 10**3, "ns": 1}
_DAY = 86_400 * 10**9


def int_(value: int) -> Value:
    return ("int", int(value))


def uint(value: int) -> Value:
    return ("uint", int(value))


def double(value: float) -> Value:
    return ("double", "nan" if math.isnan(value) else value.hex())


def timestamp(nanoseconds: int) -> Value:
    return ("timestamp", int(nanoseconds))


def duration(nanoseconds: int) -> Value:
    return ("duration", int(nanoseconds))


def list_(values: Iterable[Value]) -> Value:
    return ("list", tuple(values))


def map_(entries: Mapping[Value, Value]) -> Value:
    return ("map", frozenset(entries.items()))


def of_series(series: pl.Series, cel_type: str) -> list[Value]:
    """The values of a column. ``cel_type`` tells what an Int128 stands for: integers, or nanoseconds of times."""
    wide = "timestamp" if "timestamp" in cel_type else "duration" if "duration" in cel_type else "int"
    return _of_series(series, wide)


def _of_series(series: pl.Series, wide: str) -> list[Value]:
    dtype = series.dtype
    match dtype:
        case pl.Date():
            return [None if v is None else timestamp(v * _DAY) for v in series.to_physical()]
        case pl.Datetime(time_unit=unit):
            return [None if v is None else timestamp(v * _TICK[unit]) for v in series.to_physical()]
        case pl.Duration(time_unit=unit):
            return [None if v is None else duration(v * _TICK[unit]) for v in series.to_physical()]
        case pl.List() | pl.Array():
            return [None if v is None else list_(_of_series(v, wide)) for v in series]
        case pl.Struct():
            columns = {field.name: _of_series(series.struct.field(field.name), wide) for field in dtype.fields}
            rows = zip(*columns.values(), strict=True)
            return [
                None if v is None else ("message", tuple(zip(columns, row, strict=True)))
                for v, row in zip(series, rows, strict=True)
            ]
        case pl.Map():
            keys, values = _of_series(series.map.keys(), wide), _of_series(series.map.values(), wide)
            return [
                None if k is None else map_(dict(zip(k[1], v[1], strict=True)))  # type: ignore[index]
                for k, v in zip(keys, values, strict=True)
            ]
        case pl.Null():
            return [None] * len(series)
        case pl.UInt64():
            return [None if v is None else uint(v) for v in series]
        case pl.Float32() | pl.Float64():
            return [None if v is None else double(v) for v in series]
        case pl.Decimal(scale=scale):
            return [None if v is None else (int_(int(v)) if scale == 0 else double(float(v))) for v in series]
        case pl.Int128():
            return [None if v is None else (wide, v) for v in series]
        case pl.Boolean():
            return [None if v is None else ("bool", v) for v in series]
        case pl.String() | pl.Categorical() | pl.Enum():
            return [None if v is None else ("string", v) for v in series.cast(pl.String)]
        case pl.Binary():
            return [None if v is None else ("bytes", v) for v in series]
        case _:
            assert dtype.is_integer(), dtype
            return [None if v is None else int_(v) for v in series]
