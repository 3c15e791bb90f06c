"""How many conditions are answered together: what they share, what is read, and what is not compiled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from compiler.ir import Node
from compiler.projection import Shape
from compiler.reasons import shown
from compiler.space import Reduction

from .audience import Segment
from .batch import Batch, batch
from .budget import DEFAULT_BUDGET, Budget
from .plan import Plan, Planned, Refused, plan
from .reporting import PlannedInterpretation, planned_interpretations
from .results import Mode, run_time
from .skeletons import Skeletons
from .snapshot import Snapshot

MOST_SHARED = 5
"""Atoms that are named, of those that several conditions share."""


class SharedAtom(NamedTuple):
    """A comparison or call that several conditions have, and how many have it."""

    text: str
    conditions: int


class ReadColumn(NamedTuple):
    """A column that is read.

    Attributes:
        name: its name.
        parts: of a nested column, the fields that are used, as ``price`` or ``address.city``; empty for all of it.
    """

    name: str
    parts: tuple[str, ...]


class Encoding(NamedTuple):
    """A column whose atoms are answered in another way than one by one.

    Attributes:
        column: its name.
        way: ``dictionary`` (on its distinct texts), ``elements`` (on its lists, flattened once), ``thresholds`` (by
            the classes that the constants make) or ``narrowing`` (in the narrowest type that holds its values).
    """

    column: str
    way: str


class FlattenedList(NamedTuple):
    """A column of lists that is flattened once, and the number of macros over its elements."""

    column: str
    macros: int


@dataclass(frozen=True, slots=True)
class PlanExplanation:
    """How conditions are answered in one pass.

    Attributes:
        snapshot: its name.
        rows: the number of users in it.
        modes: how many conditions are ``compiled``, ``mixed`` and ``interpreted``.
        refused: those that do not compile, by name, with their messages.
        atoms: distinct comparisons and calls of the conditions that are compiled; each is answered once.
        atom_uses: how many there would be if every condition had its own.
        shared_atoms: how many of them several conditions have.
        most_shared: the first of these, by the number of conditions.
        columns: what is read.
        all_columns: how many columns the snapshot has.
        encodings: of columns.
        lists: that are flattened.
        interpreted: what is interpreted.
        budget: what that may cost each condition.
    """

    snapshot: str
    rows: int
    modes: Mapping[str, int]
    refused: Mapping[str, str]
    atoms: int
    atom_uses: int
    shared_atoms: int
    most_shared: tuple[SharedAtom, ...]
    columns: tuple[ReadColumn, ...]
    all_columns: int
    encodings: tuple[Encoding, ...]
    lists: tuple[FlattenedList, ...]
    interpreted: tuple[PlannedInterpretation, ...]
    budget: Budget

    def to_dict(self) -> dict[str, object]:
        """The explanation as JSON has it."""
        return {
            "snapshot": self.snapshot,
            "rows": self.rows,
            "conditions": sum(self.modes.values()) + len(self.refused),
            "modes": dict(self.modes),
            "refused": dict(self.refused),
            "atoms": self.atoms,
            "atom_uses": self.atom_uses,
            "shared_atoms": self.shared_atoms,
            "most_shared": [one._asdict() for one in self.most_shared],
            "columns": [one._asdict() for one in self.columns],
            "all_columns": self.all_columns,
            "encodings": [one._asdict() for one in self.encodings],
            "lists": [one._asdict() for one in self.lists],
            "interpreted": [one._asdict() for one in self.interpreted],
            "budget": self.budget.to_dict(),
        }


def explain_plan(
    snapshot: Snapshot,
    conditions: Mapping[str, str | Segment],
    *,
    mode: Mode | str = Mode.AUTO,
    now: datetime | str | None = None,
    rules: Mapping[str, str] | None = None,
    budget: Budget = DEFAULT_BUDGET,
) -> PlanExplanation:
    """Explains how conditions would be counted, without evaluating any.

    Args:
        snapshot: the users.
        conditions: by name; a segment is a condition with whom it may reach, whose rules are conditions too.
        mode: ``auto``, ``compiled`` or ``interpreted``.
        now: the value of the variable ``now``, as for :func:`~engine.count`.
        rules: whom audiences reach, by name, in CEL, instead of the default rules.
        budget: what interpreting may cost each condition.

    Raises:
        AudienceError: there is no rule of a name in ``rules``.
        SnapshotError: the snapshot cannot be read.
        ValueError: ``mode`` or ``now`` is malformed.
    """
    planning = plan(conditions, snapshot.schema, now=run_time(now), mode=Mode(mode), rules=rules)
    refused = {
        name: str(one.error) for name, one in zip(conditions, planning.planned, strict=True) if isinstance(one, Refused)
    }
    planned = [one for one in planning.planned if isinstance(one, Planned)]
    together = [one for one in planned if one.mode == "compiled"]
    modes = Counter(one.mode for one in planned)
    work = batch(together, planning.lowering)
    conditions_of = Counter(atom for one in together for atom in Skeletons([one.condition.node]).atoms)
    shared = [(atom, count) for atom, count in conditions_of.most_common() if count > 1]
    texts = _texts(together)
    return PlanExplanation(
        snapshot=snapshot.name,
        rows=snapshot.rows,
        modes={name: modes[name] for name in ("compiled", "mixed", "interpreted") if modes[name]},
        refused=refused,
        atoms=len(conditions_of),
        atom_uses=conditions_of.total(),
        shared_atoms=len(shared),
        most_shared=tuple(SharedAtom(texts[atom], count) for atom, count in shared[:MOST_SHARED]),
        columns=tuple(ReadColumn(name, tuple(_parts(planning.used.get(name)))) for name in planning.columns),
        all_columns=len(snapshot.schema.columns),
        encodings=_encodings(work),
        lists=_flattened(planning),
        interpreted=planned_interpretations(conditions, planning),
        budget=budget,
    )


def _texts(planned: Sequence[Planned]) -> dict[str, str]:
    """The atoms as they are first written, by fingerprint."""
    texts: dict[str, str] = {}
    for one in planned:
        atoms: Mapping[str, Node] = Skeletons([one.condition.node]).atoms
        for fingerprint, node in atoms.items():
            if fingerprint not in texts:
                texts[fingerprint] = shown(one.condition.source_of(node.span), node.span)
    return texts


def _parts(shape: Shape, before: str = "") -> Iterator[str]:
    """The fields of a column that are used; none where all of it is."""
    for name, inner in (shape or {}).items():
        if inner:
            yield from _parts(inner, f"{before}{name}.")
        else:
            yield before + name


def _encodings(work: Batch) -> tuple[Encoding, ...]:
    families = [Encoding(column, way) for way, column in work.families]
    types = work.lowering.schema.columns
    narrowed = [Encoding(column, "narrowing") for column in work.comparisons if types[column].is_numeric()]
    return (*families, *narrowed)


def _flattened(planning: Plan) -> tuple[FlattenedList, ...]:
    """The columns whose elements macros ask for, each with the number of distinct macros right over it."""
    macros: Counter[str] = Counter()
    for step in planning.lowering.steps:
        if isinstance(step, Reduction) and step.space.range is not None:
            names = step.space.range.value.meta.root_names()
            macros.update(name for name in names if name in planning.columns)
    return tuple(FlattenedList(column, count) for column, count in macros.most_common())
