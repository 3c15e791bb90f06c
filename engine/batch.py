"""Many conditions in one pass: atoms once per chunk, skeletons over packed bitmaps.

Two bitmaps stand for a condition on a chunk: *surely*, the rows on which it is true, and *maybe*, those on which it is
true or an error. ``&&`` and ``||`` are one word operation on each; ``!`` swaps and inverts them. That is CEL's
absorption, as in Kleene's logic.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from compiler.ir import Call, Logic, Node
from compiler.lower import Lowering

from .columnar import select
from .plan import Planned
from .results import Tally

Words = NDArray[np.uint64]

_WORD_BITS = 64
_EVERY_ROW = "every row"


@dataclass(frozen=True, slots=True)
class Bitmaps:
    """The rows of a chunk on which something is ``surely`` true, and on which it ``maybe`` is: true or an error."""

    surely: Words
    maybe: Words


@dataclass(frozen=True, slots=True)
class Batch:
    """Compiled conditions that are counted together.

    Attributes:
        roots: the normal form of each.
        atoms: what the skeletons combine, by fingerprint: everything that is not ``&&``, ``||`` or ``!``.
    """

    roots: tuple[Node, ...]
    atoms: dict[str, pl.Expr]


def batch(planned: Sequence[Planned], lowering: Lowering) -> Batch:
    """The atoms and skeletons of compiled conditions."""
    atoms: dict[str, pl.Expr] = {}
    for one in planned:
        _collect(one.condition.node, lowering, atoms)
    return Batch(tuple(one.condition.node for one in planned), atoms)


def _collect(node: Node, lowering: Lowering, atoms: dict[str, pl.Expr]) -> None:
    operands = _operands(node)
    if not operands:
        if node.fingerprint not in atoms:
            value = lowering.lower(node).value
            atoms[node.fingerprint] = value.cast(pl.Boolean)
        return
    for operand in operands:
        _collect(operand, lowering, atoms)


def _operands(node: Node) -> tuple[Node, ...]:
    """The operands of a node of a skeleton; of an atom, none."""
    if isinstance(node, Logic):
        return node.operands
    if isinstance(node, Call) and node.overload.id == "logical_not":
        return node.arguments
    return ()


def tally(work: Batch, chunk: pl.DataFrame, lowering: Lowering, tallies: Sequence[Tally]) -> None:
    """Adds a chunk's counts to each condition's tally."""
    names = {str(place): expression for place, expression in enumerate(work.atoms.values())}
    columns = select(chunk, lowering.reductions, names)
    every = _packed(pl.repeat(value=True, n=chunk.height, eager=True))
    known = {
        fingerprint: _bitmaps(column, every)
        for fingerprint, column in zip(work.atoms, columns.get_columns(), strict=True)
    }
    known[_EVERY_ROW] = Bitmaps(every, every)
    for root, total in zip(work.roots, tallies, strict=True):
        bitmaps = _combine(root, known)
        members = int(np.bitwise_count(bitmaps.surely).sum(dtype=np.int64))
        total.members += members
        if bitmaps.maybe is not bitmaps.surely:
            total.errors += int(np.bitwise_count(bitmaps.maybe).sum(dtype=np.int64)) - members


def _combine(node: Node, known: dict[str, Bitmaps]) -> Bitmaps:
    found = known.get(node.fingerprint)
    if found is not None:
        return found
    operands = [_combine(operand, known) for operand in _operands(node)]
    if isinstance(node, Logic):
        apply = np.bitwise_and if node.operator == "&&" else np.bitwise_or
        surely = apply.reduce([o.surely for o in operands])
        if all(o.surely is o.maybe for o in operands):
            return Bitmaps(surely, surely)
        return Bitmaps(surely, apply.reduce([o.maybe for o in operands]))
    (operand,) = operands
    # Inverting sets the bits behind the last row, too.
    rows = known[_EVERY_ROW].surely
    surely = ~operand.maybe & rows
    return Bitmaps(surely, surely if operand.maybe is operand.surely else ~operand.surely & rows)


def _bitmaps(column: pl.Series, every: Words) -> Bitmaps:
    """A boolean column's values and nulls as Arrow packs them: a bit a row, the first row the lowest."""
    array = column.to_arrow()
    validity, values = array.buffers()
    if array.offset:
        # A slice's bits start within a byte.
        surely = _packed(column.fill_null(value=False))
        return Bitmaps(surely, _packed(column.fill_null(value=True)) if column.has_nulls() else surely)
    true = _words(values, len(column))
    if validity is None or not column.has_nulls():
        return Bitmaps(true, true)
    present = _words(validity, len(column))
    return Bitmaps(true & present, (true | ~present) & every)


def _words(buffer: object, rows: int) -> Words:
    """The bits of an Arrow buffer; those behind the last row are cleared."""
    count = -(-rows // 8)
    words = np.zeros(-(-rows // _WORD_BITS), dtype=np.uint64)
    octets = words.view(np.uint8)
    octets[:count] = np.frombuffer(buffer, dtype=np.uint8, count=count)  # type: ignore[call-overload]
    if rows % 8:
        octets[count - 1] &= (1 << rows % 8) - 1
    return words


def _packed(flags: pl.Series) -> Words:
    packed = np.packbits(flags.to_numpy(), bitorder="little")
    words = np.zeros(-(-len(flags) // _WORD_BITS), dtype=np.uint64)
    words.view(np.uint8)[: len(packed)] = packed
    return words
