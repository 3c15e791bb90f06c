"""What calculations have come to: written whole, and only by whoever still holds the claim."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from engine import CountReport, CountResult

from .database import Store
from .guard import Guard
from .identifiers import new_id, now
from .records import Claim, Status, StatusError, StoredSegment
from .segments import read
from .tables import CALCULATIONS, SCANS, SEGMENTS, SNAPSHOTS

_MOST_REASONS = 20

Row = sa.Row[Any]


class Written(NamedTuple):
    """How many segments a scan has written.

    Attributes:
        completed: with a new count.
        held: with a count that is to be confirmed; they are failed until then.
        failed: with the reason.
        lost: not, because they were changed, reset or removed meanwhile.
    """

    completed: int
    held: int
    failed: int
    lost: int


def complete(store: Store, claim: Claim, report: CountReport, guard: Guard) -> Written:
    """Keeps what a scan has found: status, counts, time and history together, or nothing.

    Args:
        store: where the segments are kept.
        claim: of the worker.
        report: its results are named by the segments' ids.
        guard: what is odd.
    """
    results = {result.name: result for result in report.results}
    with store.writing(bulk=True) as connection:
        rows = _held_rows(connection, claim)
        finish(connection, [claim.id])
        scan = {
            "snapshot": report.snapshot,
            "fingerprint": report.fingerprint,
            "now": report.now,
            "rows": report.rows,
            "duration": report.duration,
        }
        connection.execute(sa.update(SCANS).where(SCANS.c.id == claim.id).values(scan))
        smaller = guard.of_snapshot(_users_before(connection), report.rows)
        outcomes = [_outcome(row, results[row.id], smaller, guard) for row in rows]
        _write(connection, claim.id, outcomes, report)
        if rows:
            _remember(connection, report, published=not (smaller and guard.confirmation))
    completed = sum(one.message is None for one in outcomes)
    held = sum(one.held for one in outcomes)
    return Written(completed, held, len(rows) - completed - held, len(claim.work) - len(rows))


def fail(store: Store, claim: Claim, reason: str) -> int:
    """Fails all segments of a claim, which keep the counts that they have.

    Returns:
        How many were still held.
    """
    with store.writing(bulk=True) as connection:
        rows = _held_rows(connection, claim)
        finish(connection, [claim.id])
        write_failures(connection, rows, reason)
        return len(rows)


def confirm(store: Store, segment_id: str, *, organization: str | None) -> StoredSegment:
    """Publishes the count that the guard keeps back.

    Raises:
        NotFoundError: the organization has no segment of that id.
        StatusError: no count of it is kept back.
    """
    with store.writing() as connection:
        segment = read(connection, segment_id, organization, for_update=True)
        calculation = CALCULATIONS.c.id == segment.calculation_id
        row = connection.execute(
            sa.select(CALCULATIONS, *(SCANS.c[name] for name in ("snapshot", "fingerprint")))
            .join(SCANS, SCANS.c.id == CALCULATIONS.c.scan_id)
            .where(calculation, CALCULATIONS.c.held)
        ).one_or_none()
        if segment.status is not Status.FAILED or row is None:
            raise StatusError("no count of the segment waits to be confirmed")
        published = {"status": Status.COMPLETED, "error_message": None}
        connection.execute(sa.update(CALCULATIONS).where(calculation).values(**published, held=False))
        connection.execute(
            sa.update(SEGMENTS)
            .where(SEGMENTS.c.id == segment_id)
            .values(
                **published,
                user_count=row.user_count,
                error_count=row.error_count,
                last_calculated=row.finished,
                calculation_duration=row.duration,
                mode=row.mode,
                snapshot=row.snapshot,
            )
        )
        same = SNAPSHOTS.c.name == row.snapshot, SNAPSHOTS.c.fingerprint.is_not_distinct_from(row.fingerprint)
        connection.execute(sa.update(SNAPSHOTS).where(*same).values(published=True))
        return read(connection, segment_id, organization)


def finish(connection: sa.Connection, scans: Sequence[str]) -> None:
    """Ends claims: nobody's lease runs any longer."""
    connection.execute(sa.update(SCANS).where(SCANS.c.id.in_(scans)).values(finished=now()))


def write_failures(connection: sa.Connection, rows: Iterable[Row], message: str) -> None:
    """Fails segments, of which ``id``, ``calculation_id``, ``scan_id`` and ``version`` are given."""
    by_scan: dict[str, list[_Outcome]] = {}
    for row in rows:
        by_scan.setdefault(row.scan_id, []).append(_Outcome(row, None, (), message, held=False))
    for scan, outcomes in by_scan.items():
        _write(connection, scan, outcomes, None)


