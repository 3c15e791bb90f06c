"""A seeded snapshot of the customers of an event-ticketing business, and the segments that its marketers keep.

With ``now`` set to ``SAMPLE_NOW``, the time at which the snapshot was taken, every count over it can be repeated.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from .sample_rows import SAMPLE_NOW, row_group
from .sample_vocabulary import read_vocabulary

__all__ = ["ROW_GROUP_ROWS", "SAMPLE_NOW", "SampleSegment", "sample_segments", "write_sample"]

ROW_GROUP_ROWS = 262_144


@dataclass(frozen=True, slots=True)
class SampleSegment:
    """A named condition, in CEL, over the sample snapshot."""

    name: str
    condition: str
    description: str


def sample_segments() -> tuple[SampleSegment, ...]:
    """The segments of ``sample_segments.yaml``, in its order. Their names are distinct."""
    entries = yaml.safe_load(Path(__file__).with_name("sample_segments.yaml").read_text(encoding="utf-8"))
    return tuple(SampleSegment(entry["name"], entry["condition"], entry.get("description", "")) for entry in entries)


def write_sample(
    path: Path, *, users: int = 1_000_000, seed: int = 2026, progress: Callable[[int, int], None] | None = None
) -> None:
    """Writes a snapshot of ``users`` rows to one Parquet file, replacing what is there.

    The file appears whole or not at all. The same number of users and the same seed give the same rows. No more than
    one row group is in memory at a time.

    Args:
        path: where the file is put.
        users: the number of rows.
        seed: which of many such snapshots is made.
        progress: called with the rows made so far and ``users`` after each row group.

    Raises:
        ValueError: if ``users`` is negative.
        OSError: if the file cannot be written.
    """
    if users < 0:
        raise ValueError(f"the number of users must not be negative: {users}")
    vocabulary = read_vocabulary(SAMPLE_NOW.year)
    schema = _arrow_table(row_group(vocabulary, seed, 0, 0, 1)).schema
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with pq.ParquetWriter(partial, schema, compression="zstd") as writer:
            for start in range(0, users, ROW_GROUP_ROWS):
                size = min(ROW_GROUP_ROWS, users - start)
                writer.write_table(_arrow_table(row_group(vocabulary, seed, start, size, users)), ROW_GROUP_ROWS)
                if progress is not None:
                    progress(start + size, users)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _arrow_table(frame: pl.DataFrame) -> pa.Table:
    # Parquet readers other than Polars do not all know Arrow's string views.
    return frame.to_arrow(compat_level=pl.CompatLevel.oldest())
