"""The guard on publishing: what is odd about a count, so that somebody looks before a message goes out."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Guard:
    """When counts are odd.

    Attributes:
        factor: by which a count, or the number of users, may change from one calculation to the next.
        minimum: counts that are smaller before and after are not compared.
        confirmation: whether an odd count is kept back until somebody confirms it.
    """

    factor: float = 5.0
    minimum: int = 100
    confirmation: bool = False

    def of_count(self, before: int | None, after: int) -> str | None:
        """What is odd about a count after the one before; None where nothing is."""
        if before is None or max(before, after) < self.minimum:
            return None
        if max(before, after) <= self.factor * min(before, after):
            return None
        verb = "rose" if after > before else "fell"
        return f"the count {verb} from {before:,} to {after:,}, by more than a factor of {self.factor:g}"

    def of_snapshot(self, before: int | None, after: int) -> str | None:
        """What is odd about the number of users in a snapshot after the one before; None where nothing is."""
        if before is None or before < self.minimum or after * self.factor >= before:
            return None
        return f"the snapshot has {after:,} users, the one before had {before:,}"
