"""Why conditions end in errors: each reason with its number of rows, and the first of them as an example."""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

from .results import ErrorReason

_REASON, _ROW = "reason", "row"


@dataclass(slots=True)
class _Found:
    rows: int
    row: int
    user_id: int | str | None


@dataclass(slots=True)
class ReasonTally:
    """The reasons of one condition's errors so far."""

    _found: dict[str, _Found] = field(default_factory=dict)

    def add(self, why: pl.Series, rows: pl.Series, start: int, ids: pl.Series | None) -> None:
        """Adds the errors of a chunk.

        Args:
            why: the reason of each row that is an error.
            rows: the numbers of these rows in the chunk.
            start: the number of rows before the chunk.
            ids: the users' ids; None where the snapshot has none.
        """
        groups = (
            pl.DataFrame([why.alias(_REASON), rows.alias(_ROW)])
            .group_by(_REASON)
            .agg(pl.len().alias("rows"), pl.col(_ROW).min())
        )
        for reason, count, row in groups.select(_REASON, "rows", _ROW).iter_rows():
            known = self._found.get(reason)
            if known is None:
                self._found[reason] = _Found(count, start + row, None if ids is None else _shown_id(ids[row]))
            else:
                known.rows += count

    def reasons(self) -> tuple[ErrorReason, ...]:
        """The most frequent first; of two that are as frequent, the one that came first."""
        ordered = sorted(self._found.items(), key=lambda item: (-item[1].rows, item[1].row, item[0]))
        return tuple(ErrorReason(reason, one.rows, one.row, one.user_id) for reason, one in ordered)


def _shown_id(value: object) -> int | str | None:
    return value if value is None or isinstance(value, (int, str)) else str(value)
