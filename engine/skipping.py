"""What the statistics of some rows decide of many conditions: atoms and skeletons that need not be evaluated there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from compiler.facts import Facts
from compiler.ir import Bind, Call, Column, Has, Logic, Node
from compiler.outcomes import FALSE, TRUE, FactsOf, outcomes, test_of

from .skeletons import operands


@dataclass(slots=True)
class _ColumnAtoms:
    """The atoms on one column, which may be decided by what is known of it.

    Attributes:
        low: the least constant that any of them compares it with.
        high: the greatest. While they lie within the bounds of the values, no comparison is decided.
        others: those that compare it with nothing.
    """

    comparisons: list[tuple[str, Node]]
    others: list[tuple[str, Node]]
    low: Any = None
    high: Any = None

    def add(self, fingerprint: str, atom: Node) -> None:
        constants = [value for value in _constants(atom) if value == value]
        if not constants:
            self.others.append((fingerprint, atom))
            return
        self.comparisons.append((fingerprint, atom))
        self.low = min([self.low, *constants] if self.low is not None else constants)
        self.high = max([self.high, *constants] if self.high is not None else constants)

    def to_ask(self, facts: Facts) -> Iterator[tuple[str, Node]]:
        """Those that may be decided."""
        yield from self.others
        low: Any = facts.low
        high: Any = facts.high
        within = low is not None and high is not None and self.low is not None and low < self.low and self.high < high
        if not within or not facts.present or facts.choices is not None:
            yield from self.comparisons


class Decisions:
    """Conditions that are answered together, and what may decide them."""

    def __init__(self, roots: Sequence[Node], atoms: Mapping[str, Node]) -> None:
        """``atoms``: what the conditions combine by ``&&``, ``||`` and ``!``, by fingerprint."""
        self._roots = roots
        self._atoms = frozenset(atoms)
        self._by_column: dict[str, _ColumnAtoms] = {}
        for fingerprint, atom in atoms.items():
            column = _column(atom)
            if column is not None:
                self._by_column.setdefault(column, _ColumnAtoms([], [])).add(fingerprint, atom)

    def on(self, facts: FactsOf) -> dict[str, bool]:
        """The atoms that need not be evaluated on rows of which something is known, by fingerprint, with what each is
        there, or, where the conditions are decided without it, may be taken for.
        """
        known: dict[str, bool] = {}
        for column, atoms in self._by_column.items():
            if column in facts:
                for fingerprint, atom in atoms.to_ask(facts[column]):
                    possible = outcomes(atom, facts)
                    if possible in (TRUE, FALSE):
                        known[fingerprint] = possible == TRUE
        if not known:
            return known
        needed: set[str] = set()
        decided = dict(known)
        for root in self._roots:
            _decide(root, decided, needed)
        return {**dict.fromkeys(self._atoms - needed, False), **known}


def _decide(node: Node, known: dict[str, bool], needed: set[str]) -> bool | None:
    """Whether a skeleton is true, or false, on each row; None where it may be either, or an error. Then its atoms that
    are not decided are needed.
    """
    if isinstance(node, Bind):
        return _decide(node.body, known, needed)
    decided = known.get(node.fingerprint)
    if decided is not None:
        return decided
    below = operands(node)
    if not below:
        needed.add(node.fingerprint)
        return None
    found: set[str] = set()
    if isinstance(node, Logic):
        deciding = node.operator == "||"
        values = []
        for operand in below:
            value = _decide(operand, known, found)
            if value is deciding:
                known[node.fingerprint] = deciding
                return deciding
            values.append(value)
        decided = None if None in values else not deciding
    else:
        value = _decide(below[0], known, found)
        decided = None if value is None else not value
    if decided is None:
        needed |= found
    else:
        known[node.fingerprint] = decided
    return decided


def _column(atom: Node) -> str | None:
    """The fingerprint of the column that an atom asks for; None where statistics cannot decide it."""
    match atom:
        case Column():
            return atom.fingerprint
        case Has(operand=Column() as column):
            return column.fingerprint
        case Call():
            test = test_of(atom)
            return test.subject.fingerprint if test is not None and isinstance(test.subject, Column) else None
        case _:
            return None


def _constants(atom: Node) -> tuple[object, ...]:
    """What an atom compares its column with, null apart."""
    test = test_of(atom) if isinstance(atom, Call) else None
    if test is None:
        return ()
    values = test.value if isinstance(test.value, tuple) else (test.value,)
    return tuple(value for value in values if value is not None)
