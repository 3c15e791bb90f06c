"""``exists`` and ``all`` over a column of lists whose elements alone they ask: flattened once for all of them.

Of many conditions on texts each is asked of the distinct texts instead of the elements.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from compiler.space import ELEMENT, Kind, Reduction

from .bitmaps import Bitmaps, Words, negation, of_flags
from .classes import code_type, planes
from .evaluated import TooManyElements, evaluated
from .flattened import Lists, flattened
from .texts import Met, Texts, Truth, both, flags_of, truth_of

_FEWEST_FOR_DICTIONARY = 16
"""Conditions from which on a dictionary is made of the elements, where the file has none."""

_MOST_BITS = 32
"""Conditions that are asked of each list at once."""


class Elements:
    """The conditions on the elements of one column of lists; a list that is not there is an error.

    What is learnt of texts serves the next chunks.
    """

    def __init__(self, column: str, dtype: pl.DataType, reductions: Mapping[str, Reduction]) -> None:
        """``reductions``: by the fingerprints of their atoms; :func:`column_of_lists` names the column for each."""
        self._column = column
        self._kinds = {name: reduction.kind for name, reduction in reductions.items()}
        self._keeps = {name: reduction.keep for name, reduction in reductions.items() if reduction.keep is not None}
        self._texts = Texts(ELEMENT, self._keeps) if dtype == pl.List(pl.String()) else None

    def answer(self, chunk: pl.DataFrame, every: Words) -> dict[str, Bitmaps]:
        """The rows of a chunk for which each condition holds; nothing where its elements are too many at once."""
        column = chunk.get_column(self._column)
        try:
            elements, lists = flattened(column)
        except TooManyElements:
            return {}
        truths, met = self._truths(elements)
        # Of all elements, none must be otherwise.
        asked = {name: t.negated() if self._kinds[name] is Kind.ALL else t for name, t in truths.items()}
        absent = of_flags(column.is_null().to_numpy()) if column.has_nulls() else None
        found = {}
        for name, owners in both(asked, _owners(lists, list(flags_of(asked)), met)).items():
            # A list that is not there owns nothing.
            some = owners if absent is None else Bitmaps(owners.true, owners.possible | absent)
            found[name] = negation(some, every) if self._kinds[name] is Kind.ALL else some
        return found

    def _truths(self, elements: pl.DataFrame) -> tuple[Mapping[str, Truth], Met | None]:
        """What each condition says, of each element or, of texts that were met, of each known text."""
        flat = elements.to_series()
        encoded = isinstance(flat.dtype, pl.Enum)
        if self._texts is not None and (encoded or len(self._keeps) >= _FEWEST_FOR_DICTIONARY):
            met = self._texts.met(flat)
            if met is not None:
                return met.truths, met
        answers = evaluated(elements.cast(pl.String()) if encoded else elements, self._keeps)
        return {column.name: truth_of(column) for column in answers.get_columns()}, None


def column_of_lists(reduction: Reduction) -> str | None:
    """The column of lists whose elements alone a reduction asks with ``exists`` or ``all``, if it does so."""
    range_, keep = reduction.space.range, reduction.keep
    if (
        reduction.kind in (Kind.EXISTS, Kind.ALL)
        and reduction.failed is None
        and keep is not None
        and set(keep.meta.root_names()) == {ELEMENT}
        and range_ is not None
        and isinstance(range_.dtype, pl.List)
        and range_.value.meta.is_column()
        and reduction.space.parent is not None
        and reduction.space.parent.parent is None
    ):
        return range_.value.meta.output_name()
    return None


def _owners(lists: Lists, flags: Sequence[NDArray[np.bool_]], met: Met | None) -> Iterator[Words]:
    """For each of the flags the lists that have a flagged element.

    ``flags``: one an element; or one a known text, where the elements' texts were ``met``.
    """
    for start in range(0, len(flags), _MOST_BITS):
        together = flags[start : start + _MOST_BITS]
        bits = np.zeros(len(together[0]), dtype=code_type((1 << len(together)) - 1))
        for bit, one in enumerate(together):
            bits |= one.astype(bits.dtype) << bits.dtype.type(bit)
        owned = lists.union(bits if met is None else met.of_rows(bits))
        yield from planes(owned, len(together))
