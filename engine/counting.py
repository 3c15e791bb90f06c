"""How many users conditions reach: all conditions in one pass over a snapshot."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from time import perf_counter

import polars as pl

from .mixed import run
from .plan import Plan, Planned, Refused, plan
from .results import CountReport, CountResult, InterpretedClause, Mode, Tally, moment, run_time
from .snapshot import ArrowStream, Snapshot

Progress = Callable[[int, int], None]

_POLARS_FAILURES = (pl.exceptions.PolarsError, pl.exceptions.PanicException)


@dataclass(slots=True)
class _Running:
    """A condition's counts so far."""

    planned: Planned
    tally: Tally = field(default_factory=Tally)
    interpreted: list[InterpretedClause] = field(default_factory=list)
    seconds: float = 0.0
    error: str | None = None


def count(
    snapshot: Snapshot | pl.DataFrame | pl.LazyFrame | ArrowStream | str | os.PathLike[str],
    conditions: str | Mapping[str, str],
    *,
    mode: Mode | str = Mode.AUTO,
    now: datetime | str | None = None,
    progress: Progress | None = None,
) -> CountReport:
    """Counts the users for whom conditions are true, and those on whom they end in an error.

    All conditions are answered in one pass, which reads only the columns that any of them uses.

    Args:
        snapshot: a snapshot, its location, or a frame.
        conditions: one condition, or conditions by name.
        mode: ``auto``, ``compiled`` or ``interpreted``.
        now: the value of the variable ``now``, of microseconds; a text is ISO 8601; without a zone it is UTC; None is
            this moment.
        progress: called after each chunk with the number of rows done, and of all.

    Returns:
        A result for each condition, in their order. Of several conditions, one that cannot be compiled or that fails
        does so alone: its ``error`` says why.

    Raises:
        CompileError: the one condition that was given as a text does not compile.
        SnapshotError: the snapshot cannot be read.
        ValueError: ``mode`` or ``now`` is malformed.
    """
    start = perf_counter()
    opened = snapshot if isinstance(snapshot, Snapshot) else Snapshot.open(snapshot)
    named = {conditions: conditions} if isinstance(conditions, str) else conditions
    time = run_time(now)
    planning = plan(named, opened.schema, now=time, mode=Mode(mode))
    if isinstance(conditions, str) and isinstance(planning.planned[0], Refused):
        raise planning.planned[0].error
    running = {id(p): _Running(p) for p in planning.planned if isinstance(p, Planned)}
    began = perf_counter()
    rows = _scan(opened, planning, list(running.values()), time, progress)
    scanned = perf_counter() - began
    results = tuple(
        _result(name, text, one, running, scanned)
        for (name, text), one in zip(named.items(), planning.planned, strict=True)
    )
    duration = perf_counter() - start
    return CountReport(opened.name, opened.fingerprint, rows, moment(time), duration, results)


def _result(
    name: str, text: str, planned: Planned | Refused, running: Mapping[int, _Running], scanned: float
) -> CountResult:
    if isinstance(planned, Refused):
        return CountResult(name, text, None, None, None, planned.duration, str(planned.error))
    one = running[id(planned)]
    duration = planned.duration + scanned
    if one.error is not None:
        return CountResult(name, text, None, None, None, duration, one.error)
    clauses = _summed(one.interpreted)
    return CountResult(name, text, one.tally.members, one.tally.errors, planned.mode, duration, None, clauses)


def _summed(clauses: Sequence[InterpretedClause]) -> tuple[InterpretedClause, ...]:
    """The chunks' figures of each clause added up."""
    totals: dict[tuple[str, str], InterpretedClause] = {}
    for clause in clauses:
        key = (clause.text, clause.reason)
        so_far = totals.get(key, InterpretedClause(clause.text, clause.reason, 0, 0))
        totals[key] = InterpretedClause(*key, so_far.rows + clause.rows, so_far.distinct + clause.distinct)
    return tuple(totals.values())


def _scan(snapshot: Snapshot, planning: Plan, running: Sequence[_Running], now: int, progress: Progress | None) -> int:
    """Runs the plan over the snapshot, in one query where that serves, else chunk by chunk; the number of users."""
    if not running:
        return snapshot.rows
    if len(running) == 1 and _is_one_query(running[0].planned):
        return _count_in_one_query(snapshot, running[0])
    alone = [r for r in running if r.planned.cell is None or r.planned.clauses]
    together = [r for r in running if r.planned.cell is not None and not r.planned.clauses]
    total = snapshot.rows if progress is not None else 0
    done = 0
    for chunk in snapshot.narrowed(planning.used).chunks(planning.columns):
        rows = planning.projected(chunk)
        if together and not _count_together(planning, together, rows):
            # One of them fails in Polars: from here on each fails or not by itself.
            alone, together = [*alone, *together], []
        for one in alone:
            if one.error is None:
                _count_alone(planning, one, rows, now)
        done += rows.height
        if progress is not None:
            progress(done, total)
    snapshot.check_unchanged()
    return done


def _is_one_query(planned: Planned) -> bool:
    return planned.cell is not None and not planned.clauses and not planned.reductions


def _count_in_one_query(snapshot: Snapshot, one: _Running) -> int:
    assert one.planned.cell is not None
    value = one.planned.cell.value.cast(pl.Boolean)
    member = pl.col("value")
    with snapshot.reading():
        query = snapshot.scan(one.planned.condition.columns).with_columns(value=value).select("value")
        counts = query.select(members=member.sum(), errors=member.null_count(), rows=pl.len())
        members, errors, rows = counts.collect(engine="streaming").row(0)
    one.tally = Tally(int(members), int(errors))
    return int(rows)


def _count_together(planning: Plan, running: Sequence[_Running], chunk: pl.DataFrame) -> bool:
    """Counts compiled conditions in one pass over a chunk; False where Polars fails, and nothing is counted."""
    from .batch import batch, tally  # brings numpy, which one condition does not need

    work = batch([r.planned for r in running], planning.lowering)
    try:
        tally(work, chunk, planning.lowering, [r.tally for r in running])
    except _POLARS_FAILURES:
        return False
    return True


def _count_alone(planning: Plan, one: _Running, chunk: pl.DataFrame, now: int) -> None:
    try:
        outcome = run(planning, one.planned, chunk, now=now, reasons=False, segment=True)
    except _POLARS_FAILURES as failure:
        one.error = f"failed while it was run: {str(failure).partition(chr(10))[0]}"
        return
    one.tally.members += int(outcome.values.sum())
    one.tally.errors += outcome.values.null_count()
    one.interpreted += outcome.interpreted
