"""A scan in a process of its own: it gives way to whatever else the machine does, and can be ended at any moment.

:func:`main` is that process. It reads a :class:`Job` from its standard input, and writes to its standard
output what it has found, or why it found nothing; both pickled, for they come from and go to the same program. It ends
by itself when the process that started it is gone.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from signal import SIGBUS, Signals

from engine import Budget, CountReport, Segment

from .places import Place

_LOOK_SECONDS = 0.5
# Not ``-m``, which would name what is pickled differently here and there.
_PROGRAM = f"from {__name__} import main; main()"


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be counted.

    Attributes:
        snapshot: where the users are.
        segments: by the names that the results are to have.
        rules: whom audiences reach, as :func:`engine.count` takes them.
        reasons: whether to tell the reasons of errors.
        budget: what interpreting each segment may cost.
        niceness: by how much the process gives way.
    """

    snapshot: Place
    segments: Mapping[str, Segment]
    rules: Mapping[str, str] | None
    reasons: bool
    budget: Budget
    niceness: int


@dataclass(frozen=True, slots=True)
class Unreadable:
    """The snapshot cannot be read, which trying again would not change: why."""

    reason: str


@dataclass(frozen=True, slots=True)
class Died:
    """The process ended before it was done: of one of its segments, or for want of memory."""

    reason: str


Outcome = CountReport | Unreadable | Died


@dataclass(frozen=True, slots=True)
class Scan:
    """A scan that runs."""

    _process: subprocess.Popen[bytes]
    _output: Future[tuple[bytes, bytes]]

    @classmethod
    def start(cls, job: Job, *, threads: int | None = None) -> Scan:
        """Starts the process; ``threads``: that it computes with, None is one for each core."""
        environment = dict(os.environ)
        if threads is not None:
            environment["POLARS_MAX_THREADS"] = str(threads)
        process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # What Polars prints when it panics may quote members.
            env=environment,
            start_new_session=True,  # Ctrl-C is for the worker, which ends its scan itself.
        )
        # A thread talks to it: subprocess forgets the rest of an input that was not taken before a timeout.
        talking = ThreadPoolExecutor(1)
        output = talking.submit(process.communicate, pickle.dumps(job))
        talking.shutdown(wait=False)
        return cls(process, output)

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    def wait(self, seconds: float) -> Outcome | None:
        """What it has come to; None if that takes longer."""
        try:
            output, _ = self._output.result(seconds)
        except TimeoutError:
            return None
        code = self._process.returncode
        if code == -SIGBUS:
            return Unreadable("the snapshot was truncated while it was read; run again")
        if code < 0:
            return Died(f"the scan was ended by {Signals(-code).name}: perhaps there was too little memory")
        if code > 0:
            return Died(f"the scan ended with exit code {code}")
        outcome = pickle.loads(output)
        assert isinstance(outcome, CountReport | Unreadable | Died)
        return outcome

    def kill(self) -> None:
        """Ends the process at once."""
        self._process.kill()
        self._output.result()


def run(job: Job) -> Outcome:
    """Carries a job out."""
    from engine import SnapshotError, count

    try:
        snapshot = job.snapshot.open()
        report = count(snapshot, job.segments, errors=job.reasons, rules=job.rules, budget=job.budget)
        snapshot.check_unchanged()
    except (SnapshotError, OSError) as error:
        return Unreadable(str(error))
    except MemoryError:
        return Died("there was too little memory")
    except Exception as error:
        # Its message may quote members; where it comes from does not.
        frame = error.__traceback__
        while frame is not None and frame.tb_next is not None:
            frame = frame.tb_next
        place = "" if frame is None else f" in {frame.tb_frame.f_code.co_qualname}, line {frame.tb_lineno}"
        return Died(f"internal error: {type(error).__name__}{place}")
    return report


def _end_with(parent: int) -> None:
    from time import sleep

    while os.getppid() == parent:
        sleep(_LOOK_SECONDS)
    os._exit(1)


def main() -> None:
    """The process."""
    from threading import Thread

    Thread(target=_end_with, args=(int(sys.argv[1]),), daemon=True).start()
    job = pickle.load(sys.stdin.buffer)
    assert isinstance(job, Job)
    os.nice(job.niceness)
    sys.stdout.buffer.write(pickle.dumps(run(job)))
    sys.stdout.buffer.flush()
    os._exit(0)
