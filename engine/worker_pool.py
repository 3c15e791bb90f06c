"""Processes that interpret clauses, one for each core: cel-python is pure Python, and uses one.

They are started as programs of their own, not forked, which Polars' threads do not survive, and not by
``multiprocessing``, which would run a caller's script a second time. They end when this process does, in whatever way.
"""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from math import inf
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector
from subprocess import DEVNULL, PIPE, Popen
from time import perf_counter
from typing import IO

import polars as pl

from .budget import DeadlinePassed
from .interpreted import InterpreterFailed
from .worker_process import ClauseText, Reply, Request

_PROGRAM = "import sys; sys.path[:] = sys.argv[1:]; from engine.worker_process import main; main()"
_GRACE = 2.0
"""Seconds after the deadline, in which a process answers that time was up."""


@dataclass(slots=True)
class _Worker:
    """A process; ``clause`` is what it evaluates."""

    process: Popen[bytes]
    requests: IO[bytes]
    replies: IO[bytes]
    clause: ClauseText | None = None


class WorkerPool:
    """The processes, each with at most one request at a time. Close it when it is not needed any more."""

    def __init__(self, processes: int) -> None:
        self._processes = processes
        self._workers: list[_Worker] = []

    @property
    def running(self) -> bool:
        """Whether there are processes already."""
        return bool(self._workers)

    def close(self) -> None:
        """Ends the processes at once."""
        workers, self._workers = self._workers, []
        for worker in workers:
            worker.process.kill()
        for worker in workers:
            worker.process.wait()
            worker.replies.close()
            with suppress(BrokenPipeError):  # by what it was not sent any more
                worker.requests.close()

    def outcomes(
        self,
        clause: ClauseText,
        rows: pl.DataFrame,
        size: int,
        *,
        deadline: float,
        done: Callable[[int], None],
    ) -> list[object]:
        """The outcome of a clause on each row.

        Args:
            clause: what to evaluate.
            rows: the columns that it reads.
            size: how many rows a process is given at a time.
            deadline: when time is up, on the clock of ``perf_counter``.
            done: told of the number of rows that are done.

        Raises:
            DeadlinePassed: it is.
            InterpreterFailed: the interpreter did, or its process ended.
        """
        try:
            return self._outcomes(clause, rows, size, deadline, done)
        except BaseException:
            # Replies are still to come, which nobody waits for.
            self.close()
            raise

    def _outcomes(
        self, clause: ClauseText, rows: pl.DataFrame, size: int, deadline: float, done: Callable[[int], None]
    ) -> list[object]:
        while len(self._workers) < self._processes:
            self._workers.append(_started())
        found: dict[int, list[object]] = {}
        starts = iter(range(0, rows.height, size))
        finished = 0
        with DefaultSelector() as waiting:
            for worker, start in zip(self._workers, starts, strict=False):
                _ask(worker, clause, rows[start : start + size], deadline)
                waiting.register(worker.replies, EVENT_READ, (worker, start))
            while waiting.get_map():
                ready = waiting.select(None if deadline == inf else max(deadline - perf_counter() + _GRACE, 0))
                if not ready:
                    raise DeadlinePassed
                for key, _ in ready:
                    worker, start = key.data
                    found[start] = _answer(worker)
                    if len(found[start]) < min(size, rows.height - start):
                        raise DeadlinePassed
                    finished += len(found[start])
                    done(finished)
                    waiting.unregister(worker.replies)
                    following = next(starts, None)
                    if following is not None:
                        _ask(worker, clause, rows[following : following + size], deadline)
                        waiting.register(worker.replies, EVENT_READ, (worker, following))
        return [outcome for start in sorted(found) for outcome in found[start]]


def _ask(worker: _Worker, clause: ClauseText, rows: pl.DataFrame, deadline: float) -> None:
    known = worker.clause is clause
    request = Request(None if known else clause, rows, deadline - perf_counter())
    worker.clause = clause
    try:
        pickle.dump(request, worker.requests, pickle.HIGHEST_PROTOCOL)
        worker.requests.flush()
    except BrokenPipeError:
        raise InterpreterFailed(_ended(worker)) from None


def _answer(worker: _Worker) -> list[object]:
    """The outcomes that a process replies with: of fewer rows than it was asked for where time was up."""
    try:
        reply = pickle.load(worker.replies)
    except (EOFError, pickle.UnpicklingError):
        raise InterpreterFailed(_ended(worker)) from None
    assert isinstance(reply, Reply)
    if reply.failure is not None:
        raise InterpreterFailed(reply.failure)
    return reply.outcomes


def _started() -> _Worker:
    # A group of its own, so that Ctrl-C reaches only the process that waits for it.
    process = Popen(
        [sys.executable, "-c", _PROGRAM, *(path or str(Path.cwd()) for path in sys.path)],
        stdin=PIPE,
        stdout=PIPE,
        stderr=DEVNULL,
        env={**os.environ, "POLARS_MAX_THREADS": "1"},
        process_group=0,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    return _Worker(process, process.stdin, process.stdout)


def _ended(worker: _Worker) -> str:
    code = worker.process.wait()
    how = f"signal {-code}" if code < 0 else f"exit code {code}"
    return f"the process that interpreted it ended with {how}"
