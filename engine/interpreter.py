"""The interpreter of a run: each clause once for each distinct combination of the values it reads, on all cores."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from time import perf_counter
from types import TracebackType
from typing import NamedTuple

import polars as pl
import polars.selectors as cs

from compiler.schema import Schema

from .budget import DeadlinePassed, Spending
from .celvalues import exact_key
from .interpreted import ClauseEvaluation, Failed, Interpretation
from .plan import InterpretedPart
from .variables import columns_read
from .worker_pool import WorkerPool
from .worker_process import ClauseText

Progress = Callable[[int, int], None]

MOST_REMEMBERED = 1_000_000
"""Combinations of values whose outcomes are kept from chunk to chunk, of all clauses; later ones are not."""

_MOST_BYTES = 2**28
"""What the combinations that are kept may take."""

_LOOK = 0.1
"""Seconds of work after which it is looked at how much is left; a process is given as much at a time."""

_FIRST_ROWS, _MOST_ROWS = 16, 4_096

_WORTH_STARTING = 2.0
_WORTH_SENDING = 0.2
"""Seconds of work for one core from which on it pays to start processes (each takes about 0.5), and to ask those that
are there.
"""


@dataclass(slots=True)
class _Memory:
    """The outcomes of a clause so far: ``keys`` has a row for each, in their order."""

    keys: pl.DataFrame
    outcomes: list[object] = field(default_factory=list)


class _Rows(NamedTuple):
    """The rows of a frame, each distinct one once.

    Attributes:
        distinct: the distinct ones, with the columns that a clause reads.
        keys: equal for two of these where CEL cannot tell them apart.
        places: for each row of the frame, the place of its like among the distinct ones.
    """

    distinct: pl.DataFrame
    keys: pl.DataFrame
    places: pl.Series


class Interpreter:
    """Answers clauses for one run. Close it, or use it in a ``with``: it may have started processes."""

    def __init__(self, schema: Schema, now: int, *, processes: int | None = None, remembers: bool = True) -> None:
        """A run's interpreter.

        Args:
            schema: the columns that there are, and their types.
            now: the time of the run, in nanoseconds since the epoch.
            processes: how many it may start; None is one for each core, and none where there is only one.
            remembers: whether there are more rows to come after the first frame.
        """
        self._schema = schema
        self._now = now
        self._remembers = remembers
        cores = len(os.sched_getaffinity(0))
        self._processes = (cores if cores > 1 else 0) if processes is None else processes
        self._pool: WorkerPool | None = None
        self._memories: dict[object, _Memory] = {}
        self._failures: dict[Failed, Failed] = {}

    def __enter__(self) -> Interpreter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends its processes."""
        if self._pool is not None:
            self._pool.close()

    def interpret(
        self, part: InterpretedPart, frame: pl.DataFrame, spending: Spending, progress: Progress | None = None
    ) -> Interpretation:
        """Evaluates a clause on every row of a frame, once for each combination of values that is not remembered.

        Args:
            part: a checked condition or a part of one.
            frame: the rows; at least the columns that the clause reads.
            spending: of the condition, to which this is added.
            progress: called now and then with the number of combinations done, and of all.

        Raises:
            BudgetSpent: it takes more than there is left.
            InterpreterFailed: the interpreter itself did.
        """
        deadline = spending.begin()
        try:
            return self._interpret(part, frame, spending, deadline, progress)
        except DeadlinePassed:
            raise spending.time_is_up() from None
        finally:
            spending.end()

    def _interpret(
        self,
        part: InterpretedPart,
        frame: pl.DataFrame,
        spending: Spending,
        deadline: float,
        progress: Progress | None,
    ) -> Interpretation:
        # Of what has no elements, by its type, a macro asks nothing: the columns that it names are not there.
        names = [name for name in columns_read(part.syntax, self._schema) if name in frame.schema]
        rows = _distinct_rows(frame, names)
        memory = self._memories.get(part.key)
        if memory is None or memory.keys.schema != rows.keys.schema:
            memory = self._memories[part.key] = _Memory(rows.keys.clear())
        known = _known_places(rows.keys, memory.keys)
        new = rows.distinct.filter(known.is_null())
        spending.allow(new.height)
        found = self._evaluate(part, new, spending, deadline, progress)
        if progress is not None:
            progress(new.height, new.height)
        unknown = iter(found)
        outcomes = [next(unknown) if place is None else memory.outcomes[place] for place in known]
        if self._remembers and new.height:
            self._remember(memory, rows.keys.filter(known.is_null()), found)
        return Interpretation(outcomes, rows.places, part.source, part.syntax.span, new.height)

    def _evaluate(
        self,
        part: InterpretedPart,
        rows: pl.DataFrame,
        spending: Spending,
        deadline: float,
        progress: Progress | None,
    ) -> list[object]:
        """The outcome on each row: in this process, until it turns out that there is work enough for others."""
        found: list[object] = []
        before = spending.rows

        def done(count: int) -> None:
            spending.rows = before + count
            if progress is not None:
                progress(count, rows.height)

        if not rows.height:
            return found
        types = dict(self._schema.types)
        evaluation = ClauseEvaluation(part.syntax, part.source, types, self._now)
        size = _FIRST_ROWS
        while len(found) < rows.height:
            start = perf_counter()
            try:
                found.extend(evaluation.outcomes(rows[len(found) : len(found) + size], deadline))
            finally:
                done(len(found))
            pace = (perf_counter() - start) / size
            size = max(1, min(_MOST_ROWS, int(_LOOK / pace)))
            pool = self._pool_for((rows.height - len(found)) * pace)
            if pool is not None:
                clause = ClauseText(part.syntax, part.source, types, self._now)
                counted = partial(_and_then, done, len(found))
                return found + pool.outcomes(clause, rows[len(found) :], size, deadline=deadline, done=counted)
        return found

    def _pool_for(self, seconds: float) -> WorkerPool | None:
        """The processes, where they repay being asked for work of so many seconds."""
        if not self._processes:
            return None
        if self._pool is None:
            self._pool = WorkerPool(self._processes)
        return self._pool if seconds > (_WORTH_SENDING if self._pool.running else _WORTH_STARTING) else None

    def _remember(self, memory: _Memory, keys: pl.DataFrame, outcomes: list[object]) -> None:
        memories = self._memories.values()
        if (
            sum(one.keys.height for one in memories) + keys.height > MOST_REMEMBERED
            or sum(one.keys.estimated_size() for one in memories) + keys.estimated_size() > _MOST_BYTES
        ):
            return
        memory.keys = pl.concat([memory.keys, keys])
        # Most rows fail for the same few reasons.
        memory.outcomes += [self._failures.setdefault(o, o) if isinstance(o, Failed) else o for o in outcomes]


