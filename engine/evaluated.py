"""The values of expressions over a frame."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl


def evaluated(frame: pl.DataFrame, expressions: Mapping[str, pl.Expr]) -> pl.DataFrame:
    """The values of expressions, one column each, as long as the frame.

    What is the same for all rows (of literals alone, or chosen by a literal) is one value to Polars. A lazy
    ``with_columns`` spreads it over the rows; an eager one refuses some forms of it, and ``select`` shortens the frame.
    """
    optimizations = pl.QueryOptFlags.none(simplify_expression=True)
    return frame.lazy().with_columns(**expressions).select(list(expressions)).collect(optimizations=optimizations)
