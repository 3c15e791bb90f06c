"""A process of Cellar's own keeps the memory that it will need again."""

from __future__ import annotations

import subprocess
import sys

_FREED_AND_TAKEN_AGAIN = """
import sys
from resource import RUSAGE_SELF, getrusage
from threading import Thread

import numpy as np

from commands.memory import keep_memory

if sys.argv[1] == "kept":
    keep_memory()


def work() -> None:
    for _ in range(100):
        [np.ones(1 << 20, dtype=np.uint8) for _ in range(4)]


thread = Thread(target=work)
thread.start()
thread.join()
print(getrusage(RUSAGE_SELF).ru_minflt)
"""


def _page_faults(way: str) -> int:
    run = subprocess.run(
        [sys.executable, "-c", _FREED_AND_TAKEN_AGAIN, way], check=True, capture_output=True, text=True
    )
    return int(run.stdout)


def test_what_was_freed_is_taken_again_without_asking_the_system() -> None:
    pages_of_all_rounds = 100 * 4 * 256
    assert _page_faults("given back") > pages_of_all_rounds / 2, "or there is nothing to be kept"
    assert _page_faults("kept") < pages_of_all_rounds / 5
