"""When everything is recalculated: cron expressions, in UTC."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cronsim import CronSim, CronSimError

from .store import Store, last_scheduled, request_scheduled


class ScheduleError(ValueError):
    """A cron expression that is none, or that never comes."""


@dataclass(slots=True)
class Schedule:
    """The times of a cron expression such as ``0 3 * * *``: each is kept once, by one of the workers of a store.

    A time that passed while no worker ran is made up for, once.

    Raises:
        ScheduleError: the expression is none.
    """

    expression: str
    _due: datetime | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.after(datetime.now(UTC))

    def after(self, moment: datetime) -> datetime:
        """The first time after a moment."""
        return self._next(moment, reverse=False)

    def until(self, moment: datetime) -> datetime:
        """The last time that is not after a moment."""
        return self._next(moment.replace(second=0, microsecond=0) + timedelta(minutes=1), reverse=True)

    def keep(self, store: Store, moment: datetime) -> int | None:
        """Asks for all calculations if that is due.

        Returns:
            How many segments there are; None where it is not due, or another worker has asked.
        """
        if self._due is None:
            self._due = self.after(last_scheduled(store) or moment)
        if moment < self._due:
            return None
        turn = self.until(moment)
        asked = request_scheduled(store, turn)
        self._due = self.after(turn)
        return asked

    def _next(self, moment: datetime, *, reverse: bool) -> datetime:
        try:
            return next(CronSim(self.expression, moment, reverse=reverse))
        except (CronSimError, StopIteration):
            text = f"'{self.expression}' is no cron expression that ever comes, such as '0 3 * * *'"
            raise ScheduleError(text) from None
