"""Rows by class: where a column's values fall into few classes, the rows of any of these are a few word operations.

A class is what conditions cannot tell apart: a text of a dictionary, or the numbers between two constants. The classes'
numbers are sliced into one bitmap a bit. Walking down the bits gives the rows of a class, and those of all classes
before it, for two or three operations each.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import reduce
from operator import or_, xor
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .bitmaps import Words, of_flags

Codes = NDArray[np.unsignedinteger[Any]]
"""The class of each row."""

_BITS_AN_OCTET = 8


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


class Partition:
    """The rows of chunks by class, for selections of classes that are known before.

    Neighbouring classes that are selected together cost least.
    """

    def __init__(self, size: int, selections: Iterable[Selection]) -> None:
        """``size``: how many classes there are."""
        self._bits = max(size - 1, 0).bit_length()
        places: dict[Selection, int] = {}
        self._order = [places.setdefault(one, len(places)) for one in selections]
        self._selections = tuple(places)
        self._heads = {head for selection in self._selections for head in selection.heads}
        self._classes = {one for selection in self._selections for one in selection.classes}
        # By level, the beginnings of the numbers that are asked for: no others are walked to.
        asked = self._heads | self._classes
        self._walked = [{number >> self._bits - level for number in asked} for level in range(self._bits + 1)]

    def rows(self, codes: Codes, every: Words) -> list[Words]:
        """The rows of each selection, from the class of each row; of equal ones they are one object.

        ``every``: the bitmap of all rows.
        """
        heads, classes = self._walk(codes, every)
        return self._all_selected(heads, classes, every)

    @property
    def heads(self) -> frozenset[int]:
        """The classes of which it is asked which rows are below."""
        return frozenset(self._heads)

    def rows_by_heads(self, heads: Mapping[int, Words], every: Words) -> list[Words]:
        """As :meth:`rows`, from the rows below each of ``self.heads``; of selections that have heads alone."""
        return self._all_selected(heads, {}, every)

    def _walk(self, codes: Codes, every: Words) -> tuple[dict[int, Words], dict[int, Words]]:
        """The rows below each of the heads, and those of each class that is asked for."""
        planes = [plane(codes, bit) for bit in reversed(range(self._bits))]
        heads: dict[int, Words] = {}
        classes: dict[int, Words] = {}
        pending = [(0, 0, every, np.zeros_like(every))]
        while pending:
            level, number, rows, before = pending.pop()
            if level == self._bits:
                if number in self._heads:
                    heads[number] = before
                if number in self._classes:
                    classes[number] = rows
                continue
            walked = self._walked[level + 1]
            ones = rows & planes[level]
            zeros = rows ^ ones
            number *= 2
            if number + 1 in walked:
                pending.append((level + 1, number + 1, ones, before | zeros))
            if number in walked:
                pending.append((level + 1, number, zeros, before))
        return heads, classes

    def _all_selected(self, heads: Mapping[int, Words], classes: Mapping[int, Words], every: Words) -> list[Words]:
        found = [_selected(selection, heads, classes, every) for selection in self._selections]
        return [found[place] for place in self._order]


def code_type(most: int) -> np.dtype[np.unsignedinteger[Any]]:
    """The narrowest type for codes up to ``most``."""
    return np.dtype(np.uint8 if most < 2**8 else np.uint16 if most < 2**16 else np.uint32)


def plane(codes: Codes, bit: int) -> Words:
    """The rows whose code has a bit set."""
    octets = codes.view(np.uint8)[bit // _BITS_AN_OCTET :: codes.itemsize]
    return of_flags(octets & np.uint8(1 << bit % _BITS_AN_OCTET))


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


def _selected(selection: Selection, heads: Mapping[int, Words], classes: Mapping[int, Words], every: Words) -> Words:
    if selection.heads:
        found = reduce(xor, [heads[head] for head in selection.heads])
    elif selection.classes:
        found = reduce(or_, [classes[one] for one in selection.classes])
    else:
        found = np.zeros_like(every)
    return found ^ every if selection.inverted else found
