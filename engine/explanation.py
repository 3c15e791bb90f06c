"""How a condition is answered: its typed tree, what is compiled and what is interpreted, and what is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from compiler.condition import Condition
from compiler.ir import (
    Bind,
    Bound,
    Call,
    Column,
    Comprehension,
    Conditional,
    Constant,
    Deferred,
    Fail,
    Field,
    Has,
    Local,
    Logic,
    MakeList,
    MakeMap,
    Node,
    children,
)
from compiler.lower import Clause
from compiler.reasons import shown
from compiler.source import Source, Span
from compiler.space import Computed, Space, Step

from .plan import Planned, Refused, plan
from .results import ConditionWarning, Mode, run_time
from .snapshot import Snapshot
from .sources.base import SnapshotError
from .steps import columns_read
from .warnings import diagnosed
from .warnings import shown as shown_warnings


@dataclass(frozen=True, slots=True)
class ExplainedNode:
    """A part of a condition.

    Attributes:
        text: as written, on one line.
        kind: ``column``, ``constant``, ``&&``, a macro's name, or the id of the overload that is called.
        type: of its value.
        interpreted: why this part is interpreted; None where it is compiled, or interpreted with what is around it.
    """

    text: str
    kind: str
    type: str
    interpreted: str | None
    children: tuple[ExplainedNode, ...]


@dataclass(frozen=True, slots=True)
class ExplainedClause:
    """A part that is interpreted: its text, the part of it that has no columnar form, and why not."""

    text: str
    place: str
    reason: str


@dataclass(frozen=True, slots=True)
class ExplainedReduction:
    """What a macro's elements are reduced to, as a column that the expressions use.

    Attributes:
        name: the column's.
        kind: how: ``exists``, ``all``, ...
        over: the list.
        expressions: what is computed for each element, by what it is for.
    """

    name: str
    kind: str
    over: str
    expressions: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Explanation:
    """How a condition is answered.

    Attributes:
        condition: its text.
        type: of its value.
        mode: ``compiled``, ``mixed`` or ``interpreted``.
        columns: those that it reads: name, the column's own type, CEL type.
        tree: as written.
        interpreted: the clauses that the interpreter answers.
        expression: the Polars expression of its value; None where all of it is interpreted.
        error: the Polars expression that is true on rows that are errors, where null in ``expression`` does not say so.
        reductions: what is computed before the expression, in that order.
        warnings: what is almost surely not meant.
    """

    condition: str
    type: str
    mode: str
    columns: tuple[tuple[str, str, str], ...]
    tree: ExplainedNode
    interpreted: tuple[ExplainedClause, ...]
    expression: str | None
    error: str | None
    reductions: tuple[ExplainedReduction, ...]
    warnings: tuple[ConditionWarning, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """The explanation as JSON has it."""
        return {
            "condition": self.condition,
            "type": self.type,
            "mode": self.mode,
            "columns": [{"name": n, "column_type": c, "type": t} for n, c, t in self.columns],
            "tree": _node_dict(self.tree),
            "interpreted": [{"clause": c.text, "place": c.place, "reason": c.reason} for c in self.interpreted],
            "expression": self.expression,
            "error": self.error,
            "reductions": [
                {"name": r.name, "kind": r.kind, "over": r.over, "expressions": dict(r.expressions)}
                for r in self.reductions
            ],
            "warnings": [warning.to_dict() for warning in self.warnings],
        }


def explain(
    snapshot: Snapshot, condition: str, *, mode: Mode | str = Mode.AUTO, now: datetime | str | None = None
) -> Explanation:
    """Explains an expression, of any type. Of the users are read only texts that it compares with constants.

    Raises:
        CompileError: it is malformed, does not check, or, in mode ``compiled``, has a part that cannot be compiled.
        ValueError: ``mode`` or ``now`` is malformed.
    """
    planning = plan({condition: condition}, snapshot.schema, now=run_time(now), mode=Mode(mode), segment=False)
    (planned,) = planning.planned
    if isinstance(planned, Refused):
        raise planned.error
    source = planned.condition.source
    clauses = _clauses(planned)
    schema = snapshot.schema
    return Explanation(
        condition=condition,
        type=str(planned.condition.type),
        mode=planned.mode,
        columns=tuple((n, str(schema.columns[n]), str(schema.types[n])) for n in planned.condition.columns),
        tree=_explained(planned.condition.checked, source, {span: clause.reason for span, clause in clauses}),
        interpreted=tuple(clause for _, clause in clauses),
        expression=None if planned.cell is None else str(planned.cell.value),
        error=None if planned.cell is None or planned.cell.error is None else str(planned.cell.error),
        reductions=tuple(_reduction(step) for step in planned.steps),
        warnings=_warnings(snapshot, planned.condition),
    )


def _warnings(snapshot: Snapshot, condition: Condition) -> tuple[ConditionWarning, ...]:
    """None where the snapshot cannot be read, which is no fault of the condition's."""
    try:
        return shown_warnings(condition, diagnosed(snapshot, condition))
    except SnapshotError:
        return ()


def _clauses(planned: Planned) -> list[tuple[Span, ExplainedClause]]:
    source = planned.condition.source
    if planned.whole_reason is not None:
        whole = planned.condition.syntax.span
        text = shown(source, whole)
        return [(whole, ExplainedClause(text, text, planned.whole_reason))]
    return [(clause.origin.span, _clause(clause, source)) for clause in planned.clauses]


def _clause(clause: Clause, source: Source) -> ExplainedClause:
    return ExplainedClause(shown(source, clause.origin.span), shown(source, clause.place.span), clause.reason)


def _explained(node: Node, source: Source, interpreted: Mapping[Span, str]) -> ExplainedNode:
    below = tuple(_explained(child, source, interpreted) for child in children(node))
    return ExplainedNode(shown(source, node.span), _kind(node), str(node.type), interpreted.get(node.span), below)


def _kind(node: Node) -> str:
    match node:
        case Column():
            return "column"
        case Local() | Bound():
            return "variable"
        case Constant():
            return "constant"
        case Field():
            return "field"
        case Has():
            return "has"
        case Call():
            return node.overload.id
        case Logic():
            return node.operator
        case Conditional():
            return "?:"
        case MakeList():
            return "list"
        case MakeMap():
            return "map"
        case Comprehension():
            return node.macro
        case Bind():
            return "bind"
        case Fail():
            return f"error: {node.message}"
        case Deferred():
            return "decided at run time"


def _reduction(step: Step) -> ExplainedReduction:
    expressions = {name: str(expression) for name, expression in step.expressions.items()}
    used = columns_read(step.expressions.values())
    captures = {name: str(e) for name, e in _captures(step.space) if name in used}
    kind = "computed" if isinstance(step, Computed) else str(step.kind)
    over = "the rows" if step.space.range is None else str(step.space.range.value)
    return ExplainedReduction(step.name, kind, over, {**captures, **expressions})


def _captures(space: Space) -> Iterator[tuple[str, pl.Expr]]:
    while space.parent is not None:
        yield from space.captures.items()
        space = space.parent


def _node_dict(node: ExplainedNode) -> dict[str, object]:
    return {
        "text": node.text,
        "kind": node.kind,
        "type": node.type,
        "interpreted": node.interpreted,
        "children": [_node_dict(child) for child in node.children],
    }
