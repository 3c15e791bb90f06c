"""Many conditions in one pass: atoms once per chunk, skeletons over packed bitmaps.

A condition is a skeleton of ``&&``, ``||`` and ``!`` over atoms. Each distinct atom is evaluated once for a chunk, in
the way that suits it: a condition on one column of texts on its distinct values; a comparison of a number with a
constant over the column in the narrowest type that holds the chunk's values; all else as a Polars expression.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import polars as pl

from compiler.ir import Bind, Call, Column, Constant, Logic, Node, children
from compiler.lower import Lowering
from compiler.schema import Schema
from compiler.space import Step
from compiler.types import STRING, plain

from . import bitmaps, dictionaries
from .bitmaps import Bitmaps, Words
from .columnar import select
from .narrowing import Narrowed, narrow
from .plan import Planned
from .results import Tally
from .steps import needed

_FEWEST_FOR_DICTIONARY = 4
"""Conditions on a column of texts from which on a dictionary is made of it."""


@dataclass(frozen=True, slots=True)
class Optimisations:
    """What a batch may do to be fast; the answers are the same with each on and off.

    Attributes:
        dictionaries: evaluate conditions on one column of texts on its distinct values.
        narrowing: compare numbers in the narrowest type that holds a chunk's values.
    """

    dictionaries: bool = True
    narrowing: bool = True


@dataclass(slots=True)
class Batch:
    """Compiled conditions that are counted together.

    Attributes:
        roots: the normal form of each.
        atoms: what the skeletons combine, by fingerprint.
        expressions: each atom over the rows, lowered once for all chunks.
        steps: what is computed before the atoms, and for no other conditions.
        by_column: of those on one column of texts, the fingerprints by column.
        comparisons: the fingerprints of comparisons of one column with a constant, by column.
    """

    roots: tuple[Node, ...]
    atoms: dict[str, Node]
    expressions: dict[str, pl.Expr]
    steps: tuple[Step, ...]
    lowering: Lowering
    optimisations: Optimisations
    by_column: dict[str, list[str]] = field(default_factory=dict)
    comparisons: dict[str, list[str]] = field(default_factory=dict)
    _narrowed: dict[Narrowed, dict[str, pl.Expr]] = field(default_factory=dict)

    def tally(self, chunk: pl.DataFrame, tallies: Sequence[Tally]) -> None:
        """Adds a chunk's counts to each condition's tally."""
        for found, total in zip(self.answers(chunk), tallies, strict=True):
            members = bitmaps.count(found.surely)
            total.members += members
            if found.maybe is not found.surely:
                total.errors += bitmaps.count(found.maybe) - members

    def answers(self, chunk: pl.DataFrame) -> Iterator[Bitmaps]:
        """The rows of a chunk for which each condition holds. What fails in Polars fails before the first."""
        every = bitmaps.every_row(chunk.height)
        known = self._answers(chunk, every)
        return (_combine(root, known, every) for root in self.roots)

    def _answers(self, chunk: pl.DataFrame, every: Words) -> dict[str, Bitmaps]:
        """The rows for which each atom holds."""
        known: dict[str, Bitmaps] = {}
        for column, fingerprints in self.by_column.items():
            found = dictionaries.dictionary(chunk.get_column(column), every)
            if found is not None:
                known.update(found.answer({f: self.expressions[f] for f in fingerprints}))
        chunk, narrowed = self._narrow(chunk)
        rest = [f for f in self.atoms if f not in known]
        expressions = {str(place): narrowed.get(f, self.expressions[f]) for place, f in enumerate(rest)}
        columns = select(chunk, self.steps, expressions)
        for fingerprint, answers in zip(rest, columns.get_columns(), strict=True):
            known[fingerprint] = bitmaps.of_column(answers, every)
        return known

    def _narrow(self, chunk: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, pl.Expr]]:
        """The chunk with narrowed columns beside the whole ones, and the comparisons over them."""
        if not self.comparisons:
            return chunk, {}
        chunk, narrowed = narrow(chunk, self.comparisons)
        expressions = self._narrowed.get(narrowed)
        if expressions is None:
            schema = Schema({**self.lowering.schema.columns, **narrowed.dtypes()}, self.lowering.schema.types)
            lowering = Lowering(schema, interpret=False, stored=narrowed.stored(), finite=narrowed.finite)
            expressions = {
                fingerprint: lowering.lower(self.atoms[fingerprint]).value
                for column in narrowed.columns()
                for fingerprint in self.comparisons[column]
            }
            self._narrowed[narrowed] = expressions
        return chunk, expressions


def batch(planned: Iterable[Planned], lowering: Lowering, optimisations: Optimisations | None = None) -> Batch:
    """The atoms and skeletons of compiled conditions."""
    chosen = optimisations or Optimisations()
    roots = tuple(one.condition.node for one in planned)
    atoms: dict[str, Node] = {}
    for root in roots:
        _collect(root, atoms)
    expressions = {fingerprint: lowering.lower(node).value.cast(pl.Boolean) for fingerprint, node in atoms.items()}
    names = {name for expression in expressions.values() for name in expression.meta.root_names()}
    steps, _ = needed(names, lowering.steps)
    work = Batch(roots, atoms, expressions, steps, lowering, chosen)
    for fingerprint, node in atoms.items():
        columns = _columns(node)
        if columns is None or len(columns) != 1:
            continue
        (column,) = columns
        if chosen.dictionaries and plain(lowering.schema.types[column]) == STRING:
            work.by_column.setdefault(column, []).append(fingerprint)
        elif chosen.narrowing and _is_comparison(node):
            work.comparisons.setdefault(column, []).append(fingerprint)
    for column in [c for c, f in work.by_column.items() if len(f) < _FEWEST_FOR_DICTIONARY]:
        del work.by_column[column]
    return work


def _collect(node: Node, atoms: dict[str, Node]) -> None:
    operands = _operands(node)
    if not operands:
        atoms.setdefault(node.fingerprint, node)
    for operand in operands:
        _collect(operand, atoms)


def _operands(node: Node) -> tuple[Node, ...]:
    """The operands of a node of a skeleton; of an atom, none. That of a ``cel.bind`` is its body."""
    if isinstance(node, Bind):
        return (node.body,)
    if isinstance(node, Logic):
        return node.operands
    if isinstance(node, Call) and node.overload.id == "logical_not":
        return node.arguments
    return ()


def _columns(node: Node) -> set[str] | None:
    """The columns that an atom reads; None where it asks more than the values of the row's own columns."""
    match node:
        case Column():
            return {node.name}
        case Constant():
            return set()
        case Call():
            found: set[str] = set()
            for child in children(node):
                below = _columns(child)
                if below is None:
                    return None
                found |= below
            return found
        case _:
            return None


def _is_comparison(node: Node) -> bool:
    """Whether an atom compares a column with constants, and does nothing else with it."""
    return isinstance(node, Call) and all(isinstance(a, (Column, Constant)) for a in node.arguments)


def _combine(node: Node, known: dict[str, Bitmaps], every: Words) -> Bitmaps:
    found = known.get(node.fingerprint)
    if found is None:
        operands = [_combine(operand, known, every) for operand in _operands(node)]
        if isinstance(node, Bind):
            (found,) = operands
        elif isinstance(node, Logic):
            combine = bitmaps.conjunction if node.operator == "&&" else bitmaps.disjunction
            found = combine(operands)
        else:
            found = bitmaps.negation(operands[0], every)
        known[node.fingerprint] = found
    return found
