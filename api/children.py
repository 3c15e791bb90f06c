"""Child processes that evaluate for the service: kept ready, and killed when they take too much time or memory.

A query of Polars that is cancelled keeps its threads busy for seconds more; only the end of its process surely ends it.
"""

from __future__ import annotations

import os
import pickle
import queue
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from time import monotonic
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_LOOK_SECONDS = 0.05
_PAGE = os.sysconf("SC_PAGE_SIZE")
_MEGABYTE = 1_000_000
_NICENESS = 5


class ChildError(Exception):
    """A job that did not come to its end: one sentence that says why."""


class BusyError(ChildError):
    """No child became free in time."""


class DeadlineError(ChildError):
    """The job took too long."""


class TooMuchMemoryError(ChildError):
    """The job took too much memory."""


class DiedError(ChildError):
    """The child ended by itself: the system had no memory left, or there is a fault in native code."""


@dataclass(frozen=True, slots=True)
class _Result:
    value: object


@dataclass(frozen=True, slots=True)
class _Piece:
    data: bytes


@dataclass(frozen=True, slots=True)
class _Failure:
    error: Exception


_Message = _Result | _Piece | _Failure


@dataclass(frozen=True, slots=True)
class _Child:
    process: BaseProcess
    connection: Connection

    def megabytes(self) -> float:
        """Of memory that it holds; 0 where the system does not tell."""
        try:
            resident = Path(f"/proc/{self.process.pid}/statm").read_text(encoding="ascii").split()[1]
        except (OSError, IndexError):
            return 0.0
        return int(resident) * _PAGE / _MEGABYTE

    def kill(self) -> None:
        self.process.kill()
        self.process.join()
        self.connection.close()


class ChildPool:
    """Processes that are started once and carry out one job at a time. Jobs are functions at the top of a module.

    Its methods may be called by many threads.
    """

    def __init__(self, size: int, *, megabytes: float) -> None:
        """``megabytes``: of memory that a child may hold, each for itself."""
        self._size = size
        self._megabytes = megabytes
        self._idle: queue.LifoQueue[_Child] = queue.LifoQueue()
        self._children: set[_Child] = set()
        self._waiting = 0
        self._lock = threading.Lock()
        self._closed = False

    def start(self) -> None:
        """Starts one child before it is needed. The others are started when there is work for them."""
        self._add()

    def close(self) -> None:
        """Ends all children, whatever they do."""
        with self._lock:
            self._closed = True
            children, self._children = self._children, set()
        for child in children:
            child.process.kill()
        for child in children:
            child.process.join()

    def call(self, seconds: float, job: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What a job returns. What it raises goes through.

        Args:
            seconds: after which the job is killed; for a free child it may wait as long.
            job: what to do.
            *args: of the job.
            **kwargs: of the job.

        Raises:
            ChildError: it did not come to its end.
        """
        with self._taken(seconds) as child:
            deadline = monotonic() + seconds
            child.connection.send((job, args, kwargs))
            match self._receive(child, deadline, seconds):
                case _Result(value):
                    return value  # type: ignore[return-value]  # the job's own result, which came through a pipe
                case _Failure(error):
                    raise error
                case _Piece():
                    raise AssertionError("a job that is called yields nothing")

    def stream(
        self, seconds: float, job: Callable[P, Iterator[bytes]], *args: P.args, **kwargs: P.kwargs
    ) -> Iterator[bytes]:
        """The pieces that a job yields. A caller who stops early ends the job.

        Raises:
            ChildError: it did not come to its end. What the job raises goes through.
        """
        with self._taken(seconds) as child:
            deadline = monotonic() + seconds
            child.connection.send((job, args, kwargs))
            while True:
                match self._receive(child, deadline, seconds):
                    case _Piece(data):
                        yield data
                    case _Failure(error):
                        raise error
                    case _Result():
                        return

    @contextmanager
    def _taken(self, seconds: float) -> Iterator[_Child]:
        """A child for one job. One whose job did not come to an end is killed."""
        child = self._take(seconds)
        try:
            yield child
        except BaseException as error:
            if not isinstance(error, Exception) or isinstance(error, (ChildError, OSError)):
                self._drop(child)
            else:
                self._idle.put(child)
            raise
        else:
            self._idle.put(child)

    def _take(self, seconds: float) -> _Child:
        deadline = monotonic() + seconds
        while True:
            try:
                return self._living(self._idle.get_nowait())
            except queue.Empty:
                self._wait(1)
            try:
                self._add()
                return self._living(self._idle.get(timeout=max(0.0, deadline - monotonic())))
            except queue.Empty:
                if monotonic() >= deadline:
                    raise BusyError(f"nothing became free within {seconds:g} seconds") from None
            finally:
                self._wait(-1)

    def _living(self, child: _Child) -> _Child:
        """A child that still lives.

        Raises:
            queue.Empty: it does not.
        """
        if child.process.is_alive():
            return child
        self._drop(child)
        raise queue.Empty

    def _wait(self, change: int) -> None:
        with self._lock:
            self._waiting += change

    def _drop(self, child: _Child) -> None:
        """Kills a child. Another is started where somebody waits for one, else when somebody asks: until then, the
        processor is idle.
        """
        with self._lock:
            self._children.discard(child)
        child.kill()
        if self._waiting:
            self._add()

    def _add(self) -> None:
        """Starts a child, unless there are enough; it is free as soon as it has imported what jobs need."""
        context = get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs,), name="cellar evaluation", daemon=True)
        with self._lock:
            if self._closed or len(self._children) >= self._size:
                return
            process.start()
            child = _Child(process, ours)
            self._children.add(child)
        theirs.close()
        threading.Thread(target=self._await, args=(child,), daemon=True).start()

    def _await(self, child: _Child) -> None:
        """Waits for a new child to be ready; one that cannot even start is given up."""
        try:
            child.connection.recv()
        except (EOFError, OSError):
            with self._lock:
                self._children.discard(child)
        else:
            self._idle.put(child)

    def _receive(self, child: _Child, deadline: float, seconds: float) -> _Message:
        while True:
            left = deadline - monotonic()
            if left <= 0:
                raise DeadlineError(f"it took more than {seconds:g} seconds")
            if child.connection.poll(min(left, _LOOK_SECONDS)):
                try:
                    message: _Message = child.connection.recv()
                except (EOFError, OSError):
                    raise DiedError("the process that evaluated it ended by itself") from None
                return message
            if child.megabytes() > self._megabytes:
                raise TooMuchMemoryError(f"it took more than {self._megabytes:,.0f} MB of memory")


def _serve(connection: Connection) -> None:
    """What a child does: one job after the other, until its parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(_NICENESS)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    from . import evaluations  # noqa: F401  -- jobs need not wait for what they import

    connection.send(_Result(None))
    while True:
        try:
            job, args, kwargs = connection.recv()
        except (EOFError, OSError):
            return
        try:
            outcome = job(*args, **kwargs)
            if isinstance(outcome, Iterator):
                for piece in outcome:
                    connection.send(_Piece(piece))
                outcome = None
            message: _Message = _Result(outcome)
        except Exception as error:
            message = _Failure(_sendable(error))
        connection.send(message)


def _sendable(error: Exception) -> Exception:
    """An exception as it can go through a pipe."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(type(error).__name__)
    return error


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
