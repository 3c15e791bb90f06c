"""The distinct texts of a column, and what conditions say of each.

Of a chunk's column a dictionary is made: its distinct texts, and for each row the place of its text among them. A
condition on that column alone is evaluated once for each text that the scan meets, not for each row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from .bitmaps import Bitmaps, Words
from .evaluated import evaluated

MOST_TEXTS = 2**16
"""Distinct texts that are remembered from chunk to chunk."""

FEW_TEXTS = 64
_LARGEST_SHARE = 0.25
"""Of distinct texts among the rows: beyond, making the dictionary costs more than it saves."""


Flag = TypeVar("Flag", np.bool_, np.unsignedinteger[Any])

Places = NDArray[np.unsignedinteger[Any]]
"""For each of some texts, its place among others."""


class Truth(NamedTuple):
    """Flags for which a condition is ``true``, and for which it is an ``error``: never both; None where it never is."""

    true: NDArray[np.bool_]
    error: NDArray[np.bool_] | None = None

    def negated(self) -> Truth:
        """That of the opposite."""
        return Truth(~self.true if self.error is None else ~(self.true | self.error), self.error)

    def flags(self) -> Iterator[NDArray[np.bool_]]:
        """Those of which something is told."""
        yield self.true
        if self.error is not None:
            yield self.error


class Named(NamedTuple):
    """What a condition says of texts of which it names some, and of null; never an error.

    Attributes:
        of: what it says of those that it names, and of null.
        others: what it says of all others.
    """

    of: Mapping[str | None, bool]
    others: bool

    def truth(self, texts: Mapping[str | None, int]) -> Truth:
        """What it says of texts, given with their places."""
        flags = np.full(len(texts), self.others)
        for text, says in self.of.items():
            if text in texts:
                flags[texts[text]] = says
        return Truth(flags)


def truth_of(answers: pl.Series) -> Truth:
    """The flags of boolean answers, whose nulls are errors."""
    # By its buffers: Polars fills nulls and tells them by a query each, which takes five times as long.
    array = answers.to_arrow()
    validity, values = array.buffers()
    true = _flags(values, array.offset, len(array))
    if not answers.has_nulls():
        return Truth(true)
    present = _flags(validity, array.offset, len(array))
    return Truth(true & present, ~present)


def _flags(bits: pa.Buffer, start: int, count: int) -> NDArray[np.bool_]:
    octets = np.frombuffer(bits, dtype=np.uint8)
    return np.unpackbits(octets, count=start + count, bitorder="little")[start:].view(np.bool_)


def flags_of(truths: Mapping[str, Truth]) -> Iterator[NDArray[np.bool_]]:
    """All flags, in the order of which :func:`both` makes the answers."""
    for truth in truths.values():
        yield from truth.flags()


def both(truths: Mapping[str, Truth], rows: Iterable[Words]) -> dict[str, Bitmaps]:
    """The answers of conditions, from the rows of each of :func:`flags_of`."""
    left = iter(rows)
    return {name: Bitmaps.of(next(left), None if truth.error is None else next(left)) for name, truth in truths.items()}


class Met(NamedTuple):
    """The texts of a chunk.

    Attributes:
        places: for each distinct text, its place among the known ones.
        within: for each row, the number of its distinct text.
        truths: for each condition, a flag a known text.
        known: how many texts there are; null is one of them.
        version: another number whenever the known texts change.
    """

    places: Places
    within: Places
    truths: Mapping[str, Truth]
    known: int
    version: int

    def of_rows(self, values: NDArray[Flag]) -> NDArray[Flag]:
        """For each row, the value of its text, of one for each known text."""
        return values.take(self.places).take(self.within)


class Texts:
    """The texts of a column that were met so far, and what holds for each."""

    def __init__(
        self, column: str, conditions: Mapping[str, pl.Expr], named: Mapping[str, Named] | None = None
    ) -> None:
        """No texts yet.

        Args:
            column: its name.
            conditions: over a frame with texts as its one column, of that name.
            named: other conditions, of which it is known what they say of each text.
        """
        self._column = column
        self._conditions = conditions
        self._named = named or {}
        self._few: bool | None = None
        self._version = 0
        self._forget()

    def met(self, column: pl.Series) -> Met | None:
        """The texts of a chunk's column; None where there are too many distinct ones, in this chunk or one before."""
        if self._few is None and column.dtype == pl.String():
            self._few = int(pl.select(pl.lit(column).approx_n_unique()).item()) <= _most(len(column))
        if self._few is False:
            return None
        values, within = _distinct(column)
        self._few = len(values) <= _most(len(column))
        if len(self._known) + len(values) > MOST_TEXTS:
            self._forget()
        places = self._learn(values)
        return Met(places, within, self._truths, len(self._known), self._version)

    def _forget(self) -> None:
        nothing = np.zeros(0, dtype=np.bool_)
        self._known: dict[str | None, int] = {}
        self._truths: Mapping[str, Truth] = dict.fromkeys((*self._conditions, *self._named), Truth(nothing))
        self._version += 1

    def _learn(self, values: pl.Series) -> Places:
        """The places of distinct texts; unknown ones become known."""
        texts: list[str | None] = values.to_list()
        places = list(map(self._known.get, texts))
        if None in places:
            new = [text for text, place in zip(texts, places, strict=True) if place is None]
            self._truths = {name: _extended(self._truths[name], truth) for name, truth in self._truths_of(new)}
            self._known.update({text: place for place, text in enumerate(new, len(self._known))})
            self._version += 1
            places = list(map(self._known.get, texts))
        return np.array(places, dtype=np.uint32)

    def _truths_of(self, texts: Sequence[str | None]) -> Iterator[tuple[str, Truth]]:
        if self._conditions:
            frame = pl.Series(self._column, texts, dtype=pl.String()).to_frame()
            for answers in evaluated(frame, self._conditions).get_columns():
                yield answers.name, truth_of(answers)
        places = {text: place for place, text in enumerate(texts)}
        for name, named in self._named.items():
            yield name, named.truth(places)


def _distinct(column: pl.Series) -> tuple[pl.Series, Places]:
    """The distinct texts of a column, and the place among them of each row's."""
    if isinstance(column.dtype, pl.Enum):
        return _categories(column, column.dtype.categories)
    import pyarrow.compute as pc

    # pyarrow 26 encodes a null of string views as an empty text: nulls are kept out and get a place of their own.
    encoded = pc.dictionary_encode(column.rechunk().to_arrow(compat_level=pl.CompatLevel.newest()))
    values = pl.Series(encoded.dictionary, dtype=pl.String())
    indices = encoded.indices
    if indices.null_count:
        indices = indices.fill_null(len(values))
        values = values.extend(pl.Series([None], dtype=pl.String()))
    return values, indices.to_numpy(zero_copy_only=False)


def _categories(column: pl.Series, categories: pl.Series) -> tuple[pl.Series, Places]:
    values, places = categories, column.to_physical()
    if not column.has_nulls():
        return values, places.to_numpy()
    wider = places.cast(pl.UInt32()).fill_null(len(values))
    return values.extend_constant(None, 1), wider.to_numpy()


def _most(rows: int) -> float:
    return min(MOST_TEXTS // 2, max(FEW_TEXTS, _LARGEST_SHARE * rows))


def _extended(known: Truth, new: Truth) -> Truth:
    true = np.concatenate([known.true, new.true])
    if known.error is None and new.error is None:
        return Truth(true)
    errors = (np.zeros_like(one.true) if one.error is None else one.error for one in (known, new))
    return Truth(true, np.concatenate(list(errors)))
