"""The greatest resident memory of a process that counts, over a file of many row groups and over one of a single one.

As a module that is run, it is that process: ``python -m benchmarks.memory SNAPSHOT CONDITIONS``.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from commands.memory import keep_memory

from .cellar import TOTAL, counted, named
from .measure import Figure, Setting
from .recipe import conditions, snapshot, snapshot_of_one_row_group

SERIES = "memory"

ROW_GROUPS = "row groups of 262,144"
ONE_ROW_GROUP = "one row group"
_MOST_CONDITIONS = 1_000


def memory(setting: Setting) -> Iterator[Figure]:
    """At most a thousand conditions over each number of users."""
    number = min(max(setting.conditions), _MOST_CONDITIONS)
    for users in setting.users:
        for name, write in ((ROW_GROUPS, snapshot), (ONE_ROW_GROUP, snapshot_of_one_row_group)):
            seconds, peak = measured(write(setting.folder, users), number)
            yield Figure(SERIES, name, "Cellar, a process", users, number, (seconds,), peak=peak)


def measured(path: Path, number: int) -> tuple[float, int]:
    """Counts so many conditions of the recipe in a process of its own.

    Returns:
        Seconds from the conditions' text to the counts, and the greatest resident memory in bytes.
    """
    command = [sys.executable, "-m", __name__, str(path), str(number)]
    run = subprocess.run(command, check=True, capture_output=True, text=True)
    seconds, peak = json.loads(run.stdout)
    return float(seconds), int(peak)


def _main(path: str, number: str) -> None:
    keep_memory()
    seconds = counted(Path(path), named(conditions(int(number))))[TOTAL]
    print(json.dumps([seconds, _peak()]))


def _peak() -> int:
    """The greatest resident memory of this process so far, in bytes."""
    status = Path("/proc/self/status")
    if status.exists():
        # getrusage would also count what the parent held when it started this process.
        lines = dict(line.split(":", 1) for line in status.read_text(encoding="ascii").splitlines())
        return int(lines["VmHWM"].split()[0]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    _main(*sys.argv[1:])
