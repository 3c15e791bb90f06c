"""A process that interprets clauses: it reads requests from standard input and writes a reply to each.

Requests are read by a thread of their own, so that the end of the input, which comes with the end of the process that
asks, ends this one at once, whatever it is working on.
"""

from __future__ import annotations

import os
import pickle
import sys
from queue import SimpleQueue
from threading import Thread
from time import perf_counter
from typing import IO, NamedTuple

import polars as pl

from compiler.source import Source
from compiler.syntax import Syntax
from compiler.types import Type

from .budget import DeadlinePassed
from .interpreted import ClauseEvaluation, InterpreterFailed


class ClauseText(NamedTuple):
    """A clause and what it takes to evaluate it; see :func:`~engine.interpreted.evaluate_once`."""

    clause: Syntax
    source: Source
    types: dict[str, Type]
    now: int


class Request(NamedTuple):
    """Rows on which a clause is to be evaluated.

    Attributes:
        clause: None for that of the request before.
        rows: the columns that it reads.
        seconds: for which it may take.
    """

    clause: ClauseText | None
    rows: pl.DataFrame
    seconds: float


class Reply(NamedTuple):
    """The outcomes of a request.

    Attributes:
        outcomes: one a row, as far as time allowed.
        failure: why the interpreter failed; None where it did not.
    """

    outcomes: list[object]
    failure: str | None


def main() -> None:
    """Answers requests until the input ends."""
    requests = sys.stdin.buffer
    replies = os.fdopen(os.dup(1), "wb")
    # What prints to standard output may not fall between the replies.
    os.dup2(2, 1)
    pending: SimpleQueue[Request] = SimpleQueue()
    Thread(target=_receive, args=(requests, pending), daemon=True).start()
    evaluation: ClauseEvaluation | None = None
    while True:
        request = pending.get()
        if request.clause is not None:
            evaluation = ClauseEvaluation(*request.clause)
        assert evaluation is not None
        pickle.dump(_reply(evaluation, request), replies, pickle.HIGHEST_PROTOCOL)
        replies.flush()


def _receive(requests: IO[bytes], pending: SimpleQueue[Request]) -> None:
    try:
        while True:
            pending.put(pickle.load(requests))
    except (EOFError, pickle.UnpicklingError):
        os._exit(0)


def _reply(evaluation: ClauseEvaluation, request: Request) -> Reply:
    outcomes: list[object] = []
    try:
        outcomes.extend(evaluation.outcomes(request.rows, perf_counter() + request.seconds))
    except DeadlinePassed:
        pass
    except InterpreterFailed as failure:
        return Reply(outcomes, str(failure))
    return Reply(outcomes, None)
