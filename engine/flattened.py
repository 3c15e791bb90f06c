"""The elements of a list column, one after the other, and what holds for any of each list."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from compiler.space import ELEMENT

from .classes import Codes
from .evaluated import MOST_ELEMENTS, TooManyElements

_FEW = 8
"""Elements of lists that are taken place by place, the first of all lists, and so on; the others list by list."""


@dataclass(frozen=True)
class Lists:
    """Where the elements of a list column lie.

    Attributes:
        lengths: how many elements each list has.
        present: whether each list is there.
    """

    lengths: NDArray[np.int64]
    present: pl.Series

    @cached_property
    def parents(self) -> NDArray[np.intp]:
        """The number of each element's list."""
        # Counting the lists that end before each element takes a third of the time of repeating numbers.
        total = int(self.ends[-1]) if len(self.ends) else 0
        return np.cumsum(np.bincount(self.ends[:-1], minlength=total)[:total])

    @cached_property
    def ends(self) -> NDArray[np.int64]:
        """How many elements there are up to the end of each list."""
        return np.cumsum(self.lengths)

    @cached_property
    def _parents(self) -> pl.Series:
        return pl.Series(self.parents)

    def counts(self, flags: pl.Series) -> NDArray[np.int32]:
        """How many elements of each list are flagged; null is not."""
        # What was counted up to the end of a list, less what was up to its start: no element asks for its list.
        before = np.zeros(len(flags) + 1, dtype=np.int32)
        np.cumsum(flags.fill_null(value=False).to_numpy(), out=before[1:])
        return before.take(self.ends) - before.take(self.ends - self.lengths)

    def any(self, flags: pl.Series) -> NDArray[np.bool_]:
        """Whether any element of each list is flagged; null is not."""
        found = np.zeros(len(self.lengths), dtype=np.bool_)
        if flags.any():
            # Polars filters by random flags ten times faster than numpy does.
            found[self._parents.filter(flags).to_numpy()] = True
        return found

    def union(self, bits: Codes) -> Codes:
        """The bits that any element of each list has; ``bits``: of each element."""
        found = np.zeros(len(self.lengths), dtype=bits.dtype)
        if not len(bits):
            return found
        starts = self.ends - self.lengths
        longest = int(self.lengths.max())
        for place in range(min(longest, _FEW)):
            found |= bits.take(starts + place, mode="clip") * (self.lengths > place)
        if longest > _FEW:
            longer = np.flatnonzero(self.lengths > _FEW)
            edges = np.stack([starts[longer] + _FEW, self.ends[longer]], axis=1).ravel()
            found[longer] |= np.bitwise_or.reduceat(bits, edges[edges < len(bits)])[::2]
        return found


class Flattened(NamedTuple):
    """The elements of a list column: a column of a frame with one row an element, and whose they are."""

    frame: pl.DataFrame
    lists: Lists


def flattened(lists: pl.Series, places: NDArray[np.intp] | None = None) -> Flattened:
    """The elements of lists one after the other; with places, those of the list at each place.

    Raises:
        TooManyElements: there are more than memory is kept for.
    """
    lengths = lists.list.len().fill_null(0).to_numpy().astype(np.int64)
    own = lengths if places is None else lengths[places]
    total = int(own.sum())
    bound(total)
    flat = lists.explode(empty_as_null=False, keep_nulls=False).alias(ELEMENT).to_frame()
    present = lists.is_not_null()
    if places is None:
        return Flattened(flat, Lists(own, present))
    starts, firsts = np.cumsum(lengths) - lengths, np.cumsum(own) - own
    rows = np.arange(total) + np.repeat(starts[places] - firsts, own)
    return Flattened(flat[rows], Lists(own, present.gather(places)))


def bound(elements: int) -> None:
    """Refuses to have more elements at once than memory is kept for.

    Raises:
        TooManyElements: there are.
    """
    if elements > MOST_ELEMENTS:
        raise TooManyElements(f"nested macros come to {elements:,} elements at once; at most {MOST_ELEMENTS:,} may be")
