"""The expressions that give the reasons of conditions' errors: made when they are first asked for, once for a plan."""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from compiler.condition import Condition
from compiler.lower import Lowering
from compiler.reasons import Reasons
from compiler.space import Step

from .steps import needed


class ReasonColumn(NamedTuple):
    """The reasons of one condition, for rows that are errors.

    Attributes:
        expression: text, over the rows.
        steps: what is computed before it, in the order in which it can be.
    """

    expression: pl.Expr
    steps: tuple[Step, ...]


class ReasonColumns:
    """The reasons of a plan's conditions.

    They are lowered beside the conditions, in a fork, so that counting does not also compute what only reasons need.
    """

    def __init__(self, lowering: Lowering) -> None:
        self._lowering = lowering
        self._fork: Lowering | None = None
        self._known: dict[int, ReasonColumn] = {}

    def of(self, condition: Condition, *, segment: bool) -> ReasonColumn:
        """The reasons of a condition of the plan, which can be an error.

        Args:
            condition: one that the plan's lowering has lowered.
            segment: whether a null value is an error.
        """
        key = id(condition)
        if key not in self._known:
            self._known[key] = self._lowered(condition, segment=segment)
        return self._known[key]

    def _lowered(self, condition: Condition, *, segment: bool) -> ReasonColumn:
        if self._fork is None:
            self._fork = self._lowering.fork()
        reasons = Reasons(self._fork, condition.source)
        node = condition.node
        expression = reasons.of_condition(node) if segment else reasons.of(node, self._fork.rows)
        assert expression is not None
        steps, _ = needed(set(expression.meta.root_names()), self._fork.steps)
        return ReasonColumn(expression, steps)
