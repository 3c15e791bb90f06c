"""The values of expressions over a frame, and the bound on what lists may add to it."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

MOST_ELEMENTS = 2**23
"""Elements that a list space may have at once. Beyond, the rows are taken in parts; a single row fails."""


MOST_BYTES = 2**26
"""Bytes of a computed column of strings, bytes or lists, for the same reason: the next may be many times as large."""


class TooManyElements(Exception):  # noqa: N818  (it bounds memory: the rows are then taken in parts)
    """The macros of a condition, nested, have more elements at once than memory is kept for."""


def evaluated(frame: pl.DataFrame | pl.LazyFrame, expressions: Mapping[str, pl.Expr]) -> pl.DataFrame:
    """The values of expressions, one column each, as long as the frame.

    What is the same for all rows (of literals alone, or chosen by a literal) is one value to Polars. A lazy
    ``with_columns`` spreads it over the rows; an eager one refuses some forms of it, and ``select`` shortens the frame.
    """
    optimizations = pl.QueryOptFlags.none(simplify_expression=True)
    return frame.lazy().with_columns(**expressions).select(list(expressions)).collect(optimizations=optimizations)
