"""Runs lowered expressions over a frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from compiler.space import Reduction

from .evaluated import evaluated


def select(frame: pl.DataFrame, reductions: Sequence[Reduction], cells: Mapping[str, pl.Expr]) -> pl.DataFrame:
    """The values of expressions over the rows of a frame, one column each.

    Args:
        frame: the rows, with the columns that the expressions read.
        reductions: what the expressions need of the elements of lists, in the order in which it can be computed.
        cells: expressions over the rows, by the name of the column that results.
    """
    if reductions:
        from .spaces import Spaces  # brings numpy, which the rows alone do not need

        spaces = Spaces(frame)
        for reduction in reductions:
            spaces.add(reduction)
        return spaces.evaluate(None, cells)
    return evaluated(frame, cells)
