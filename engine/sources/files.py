"""Which files a location stands for, and what identifies them."""

from __future__ import annotations

import glob
import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path
from urllib.parse import unquote

import polars as pl

from .base import SnapshotError, reading

GLOB = frozenset("*?[")
"""The characters that make a location a pattern."""

_HIVE_NULL = "__HIVE_DEFAULT_PARTITION__"
_FOOTER_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Part:
    """One file, and the values that Hive partitioning gives its rows: ``country=DE/part.parquet``."""

    path: Path
    partition: tuple[tuple[str, str | None], ...] = ()


def find_parts(location: str) -> tuple[Part, ...]:
    """The files of a location, in the order of their names: a file, a directory, or a glob.

    Hidden files and those whose name, or whose directory's name, begins with an underscore (``_SUCCESS``,
    ``_temporary/``) are no part of a snapshot.

    Raises:
        SnapshotError: nothing is there, or it may not be read.
    """
    with reading(location, "a snapshot"):
        path = Path(location)
        if GLOB & set(location) and not path.exists():
            return _matching(location)
        if path.is_dir():
            return _in_directory(location, path)
        _require_readable(path)
        return (Part(path),)


def stands_for(location: str, path: Path) -> bool:
    """Whether a location stands for a file, or would as soon as it is written."""
    place, file = Path(location).resolve(), path.resolve()
    if place.is_dir():
        return file.is_relative_to(place)
    return file == place or (not place.exists() and _matches(file.parts, place.parts))


def _matches(names: Sequence[str], patterns: Sequence[str]) -> bool:
    """Whether a pattern, by its parts, matches a path: ``**`` is any number of directories, none included."""
    if not patterns:
        return not names
    first, *rest = patterns
    if first == "**":
        return any(_matches(names[start:], rest) for start in range(len(names) + 1))
    return bool(names) and fnmatchcase(names[0], first) and _matches(names[1:], rest)


def fingerprint(parts: Sequence[Part]) -> str:
    """What identifies the files as they are now: names, sizes, modification times and the ends, where footers are."""
    digest = hashlib.sha256()
    for part in parts:
        with reading(str(part.path), "a snapshot"), part.path.open("rb") as file:
            status = os.fstat(file.fileno())
            file.seek(max(0, status.st_size - _FOOTER_BYTES))
            digest.update(f"{part.path.name}\0{part.partition}\0{status.st_size}\0{status.st_mtime_ns}\0".encode())
            digest.update(hashlib.sha256(file.read()).digest())
    return digest.hexdigest()[:32]


def partition_types(parts: Sequence[Part]) -> dict[str, pl.DataType]:
    """The type of each partition column: whole numbers, dates, or else text, whichever all its values are."""
    values: dict[str, list[str]] = {}
    for part in parts:
        for name, value in part.partition:
            values.setdefault(name, []).extend([] if value is None else [value])
    return {name: _type_of(texts) for name, texts in values.items()}


def partition_value(text: str | None, type_: pl.DataType) -> int | date | str | None:
    """The value of a partition column."""
    match type_:
        case pl.Int64():
            return None if text is None else int(text)
        case pl.Date():
            return None if text is None else date.fromisoformat(text)
        case _:
            return text


def _type_of(texts: Sequence[str]) -> pl.DataType:
    if texts and all(_is_int64(text) for text in texts):
        return pl.Int64()
    if texts and all(_is_date(text) for text in texts):
        return pl.Date()
    return pl.String()


def _is_int64(text: str) -> bool:
    return text.isascii() and text.removeprefix("-").isdigit() and -(2**63) <= int(text[:20]) < 2**63 and len(text) < 21


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _in_directory(location: str, directory: Path) -> tuple[Part, ...]:
    parts = tuple(sorted(_walk(directory, ()), key=lambda part: part.path))
    if not parts:
        raise SnapshotError(f"{location}: the directory holds no part files")
    return one_partitioning(location, parts)


def _walk(directory: Path, partition: tuple[tuple[str, str | None], ...]) -> Iterator[Part]:
    for path in directory.iterdir():
        if path.name.startswith((".", "_")):
            continue
        if path.is_dir():
            yield from _walk(path, partition + partition_of(path.name))
        else:
            _require_readable(path)
            yield Part(path, partition)


def _matching(pattern: str) -> tuple[Part, ...]:
    fixed = 0
    for component in Path(pattern).parts:
        if GLOB & set(component):
            break
        fixed += 1
    parts = []
    for match in sorted(glob.glob(pattern, recursive=True)):
        path = Path(match)
        below = path.parts[fixed:]
        if path.is_dir() or any(component.startswith((".", "_")) for component in below):
            continue
        _require_readable(path)
        parts.append(Part(path, tuple(pair for component in below[:-1] for pair in partition_of(component))))
    if not parts:
        raise SnapshotError(f"{pattern}: no file matches")
    return one_partitioning(pattern, tuple(parts))


def partition_of(component: str) -> tuple[tuple[str, str | None], ...]:
    """The column and value that a directory's name gives the rows below it, if it does."""
    key, separator, value = component.partition("=")
    if not (key and separator):
        return ()
    return ((unquote(key), None if value == _HIVE_NULL else unquote(value)),)


def one_partitioning(location: str, parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """The parts, all of which have the same partition columns.

    Raises:
        SnapshotError: they have not.
    """
    first = parts[0]
    for part in parts:
        if [name for name, _ in part.partition] != [name for name, _ in first.partition]:
            raise SnapshotError(
                f"{location}: {part.path} and {first.path} are partitioned by different columns; "
                f"name one level of directories, or a glob that matches only files partitioned alike"
            )
    return parts


def _require_readable(path: Path) -> None:
    if not stat.S_ISREG(path.stat().st_mode):
        raise SnapshotError(f"{path}: is neither a file nor a directory")
    with path.open("rb"):
        pass
