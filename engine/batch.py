"""Many conditions in one pass: atoms once per chunk, skeletons over packed bitmaps.

A condition is a skeleton of ``&&``, ``||`` and ``!`` over atoms. Each distinct atom is evaluated once for a chunk, in
the way that suits it: conditions on texts on the distinct texts; ``exists`` and ``all`` on the elements of lists,
flattened once; many comparisons of a number or a time with constants by the classes that the constants make; few of
them over the column in the narrowest type that holds the chunk's values; all else as a Polars expression.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple, Protocol

import polars as pl

from compiler.cell import Cell
from compiler.facts import Facts
from compiler.ir import Call, Column, Constant, Node
from compiler.lower import Lowering
from compiler.outcomes import FactsOf
from compiler.schema import Schema
from compiler.space import Reduction, Step
from compiler.types import STRING, plain

from . import bitmaps
from .bitmaps import Bitmaps, Words
from .chunks import decoded
from .collection import collection_paused
from .columnar import select
from .comparisons import named, questions
from .dictionaries import Dictionary
from .elements import Elements, column_of_lists
from .narrowing import Narrowed, narrow
from .optimisations import Optimisations
from .plan import Planned
from .results import Tally
from .skeletons import Skeletons
from .skipping import Decisions
from .steps import columns_read, needed
from .texts import Named
from .thresholds import thresholds

_FEWEST_FOR_DICTIONARY = 4
"""Conditions on a column of texts, or of lists of texts, from which on their distinct texts are asked."""

_FEWEST_FOR_NARROWING = 6
"""Comparisons of a column with constants from which on its values are narrowed: up to five cost less than that."""

_FEWEST_FOR_THRESHOLDS = 8
"""Comparisons of a column with constants from which on they are sorted out together."""


class Family(Protocol):
    """Atoms on one column that are answered together."""

    def answer(self, chunk: pl.DataFrame, every: Words) -> dict[str, Bitmaps]:
        """The rows of a chunk for which each atom holds, by fingerprint; nothing where they cannot be told so."""
        ...


class Atoms(NamedTuple):
    """The rows of a chunk for which each atom holds, by fingerprint, and the bitmap of all rows."""

    known: dict[str, Bitmaps]
    every: Words


@dataclass
class Batch:
    """Compiled conditions that are counted together.

    Attributes:
        skeletons: the conditions, in their order.
        cells: each atom over the rows, lowered once for all chunks, by fingerprint.
        families: the atoms that are answered together, by how and on which column.
        of_families: their fingerprints.
        comparisons: the fingerprints of other comparisons of one column with a constant, by column.
        encoded: the columns of texts, and of lists of texts, of which only the distinct texts are asked: they may come
            as Enum.
        decisions: what the statistics of a chunk decide; None where they are not asked.
    """

    skeletons: Skeletons
    cells: dict[str, Cell]
    lowering: Lowering
    families: dict[tuple[str, str], Family] = field(default_factory=dict)
    of_families: dict[tuple[str, str], frozenset[str]] = field(default_factory=dict)
    comparisons: dict[str, list[str]] = field(default_factory=dict)
    encoded: frozenset[str] = frozenset()
    decisions: Decisions | None = None
    _narrowed: dict[Narrowed, dict[str, pl.Expr]] = field(default_factory=dict)
    _steps: dict[tuple[str, ...], tuple[Step, ...]] = field(default_factory=dict)

    def tally(self, chunk: pl.DataFrame, tallies: Sequence[Tally], facts: FactsOf | None = None) -> None:
        """Adds a chunk's counts to each condition's tally; arguments as for :meth:`answers`."""
        atoms = self._atoms(chunk, facts)
        found = self.skeletons.answers(atoms.known, atoms.every)
        for (members, errors), total in zip(bitmaps.tallies(found, len(atoms.every)), tallies, strict=True):
            total.members += members
            total.errors += errors

    def answers(self, chunk: pl.DataFrame, facts: FactsOf | None = None) -> Iterator[Bitmaps]:
        """The rows of a chunk for which each condition holds. What fails in Polars fails here, before the first.

        Args:
            chunk: the rows.
            facts: what is known of their values.
        """
        atoms = self._atoms(chunk, facts)
        return self.skeletons.answers(atoms.known, atoms.every)

    def _atoms(self, chunk: pl.DataFrame, facts: FactsOf | None = None) -> Atoms:
        """The rows of a chunk for which each atom holds; as it may be, of rows on which, by the facts, nothing depends
        on it.
        """
        every = bitmaps.every_row(chunk.height)
        decided = {} if self.decisions is None else self.decisions.on(facts or {})
        known = bitmaps.constants(decided, every)
        for key, family in self.families.items():
            if not self.of_families[key] <= decided.keys():
                known.update(family.answer(chunk, every))
        rest = tuple(fingerprint for fingerprint in self.cells if fingerprint not in known)
        answered = {column for (_, column), names in self.of_families.items() if known.keys() >= names}
        chunk = decoded(chunk, self.lowering.schema, answered)
        chunk, narrowed = self._narrow(chunk, () if known.keys() >= self._compared else tuple(self.comparisons))
        expressions = {
            str(place): narrowed[f] if f in narrowed else _truth(self.cells[f]) for place, f in enumerate(rest)
        }
        columns = select(chunk, self._needed(rest), expressions)
        for fingerprint, answers in zip(rest, columns.get_columns(), strict=True):
            known[fingerprint] = bitmaps.of_column(answers, every)
        return Atoms(known, every)

    def _needed(self, atoms: tuple[str, ...]) -> tuple[Step, ...]:
        """What is computed before these atoms, and for no other conditions."""
        if not self.lowering.steps:
            return ()
        found = self._steps.get(atoms)
        if found is None:
            found, _ = needed(columns_read(self.cells[atom].value for atom in atoms), self.lowering.steps)
            self._steps[atoms] = found
        return found

    @cached_property
    def _compared(self) -> frozenset[str]:
        """The atoms that narrowing may serve."""
        return frozenset(fingerprint for atoms in self.comparisons.values() for fingerprint in atoms)

    def _narrow(self, chunk: pl.DataFrame, columns: Sequence[str]) -> tuple[pl.DataFrame, dict[str, pl.Expr]]:
        """The chunk with narrowed columns beside the whole ones, and the comparisons over them."""
        if not columns:
            return chunk, {}
        chunk, narrowed = narrow(chunk, columns, self.lowering.schema.free_prefix)
        expressions = self._narrowed.get(narrowed)
        if expressions is None:
            schema = Schema({**self.lowering.schema.columns, **narrowed.dtypes()}, self.lowering.schema.types)
            finite = {name: self.lowering.facts.get(name, Facts())._replace(nan=False) for name in narrowed.finite}
            facts = {**self.lowering.facts, **finite}
            lowering = Lowering(schema, interpret=False, stored=narrowed.stored(), facts=facts)
            expressions = {
                fingerprint: lowering.lower(self.skeletons.atoms[fingerprint]).value
                for column in narrowed.columns()
                for fingerprint in self.comparisons[column]
            }
            self._narrowed[narrowed] = expressions
        return chunk, expressions


@collection_paused()
def batch(planned: Iterable[Planned], lowering: Lowering, optimisations: Optimisations | None = None) -> Batch:
    """The atoms and skeletons of compiled conditions."""
    chosen = optimisations or Optimisations()
    skeletons = Skeletons([one.condition.node for one in planned])
    cells = {fingerprint: lowering.lower(node) for fingerprint, node in skeletons.atoms.items()}
    work = Batch(skeletons, cells, lowering)
    columns = {fingerprint: _columns(node) for fingerprint, node in skeletons.atoms.items()}
    _on_columns(work, chosen, columns)
    if chosen.elements:
        _on_elements(work)
    work.encoded = _only_by_texts(work, columns)
    if chosen.skipping:
        work.decisions = Decisions(skeletons.roots, skeletons.atoms)
    return work


def _truth(cell: Cell) -> pl.Expr:
    """The values of an atom, which may be of the type of null alone."""
    return cell.value if cell.dtype == pl.Boolean() else cell.value.cast(pl.Boolean)


def _on_columns(work: Batch, chosen: Optimisations, columns: Mapping[str, frozenset[str] | None]) -> None:
    """Finds the atoms that ask one column of texts, or compare one column with constants.

    Args:
        work: what they are added to.
        chosen: what may be done.
        columns: of each atom, where it asks nothing else.
    """
    schema = work.lowering.schema
    texts: dict[str, list[str]] = {}
    comparisons: dict[str, dict[str, Call]] = {}
    for fingerprint, node in work.skeletons.atoms.items():
        asked = columns[fingerprint]
        if asked is None or len(asked) != 1:
            continue
        (column,) = asked
        if plain(schema.types[column]) == STRING:
            texts.setdefault(column, []).append(fingerprint)
        elif isinstance(node, Call) and _is_comparison(node):
            comparisons.setdefault(column, {})[fingerprint] = node
    for column, fingerprints in texts.items():
        if chosen.dictionaries and schema.columns[column] == pl.String():
            _on_texts(work, column, fingerprints)
    for column, atoms in comparisons.items():
        dtype = schema.columns[column]
        found = questions(atoms, dtype)
        if chosen.thresholds and len(found) >= _FEWEST_FOR_THRESHOLDS:
            work.families["thresholds", column] = thresholds(column, schema.types[column], dtype, found, work.cells)
            work.of_families["thresholds", column] = frozenset(one.name for one in found)
        elif chosen.narrowing and len(atoms) >= _FEWEST_FOR_NARROWING:
            work.comparisons[column] = list(atoms)


def _on_texts(work: Batch, column: str, fingerprints: Iterable[str]) -> None:
    """Has the atoms that ask a column of texts answered by its distinct texts, where they are several."""
    conditions: dict[str, pl.Expr] = {}
    naming: dict[str, Named] = {}
    for fingerprint in fingerprints:
        node = work.skeletons.atoms[fingerprint]
        names = named(node) if isinstance(node, Call) else None
        if names is not None:
            naming[fingerprint] = names
            continue
        expression = _truth(work.cells[fingerprint])
        # What is computed before it is not of these texts alone.
        if columns_read([expression]) == {column}:
            conditions[fingerprint] = expression
    if len(conditions) + len(naming) >= _FEWEST_FOR_DICTIONARY:
        work.families["dictionary", column] = Dictionary(column, conditions, naming)
        work.of_families["dictionary", column] = frozenset((*conditions, *naming))


def _on_elements(work: Batch) -> None:
    """Finds the atoms that ask the elements of one column of lists."""
    made = {step.name: step for step in work.lowering.steps if isinstance(step, Reduction)}
    if not made:
        return
    found: dict[str, dict[str, Reduction]] = {}
    elsewhere = frozenset().union(*work.of_families.values())
    for fingerprint, cell in work.cells.items():
        if fingerprint in elsewhere:
            continue
        reduction = made.get(cell.value.meta.output_name()) if cell.value.meta.is_column() else None
        column = None if reduction is None else column_of_lists(reduction)
        # A list that is computed is no column of the chunk.
        if reduction is not None and column is not None and column in work.lowering.schema.columns:
            found.setdefault(column, {})[fingerprint] = reduction
    for column, reductions in found.items():
        dtype = work.lowering.schema.columns[column]
        work.families["elements", column] = Elements(column, dtype, reductions)
        work.of_families["elements", column] = frozenset(reductions)


def _only_by_texts(work: Batch, columns: Mapping[str, frozenset[str] | None]) -> frozenset[str]:
    """The columns of which nothing but distinct texts is asked: by a dictionary, or of the elements of lists."""
    dtypes = {"dictionary": pl.String(), "elements": pl.List(pl.String())}
    by_texts = {
        column: names
        for (kind, column), names in work.of_families.items()
        if work.lowering.schema.columns[column] == dtypes.get(kind) and len(names) >= _FEWEST_FOR_DICTIONARY
    }
    answered = {name for names in by_texts.values() for name in names}
    others = [fingerprint for fingerprint in work.cells if fingerprint not in answered]
    _, read = needed(columns_read(work.cells[f].value for f in others if columns[f] is None), work.lowering.steps)
    return frozenset(by_texts) - read.union(*(columns[f] or () for f in others))


def _columns(node: Node) -> frozenset[str] | None:
    """The columns that an atom reads; None where it asks more than the values of the row's own columns."""
    if isinstance(node, Column):
        return frozenset((node.name,))
    if not isinstance(node, Call):
        return frozenset() if isinstance(node, Constant) else None
    found: set[str] = set()
    for child in node.arguments:
        if isinstance(child, Column):
            found.add(child.name)
        elif not isinstance(child, Constant):
            below = _columns(child)
            if below is None:
                return None
            found |= below
    return frozenset(found)


def _is_comparison(node: Call) -> bool:
    """Whether a call compares a column with constants, and does nothing else with it."""
    return all(isinstance(a, (Column, Constant)) for a in node.arguments)
