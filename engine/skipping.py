"""What the statistics of some rows decide of many conditions: atoms and skeletons that need not be evaluated there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from compiler.facts import Facts
from compiler.ir import Bind, Call, Column, Has, Logic, Node
from compiler.outcomes import FALSE, TRUE, FactsOf, Test, outcomes, test_of

from .skeletons import operands


class _Atom(NamedTuple):
    """An atom on one column.

    Attributes:
        low: the least constant that it compares the column with; None where there is none.
        high: the greatest.
        equality: whether it asks for equality alone.
    """

    fingerprint: str
    node: Node
    low: Any = None
    high: Any = None
    equality: bool = False

    def is_open(self, facts: Facts) -> bool:
        """Whether the bounds of the values cannot decide it: the constants lie within them."""
        low: Any = facts.low
        high: Any = facts.high
        if self.low is None or low is None or high is None or facts.choices is not None:
            return False
        if self.equality:
            return bool(low <= self.low and self.high <= high and low < high)
        return bool(low < self.low and self.high < high)


def _atom(fingerprint: str, node: Node, test: Test | None) -> _Atom:
    value = None if test is None else test.value
    constants = [v for v in (value if isinstance(value, tuple) else (value,)) if v is not None and v == v]
    if test is None or not constants:
        return _Atom(fingerprint, node)
    return _Atom(fingerprint, node, min(constants), max(constants), test.symbol in ("==", "!=", "in"))


class Decisions:
    """Conditions that are answered together, and what may decide them."""

    def __init__(self, roots: Sequence[Node], atoms: Mapping[str, Node]) -> None:
        """``atoms``: what the conditions combine by ``&&``, ``||`` and ``!``, by fingerprint."""
        self._roots = roots
        self._by_column: dict[str, list[_Atom]] = {}
        for fingerprint, atom in atoms.items():
            column, test = _of_column(atom)
            if column is not None:
                self._by_column.setdefault(column, []).append(_atom(fingerprint, atom, test))
        self._index: _Index | None = None

    def on(self, facts: FactsOf) -> dict[str, bool]:
        """The atoms that need not be evaluated on rows of which something is known, by fingerprint, with what each is
        there, or, where the conditions are decided without it, may be taken for.
        """
        known: dict[str, bool] = {}
        for column, atoms in self._by_column.items():
            here = facts.get(column)
            if here is None:
                continue
            for atom in atoms:
                if here.present and atom.is_open(here):
                    continue
                possible = outcomes(atom.node, facts)
                if possible in (TRUE, FALSE):
                    known[atom.fingerprint] = possible == TRUE
        return {**dict.fromkeys(self._idle(known), False), **known} if known else known

    def _idle(self, known: Mapping[str, bool]) -> Iterator[str]:
        """The atoms on which no condition depends any more."""
        # Made whole before it is kept: several threads may ask at once.
        index = self._index = self._index or _index(self._roots)
        touched = {root for fingerprint in known for root in index.roots_of[fingerprint]}
        decided = dict(known)
        needed: set[str] = set()
        for root in touched:
            _decide(self._roots[root], decided, needed)
        for root in touched:
            for fingerprint in index.atoms_of[root]:
                if fingerprint not in needed and touched.issuperset(index.roots_of[fingerprint]):
                    yield fingerprint


class _Index(NamedTuple):
    """Which atoms stand in which conditions: the atoms of each, and the conditions of each atom by their numbers."""

    atoms_of: list[list[str]]
    roots_of: dict[str, list[int]]


def _index(roots: Sequence[Node]) -> _Index:
    index = _Index([], {})
    for place, root in enumerate(roots):
        found = list(dict.fromkeys(_atoms(root)))
        index.atoms_of.append(found)
        for fingerprint in found:
            index.roots_of.setdefault(fingerprint, []).append(place)
    return index


def _atoms(node: Node) -> Iterator[str]:
    if isinstance(node, Bind):
        yield from _atoms(node.body)
        return
    below = operands(node)
    if not below:
        yield node.fingerprint
    for operand in below:
        yield from _atoms(operand)


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


def _of_column(atom: Node) -> tuple[str | None, Test | None]:
    """The fingerprint of the column that an atom asks for, None where statistics cannot decide it; and the atom as a
    comparison, where it is one.
    """
    match atom:
        case Column():
            return atom.fingerprint, None
        case Has(operand=Column() as column):
            return column.fingerprint, None
        case Call():
            test = test_of(atom)
            return (test.subject.fingerprint, test) if test and isinstance(test.subject, Column) else (None, None)
        case _:
            return None, None
