"""The members of many segments as files."""

from __future__ import annotations

import errno
import io
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import IO, cast

import polars as pl

from .export import check_format, csv_texts, frame_writer, write_frames
from .membership import SEGMENT, SEGMENTS, MemberStream, first

_BUFFERED_ROWS = 4_194_304
_SPOOLED_ROWS = 131_072

# The formats that hold what a frame held. A path is taken as it is written.
_READ_BACK: Mapping[str, Callable[[Path], pl.LazyFrame]] = {
    ".parquet": partial(pl.scan_parquet, glob=False, hive_partitioning=False),
    ".arrow": partial(pl.scan_ipc, glob=False, hive_partitioning=False),
}
_LONGEST = 60


class Layout(StrEnum):
    """What the members of many segments are written as.

    ``pairs``: one file with a row for each segment and member; ``files``: a directory with a Parquet file for each
    segment; ``users``: one file with a row for each user of the snapshot and the list of segments that he is in.
    """

    PAIRS = "pairs"
    FILES = "files"
    USERS = "users"


def arranged(stream: MemberStream, layout: Layout | None) -> tuple[Iterator[pl.DataFrame], dict[str, pl.DataType]]:
    """Members as frames, and the schema of these; without a layout, the members of one segment alone.

    Raises:
        ValueError: a column asked for has the name of one that the layout adds.
    """
    added = {Layout.PAIRS: SEGMENT, Layout.USERS: SEGMENTS}
    if layout in added and added[layout] in stream.schema:
        raise ValueError(f"the layout '{layout}' has a column '{added[layout]}' of its own")
    match layout:
        case Layout.PAIRS:
            return stream.pairs(), stream.pairs_schema()
        case Layout.USERS:
            return stream.users(), stream.users_schema()
        case _:
            return stream.frames(), stream.schema


def write_members(
    stream: MemberStream,
    layout: Layout | None,
    path: Path | None,
    limit: int | None,
    write: Callable[[str], object],
) -> int:
    """Writes members to a file, or as CSV to ``write``. A file or directory appears whole or not at all.

    Args:
        stream: the members.
        layout: see :func:`arranged`; ``files`` makes ``path`` a new directory.
        path: the file, which is replaced; its extension is its format. None for CSV.
        limit: the number of rows to write; None is all.
        write: takes pieces of CSV.

    Returns:
        The number of rows, with the layout ``files`` of all files.

    Raises:
        OSError: it cannot be written, or the directory is there already.
        SnapshotError: the snapshot cannot be read, or was changed meanwhile.
        ValueError: the format is unknown, or cannot hold a column.
    """
    if layout is Layout.FILES:
        assert path is not None
        _write_directory(stream, path)
        return sum(result.user_count or 0 for result in stream.report().results)
    if layout is not None and path is not None:
        return write_whole(stream, layout, path, limit)
    arrangement, schema = arranged(stream, layout)
    check_format(schema, path)
    rows = 0

    def counted() -> Iterator[pl.DataFrame]:
        nonlocal rows
        for frame in first(arrangement, limit):
            rows += frame.height
            yield frame

    if path is None:
        for text in csv_texts(counted(), schema):
            write(text)
    else:
        write_frames(counted(), schema, path)
    return rows


def write_whole(stream: MemberStream, layout: Layout, path: Path, limit: int | None = None) -> int:
    """Writes members in the layout ``pairs`` or ``users`` to a file, as :func:`write_members` does.

    A segment that fails in the middle of the snapshot has members from before: they are taken out again.
    """
    arrangement, schema = arranged(stream, layout)
    check_format(schema, path)
    suffix = path.suffix.lower()
    # What cannot be read back as it was is written from what can.
    spooled = suffix if suffix in _READ_BACK else ".arrow"
    spool = path.with_name(f".{path.stem}.{os.getpid()}.spool{spooled}")
    try:
        write_frames(first(arrangement, limit), schema, spool)
        written = _READ_BACK[spooled](spool)
        failed = [result.name for result in stream.report().results if result.error is not None]
        whole = _without(failed, written) if failed else written
        rows = int(whole.select(pl.len()).collect(engine="streaming").item())
        if failed or spooled != suffix:
            write_frames(whole.collect_batches(chunk_size=_SPOOLED_ROWS, maintain_order=True, lazy=True), schema, path)
        else:
            spool.replace(path)
    finally:
        spool.unlink(missing_ok=True)
    return rows


def _without(segments: Sequence[str], members: pl.LazyFrame) -> pl.LazyFrame:
    gone = pl.Series(segments, dtype=pl.String())
    if SEGMENT in members.collect_schema():
        return members.filter(~pl.col(SEGMENT).is_in(gone.implode()))
    return members.with_columns(pl.col(SEGMENTS).list.filter(~pl.element().is_in(gone.implode())))


def _write_directory(stream: MemberStream, path: Path) -> None:
    if path.exists():
        raise FileExistsError(errno.EEXIST, "is there already; name a new directory", str(path))
    begun = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        begun.mkdir()
        write_files(stream, begun)
        begun.rename(path)
    finally:
        shutil.rmtree(begun, ignore_errors=True)


def write_files(stream: MemberStream, directory: Path) -> None:
    """Writes members in the layout ``files`` into an empty directory.

    A segment that fails has no file. Members of all are gathered up to a number, and then are a row group of each file.
    """
    empty = pl.DataFrame(schema=stream.schema)
    names = member_file_names(stream.segments)
    gathered: dict[str, list[pl.DataFrame]] = {name: [] for name in names}
    height = 0
    with ExitStack() as files:
        writers = {}
        for name, file in names.items():
            appended = cast(IO[bytes], _Appended(directory / file))
            writers[name] = files.enter_context(frame_writer(".parquet", appended, empty, dictionaries=False))

        def flush() -> None:
            for name, frames in gathered.items():
                if frames:
                    writers[name](pl.concat(frames))
                    frames.clear()

        for name, frame in stream.by_segment():
            gathered[name].append(frame)
            height += frame.height
            if height >= _BUFFERED_ROWS:
                flush()
                height = 0
        flush()
    for result in stream.report().results:
        if result.error is not None:
            (directory / names[result.name]).unlink()


def member_file_names(segments: Iterable[str]) -> dict[str, str]:
    """The name of each segment's file: its number and what a file's name can have of its own name."""
    names = {}
    for number, segment in enumerate(segments, 1):
        letters = re.sub(r"[^\w]+", "-", segment.casefold(), flags=re.ASCII).strip("-")[:_LONGEST].rstrip("-")
        names[segment] = f"{number:04}-{letters}.parquet" if letters else f"{number:04}.parquet"
    return names


class _Appended(io.RawIOBase):
    """A file that is open only while it is written to: a process may not have thousands open."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._size = 0
        path.touch(exist_ok=False)

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._size

    def write(self, data: object) -> int:
        with self._path.open("ab") as file:
            written = file.write(data)  # type: ignore[arg-type]
        self._size += written
        return written
