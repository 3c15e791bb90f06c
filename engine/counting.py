"""How many users conditions reach: all conditions in one pass over a snapshot."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from time import perf_counter
from typing import NamedTuple

import polars as pl

from .audience import Segment, by_name
from .budget import DEFAULT_BUDGET, Budget, Spending
from .chunks import read_chunks, within_chunk
from .columnar import is_of_rows, with_steps
from .optimisations import Optimisations
from .plan import Plan, Refused, plan
from .reporting import Announce, reach_of, results_of, tell_of_interpretation
from .results import CountReport, Mode, Tally, moment, run_time
from .running import Run, Running, seconds_interpreting
from .snapshot import DEFAULT_CHUNK_ROWS, ArrowStream, Snapshot
from .sources.base import SnapshotError
from .statistics import statistics_for
from .warnings import with_warnings

Progress = Callable[[int, int], None]

_CHUNK_ROWS = DEFAULT_CHUNK_ROWS


def count(
    snapshot: Snapshot | pl.DataFrame | pl.LazyFrame | ArrowStream | str | os.PathLike[str],
    conditions: str | Segment | Mapping[str, str | Segment],
    *,
    mode: Mode | str = Mode.AUTO,
    now: datetime | str | None = None,
    errors: bool = False,
    reach: bool = False,
    rules: Mapping[str, str] | None = None,
    budget: Budget = DEFAULT_BUDGET,
    announce: Announce | None = None,
    progress: Progress | None = None,
    optimisations: Optimisations | None = None,
    warnings: bool = False,
) -> CountReport:
    """Counts the users for whom conditions are true, and those on whom they end in an error.

    All conditions are answered in one pass, which reads only the columns that any of them uses.

    Args:
        snapshot: a snapshot, its location, or a frame.
        conditions: one condition, or conditions by name; a segment is a condition with whom it may reach.
        mode: ``auto``, ``compiled`` or ``interpreted``.
        now: the value of the variable ``now``, of microseconds; a text is ISO 8601; without a zone it is UTC; None is
            this moment.
        errors: also tell the reasons of errors, which takes more time.
        reach: also count by each channel, without and with consent, in the same pass.
        rules: whom audiences reach, by name, in CEL, instead of the default rules.
        budget: what interpreting may cost each condition, which fails alone when that is spent.
        announce: called before a row is read, where anything is interpreted, with what that is.
        progress: called after each chunk, and now and then while a clause is interpreted, with the number of rows done,
            and of all.
        optimisations: what is done to be fast: all, unless told otherwise; the counts are the same.
        warnings: also tell what is almost surely not meant, as far as it is known without reading for it.

    Returns:
        A result for each condition, in their order. Of several conditions, one that cannot be compiled or that fails
        does so alone: its ``error`` says why.

    Raises:
        AudienceError: there is no rule of a name in ``rules``.
        CompileError: the one condition that was given without a name, or a rule that it needs, does not compile.
        SnapshotError: the snapshot cannot be read.
        ValueError: ``mode`` or ``now`` is malformed.
    """
    start = perf_counter()
    opened = snapshot if isinstance(snapshot, Snapshot) else Snapshot.open(snapshot)
    named = by_name(conditions)
    time = run_time(now)
    began = perf_counter()
    planning = plan(
        named,
        opened.schema,
        now=time,
        mode=Mode(mode),
        rules=rules,
        reach=reach,
        statistics=partial(statistics_for, opened),
        optimisations=optimisations,
    )
    if not isinstance(conditions, Mapping) and isinstance(planning.planned[0], Refused):
        raise planning.planned[0].error
    tell_of_interpretation(announce, named, planning)
    compiled = perf_counter()
    scanned = None if errors else _in_one_query(opened, planning)
    if scanned is None:
        with Run(planning, time, errors=errors, budget=budget) as work:
            compiled = perf_counter()
            scanned = _in_chunks(opened, planning, work, progress)
    running = scanned.running
    interpretation = seconds_interpreting(running.values())
    scan = perf_counter() - compiled - interpretation
    results = results_of(named, planning, running, scan)
    if warnings:
        results = with_warnings(results, planning, opened)
    if reach:
        results = tuple(
            result._replace(reach=reach_of(cells, running))
            for result, cells in zip(results, planning.reaching, strict=True)
        )
    return CountReport(
        opened.name,
        opened.fingerprint,
        scanned.rows,
        moment(time),
        perf_counter() - start,
        results,
        compile=compiled - began,
        scan=scan,
        interpretation=interpretation,
    )


_MOST_RANGES = 8
"""Of rows that one query leaves out."""


class _Scanned(NamedTuple):
    """The number of users, and what the conditions have come to, by the identity of what the plan says of them."""

    rows: int
    running: Mapping[int, Running]


def _in_chunks(snapshot: Snapshot, planning: Plan, work: Run, progress: Progress | None) -> _Scanned:
    if not work.running:
        return _Scanned(snapshot.rows, {})
    ids = [snapshot.id_column] if work.tells_errors and snapshot.has_ids else []
    total = snapshot.rows if progress is not None else 0
    done = sum(map(len, planning.skip))
    for chunk in read_chunks(snapshot, planning, ids, _CHUNK_ROWS, work.encoded):
        work.count(chunk, within_chunk(progress, chunk, total))
        done += chunk.rows.height
        if progress is not None:
            progress(done, total)
    return _Scanned(done, work.running)


def _in_one_query(snapshot: Snapshot, planning: Plan) -> _Scanned | None:
    """One condition, where Polars can do all of it; None where there is more to be done, or where that fails."""
    planned = planning.to_run()
    if len(planned) != 1:
        return None
    (one,) = planned
    if one.cell is None or one.clauses or not is_of_rows(one.steps):
        return None
    # Each range that is left is a scan of its own.
    skip = sorted(sorted(planning.skip, key=len)[-_MOST_RANGES:], key=lambda rows: rows.start)
    value = one.cell.value.cast(pl.Boolean)
    member = pl.col("value")
    try:
        with snapshot.reading():
            scan = with_steps(snapshot.scan(one.condition.columns, skip), one.steps)
            query = scan.with_columns(value=value).select("value")
            counts = query.select(members=member.sum(), errors=member.null_count(), rows=pl.len())
            members, errors, rows = counts.collect(engine="streaming").row(0)
    except SnapshotError:
        # The condition may be at fault: chunk by chunk, that can be told.
        return None
    snapshot.check_unchanged()
    total = int(rows) + sum(map(len, skip))
    return _Scanned(total, {id(one): Running(one, Spending(DEFAULT_BUDGET), tally=Tally(int(members), int(errors)))})
