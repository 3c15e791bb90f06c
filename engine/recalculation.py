"""Recalculations: what all segments come to on a snapshot, published as a whole.

A recalculation writes a new directory below the results directory and then points ``latest`` at it::

    results/
        latest -> 20260501T021500.000000Z
        20260501T021500.000000Z/
            report.json         the counts, errors and timings of all segments, and what they belong to
            results.parquet     the same, a row for each segment
            members.parquet     with the layout "pairs": a row for each segment and member
            users.parquet       with the layout "users": a row for each user, with a list of his segments
            members/            with the layout "files": a file for each segment; report.json names them

Until it is complete it is in a hidden directory, which is renamed, and ``latest`` is replaced by a rename, too: a
reader never sees half of one, and whatever ends a recalculation early leaves ``latest`` as it was. Whoever reads
several files resolves ``latest`` once and reads in the directory that it names. What a killed process has left behind
is removed by the next recalculation; of two at once in one directory, the second is refused.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from .audience import Segment
from .budget import DEFAULT_BUDGET, Budget
from .counting import count
from .export import encode_report
from .member_files import Layout, member_file_names, write_files, write_whole
from .membership import MemberStream, members_of
from .reporting import Announce
from .results import CountReport, Mode, show_time
from .snapshot import Snapshot

LATEST = "latest"
REPORT = "report.json"

_RUN_NAME = "%Y%m%dT%H%M%S.%fZ"
_RUN_PATTERN = "[0-9]*T[0-9]*Z"
_MEMBER_PATHS = {Layout.PAIRS: "members.parquet", Layout.USERS: "users.parquet", Layout.FILES: "members"}

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Recalculation:
    """A recalculation that has been published.

    Attributes:
        directory: of its files.
        report: what it found.
    """

    directory: Path
    report: CountReport


def recalculate(
    snapshot: Snapshot,
    segments: Mapping[str, str | Segment],
    results: Path,
    *,
    layout: Layout | None = None,
    errors: bool = False,
    mode: Mode | str = Mode.AUTO,
    now: datetime | str | None = None,
    rules: Mapping[str, str] | None = None,
    budget: Budget = DEFAULT_BUDGET,
    announce: Announce | None = None,
    keep: int | None = None,
    progress: Progress | None = None,
) -> Recalculation:
    """Counts all segments in one pass over a snapshot, and publishes what it finds in a results directory.

    A segment that does not compile or that fails does so alone: the report says why, and it has no members.

    Args:
        snapshot: the users.
        segments: conditions by name.
        results: the results directory, made where it is missing.
        layout: how members are written; None writes none.
        errors: also tell the reasons of errors.
        mode: ``auto``, ``compiled`` or ``interpreted``.
        now: the value of the variable ``now``, as for :func:`~engine.count`.
        rules: whom audiences reach, by name, in CEL, instead of the default rules.
        budget: what interpreting may cost each segment, which fails alone when that is spent.
        announce: called before a row is read, where anything is interpreted, with what that is.
        keep: how many recalculations are kept, this one included; older ones are removed. None keeps all.
        progress: called after each chunk with the number of rows done, and of all.

    Raises:
        AudienceError: there is no rule of a name in ``rules``.
        OSError: the results cannot be written: another recalculation is writing there, ``latest`` is no link, ...
        SnapshotError: the snapshot cannot be read, or, where members are asked for, has no ids.
        ValueError: ``mode`` or ``now`` is malformed.
    """
    results.mkdir(parents=True, exist_ok=True)
    with _locked(results):
        latest = results / LATEST
        if latest.exists() and not latest.is_symlink():
            reason = "is no link to a recalculation; name another results directory"
            raise FileExistsError(errno.EEXIST, reason, str(latest))
        for left in results.glob(".*.partial"):
            _remove(left)
        started = datetime.now(UTC)
        directory = results / started.strftime(_RUN_NAME)
        partial = results / f".{directory.name}.partial"
        partial.mkdir()
        try:
            if layout is None:
                report = count(
                    snapshot,
                    segments,
                    mode=mode,
                    now=now,
                    errors=errors,
                    rules=rules,
                    budget=budget,
                    announce=announce,
                    progress=progress,
                )
            else:
                stream = members_of(
                    snapshot,
                    segments,
                    mode=mode,
                    now=now,
                    rules=rules,
                    errors=errors,
                    budget=budget,
                    announce=announce,
                    progress=progress,
                )
                _write_members(stream, layout, partial)
                report = stream.report()
            _write_report(report, started, layout, partial)
            _sync(partial)
            partial.rename(directory)
        except BaseException:
            _remove(partial)
            raise
        link = results / f".{LATEST}.partial"
        link.symlink_to(directory.name, target_is_directory=True)
        link.replace(latest)
        _sync_directory(results)
        if keep is not None:
            # Clocks go wrong: whatever the others are called, this is the newest.
            others = (run for run in results.glob(_RUN_PATTERN) if run != directory)
            for old in sorted(others, reverse=True)[max(keep, 1) - 1 :]:
                _remove(old)
    return Recalculation(directory, report)


def _write_members(stream: MemberStream, layout: Layout, directory: Path) -> None:
    path = directory / _MEMBER_PATHS[layout]
    if layout is Layout.FILES:
        path.mkdir()
        write_files(stream, path)
        return
    write_whole(stream, layout, path)


def _write_report(report: CountReport, started: datetime, layout: Layout | None, directory: Path) -> None:
    whole = report.to_dict()
    rows = whole.pop("results")
    assert isinstance(rows, list)
    members: dict[str, object] | None = None
    if layout is not None:
        members = {"layout": layout.value, "path": _MEMBER_PATHS[layout]}
    if layout is Layout.FILES:
        names = member_file_names(row["name"] for row in rows)
        for row in rows:
            row["members"] = None if row["error"] else f"{_MEMBER_PATHS[layout]}/{names[row['name']]}"
    text = json.dumps(
        {
            **whole,
            "fingerprint": report.fingerprint,
            "started": show_time(started),
            "finished": show_time(datetime.now(UTC)),
            "failed": sum(row["error"] is not None for row in rows),
            "members": members,
            "results": rows,
        },
        ensure_ascii=False,
        indent=2,
    )
    (directory / REPORT).write_bytes(f"{text}\n".encode(errors="backslashreplace"))
    (directory / "results.parquet").write_bytes(encode_report(report, "parquet"))


@contextmanager
def _locked(results: Path) -> Iterator[None]:
    """Holds the directory's lock, which the system takes away from a process that ends in whatever way."""
    with (results / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            reason = "another recalculation is writing there; wait for its end"
            raise BlockingIOError(errno.EAGAIN, reason, str(results)) from None
        yield


def _sync(directory: Path) -> None:
    """Has everything in a directory on the disk, so that a crash after the switch leaves no empty files."""
    for path in directory.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
        else:
            _sync_directory(path)
    _sync_directory(directory)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
