"""The skeletons of many conditions: ``&&``, ``||`` and ``!`` over bitmaps of atoms, what they share done once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from compiler.ir import Bind, Call, Logic, Node

from . import bitmaps
from .bitmaps import Bitmaps, Words


class _Step(NamedTuple):
    """``&&``, ``||`` or ``!`` of the bitmaps at some places."""

    operator: str
    operands: tuple[int, ...]
    result: int


class _Skeleton(NamedTuple):
    """One condition.

    Attributes:
        steps: what no condition before it has done.
        result: the place of its bitmaps.
        last_used: the places of results that no condition after it asks for.
    """

    steps: tuple[_Step, ...]
    result: int
    last_used: tuple[int, ...]


class Skeletons:
    """Conditions as skeletons over their distinct atoms.

    Attributes:
        atoms: what the skeletons combine, by fingerprint.
        roots: the conditions.
    """

    def __init__(self, roots: Sequence[Node]) -> None:
        self.roots = tuple(roots)
        self.atoms: dict[str, Node] = {}
        self._places: dict[str, int] = {}
        made: list[tuple[tuple[_Step, ...], int]] = []
        last_use: dict[int, int] = {}
        for number, root in enumerate(roots):
            steps: list[_Step] = []
            result = self._add(root, steps)
            made.append((tuple(steps), result))
            for place in (result, *(operand for step in steps for operand in step.operands)):
                last_use[place] = number
        self._atom_places = [(fingerprint, self._places[fingerprint]) for fingerprint in self.atoms]
        kept = {place for _, place in self._atom_places}
        done: dict[int, list[int]] = {}
        for place, number in last_use.items():
            if place not in kept:
                done.setdefault(number, []).append(place)
        self._skeletons = [
            _Skeleton(steps, result, tuple(done.get(number, ()))) for number, (steps, result) in enumerate(made)
        ]

    def answers(self, known: Mapping[str, Bitmaps], every: Words) -> Iterator[Bitmaps]:
        """The rows for which each condition holds, from those of the atoms by fingerprint."""
        none = Bitmaps.of(every)
        values = [none] * len(self._places)
        for fingerprint, place in self._atom_places:
            values[place] = known[fingerprint]
        for steps, result, last_used in self._skeletons:
            for operator, operands, place in steps:
                found = [values[operand] for operand in operands]
                if operator == "&&":
                    values[place] = bitmaps.conjunction(found)
                elif operator == "||":
                    values[place] = bitmaps.disjunction(found)
                else:
                    values[place] = bitmaps.negation(found[0], every)
            yield values[result]
            for place in last_used:
                values[place] = none

    def _add(self, node: Node, steps: list[_Step]) -> int:
        """The place of a node's bitmaps; what it takes to have them is added to the steps."""
        known = self._places.get(node.fingerprint)
        if known is not None:
            return known
        if isinstance(node, Bind):
            return self._add(node.body, steps)
        below = operands(node)
        places = tuple([self._add(operand, steps) for operand in below])
        place = self._places[node.fingerprint] = len(self._places)
        if below:
            steps.append(_Step(node.operator if isinstance(node, Logic) else "!", places, place))
        else:
            self.atoms[node.fingerprint] = node
        return place


def operands(node: Node) -> tuple[Node, ...]:
    """The operands of a node of a skeleton; of an atom, none."""
    if isinstance(node, Logic):
        return node.operands
    if isinstance(node, Call) and node.overload.id == "logical_not":
        return node.arguments
    return ()
