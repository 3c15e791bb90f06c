"""Columns of texts, and of lists of texts, by their distinct texts where that is shorter: for each text its place.

A Parquet file often has them so already. Of lists, some writers write each text, and compressing undoes that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

_LARGEST_PLACE = 4
"""Octets that a row takes in the file: beyond, most of its texts are there themselves."""

_LARGEST_COMPRESSED = 1
"""Octets that an element takes that is written as a text: beyond, its texts are hardly few."""

_LARGEST_SHARE = 0.25
"""Of distinct texts among the elements of lists that are written as texts: beyond, places are no shorter."""


class _Column(NamedTuple):
    """A column, and the path of its texts, which is another where they are in lists."""

    name: str
    leaf: str


def read_texts(path: Path, row_groups: Sequence[int], texts: Sequence[str], lists: Sequence[str] = ()) -> pl.DataFrame:
    """Columns of texts, as Enum, and of lists of texts, as lists of Enum, of some row groups.

    Those that their distinct texts make no shorter, as far as the file's metadata tells, are left out. A column of
    lists that proves to be one comes as it is.
    """
    metadata = pq.read_metadata(path)
    chosen = list(_chosen(metadata, row_groups, texts, lists))
    if not chosen:
        return pl.DataFrame()
    leaves = [column.leaf for column in chosen]
    with pq.ParquetFile(path, memory_map=True, metadata=metadata, read_dictionary=leaves) as file:
        read = [(column.name, _read(file, row_groups, column)) for column in chosen]
    columns = [(name, _by_places(column)) for name, column in read if column is not None]
    return pl.DataFrame([column.alias(name) for name, column in columns if column is not None])


def _read(file: pq.ParquetFile, row_groups: Sequence[int], column: _Column) -> pa.ChunkedArray | None:
    """A column by its dictionaries; None where pyarrow cannot: lists of which a row group has several."""
    try:
        groups = [file.read_row_group(group, columns=[column.leaf], use_threads=False) for group in row_groups]
    except pa.ArrowNotImplementedError:
        return None
    return pa.chunked_array([chunk for group in groups for chunk in group.column(column.name).chunks])


def _chosen(
    metadata: pq.FileMetaData, row_groups: Sequence[int], texts: Sequence[str], lists: Sequence[str]
) -> Iterator[_Column]:
    paths = [metadata.schema.column(leaf).path for leaf in range(metadata.num_columns)]
    for leaf, path in enumerate(paths):
        chunks = [metadata.row_group(group).column(leaf) for group in row_groups]
        values = sum(chunk.num_values for chunk in chunks)
        has_places = all(chunk.has_dictionary_page for chunk in chunks) and _LARGEST_PLACE * values >= sum(
            chunk.total_uncompressed_size for chunk in chunks
        )
        if path in texts and has_places:
            yield _Column(path, path)
        # A name may hold dots, and be another column's path.
        for name in lists:
            if path.startswith(f"{name}.") and sum(other.startswith(f"{name}.") for other in paths) == 1:
                compressed = sum(chunk.total_compressed_size for chunk in chunks)
                if has_places or compressed <= _LARGEST_COMPRESSED * values:
                    yield _Column(name, path)


def _by_places(column: pa.ChunkedArray) -> pl.Series | None:
    """A column read by its dictionary; None where that has a text twice."""
    array = column.unify_dictionaries().combine_chunks()
    is_list = not pa.types.is_dictionary(array.type)
    inner = array.values if is_list else array
    texts = pl.Series(inner.dictionary, dtype=pl.String())
    if is_list and len(texts) > _LARGEST_SHARE * len(inner):
        return pl.Series(array.cast(pa.large_list(pa.large_string())), dtype=pl.List(pl.String()))
    if texts.has_nulls() or texts.n_unique() < len(texts):
        return None
    enum = pl.Enum(texts)
    narrow = pl.UInt8() if len(texts) < 2**8 else pl.UInt16() if len(texts) < 2**16 else pl.UInt32()
    # Each place is one of the dictionary's: casting need not look whether it fits, which takes ten times as long.
    if not is_list:
        return pl.Series(inner.indices, dtype=pl.Int32()).cast(narrow, wrap_numerical=True).cat.to(enum)
    places = pl.Series(_with_elements(array, inner.indices))
    return places.list.eval(pl.element().cast(narrow, wrap_numerical=True).cat.to(enum))


def _with_elements(lists: pa.Array, elements: pa.Array) -> pa.Array:
    """The lists with other elements in the places of theirs."""
    make = pa.large_list if pa.types.is_large_list(lists.type) else pa.list_
    return pa.Array.from_buffers(
        make(elements.type), len(lists), lists.buffers()[:2], offset=lists.offset, children=[elements]
    )
