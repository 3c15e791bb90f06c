"""What interpreting may cost. The interpreter takes thousands of times as long as a compiled condition."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf
from time import perf_counter


@dataclass(frozen=True, slots=True)
class Budget:
    """What interpreting may cost each condition, which fails alone when that is spent.

    Attributes:
        rows: how often its clauses may be evaluated, which they are once for each distinct combination of the values
            that they read; None is without bound.
        seconds: of wall time; None is without bound.
    """

    rows: int | None = 1_000_000
    seconds: float | None = 60.0

    def __str__(self) -> str:
        bounds = []
        if self.seconds is not None:
            bounds.append(f"{self.seconds:,g} s")
        if self.rows is not None:
            bounds.append(f"{self.rows:,} distinct combinations of values")
        return " and ".join(bounds) or "no bound"

    def to_dict(self) -> dict[str, object]:
        """The budget as JSON has it; null is without bound."""
        return {"rows": self.rows, "seconds": self.seconds}


DEFAULT_BUDGET = Budget()
UNLIMITED = Budget(rows=None, seconds=None)


class DeadlinePassed(Exception):  # noqa: N818  (it is no fault: time is up)
    """The time for an evaluation is over."""


class BudgetSpent(Exception):  # noqa: N818  (it is no fault: as much as was allowed has been done)
    """Interpreting a clause needs more than its condition's budget has left."""


@dataclass(slots=True)
class Spending:
    """What interpreting one condition has cost so far.

    Attributes:
        rows: evaluations.
        seconds: of wall time.
    """

    budget: Budget
    rows: int = 0
    seconds: float = 0.0
    _began: float = field(default=0.0, repr=False)

    def begin(self) -> float:
        """Time runs from now on, until :meth:`end`; returns when it will be up, on the clock of ``perf_counter``."""
        self._began = perf_counter()
        return inf if self.budget.seconds is None else self._began + self.budget.seconds - self.seconds

    def end(self) -> None:
        """Time runs no more."""
        self.seconds += perf_counter() - self._began

    def allow(self, rows: int) -> None:
        """Asks for so many evaluations before they are begun.

        Raises:
            BudgetSpent: they are too many.
        """
        if self.budget.rows is not None and self.rows + rows > self.budget.rows:
            needed = f"{self.rows + rows:,} distinct combinations of values are needed so far"
            raise BudgetSpent(f"{needed}, of {self.budget.rows:,} (--budget-rows)")

    def time_is_up(self) -> BudgetSpent:
        """What to raise when the time that :meth:`begin` gave has passed."""
        return BudgetSpent(f"{self.rows:,} evaluations took {self.budget.seconds:,g} s (--budget-seconds)")
