"""Rows by class: where a column's values fall into few classes, the rows of any of these are a few word operations.

A class is what conditions cannot tell apart: a text of a dictionary, or the numbers between two constants. The classes'
numbers are sliced into one bitmap a bit. Which rows have a number, or one below it, is told by its last bits first: one
operation for each bit more, which all numbers that end alike share.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from functools import reduce
from operator import and_, or_, xor
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .bitmaps import Words, of_flags

Codes = NDArray[np.unsignedinteger[Any]]
"""The class of each row."""

_BITS_AN_OCTET = 8

_FEWEST_FOR_PAIR = 3
"""Selections of the same two classes from which on their rows are put together for all of them: each is kept."""


class Selection(NamedTuple):
    """Some classes, put together from few bitmaps.

    Attributes:
        heads: a row is selected where it is in an odd number of these: for each number, the classes below it.
        classes: or, where there are no heads, the classes themselves.
        inverted: all other rows are meant.
    """

    heads: tuple[int, ...]
    classes: tuple[int, ...]
    inverted: bool


class Edges(NamedTuple):
    """By the number of a class: the rows of the classes ``below`` it, and those of it and
    the classes after it, ``onwards``.
    """

    below: Mapping[int, Words]
    onwards: Mapping[int, Words]


class Partition:
    """The rows of chunks by class, for selections of classes that are known before.

    Neighbouring classes that are selected together cost least.

    Attributes:
        below: the numbers of which it is asked which rows are of classes below.
        onwards: those of which it is asked which rows are of this class or the ones after it.
        edges: both.
    """

    def __init__(self, size: int, selections: Iterable[Selection]) -> None:
        """``size``: how many classes there are."""
        bits = max(size - 1, 0).bit_length()
        places: dict[Selection, int] = {}
        self._order = [places.setdefault(one, len(places)) for one in selections]
        self._selections = tuple(places)
        # The rows outside some classes are as easily told as those inside: of several, the first takes it upon itself.
        self.onwards = frozenset(one.heads[0] for one in self._selections if one.heads and one.inverted)
        self.below = frozenset(head for one in self._selections for head in one.heads[one.inverted :])
        self.edges = self.below | self.onwards
        self._below, self._onwards = _endings(self.below, bits), _endings(self.onwards, bits)
        self._classes = _endings({number for one in self._selections for number in one.classes}, bits)
        self._bits = bits
        uses = Counter(pair for one in self._selections for pair in _pairs(one.classes))
        self._pairs = [pair for pair, count in uses.items() if count >= _FEWEST_FOR_PAIR]

    def rows(self, codes: Codes, every: Words, known: Words | None = None) -> list[Words]:
        """The rows of each selection, from the class of each row; of equal ones they are one object.

        Args:
            codes: the class of each row.
            every: the bitmap of all rows.
            known: the rows that have one; all others are of the class 0, whatever their code. None: all have.
        """
        ones = planes(codes, self._bits)
        if known is not None:
            ones = [one & known for one in ones]
        zeros = [one ^ every for one in ones]
        none = np.zeros_like(every)
        edges = Edges(
            _told(self._below, none, _Bit(or_, zeros), _Bit(and_, zeros)),
            _told(self._onwards, every, _Bit(and_, ones), _Bit(or_, ones)),
        )
        classes = _told(self._classes, every, _Bit(and_, ones), _Bit(and_, zeros))
        return self._all_selected(edges, classes, every)

    def rows_by_edges(self, edges: Edges, every: Words) -> list[Words]:
        """As :meth:`rows`, from the rows at each of the edges asked for; of selections that have heads alone."""
        return self._all_selected(edges, {}, every)

    def _all_selected(self, edges: Edges, classes: Mapping[int, Words], every: Words) -> list[Words]:
        pairs = {pair: classes[pair[0]] | classes[pair[1]] for pair in self._pairs}
        found = [_selected(selection, edges, classes, pairs, every) for selection in self._selections]
        return [found[place] for place in self._order]


class _Bit(NamedTuple):
    """What becomes of the rows that the bits behind tell, where another bit comes before them: with the rows of the
    plane of that bit.
    """

    operation: Callable[[Words, Words], Words]
    planes: Sequence[Words]


def _endings(numbers: Set[int], bits: int) -> Sequence[Set[int]]:
    """The endings of numbers, of no bits, of one bit, and so on."""
    return [{number & (1 << count) - 1 for number in numbers} for count in range(bits + 1)]


def _told(endings: Sequence[Set[int]], rows: Words, one: _Bit, zero: _Bit) -> dict[int, Words]:
    """The rows of each number, from those of no bits and what each further bit, one or zero, makes of them."""
    found: dict[int, Words] = {}
    pending = [(0, 0, rows)] if endings[0] else []
    # Depth first: what two numbers share is still in the cache, and is given up when both are told.
    while pending:
        bit, ending, rows = pending.pop()
        if bit == len(one.planes):
            found[ending] = rows
            continue
        asked = endings[bit + 1]
        longer = ending | 1 << bit
        if longer in asked:
            pending.append((bit + 1, longer, one.operation(rows, one.planes[bit])))
        if ending in asked:
            pending.append((bit + 1, ending, zero.operation(rows, zero.planes[bit])))
    return found


def code_type(most: int) -> np.dtype[np.unsignedinteger[Any]]:
    """The narrowest type for codes up to ``most``."""
    return np.dtype(np.uint8 if most < 2**8 else np.uint16 if most < 2**16 else np.uint32)


def planes(codes: Codes, bits: int) -> list[Words]:
    """The rows whose code has a bit set, for each of the lowest bits."""
    found: list[Words] = []
    for first in range(0, bits, _BITS_AN_OCTET):
        octets = codes if codes.itemsize == 1 else (codes >> codes.dtype.type(first)).astype(np.uint8)
        found += [of_flags(octets & np.uint8(1 << bit)) for bit in range(min(_BITS_AN_OCTET, bits - first))]
    return found


def selection(wanted: NDArray[np.bool_]) -> Selection:
    """The classes of which a flag says that they are wanted."""
    chosen = np.flatnonzero(wanted).tolist()
    others = len(wanted) - len(chosen)
    edges = np.flatnonzero(wanted[1:] != wanted[:-1]).tolist()
    if len(edges) == 1 or 0 < len(edges) < min(len(chosen), others):
        return Selection(tuple(edge + 1 for edge in edges), (), bool(wanted[-1]))
    if len(chosen) <= others:
        return Selection((), tuple(chosen), inverted=False)
    return Selection((), tuple(np.flatnonzero(~wanted).tolist()), inverted=True)


def _pairs(classes: Sequence[int]) -> Iterable[tuple[int, int]]:
    """Two and two of some classes; the last of an odd number is left out."""
    return zip(classes[::2], classes[1::2], strict=False)


def _selected(
    selection: Selection,
    edges: Edges,
    classes: Mapping[int, Words],
    pairs: Mapping[tuple[int, int], Words],
    every: Words,
) -> Words:
    if selection.heads:
        first, *others = selection.heads
        found = (edges.onwards if selection.inverted else edges.below)[first]
        return reduce(xor, [edges.below[head] for head in others], found)
    if not selection.classes:
        return every if selection.inverted else np.zeros_like(every)
    parts: list[Words] = []
    for pair in _pairs(selection.classes):
        shared = pairs.get(pair)
        parts += [classes[one] for one in pair] if shared is None else [shared]
    if len(selection.classes) % 2:
        parts.append(classes[selection.classes[-1]])
    found = reduce(or_, parts)
    return found ^ every if selection.inverted else found
