"""Conditions on one column of texts, answered on its distinct texts instead of its rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from .bitmaps import Bitmaps, Words, of_flags
from .classes import Codes, Partition, Selection, code_type, selection
from .texts import FEW_TEXTS, Met, Named, Texts, Truth, both, flags_of

_FEW_EXCEPTIONS = 16
"""Texts that are unlike the others for a condition: up to it, they are classes; beyond, each row is looked up."""


class _Classing(NamedTuple):
    """Texts that no condition with few exceptions tells apart, as one class.

    Attributes:
        classes: the class of each text.
        partition: the rows by these classes.
        truths: of the conditions with few exceptions, which the partition selects.
        others: of the other conditions.
    """

    classes: Codes
    partition: Partition
    truths: Mapping[str, Truth]
    others: Mapping[str, Truth]


class Dictionary:
    """The conditions on one column of texts. What is learnt of a chunk's texts serves the next chunks."""

    def __init__(self, column: str, conditions: Mapping[str, pl.Expr], named: Mapping[str, Named]) -> None:
        """``conditions`` and ``named``, by fingerprint: those that are evaluated, and those that name texts."""
        self._column = column
        self._texts = Texts(column, conditions, named)
        self._classing: tuple[int, _Classing] | None = None

    def answer(self, chunk: pl.DataFrame, every: Words) -> dict[str, Bitmaps]:
        """The rows of a chunk for which each condition holds; nothing where its texts are too many for this to pay."""
        met = self._texts.met(chunk.get_column(self._column))
        if met is None:
            return {}
        classing = self._classed(met)
        found = both(classing.truths, classing.partition.rows(met.of_rows(classing.classes), every))
        return found | both(classing.others, _looked_up(flags_of(classing.others), met))

    def _classed(self, met: Met) -> _Classing:
        known = self._classing
        if known is None or known[0] != met.version:
            known = self._classing = met.version, _classing(met.truths, met.known)
        return known[1]


def _classing(truths: Mapping[str, Truth], count: int) -> _Classing:
    if count <= FEW_TEXTS:
        return _Classing(
            np.arange(count).astype(np.uint8), Partition(count, map(selection, flags_of(truths))), truths, {}
        )
    plain: dict[str, list[_Exceptions]] = {}
    for name, truth in truths.items():
        found = [_exceptions(flags) for flags in truth.flags()]
        if all(len(one.texts) <= _FEW_EXCEPTIONS for one in found):
            plain[name] = found
    every = [one for found in plain.values() for one in found]
    texts = np.unique(np.concatenate([one.texts for one in every])) if every else np.zeros(0, dtype=np.intp)
    classes = np.zeros(count, dtype=code_type(len(texts)))
    classes[texts] = np.arange(1, len(texts) + 1)
    selections = [Selection((), tuple(classes[one.texts].tolist()), inverted=one.usual) for one in every]
    others = {name: truth for name, truth in truths.items() if name not in plain}
    return _Classing(classes, Partition(len(texts) + 1, selections), {name: truths[name] for name in plain}, others)


class _Exceptions(NamedTuple):
    """The places of texts that are flagged otherwise than most; ``usual`` is what most have."""

    texts: NDArray[np.intp]
    usual: bool


def _exceptions(flags: NDArray[np.bool_]) -> _Exceptions:
    usual = 2 * int(np.count_nonzero(flags)) > len(flags)
    return _Exceptions(np.flatnonzero(~flags if usual else flags), usual)


def _looked_up(flags: Iterable[NDArray[np.bool_]], met: Met) -> Iterator[Words]:
    """The rows whose text is flagged, for each of the flags; of equal ones they are one object."""
    known: dict[bytes, Words] = {}
    for one in flags:
        key = one.tobytes()
        if key not in known:
            known[key] = of_flags(met.of_rows(one))
        yield known[key]
