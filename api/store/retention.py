"""What is not kept any longer."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from .database import Store
from .tables import CALCULATIONS, SCANS, SCHEDULED, SEGMENTS

_AT_A_TIME = 10_000


def forget(store: Store, *, before: datetime) -> int:
    """Removes calculations that ended before a moment, but for those that the segments' counts are from.

    Returns:
        How many.
    """
    shown = sa.select(SEGMENTS.c.id).where(
        SEGMENTS.c.id == CALCULATIONS.c.segment_id, SEGMENTS.c.last_calculated == CALCULATIONS.c.finished
    )
    old = sa.select(CALCULATIONS.c.id).where(CALCULATIONS.c.finished < before, ~shown.exists()).limit(_AT_A_TIME)
    removed = 0
    while True:
        # A few at a time, for whoever else wants to write.
        with store.writing() as connection:
            done = connection.execute(sa.delete(CALCULATIONS).where(CALCULATIONS.c.id.in_(old))).rowcount
        removed += done
        if done < _AT_A_TIME:
            break
    used = sa.select(CALCULATIONS.c.id).where(CALCULATIONS.c.scan_id == SCANS.c.id)
    with store.writing() as connection:
        connection.execute(sa.delete(SCANS).where(SCANS.c.finished < before, ~used.exists()))
        newest = sa.select(sa.func.max(SCHEDULED.c.moment)).scalar_subquery()
        connection.execute(sa.delete(SCHEDULED).where(SCHEDULED.c.moment < newest))
    return removed
