"""What the footers of Parquet files tell of the values in each row group.

Only what is surely right is told. Footers say nothing of NaN; a writer may cut long texts short, and not every one sees
to it that what is left of the greatest is still a bound; what a bound means depends on how the column is stored, so
that a pair of types that is not listed here tells nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import polars as pl

from compiler.facts import Facts, Value
from compiler.functions import ticks

from .base import Group

if TYPE_CHECKING:
    import pyarrow.parquet as pq

_LONGEST_WHOLE = 32
"""Bytes of a text from which on it may have been cut."""

_SIGNED = (pl.Int8(), pl.Int16(), pl.Int32(), pl.Int64())
_UNSIGNED: dict[pl.DataType, int] = {pl.UInt8(): 32, pl.UInt16(): 32, pl.UInt32(): 32, pl.UInt64(): 64}
"""The number of bits in which they are stored."""

_UNITS = {"milliseconds": "ms", "microseconds": "us", "nanoseconds": "ns"}

Bound = Callable[[Any], Value | None]
"""A stored bound as a value; None where it is no bound."""


def row_groups(metadata: pq.FileMetaData, columns: Mapping[str, pl.DataType]) -> Iterator[Group]:
    """What is known of the columns in each row group that has rows, in their order.

    Args:
        metadata: the file's footer.
        columns: the types in which they are read.
    """
    leaves = _leaves(metadata, columns)
    start = 0
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        if group.num_rows:
            facts = {
                name: _facts(group.column(leaf), group.num_rows, bound, required=required)
                for name, (leaf, bound, required) in leaves.items()
            }
            yield Group(start, group.num_rows, facts)
        start += group.num_rows


def _leaves(metadata: pq.FileMetaData, columns: Mapping[str, pl.DataType]) -> dict[str, tuple[int, Bound | None, bool]]:
    """The place of each column that is no list, struct or map, how its bounds are read, and whether it has no nulls."""
    found = {}
    for leaf in range(metadata.num_columns):
        column = metadata.schema.column(leaf)
        # A field of a struct has its own name at the end of its path.
        flat = column.path == column.name and column.max_repetition_level == 0 and column.max_definition_level <= 1
        dtype = columns.get(column.name)
        if flat and dtype is not None and not dtype.is_nested():
            found[column.name] = leaf, _bound(column, dtype), column.max_definition_level == 0
    return found


def _facts(chunk: pq.ColumnChunkMetaData, rows: int, bound: Bound | None, *, required: bool) -> Facts:
    if bound is _nulls:
        return Facts(null_count=rows, present=False)
    statistics = chunk.statistics if chunk.is_stats_set else None
    if statistics is None:
        return Facts(null_count=0 if required else None, fails=bound is None)
    count = statistics.null_count if statistics.has_null_count and 0 <= statistics.null_count <= rows else None
    known = Facts(null_count=0 if required else count, present=required or count != rows, fails=bound is None)
    if bound is None or not statistics.has_min_max:
        return known
    low, high = bound(statistics.min_raw), bound(statistics.max_raw)
    if low is not None and high is not None and low > high:  # type: ignore[operator]
        return known
    return known._replace(low=low, high=None if _is_cut(statistics.max_raw) else high)


def _bound(column: pq.ColumnSchema, dtype: pl.DataType) -> Bound | None:
    """How a column's bounds are read; None where nothing is known of its values."""
    logical = column.logical_type.type
    match column.physical_type, dtype:
        case ("BOOLEAN", pl.Boolean()) | ("BYTE_ARRAY", pl.Binary()) if logical == "NONE":
            return _itself
        case (("INT32" | "INT64"), _) if dtype in _SIGNED and logical in ("NONE", "INT"):
            return _itself
        case (("INT32" | "INT64"), _) if dtype in _UNSIGNED and logical == "INT":
            mask = 2 ** _UNSIGNED[dtype] - 1
            return lambda raw: int(raw) & mask
        case (("FLOAT" | "DOUBLE"), (pl.Float32() | pl.Float64())):
            return lambda raw: None if raw != raw else float(raw)
        case "BYTE_ARRAY", (pl.String() | pl.Categorical() | pl.Enum()) if logical == "STRING":
            return _text
        case "INT32", pl.Date() if logical == "DATE":
            return lambda raw: int(raw) * ticks.DAY
        case "INT64", pl.Datetime() if logical == "TIMESTAMP" and _unit(column) == dtype.time_unit:
            tick = ticks.unit(dtype)
            return lambda raw: int(raw) * tick
        case _, (pl.Decimal() | pl.Duration()):
            return None
        case _, pl.Null():
            return _nulls
        case _:
            return _nothing


def _itself(raw: Value) -> Value:
    return raw


def _nothing(_raw: object) -> None:
    return None


def _nulls(_raw: object) -> None:
    return None


def _text(raw: bytes) -> str | None:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return None


def _is_cut(raw: object) -> bool:
    return isinstance(raw, bytes) and len(raw) >= _LONGEST_WHOLE


def _unit(column: pq.ColumnSchema) -> str | None:
    from json import loads

    return _UNITS.get(loads(column.logical_type.to_json()).get("timeUnit"))
