"""Columns of texts as a Parquet file has them where that is shorter: the distinct texts, and for each row its place."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

_LARGEST_PLACE = 4
"""Octets that a row takes in the file: beyond, most of its texts are there themselves."""


def read_texts(path: Path, row_groups: Sequence[int], names: Sequence[str]) -> pl.DataFrame:
    """Those of the columns that the row groups hold by their distinct texts, as Enum; the others are left out."""
    metadata = pq.read_metadata(path)
    chosen = [name for name in _with_dictionaries(metadata, row_groups) if name in names]
    if not chosen:
        return pl.DataFrame()
    with pq.ParquetFile(path, memory_map=True, metadata=metadata, read_dictionary=chosen) as file:
        table = file.read_row_groups(list(row_groups), columns=chosen, use_threads=False)
    columns = [(name, _as_enum(table.column(name))) for name in chosen]
    return pl.DataFrame([column.alias(name) for name, column in columns if column is not None])


def _with_dictionaries(metadata: pq.FileMetaData, row_groups: Sequence[int]) -> list[str]:
    found: list[str] = []
    for leaf in range(metadata.num_columns):
        chunks = [metadata.row_group(group).column(leaf) for group in row_groups]
        size = sum(chunk.total_uncompressed_size for chunk in chunks)
        if all(chunk.has_dictionary_page for chunk in chunks) and size <= _LARGEST_PLACE * sum(
            chunk.num_values for chunk in chunks
        ):
            found.append(chunks[0].path_in_schema)
    return found


def _as_enum(column: pa.ChunkedArray) -> pl.Series | None:
    """A column read by its dictionary; None where that has a text twice."""
    array = column.unify_dictionaries().combine_chunks()
    texts = pl.Series(array.dictionary, dtype=pl.String())
    if texts.has_nulls() or texts.n_unique() < len(texts):
        return None
    places = pl.Series(array.indices, dtype=pl.Int32())
    return places.cast(pl.UInt8() if len(texts) < 2**8 else pl.UInt32()).cat.to(pl.Enum(texts))