def _and_then(done: Callable[[int], None], before: int, count: int) -> None:
    done(before + count)


def _distinct_rows(frame: pl.DataFrame, names: Sequence[str]) -> _Rows:
    # What reads no column has one outcome; a frame without columns has no height.
    read = frame.select(cs.by_name(*names)) if names else pl.zeros(frame.height, eager=True).alias("").to_frame()
    keys = read.select(
        exact_key(cs.by_name(name).as_expr(), dtype).alias(str(place))
        for place, (name, dtype) in enumerate(read.schema.items())
    )
    groups = (
        keys.with_row_index("row")
        .group_by(keys.columns, maintain_order=True)
        .agg(pl.col("row"))
        .select("row")
        .with_row_index("place")
    )
    firsts = groups.get_column("row").list.first()
    places = groups.explode("row").sort("row").get_column("place")
    return _Rows(read[firsts], keys[firsts], places)


def _known_places(keys: pl.DataFrame, known: pl.DataFrame) -> pl.Series:
    """For each row, the place of its like among those that are known; null where there is none."""
    if not known.height:
        return pl.Series("place", [None], dtype=pl.UInt32).new_from_index(0, keys.height)
    numbered = known.with_row_index("place")
    joined = keys.join(numbered, on=keys.columns, how="left", nulls_equal=True, maintain_order="left")
    return joined.get_column("place")
