"""Runs lowered expressions over a frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from compiler.space import Reduction

from .evaluated import TooManyElements, evaluated


def select(frame: pl.DataFrame, reductions: Sequence[Reduction], cells: Mapping[str, pl.Expr]) -> pl.DataFrame:
    """The values of expressions over the rows of a frame, one column each.

    Args:
        frame: the rows, with the columns that the expressions read.
        reductions: what the expressions need of the elements of lists, in the order in which it can be computed.
        cells: expressions over the rows, by the name of the column that results.

    Raises:
        TooManyElements: for a single row, whose lists are too long for macros nested so deep.
    """
    if not reductions:
        return evaluated(frame, cells)
    from .spaces import Spaces  # brings numpy, which the rows alone do not need

    spaces = Spaces(frame)
    try:
        for reduction in reductions:
            spaces.add(reduction)
        return spaces.evaluate(None, cells)
    except TooManyElements:
        half = frame.height // 2
        if half == 0:
            raise
    return pl.concat([select(part, reductions, cells) for part in (frame[:half], frame[half:])])
