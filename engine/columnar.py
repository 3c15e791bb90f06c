"""Runs lowered expressions over a frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from compiler.space import Computed, Step

from .evaluated import TooManyElements, evaluated

_MOST_AT_ONCE = 100
"""Steps of one query. Polars nests them, and takes more than linear time for very many."""


def is_of_rows(steps: Sequence[Step]) -> bool:
    """Whether steps are columns of the rows, few enough to be part of one query, and none grows from one that does."""
    if len(steps) > _MOST_AT_ONCE:
        return False
    grown: set[str] = set()
    for step in steps:
        if not isinstance(step, Computed) or step.space.parent is not None:
            return False
        if step.grows:
            if not grown.isdisjoint(step.expression.meta.root_names()):
                return False
            grown.add(step.name)
    return True


def with_steps(query: pl.LazyFrame, steps: Sequence[Step]) -> pl.LazyFrame:
    """A query with steps as further columns, where :func:`is_of_rows` holds for them."""
    for step in steps:
        query = query.with_columns(expression.alias(step.name) for expression in step.expressions.values())
    return query


def select(frame: pl.DataFrame, steps: Sequence[Step], cells: Mapping[str, pl.Expr]) -> pl.DataFrame:
    """The values of expressions over the rows of a frame, one column each.

    Args:
        frame: the rows, with the columns that the expressions read.
        steps: what is computed before the expressions, in the order in which it can be.
        cells: expressions over the rows, by the name of the column that results.

    Raises:
        TooManyElements: for a single row, whose values are too long, or lists for macros nested so deep.
    """
    if is_of_rows(steps):
        return evaluated(with_steps(frame.lazy(), steps), cells)
    from .spaces import Spaces  # brings numpy, which the rows alone do not need

    spaces = Spaces(frame)
    try:
        for step in steps:
            spaces.add(step)
        return spaces.evaluate(None, cells)
    except TooManyElements:
        half = frame.height // 2
        if half == 0:
            raise
    return pl.concat([select(part, steps, cells) for part in (frame[:half], frame[half:])])
