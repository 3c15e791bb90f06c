"""Single fields of nested Parquet columns: each is a column of its own in the file, and the others are not read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from compiler.projection import Shape, kept, project

from .arrow import to_frame


def read_fields(path: Path, row_groups: Sequence[int] | None, used: Mapping[str, Shape]) -> pl.DataFrame:
    """The columns in ``used`` with the fields that are used, of some row groups or of all."""
    with pq.ParquetFile(path, memory_map=True) as file:
        leaves = [leaf for name, shape in used.items() for leaf in _leaves(file, name, shape)]
        groups = range(file.metadata.num_row_groups) if row_groups is None else row_groups
        table = file.read_row_groups(list(groups), columns=leaves)
    return project(to_frame(table.select(list(used)), list(used)), used)


def _leaves(file: pq.ParquetFile, name: str, shape: Shape) -> Iterator[str]:
    """The paths of the fields; of a column whose paths cannot be told apart, its own."""
    type_ = file.schema_arrow.field(name).type
    if "." in name or _has_dots(type_):
        yield name
        return
    schema = file.schema
    for index in range(len(file.metadata.schema)):
        path = schema.column(index).path
        first, *rest = path.split(".")
        if first == name and _is_used(type_, rest, shape):
            yield path


def _is_used(type_: pa.DataType, path: Sequence[str], shape: Shape) -> bool:
    if shape is None or not path:
        return True
    if pa.types.is_struct(type_):
        names = [type_.field(index).name for index in range(type_.num_fields)]
        if path[0] not in names:
            return True
        return path[0] in kept(names, shape) and _is_used(type_.field(path[0]).type, path[1:], shape.get(path[0]))
    if pa.types.is_list(type_) or pa.types.is_large_list(type_):
        # A list takes two levels: the repeated group and its element.
        return _is_used(type_.value_type, path[2:], shape)
    return True


def _has_dots(type_: pa.DataType) -> bool:
    fields = [type_.field(index) for index in range(type_.num_fields)]
    return any("." in field.name or _has_dots(field.type) for field in fields)
