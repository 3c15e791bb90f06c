"""``exists`` and ``all`` over columns of lists of texts, answered on the distinct texts instead of the elements."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray

from compiler.space import ELEMENT, Kind, Reduction

from .bitmaps import Bitmaps, Words, of_flags
from .classes import code_type
from .texts import Texts, Truth

_FEW = 8
"""Texts whose owners are put together from those of each; the owners of more are looked up for each element."""


class Elements:
    """The conditions on the elements of one column of lists of texts. What is learnt of them serves the next chunks."""

    def __init__(self, column: str, reductions: Mapping[str, Reduction]) -> None:
        """``reductions``: by the fingerprints of their atoms; :func:`list_of_texts` names the column for each."""
        self._column = column
        self._kinds = {name: reduction.kind for name, reduction in reductions.items()}
        keeps = {name: reduction.keep for name, reduction in reductions.items() if reduction.keep is not None}
        self._texts = Texts(ELEMENT, keeps)

    def answer(self, chunk: pl.DataFrame, every: Words) -> dict[str, Bitmaps]:
        """The rows of a chunk for which each condition holds; nothing where its texts are too many for this to pay."""
        lists = chunk.get_column(self._column)
        met = self._texts.met(lists.explode(empty_as_null=False, keep_nulls=False))
        if met is None:
            return {}
        owners = _Owners(lists, met.places)
        absent = of_flags(lists.is_null().to_numpy()) if lists.has_nulls() else None
        return {name: _reduced(self._kinds[name], truth, owners, absent, every) for name, truth in met.truths.items()}


def list_of_texts(reduction: Reduction) -> str | None:
    """The column of lists of texts whose elements alone a reduction asks with ``exists`` or ``all``, if it does so."""
    range_, keep = reduction.space.range, reduction.keep
    if (
        reduction.kind in (Kind.EXISTS, Kind.ALL)
        and reduction.failed is None
        and keep is not None
        and set(keep.meta.root_names()) == {ELEMENT}
        and range_ is not None
        and range_.dtype == pl.List(pl.String())
        and range_.value.meta.is_column()
        and reduction.space.parent is not None
        and reduction.space.parent.parent is None
    ):
        return range_.value.meta.output_name()
    return None


class _Owners:
    """The rows whose lists have a text, from the place of each element's text."""

    def __init__(self, lists: pl.Series, places: NDArray[np.int32]) -> None:
        self._rows = len(lists)
        self._places = places
        self._lists = np.repeat(np.arange(len(lists)), lists.list.len().fill_null(0).cast(pl.Int64()).to_numpy())
        self._known: dict[int, Words] = {}
        self._sorted: tuple[NDArray[np.intp], NDArray[np.intp]] | None = None

    def of(self, wanted: NDArray[np.bool_]) -> Words:
        """The rows whose lists have a wanted text; a flag a text."""
        texts = np.flatnonzero(wanted)
        if len(texts) > _FEW:
            return self._flagged(self._lists[wanted.take(self._places)])
        found = self._of_text(int(texts[0])) if len(texts) else self._flagged(self._lists[:0])
        for text in texts[1:]:
            found = found | self._of_text(int(text))
        return found

    def _of_text(self, text: int) -> Words:
        rows = self._known.get(text)
        if rows is None:
            by_text, ends = self._by_text()
            start = int(ends[text - 1]) if text else 0
            rows = self._known[text] = self._flagged(by_text[start : ends[text]] if text < len(ends) else by_text[:0])
        return rows

    def _by_text(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """The owners in the order of their texts, and where each text's end."""
        if self._sorted is None:
            # One octet or two are sorted by counting.
            counts = np.bincount(self._places)
            order = np.argsort(self._places.astype(code_type(len(counts))), kind="stable")
            self._sorted = self._lists[order], np.cumsum(counts)
        return self._sorted

    def _flagged(self, rows: NDArray[np.intp]) -> Words:
        flags = np.zeros(self._rows, dtype=np.bool_)
        flags[rows] = True
        return of_flags(flags)


def _reduced(kind: Kind, truth: Truth, owners: _Owners, absent: Words | None, every: Words) -> Bitmaps:
    """What follows for the lists; an ``absent`` list is an error."""
    certain = truth.maybe is truth.surely
    if kind is Kind.EXISTS:
        surely = owners.of(truth.surely)
        maybe = surely if certain else owners.of(truth.maybe)
        return Bitmaps(surely, maybe if absent is None else maybe | absent)
    maybe = owners.of(~truth.maybe) ^ every
    surely = maybe if certain else owners.of(~truth.surely) ^ every
    return Bitmaps(surely if absent is None else surely & ~absent, maybe)
