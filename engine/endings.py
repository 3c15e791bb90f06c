"""How the texts of a column end: all endings that are asked for from the last octets of each text, read once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from compiler.ir import Call, Column, Constant, Node

from .bitmaps import Bitmaps, Words, of_flags

_OCTETS_A_WORD = 8
_BITS_AN_OCTET = 8


class Ending(NamedTuple):
    """A column of texts, and the octets with which they are to end: not none."""

    column: str
    octets: bytes


def ending(atom: Node) -> Ending | None:
    """The ending that an atom asks a column for, if it does so."""
    match atom:
        case Call(arguments=(Column() as column, Constant(value=str(text)))):
            wanted = atom.overload.id == "ends_with_string" and text
            return Ending(column.name, text.encode()) if wanted else None
        case _:
            return None


class Endings:
    """The endings that conditions ask of one column of texts."""

    def __init__(self, column: str, endings: Mapping[str, bytes]) -> None:
        """``endings``: the octets of each, by the fingerprints of the atoms."""
        self._column = column
        self._endings = endings

    def answer(self, chunk: pl.DataFrame, every: Words) -> dict[str, Bitmaps]:
        """The rows of a chunk whose text has each ending; nothing where the texts are Enum."""
        column = chunk.get_column(self._column)
        if column.dtype != pl.String():
            return {}
        texts = column.rechunk().to_arrow(compat_level=pl.CompatLevel.oldest())
        _, offsets, data = texts.buffers()
        places = np.frombuffer(offsets, dtype=np.int64)[texts.offset : texts.offset + len(texts) + 1]
        octets = np.frombuffer(data if data is not None else b"", dtype=np.uint8)
        longest = max(map(len, self._endings.values()))
        # Where the first texts lie, there are no whole words to read before the end.
        first = int(np.searchsorted(places[1:], longest + _OCTETS_A_WORD))
        tails = _Tails(octets, places[first:])
        head = column.head(first)
        error = of_flags(column.is_not_null().to_numpy()) ^ every if column.has_nulls() else None
        found = {}
        for name, wanted in self._endings.items():
            flags = np.empty(len(column), dtype=np.bool_)
            flags[:first] = head.str.ends_with(wanted.decode()).fill_null(value=False).to_numpy()
            flags[first:] = tails.end_with(wanted)
            found[name] = Bitmaps(of_flags(flags), error)
        return found


class _Tails:
    """The last octets of texts, in words of eight."""

    def __init__(self, octets: NDArray[np.uint8], places: NDArray[np.int64]) -> None:
        """``places``: where each text begins, and where the last one ends; whole words are before each end."""
        self._ends = places[1:]
        self._lengths = self._ends - places[:-1]
        count = max(len(octets) - _OCTETS_A_WORD + 1, 0)
        self._at = np.ndarray((count,), np.dtype("<u8"), octets, strides=(1,)) if count else np.zeros(0, np.uint64)
        self._words: list[NDArray[np.uint64]] = []

    def end_with(self, wanted: bytes) -> NDArray[np.bool_]:
        """Whether each text ends with these octets."""
        found = self._lengths >= len(wanted)
        for number, stop in enumerate(range(len(wanted), 0, -_OCTETS_A_WORD)):
            part = wanted[max(stop - _OCTETS_A_WORD, 0) : stop]
            word = self._word(number)
            if len(part) < _OCTETS_A_WORD:
                word = word >> np.uint64(_BITS_AN_OCTET * (_OCTETS_A_WORD - len(part)))
            found &= word == np.uint64(int.from_bytes(part, "little"))
        return found

    def _word(self, number: int) -> NDArray[np.uint64]:
        """The last word of each text, the one before it, and so on."""
        while len(self._words) <= number:
            self._words.append(self._at[self._ends - _OCTETS_A_WORD * (len(self._words) + 1)])
        return self._words[number]
