"""Who is in segments: of one or of many, in one scan, chunk by chunk."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from time import perf_counter
from typing import NamedTuple

import polars as pl
import polars.selectors as cs

from .audience import Segment, by_name
from .budget import DEFAULT_BUDGET, Budget
from .chunks import read_chunks, within_chunk
from .columnar import is_of_rows, with_steps
from .plan import Plan, Refused, plan
from .reporting import Announce, results_of, tell_of_interpretation
from .results import CountReport, Mode, moment, run_time
from .running import Run, seconds_interpreting
from .snapshot import ArrowStream, Snapshot
from .sources.base import SnapshotError, lazy_batches, slices
from .statistics import statistics_for

SEGMENT, SEGMENTS = "segment", "segments"
"""The columns with the name of a segment, and with the names of all segments of a user."""

Progress = Callable[[int, int], None]

# Ctrl-C waits for the end of a chunk, and a chunk's members of all segments are held at once.
_CHUNK_ROWS = 65_536
_FRAME_ROWS = 524_288
_LIST_ROWS = 8_192


def members(
    snapshot: Snapshot | pl.DataFrame | pl.LazyFrame | ArrowStream | str | os.PathLike[str],
    condition: str | Segment,
    *,
    columns: Sequence[str] | None = None,
    mode: Mode | str = Mode.AUTO,
    now: datetime | str | None = None,
    rules: Mapping[str, str] | None = None,
    budget: Budget = DEFAULT_BUDGET,
) -> pl.LazyFrame:
    """The users for whom a condition is true, in the order of the snapshot, read when the frame is collected.

    Args:
        snapshot: a snapshot, its location, or a frame.
        condition: in CEL, of type bool; a segment is a condition with whom it may reach.
        columns: what to have of each user; None is the id alone.
        mode: ``auto``, ``compiled`` or ``interpreted``.
        now: the value of the variable ``now``, of microseconds; a text is ISO 8601; without a zone it is UTC; None is
            this moment.
        rules: whom audiences reach, by name, in CEL, instead of the default rules.
        budget: what interpreting the condition may cost.

    Raises:
        AudienceError: there is no rule of a name in ``rules``.
        CompileError: the condition, or a rule that it needs, does not compile.
        SnapshotError: the snapshot cannot be read, has no such column, or its ids are not unique.
        ValueError: ``mode`` or ``now`` is malformed, or a column is asked for twice.

    Collecting the frame fails where the condition does, such as when its budget is spent.
    """
    stream = members_of(snapshot, condition, columns=columns, mode=mode, now=now, rules=rules, budget=budget)
    whole = stream.query()
    if whole is not None:
        return whole

    def read(wanted: Sequence[str]) -> Iterator[pl.DataFrame]:
        return (frame.select(cs.by_name(*wanted)) for frame in stream.frames())

    return lazy_batches(stream.schema, read)


def members_of(
    snapshot: Snapshot | pl.DataFrame | pl.LazyFrame | ArrowStream | str | os.PathLike[str],
    conditions: str | Segment | Mapping[str, str | Segment],
    *,
    columns: Sequence[str] | None = None,
    mode: Mode | str = Mode.AUTO,
    now: datetime | str | None = None,
    rules: Mapping[str, str] | None = None,
    errors: bool = False,
    budget: Budget = DEFAULT_BUDGET,
    announce: Announce | None = None,
    progress: Progress | None = None,
) -> MemberStream:
    """The members of segments as a stream, which reads the snapshot once for all of them.

    Unlike the lazy frame of :func:`members` it is read by the caller's own thread, not within a query, so that Ctrl-C
    also ends an interpretation.

    Args:
        snapshot: a snapshot, its location, or a frame.
        conditions: one condition, or conditions by the names of their segments.
        columns: what to have of each user; None is the id alone.
        mode: ``auto``, ``compiled`` or ``interpreted``.
        now: the value of the variable ``now``; see :func:`members`.
        rules: whom audiences reach, by name, in CEL, instead of the default rules.
        errors: also tell the reasons of errors.
        budget: what interpreting may cost each condition, which fails alone when that is spent.
        announce: called at once, where anything will be interpreted, with what that is.
        progress: called after each chunk, and now and then while a clause is interpreted, with the number of rows done,
            and of all.

    Raises:
        AudienceError: there is no rule of a name in ``rules``.
        CompileError: the one condition that was given without a name does not compile. Of several, one that cannot be
            compiled or that fails does so alone: the report says why, and it has no members.
        SnapshotError: the snapshot cannot be read, has no such column, or its ids are not unique.
        ValueError: ``mode`` or ``now`` is malformed, or a column is asked for twice.
    """
    start = perf_counter()
    opened = snapshot if isinstance(snapshot, Snapshot) else Snapshot.open(snapshot)
    named = by_name(conditions)
    time = run_time(now)
    began = perf_counter()
    # One segment may be a query that is run later, over whatever there is then.
    statistics = partial(statistics_for, opened) if len(named) > 1 else None
    planning = plan(named, opened.schema, now=time, mode=Mode(mode), rules=rules, statistics=statistics)
    planning = planning._replace(skip=())  # all users are listed, where their segments are asked for
    compiled = perf_counter() - began
    if not isinstance(conditions, Mapping) and isinstance(planning.planned[0], Refused):
        raise planning.planned[0].error
    tell_of_interpretation(announce, named, planning)
    check_ids(opened)
    wanted = [opened.id_column] if columns is None else list(columns)
    if len(set(wanted)) < len(wanted):
        raise ValueError(f"a column is asked for twice: {', '.join(wanted)}")
    schema = dict(opened.scan(wanted).collect_schema())
    return MemberStream(schema, opened, planning, named, time, errors, budget, progress, start, compiled)


class ConditionFailed(Exception):  # noqa: N818  (its message says so)
    """The one condition that was asked for could not be answered for every user."""


class Found(NamedTuple):
    """The members among a chunk's users.

    Attributes:
        users: all of them, with the columns asked for.
        members: for each segment that does not fail, its name and the numbers of its rows of ``users``.
    """

    users: pl.DataFrame
    members: Iterator[tuple[str, pl.Series]]


@dataclass(slots=True)
class MemberStream:
    """Members of segments, in the order of the snapshot. Each method that yields them reads it anew.

    Attributes:
        schema: the columns asked for.
    """

    schema: dict[str, pl.DataType]
    _snapshot: Snapshot
    _planning: Plan
    _named: dict[str, Segment]
    _now: int
    _errors: bool
    _budget: Budget
    _progress: Progress | None
    _start: float
    _compile: float
    _run: Run | None = field(default=None, init=False)
    _scanned: float = field(default=0.0, init=False)
    _rows: int = field(default=0, init=False)

    @property
    def segments(self) -> tuple[str, ...]:
        """The names of all, those that fail among them."""
        return tuple(self._named)

    def query(self) -> pl.LazyFrame | None:
        """The members of the one segment as a query of Polars' alone; None where there is more to be done."""
        (planned,) = self._planning.planned
        assert not isinstance(planned, Refused)
        if planned.cell is None or planned.clauses or not is_of_rows(planned.steps):
            return None
        read = list(dict.fromkeys([*self.schema, *self._planning.columns]))
        scan = with_steps(self._snapshot.scan(read), planned.steps)
        return scan.filter(planned.cell.value.cast(pl.Boolean)).select(cs.by_name(*self.schema))

    def chunks(self) -> Iterator[Found]:
        """The members, chunk by chunk.

        Raises:
            SnapshotError: the snapshot cannot be read, or was changed meanwhile.
        """
        began = perf_counter()
        names = dict(zip(map(id, self._planning.planned), self._named, strict=True))
        total = self._snapshot.rows if self._progress is not None else 0
        self._rows = 0
        wanted = [*dict.fromkeys([self._snapshot.id_column, *self.schema])]
        with Run(self._planning, self._now, errors=self._errors, budget=self._budget) as run:
            self._run = run
            for chunk in read_chunks(self._snapshot, self._planning, wanted, _CHUNK_ROWS):
                members = run.members(chunk, within_chunk(self._progress, chunk, total))
                found = ((names[id(one.planned)], rows) for one, rows in members)
                yield Found(chunk.wanted.select(cs.by_name(*self.schema)), found)
                self._rows += chunk.rows.height
                if self._progress is not None:
                    self._progress(self._rows, total)
        self._scanned = perf_counter() - began

    def frames(self) -> Iterator[pl.DataFrame]:
        """The members of all segments, one after the other in each chunk; of one segment, simply its members.

        Raises:
            ConditionFailed: the one condition did, possibly after some of its members.
        """
        for users, found in self.chunks():
            for _, rows in found:
                yield users[rows]
        failed = [result.error for result in self.report().results if result.error is not None]
        if failed and len(self._named) == 1:
            raise ConditionFailed(failed[0])

    def by_segment(self) -> Iterator[tuple[str, pl.DataFrame]]:
        """Each segment's name with some of its members."""
        for users, found in self.chunks():
            for name, rows in found:
                yield name, users[rows]

    def pairs(self) -> Iterator[pl.DataFrame]:
        """A row for each segment and member: the column ``segment``, then those asked for."""
        gathered, height = [pl.DataFrame(schema=self.pairs_schema())], 0
        for name, frame in self.by_segment():
            gathered.append(frame.select(pl.lit(name).alias(SEGMENT), cs.by_name(*self.schema)))
            height += frame.height
            if height >= _FRAME_ROWS:
                yield pl.concat(gathered)
                gathered, height = gathered[:1], 0
        yield pl.concat(gathered)

    def pairs_schema(self) -> dict[str, pl.DataType]:
        """The columns of :meth:`pairs`."""
        return {SEGMENT: pl.String(), **self.schema}

    def users(self) -> Iterator[pl.DataFrame]:
        """A row for each user of the snapshot: the columns asked for, then ``segments``, a list of those he is in."""
        numbers = {name: number for number, name in enumerate(self.segments)}
        named = pl.element().replace_strict(list(numbers.values()), list(numbers), return_dtype=pl.String())
        for users, found in self.chunks():
            pairs = [pl.DataFrame(schema={"row": pl.UInt32(), SEGMENT: pl.UInt32()})]
            for name, rows in found:
                number = pl.lit(numbers[name], dtype=pl.UInt32)
                pairs.append(pl.DataFrame({"row": rows}).with_columns(number.alias(SEGMENT)))
            lists = pl.concat(pairs).group_by("row", maintain_order=True).agg(pl.col(SEGMENT).alias(SEGMENTS))
            every = pl.DataFrame({"row": pl.int_range(users.height, dtype=pl.UInt32(), eager=True)})
            joined = every.join(lists, on="row", how="left", maintain_order="left").get_column(SEGMENTS)
            whole = users.with_columns(joined.fill_null(pl.Series([[]], dtype=pl.List(pl.UInt32()))))
            for frame in slices(whole, _LIST_ROWS):
                yield frame.with_columns(pl.col(SEGMENTS).list.eval(named))

    def users_schema(self) -> dict[str, pl.DataType]:
        """The columns of :meth:`users`."""
        return {**self.schema, SEGMENTS: pl.List(pl.String())}

    def report(self) -> CountReport:
        """The counts, once the members have all been read. The time of the scan includes what is done with members."""
        assert self._run is not None
        interpretation = seconds_interpreting(self._run.running.values())
        scan = self._scanned - interpretation
        return CountReport(
            self._snapshot.name,
            self._snapshot.fingerprint,
            self._rows,
            moment(self._now),
            perf_counter() - self._start,
            results_of(self._named, self._planning, self._run.running, scan),
            compile=self._compile,
            scan=scan,
            interpretation=interpretation,
        )


def first(frames: Iterator[pl.DataFrame], limit: int | None) -> Iterator[pl.DataFrame]:
    """The frames up to a number of rows; None is all."""
    left = limit
    for frame in frames:
        yield frame if left is None else frame.head(left)
        if left is not None:
            left -= frame.height
            if left <= 0:
                return


def check_ids(snapshot: Snapshot) -> None:
    """Checks that each user has one id of his own.

    Raises:
        SnapshotError: the column is missing, or holds nulls or duplicates.
    """
    name = snapshot.id_column
    if name not in snapshot.schema.columns:
        raise SnapshotError(f"{snapshot.name}: has no column '{name}' with the users' ids; name it with the id column")
    ids = cs.by_name(name).as_expr()
    with snapshot.reading():
        nulls, distinct, rows = (
            snapshot.scan([name])
            .select(nulls=ids.null_count(), distinct=ids.n_unique(), rows=pl.len())
            .collect(engine="streaming")
            .row(0)
        )
    if nulls:
        raise SnapshotError(f"{snapshot.name}: {nulls:,} users have no id in '{name}'")
    if distinct != rows:
        raise SnapshotError(f"{snapshot.name}: '{name}' is no id: {rows - distinct:,} of {rows:,} users repeat one")
