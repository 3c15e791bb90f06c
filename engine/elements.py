"""``exists`` and ``all`` over a column of lists whose elements alone they ask: flattened once for all of them.

Of many conditions on texts each is asked of the distinct texts instead of the elements.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from compiler.space import ELEMENT, Kind, Reduction

from .bitmaps import Bitmaps, Words, of_flags
from .classes import code_type
from .evaluated import TooManyElements, evaluated
from .flattened import Lists, flattened
from .texts import Texts

_FEW = 8
"""Texts whose owners are put together from those of each; the owners of more are looked up for each element."""

_FEWEST_FOR_DICTIONARY = 16
"""Conditions from which on a dictionary is made of the elements."""

_Flags = TypeVar("_Flags", pl.Series, NDArray[np.bool_])
"""For each element, or for each text, whether it is wanted."""


class Elements:
    """The conditions on the elements of one column of lists; a list that is not there is an error.

    What is learnt of texts serves the next chunks.
    """

    def __init__(self, column: str, dtype: pl.DataType, reductions: Mapping[str, Reduction]) -> None:
        """``reductions``: by the fingerprints of their atoms; :func:`column_of_lists` names the column for each."""
        self._column = column
        self._kinds = {name: reduction.kind for name, reduction in reductions.items()}
        self._keeps = {name: reduction.keep for name, reduction in reductions.items() if reduction.keep is not None}
        many = dtype == pl.List(pl.String()) and len(reductions) >= _FEWEST_FOR_DICTIONARY
        self._texts = Texts(ELEMENT, self._keeps) if many else None

    def answer(self, chunk: pl.DataFrame, every: Words) -> dict[str, Bitmaps]:
        """The rows of a chunk for which each condition holds; nothing where its elements are too many at once."""
        column = chunk.get_column(self._column)
        try:
            elements, lists = flattened(column)
        except TooManyElements:
            return {}
        met = None if self._texts is None else self._texts.met(elements.to_series())
        if met is None:
            found = self._of_elements(elements, lists, every)
        else:
            of_texts = _Owners(lists, met.places).of
            truths = met.truths.items()
            found = {name: _reduced(self._kinds[name], *truth, of_texts, every) for name, truth in truths}
        if not column.has_nulls():
            return found
        present = of_flags(column.is_not_null().to_numpy())
        absent = present ^ every
        return {name: Bitmaps(surely & present, maybe | absent) for name, (surely, maybe) in found.items()}

    def _of_elements(self, elements: pl.DataFrame, lists: Lists, every: Words) -> dict[str, Bitmaps]:
        def owners(wanted: pl.Series) -> Words:
            return of_flags(lists.any(wanted))

        found = {}
        for keep in evaluated(elements, self._keeps).get_columns():
            surely, maybe = (
                (keep.fill_null(value=false) for false in (False, True)) if keep.has_nulls() else (keep, keep)
            )
            found[keep.name] = _reduced(self._kinds[keep.name], surely, maybe, owners, every)
        return found


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


class _Owners:
    """The rows whose lists have a text, from the place of each element's text."""

    def __init__(self, lists: Lists, places: NDArray[np.int32]) -> None:
        self._lists = lists
        self._places = places
        self._known: dict[int, Words] = {}
        self._sorted: tuple[NDArray[np.intp], NDArray[np.intp]] | None = None

    def of(self, wanted: NDArray[np.bool_]) -> Words:
        """The rows whose lists have a wanted text; a flag a text."""
        texts = np.flatnonzero(wanted)
        if len(texts) > _FEW:
            return of_flags(self._lists.any(pl.Series(wanted.take(self._places))))
        found = np.zeros_like(self._of_text(0))
        for text in texts:
            found |= self._of_text(int(text))
        return found

    def _of_text(self, text: int) -> Words:
        rows = self._known.get(text)
        if rows is None:
            by_text, ends = self._by_text()
            start = int(ends[text - 1]) if text else 0
            flags = np.zeros(len(self._lists.lengths), dtype=np.bool_)
            flags[by_text[start : ends[text]] if text < len(ends) else by_text[:0]] = True
            rows = self._known[text] = of_flags(flags)
        return rows

    def _by_text(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """The owners in the order of their texts, and where each text's end."""
        if self._sorted is None:
            # One octet or two are sorted by counting.
            counts = np.bincount(self._places)
            order = np.argsort(self._places.astype(code_type(len(counts))), kind="stable")
            self._sorted = self._lists.parents.take(order), np.cumsum(counts)
        return self._sorted


def _reduced(kind: Kind, surely: _Flags, maybe: _Flags, owners: Callable[[_Flags], Words], every: Words) -> Bitmaps:
    """What follows for the lists that are there from what is said of the elements."""
    if kind is Kind.EXISTS:
        true = owners(surely)
        return Bitmaps(true, true if maybe is surely else owners(maybe))
    possible = owners(~maybe) ^ every
    return Bitmaps(possible if maybe is surely else owners(~surely) ^ every, possible)
