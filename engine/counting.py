"""How many users conditions reach: all conditions in one pass over a snapshot."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import datetime
from time import perf_counter

import polars as pl

from .audience import Segment, by_name
from .plan import Plan, Planned, Refused, plan
from .results import CountReport, Mode, Tally, moment, run_time
from .running import Run, Running, reach_of, read_chunks, result_of
from .snapshot import ArrowStream, Snapshot

Progress = Callable[[int, int], None]


def count(
    snapshot: Snapshot | pl.DataFrame | pl.LazyFrame | ArrowStream | str | os.PathLike[str],
    conditions: str | Segment | Mapping[str, str | Segment],
    *,
    mode: Mode | str = Mode.AUTO,
    now: datetime | str | None = None,
    errors: bool = False,
    reach: bool = False,
    rules: Mapping[str, str] | None = None,
    progress: Progress | None = None,
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
        progress: called after each chunk with the number of rows done, and of all.

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
    planning = plan(named, opened.schema, now=time, mode=Mode(mode), rules=rules, reach=reach)
    if not isinstance(conditions, Mapping) and isinstance(planning.planned[0], Refused):
        raise planning.planned[0].error
    began = perf_counter()
    rows, running = _scan(opened, planning, time, errors=errors, progress=progress)
    scanned = perf_counter() - began
    results = tuple(
        result_of(name, segment.condition, one, running, scanned)
        for (name, segment), one in zip(named.items(), planning.planned, strict=True)
    )
    if reach:
        results = tuple(
            result._replace(reach=reach_of(cells, running))
            for result, cells in zip(results, planning.reaching, strict=True)
        )
    duration = perf_counter() - start
    return CountReport(opened.name, opened.fingerprint, rows, moment(time), duration, results)


def _scan(
    snapshot: Snapshot, planning: Plan, time: int, *, errors: bool, progress: Progress | None
) -> tuple[int, dict[int, Running]]:
    """Runs the plan over the snapshot, in one query where that serves, else chunk by chunk.

    Returns:
        The number of users, and what the conditions have come to, by the identity of what the plan says of them.
    """
    planned = planning.to_run()
    if not planned:
        return snapshot.rows, {}
    if len(planned) == 1 and not errors and _is_one_query(planned[0]):
        one = Running(planned[0])
        return _count_in_one_query(snapshot, one), {id(planned[0]): one}
    work = Run(planning, time, errors=errors)
    ids = [snapshot.id_column] if errors and snapshot.has_ids else []
    total = snapshot.rows if progress is not None else 0
    done = 0
    for chunk in read_chunks(snapshot, planning, ids):
        work.count(chunk)
        done += chunk.rows.height
        if progress is not None:
            progress(done, total)
    return done, work.running


def _is_one_query(planned: Planned) -> bool:
    return planned.cell is not None and not planned.clauses and not planned.reductions


def _count_in_one_query(snapshot: Snapshot, one: Running) -> int:
    assert one.planned.cell is not None
    value = one.planned.cell.value.cast(pl.Boolean)
    member = pl.col("value")
    with snapshot.reading():
        query = snapshot.scan(one.planned.condition.columns).with_columns(value=value).select("value")
        counts = query.select(members=member.sum(), errors=member.null_count(), rows=pl.len())
        members, errors, rows = counts.collect(engine="streaming").row(0)
    one.tally = Tally(int(members), int(errors))
    return int(rows)
