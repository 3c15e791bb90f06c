"""The members of a segment as they are found, with the number of errors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from .membership import check_ids
from .mixed import run
from .plan import Plan, Planned, Refused, plan
from .results import Mode, run_time
from .snapshot import Snapshot

# Ctrl-C waits for the end of a chunk.
_CHUNK_ROWS = 65_536

# Ctrl-C waits for the end of a chunk.
_CHUNK_ROWS = 65_536


@dataclass(slots=True)
class MemberStream:
    """Members, chunk by chunk.

    Unlike the lazy frame of :func:`~engine.members` it is read by the caller's own thread, not within a query, so that
    Ctrl-C also ends an interpretation.

    Attributes:
        schema: the columns of the frames.
        members: how many there have been so far.
        errors: on how many users so far the condition ended in an error.
    """

    schema: dict[str, pl.DataType]
    members: int
    errors: int
    _snapshot: Snapshot
    _planning: Plan
    _planned: Planned
    _now: int

    @classmethod
    def open(
        cls,
        snapshot: Snapshot,
        condition: str,
        *,
        columns: Sequence[str] | None = None,
        mode: Mode | str = Mode.AUTO,
        now: datetime | str | None = None,
    ) -> MemberStream:
        """Compiles the condition and checks the ids. The arguments and errors are those of :func:`~engine.members`."""
        time = run_time(now)
        planning = plan({condition: condition}, snapshot.schema, now=time, mode=Mode(mode))
        (planned,) = planning.planned
        if isinstance(planned, Refused):
            raise planned.error
        check_ids(snapshot)
        wanted = [snapshot.id_column] if columns is None else list(columns)
        schema = {name: snapshot.schema.columns[name] for name in wanted}
        return cls(schema, 0, 0, snapshot, planning, planned, time)

    def frames(self) -> Iterator[pl.DataFrame]:
        """The members, in the order of the snapshot.

        Raises:
            SnapshotError: the snapshot cannot be read, or was changed meanwhile.
        """
        read = list(dict.fromkeys([*self.schema, *self._planning.columns]))
        for chunk in self._snapshot.chunks(read, _CHUNK_ROWS):
            rows = self._planning.projected(chunk)
            outcome = run(self._planning, self._planned, rows, now=self._now, reasons=False, segment=True)
            wanted = pl.DataFrame([chunk.get_column(name) for name in self.schema])
            found = wanted.filter(outcome.values.cast(pl.Boolean))
            self.members += found.height
            self.errors += outcome.values.null_count()
            yield found
        self._snapshot.check_unchanged()


def first(frames: Iterator[pl.DataFrame], limit: int | None) -> Iterator[pl.DataFrame]:
    """The frames up to a number of rows; None is all."""
    left = limit
    for frame in frames:
        yield frame if left is None else frame.head(left)
        if left is not None:
            left -= frame.height
            if left <= 0:
                return
