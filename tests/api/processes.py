"""What the tests of faults share: workers as processes of their own, and what they have started."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.commands import ENVIRONMENT, start

from .workers import wait_for

_TICKS = os.sysconf("SC_CLK_TCK")


@contextmanager
def worker_process(directory: Path, database_url: str, **variables: str | float) -> Iterator[subprocess.Popen[bytes]]:
    """``cellar worker`` on the users in a directory; what is left of it in the end is killed."""
    settings = {
        "CELLAR_DATABASE_URL": database_url,
        "CELLAR_SNAPSHOT": str(directory / "users.parquet"),
        "CELLAR_POLL_SECONDS": "0.05",
        "CELLAR_SCAN_NICENESS": "0",
        **{f"CELLAR_{name.upper()}": str(value) for name, value in variables.items()},
    }
    with (directory / "worker.log").open("ab") as log:
        process = start("worker", cwd=directory, env={**ENVIRONMENT, **settings}, stdout=log, stderr=log)
    try:
        yield process
    finally:
        scans = children(process.pid)
        process.kill()
        process.wait()
        for scan in scans:
            end(scan)


def children(pid: int) -> list[int]:
    """The processes that a process has started."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        parent = _stat(path)
        if parent is not None and int(parent[1]) == pid:
            found.append(int(path.parent.name))
    return found


def scan_of(worker: subprocess.Popen[bytes]) -> int:
    """The process of a worker's scan, as soon as there is one."""
    wait_for(lambda: bool(children(worker.pid)))
    return children(worker.pid)[0]


def is_running(pid: int) -> bool:
    """Whether a process is there, and is no zombie."""
    stat = _stat(Path(f"/proc/{pid}/stat"))
    return stat is not None and stat[0] != "Z"


def cpu_seconds(pid: int) -> float:
    """What a process, and those that it has started, have computed."""
    stat = _stat(Path(f"/proc/{pid}/stat"))
    own = 0.0 if stat is None else (int(stat[11]) + int(stat[12])) / _TICKS
    return own + sum(map(cpu_seconds, children(pid)))


def end(pid: int) -> None:
    """Kills a process, if it is there."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _stat(path: Path) -> list[str] | None:
    """What Linux says of a process, from its state on; None where there is none."""
    try:
        return path.read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
