"""What is known of a snapshot's values without reading them, and which rows need not be read for some conditions."""

from __future__ import annotations

import sys
from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from compiler.condition import Condition
from compiler.facts import Facts, of_some_rows, together
from compiler.functions.arithmetic import OVERFLOW
from compiler.ir import Call, Node, children, column_fingerprint
from compiler.outcomes import FALSE, FactsOf, outcomes

from .sources.base import Group
from .sources.formats import PARQUET

if TYPE_CHECKING:
    from .snapshot import Snapshot


@dataclass(frozen=True)
class Statistics:
    """What is known of some columns, in groups of all rows of a snapshot, in their order."""

    groups: tuple[Group, ...]
    _starts: list[int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_starts", [group.start for group in self.groups])

    @property
    def rows(self) -> int:
        """The number of rows."""
        return self.groups[-1].start + self.groups[-1].rows if self.groups else 0

    @cached_property
    def columns(self) -> Mapping[str, Facts]:
        """What is known of each column in all rows."""
        return _together(self.groups)

    def of_rows(self, start: int, stop: int) -> FactsOf:
        """What is known of each column in some rows, by its fingerprint."""
        first, last = bisect_right(self._starts, start) - 1, bisect_right(self._starts, stop - 1)
        found = _together(self.groups[first:last])
        whole = self._is_start(start) and (stop == self.rows or self._is_start(stop))
        return by_fingerprint(found if whole else {name: of_some_rows(facts) for name, facts in found.items()})

    def _is_start(self, row: int) -> bool:
        place = bisect_right(self._starts, row) - 1
        return place >= 0 and self._starts[place] == row

    def without_members(self, conditions: Iterable[Node]) -> tuple[range, ...]:
        """The rows, as long ranges of whole groups, on which every condition is false: none is true, none an error."""
        asked = deque(conditions)
        found: list[range] = []
        for group in self.groups:
            if _all_false(asked, by_fingerprint(group.facts)):
                stop = group.start + group.rows
                if found and found[-1].stop == group.start:
                    found[-1] = range(found[-1].start, stop)
                else:
                    found.append(range(group.start, stop))
        return tuple(found)


def _all_false(conditions: deque[Node], facts: FactsOf) -> bool:
    """Whether all are. The first that may not be is asked first the next time, so that of many few are asked."""
    for place, condition in enumerate(conditions):
        if outcomes(condition, facts) != FALSE:
            conditions.rotate(-place)
            return False
    return True


def statistics_for(snapshot: Snapshot, conditions: Sequence[Condition], columns: Sequence[str]) -> Statistics | None:
    """What is known of the columns that conditions read, where having it costs less than it may save.

    Of one condition, the import of pyarrow for the footers would cost more than reading ten million rows; of a frame,
    whose bounds are computed, they serve arithmetic alone.
    """
    if snapshot.format == PARQUET:
        worth = len(conditions) > 1 or "pyarrow.parquet" in sys.modules
    else:
        worth = any(_may_overflow(condition.node) for condition in conditions)
    return snapshot.statistics(columns) if worth else None


def _may_overflow(node: Node) -> bool:
    own = isinstance(node, Call) and any(failure.message == OVERFLOW for failure in node.overload.failures)
    return own or any(map(_may_overflow, children(node)))


def by_fingerprint(columns: Mapping[str, Facts]) -> FactsOf:
    """What is known of columns, given by their names."""
    return {column_fingerprint(name): facts for name, facts in columns.items()}


def _together(groups: Sequence[Group]) -> dict[str, Facts]:
    """What is known of the columns of which each group tells something."""
    names = groups[0].facts if groups else {}
    return {
        name: together(group.facts[name] for group in groups)
        for name in names
        if all(name in group.facts for group in groups)
    }
