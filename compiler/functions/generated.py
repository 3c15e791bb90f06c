"""The bound on strings that functions make: without it, a few nested calls could fill the memory."""

from __future__ import annotations

import polars as pl

from .declare import EvaluationError, Failure

LONGEST = 1_000_000
"""Bytes in UTF-8 of the longest string that a function makes, unless what it is made from is as long already."""

TOO_LONG = f"the string would have more than {LONGEST:,} bytes"

FAILURE = Failure(TOO_LONG)


def size(text: str) -> int:
    """Bytes of a text in UTF-8."""
    return len(text) if text.isascii() else len(text.encode())


def bounded(text: str) -> str:
    """The text itself.

    Raises:
        EvaluationError: it is too long.
    """
    if len(text) * 4 > LONGEST and size(text) > LONGEST:
        raise EvaluationError(TOO_LONG)
    return text


def bounded_column(text: pl.Expr) -> pl.Expr:
    """The columnar :func:`bounded`; null where it raises."""
    return pl.when(text.str.len_bytes() <= LONGEST).then(text)
