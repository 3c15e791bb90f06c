"""The demonstration: made-up users, a count of the sample segments, and some of them interpreted beside it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from shlex import quote
from shutil import which

from .comparison import Comparison, compare
from .counting import count
from .results import CountReport
from .sample import SAMPLE_NOW, sample_segments, write_sample
from .snapshot import Snapshot

Progress = Callable[[int, int], None]

_COMPARED = ("Over 30", "Students", "Larger than usual", "Frequent refunds")


def made(directory: Path, *, users: int, seed: int, progress: Progress | None = None) -> tuple[Path, bool]:
    """The snapshot of so many users, and whether it had to be written."""
    path = directory / f"users-{users}-seed-{seed}.parquet"
    if path.exists():
        return path, False
    directory.mkdir(parents=True, exist_ok=True)
    write_sample(path, users=users, seed=seed, progress=progress)
    return path, True


def counted(path: Path, progress: Progress | None = None) -> CountReport:
    """The sample segments over the snapshot."""
    return count(Snapshot.open(path), _segments(), now=SAMPLE_NOW, progress=progress)


def compared_conditions(path: Path, progress: Progress | None = None) -> dict[str, Comparison]:
    """A few of the segments both ways."""
    snapshot, segments = Snapshot.open(path), _segments()
    compared = {}
    for done, name in enumerate(_COMPARED, 1):
        compared[name] = compare(snapshot, segments[name], now=SAMPLE_NOW)
        if progress is not None:
            progress(done, len(_COMPARED))
    return compared


def next_commands(called: str, path: Path) -> list[str]:
    """Commands to be copied: the program, ``called`` so, as it can be called from here, over the snapshot."""
    program = "cellar" if which("cellar") == called else quote(os.path.relpath(called))
    file = quote(str(path))
    now = f"{SAMPLE_NOW:%Y-%m-%dT%H:%M:%SZ}"
    return [
        f"{program} schema {file}",
        f"{program} count {file} 'country == \"DE\" && total_spent > 500.0' --now {now}",
        f"{program} explain {file} 'purchases.exists(p, p.price > 100.0)'",
        f"{program} functions",
    ]


def _segments() -> dict[str, str]:
    return {segment.name: segment.condition for segment in sample_segments()}