class _Outcome(NamedTuple):
    """What a calculation has come to; ``message``: why it is not published."""

    row: Row
    result: CountResult | None
    warnings: tuple[str, ...]
    message: str | None
    held: bool


def _outcome(row: Row, result: CountResult, smaller: str | None, guard: Guard) -> _Outcome:
    if result.user_count is None:
        return _Outcome(row, None, (), result.error or "it was not counted", held=False)
    odd = (smaller, guard.of_count(row.user_count, result.user_count))
    warnings = tuple(text for text in odd if text is not None)
    if warnings and guard.confirmation:
        return _Outcome(
            row, result, warnings, f"not published before it is confirmed: {'; '.join(warnings)}", held=True
        )
    return _Outcome(row, result, warnings, None, held=False)


def _write(connection: sa.Connection, scan: str, outcomes: Sequence[_Outcome], report: CountReport | None) -> None:
    """Writes the histories and the segments."""
    if not outcomes:
        return
    finished = now()
    connection.execute(sa.insert(CALCULATIONS), [_calculation(one, scan, finished, report) for one in outcomes])
    change = sa.update(SEGMENTS).where(SEGMENTS.c.id == sa.bindparam("which"))
    published = [_published(one, finished, report) for one in outcomes if one.message is None and report is not None]
    failed = [
        {
            "which": one.row.id,
            "status": Status.FAILED,
            "error_message": one.message,
            "warnings": list(one.warnings),
            **_DONE,
        }
        for one in outcomes
        if one.message is not None
    ]
    for changes in (published, failed):
        if changes:
            connection.execute(change, changes)


_DONE = {"scan_id": None, "attempts": 0, "requested": None}


def _published(one: _Outcome, finished: datetime, report: CountReport) -> dict[str, object]:
    assert one.result is not None
    return {
        "which": one.row.id,
        "status": Status.COMPLETED,
        "user_count": one.result.user_count,
        "error_count": one.result.error_count,
        "last_calculated": finished,
        "calculation_duration": report.duration,
        "error_message": None,
        "mode": one.result.mode,
        "snapshot": report.snapshot,
        "warnings": list(one.warnings),
        **_DONE,
    }


def _calculation(one: _Outcome, scan: str, finished: datetime, report: CountReport | None) -> dict[str, object]:
    """A row of the history. Examples of users whom an error met are not kept."""
    result = one.result
    told = None if result is None else result.reasons
    return {
        "id": one.row.calculation_id,
        "segment_id": one.row.id,
        "scan_id": scan,
        "version": one.row.version,
        "finished": finished,
        "status": Status.COMPLETED if one.message is None else Status.FAILED,
        "held": one.held,
        "user_count": None if result is None else result.user_count,
        "error_count": None if result is None else result.error_count,
        "mode": None if result is None else result.mode,
        "duration": None if report is None else report.duration,
        "reasons": None if told is None else [{"reason": r.reason, "rows": r.rows} for r in told[:_MOST_REASONS]],
        "warnings": list(one.warnings),
        "error_message": one.message,
    }


def _held_rows(connection: sa.Connection, claim: Claim) -> Sequence[Row]:
    """The claimed segments whose fence has not moved; nobody moves it before the transaction ends."""
    names = ("id", "calculation_id", "scan_id", "version", "fence", "user_count")
    query = sa.select(*(SEGMENTS.c[name] for name in names)).where(SEGMENTS.c.scan_id == claim.id)
    rows = connection.execute(query.with_for_update()).all()
    return [row for row in rows if row.fence == claim.work[row.id].fence]


def _users_before(connection: sa.Connection) -> int | None:
    newest = sa.select(SNAPSHOTS.c.rows).where(SNAPSHOTS.c.published).order_by(SNAPSHOTS.c.seen.desc()).limit(1)
    return connection.execute(newest).scalar()


def _remember(connection: sa.Connection, report: CountReport, *, published: bool) -> None:
    same = SNAPSHOTS.c.name == report.snapshot, SNAPSHOTS.c.fingerprint.is_not_distinct_from(report.fingerprint)
    seen = {"rows": report.rows, "seen": now(), "published": published}
    if connection.execute(sa.update(SNAPSHOTS).where(*same).values(seen)).rowcount == 0:
        values = {"id": new_id("snap"), "name": report.snapshot, "fingerprint": report.fingerprint, **seen}
        connection.execute(sa.insert(SNAPSHOTS).values(values))
