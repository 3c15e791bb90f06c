"""Conditions on one column of texts, answered on its distinct texts instead of its rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from .bitmaps import Bitmaps, Words, of_flags
from .classes import Codes, Partition, code_type, selection
from .texts import FEW_TEXTS, Met, Texts, Truth, both, flags_of

_FEW_EXCEPTIONS = 16
"""Texts that are unlike the others for a condition: up to it, they are classes; beyond, each row is looked up."""


class _Classing(NamedTuple):
    """Texts that no condition with few exceptions tells apart, as one class.

    Attributes:
        classes: the class of each text.
        partition: the rows by these classes.
        truths: of the conditions with few exceptions, by class.
        others: of the other conditions, by text.
    """

    classes: Codes
    partition: Partition
    truths: Mapping[str, Truth]
    others: Mapping[str, Truth]


class Dictionary:
    """The conditions on one column of texts. What is learnt of a chunk's texts serves the next chunks."""

    def __init__(self, column: str, conditions: Mapping[str, pl.Expr]) -> None:
        self._column = column
        self._texts = Texts(column, conditions)
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
    plain = {name: truth for name, truth in truths.items() if all(map(_has_few_exceptions, truth.flags()))}
    apart = np.zeros(count, dtype=np.bool_)
    for truth in plain.values():
        for flags in truth.flags():
            apart |= flags != _usual(flags)
    texts = np.flatnonzero(apart)
    classes = np.zeros(count, dtype=code_type(len(texts)))
    classes[texts] = np.arange(1, len(texts) + 1)
    by_class = {name: truth.map(lambda flags: np.append(_usual(flags), flags[texts])) for name, truth in plain.items()}
    others = {name: truth for name, truth in truths.items() if name not in plain}
    return _Classing(classes, Partition(len(texts) + 1, map(selection, flags_of(by_class))), by_class, others)


def _looked_up(flags: Iterable[NDArray[np.bool_]], met: Met) -> Iterator[Words]:
    """The rows whose text is flagged, for each of the flags; of equal ones they are one object."""
    known: dict[bytes, Words] = {}
    for one in flags:
        key = one.tobytes()
        if key not in known:
            known[key] = of_flags(met.of_rows(one))
        yield known[key]


def _usual(flags: NDArray[np.bool_]) -> bool:
    """What most texts have."""
    return 2 * int(np.count_nonzero(flags)) > len(flags)


def _has_few_exceptions(flags: NDArray[np.bool_]) -> bool:
    wanted = int(np.count_nonzero(flags))
    return min(wanted, len(flags) - wanted) <= _FEW_EXCEPTIONS
