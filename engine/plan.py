"""From conditions to what is run: which part of each is compiled, which is interpreted, which columns are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from time import perf_counter
from typing import NamedTuple

import polars as pl

from compiler.cell import Cell, NotColumnar
from compiler.condition import Condition, compile_condition, distinct_parts
from compiler.diagnostics import CompileError, Diagnostic
from compiler.enclosing import enclosed
from compiler.ir import Bind, Node, children
from compiler.lower import Clause, Lowering, NotLowered
from compiler.projection import Shape, narrowed, project, shapes
from compiler.schema import Schema
from compiler.source import UNNAMED, Source, Span
from compiler.space import Step
from compiler.syntax import Bind as BindSyntax
from compiler.syntax import Syntax

from .audience import Audience, Channel, Rules, Segment, by_name
from .collection import collection_paused
from .optimisations import Optimisations
from .reason_columns import ReasonColumns
from .results import Mode, mode_of
from .statistics import Statistics
from .steps import columns_read, needed

_Compiled = tuple[Condition | CompileError, float]
"""A condition that is checked, or why it is not, and the seconds that took."""


StatisticsOf = Callable[[Sequence[Condition], Sequence[str]], Statistics | None]
"""Tells what is known of the values of the columns that conditions read."""


class InterpretedPart(NamedTuple):
    """A condition, or a clause of one, as the interpreter takes it.

    Attributes:
        syntax: the tree.
        source: what its spans point into.
        text: as written.
        reason: why it has no columnar form.
        key: equal for parts that have the same outcome on every row.
    """

    syntax: Syntax
    source: Source
    text: str
    reason: str
    key: object


class Planned(NamedTuple):
    """A condition with its cell over the rows.

    Attributes:
        cell: None where all of it is interpreted.
        made: what is computed before the cells of the plan's conditions, in the order in which it can be.
        clauses: what is interpreted; of a condition that is interpreted as a whole, nothing.
        whole_reason: why it is interpreted as a whole; None where it is not.
        duration: seconds that compiling took.
    """

    condition: Condition
    cell: Cell | None
    made: Sequence[Step]
    clauses: tuple[Clause, ...]
    whole_reason: str | None
    duration: float

    @property
    def mode(self) -> str:
        """``compiled``, ``mixed`` or ``interpreted``."""
        return mode_of(interpreted_whole=self.cell is None, clauses=self.clauses)

    @property
    def steps(self) -> tuple[Step, ...]:
        """What is computed before its own cell."""
        return () if self.cell is None else _read(self.cell, self.made)[0]

    def interpreted_parts(self) -> tuple[InterpretedPart, ...]:
        """What is interpreted: the whole of it, or each of the clauses."""
        condition, source = self.condition, self.condition.source
        if self.whole_reason is not None:
            return (InterpretedPart(condition.syntax, source, source.own, self.whole_reason, id(condition)),)
        return tuple(
            InterpretedPart(
                clause.origin, source, source.slice(clause.origin.span), clause.reason, _key(clause, source)
            )
            for clause in self.clauses
        )


def _key(clause: Clause, source: Source) -> object:
    """Where a binding encloses a clause, neither its text nor its fingerprint tells what it means."""
    if clause.origin is not clause.node.origin:
        return id(clause.origin)
    return source.slice(clause.origin.span), clause.node.fingerprint


class Refused(NamedTuple):
    """A condition that could not be planned, with the message that says why."""

    error: CompileError
    duration: float


class Reaching(NamedTuple):
    """A condition as one cell of its reach matrix: by a channel, without or with consent."""

    channel: Channel
    consent: bool
    planned: Planned | Refused


class Plan(NamedTuple):
    """Conditions that are run together.

    Attributes:
        planned: one for each condition, in the order asked.
        reaching: of each, the cells of its reach matrix; none where it was not asked for, or does not compile.
        lowering: what they share.
        columns: the columns that any of them reads.
        used: of the columns, the parts that any of them uses.
        reasons: the expressions that say why rows are errors.
        optimisations: what may be done to be fast.
        statistics: what is known of the columns' values in groups of rows, to be used where rows are read; None where
            nothing is, or nothing was asked.
        skip: rows on which every condition is false, by the statistics.
    """

    planned: tuple[Planned | Refused, ...]
    reaching: tuple[tuple[Reaching, ...], ...]
    lowering: Lowering
    columns: tuple[str, ...]
    used: Mapping[str, Shape]
    reasons: ReasonColumns
    optimisations: Optimisations = Optimisations()
    statistics: Statistics | None = None
    skip: tuple[range, ...] = ()

    def to_run(self) -> tuple[Planned, ...]:
        """All that can be run, the cells of reach matrices last."""
        cells = (cell.planned for cells in self.reaching for cell in cells)
        return tuple(one for one in (*self.planned, *cells) if isinstance(one, Planned))

    def projected(self, frame: pl.DataFrame) -> pl.DataFrame:
        """A frame whose nested columns are cut to the parts that are used."""
        return project(frame, self.used)


@collection_paused()
def plan(
    conditions: Mapping[str, str | Segment],
    schema: Schema,
    *,
    now: int,
    mode: Mode,
    unchecked: bool = False,
    segment: bool = True,
    rules: Mapping[str, str] | None = None,
    reach: bool = False,
    statistics: StatisticsOf | None = None,
    optimisations: Optimisations | None = None,
) -> Plan:
    """Compiles conditions, by name, into one plan. One that cannot be compiled is refused alone.

    Args:
        conditions: their texts, or segments, which say whom they may reach.
        schema: the columns that there are.
        mode: how they are to be answered.
        now: the time of the run, in nanoseconds since the epoch.
        unchecked: take every variable as ``dyn``.
        segment: each condition must be a bool.
        rules: whom audiences reach, by name, instead of the default rules.
        reach: also plan each condition for each channel, without and with consent.
        statistics: tells what is known of the values that conditions read. The plan is then right for just that
            content, which has to be found unchanged after the run; and the interpreter asked for alone uses none.
        optimisations: what may be done to be fast: all, unless told otherwise.

    Raises:
        AudienceError: there is no rule of a name in ``rules``.
    """
    segments = by_name(conditions)
    audiences = [one.audience for one in segments.values()]
    if reach:
        audiences += [audience for one in segments.values() for _, _, audience in one.audience.reach()]
    restrictions = Rules(rules, audiences, schema, now=now)
    compiled: list[_Compiled] = []
    reached: list[list[tuple[Channel, bool, _Compiled]]] = []
    for name, one in segments.items():
        start = perf_counter()
        label = UNNAMED if name == one.condition else name
        try:
            condition = compile_condition(
                one.condition,
                schema,
                now=now,
                name=label,
                unchecked=unchecked,
                segment=segment,
                before=restrictions.text,
            )
        except Exception as error:
            compiled.append((_refused_by(error, Source(one.condition, label)), perf_counter() - start))
            reached.append([])
            continue
        cells = one.audience.reach() if reach else ()
        compiled.append(_restricted(condition, restrictions, one.audience, start))
        reached.append(
            [(channel, with_, _restricted(condition, restrictions, a, perf_counter())) for channel, with_, a in cells]
        )
    all_compiled = [*compiled, *(cell for cells in reached for _, _, cell in cells)]
    checked = [condition for condition, _ in all_compiled if isinstance(condition, Condition)]
    used = shapes(part.checked for part in distinct_parts(checked))
    chosen = optimisations or Optimisations()
    asks = statistics is not None and mode is not Mode.INTERPRETED and checked
    known = statistics(checked, list(used)) if statistics is not None and asks else None
    lowering = Lowering(
        narrowed(schema, used),
        interpret=mode is Mode.AUTO,
        one_macro=len(all_compiled) == 1,
        facts=known.columns if known is not None and chosen.proofs else None,
    )
    planned = tuple(_planned(c, lowering, mode, seconds) for c, seconds in compiled)
    reaching = tuple(
        tuple(Reaching(channel, with_, _planned(c, lowering, mode, seconds)) for channel, with_, (c, seconds) in cells)
        for cells in reached
    )
    made = Plan(planned, reaching, lowering, tuple(used), used, ReasonColumns(lowering), chosen)
    running = made.to_run()
    if len(running) < len(checked):
        parts = distinct_parts(one.condition for one in running)
        made = made._replace(columns=tuple(dict.fromkeys(name for part in parts for name in part.columns)))
    if known is None or not chosen.skipping or not running:
        return made
    return made._replace(statistics=known, skip=known.without_members(one.condition.node for one in running))


def _restricted(condition: Condition, rules: Rules, audience: Audience, start: float) -> _Compiled:
    """A condition with the rules of an audience, compiled since ``start``."""
    try:
        return rules.restrict(condition, audience), perf_counter() - start
    except CompileError as error:
        of_segment = f"{condition.source.name}: {error.source.name}"
        named = error if condition.source.name == UNNAMED else error.named(of_segment)
        return named, perf_counter() - start


def _planned(one: Condition | CompileError, lowering: Lowering, mode: Mode, seconds: float) -> Planned | Refused:
    if isinstance(one, CompileError):
        return Refused(one, seconds)
    start = perf_counter() - seconds
    try:
        return _lowered(one, lowering, mode, start)
    except Exception as error:
        return Refused(_refused_by(error, one.source), perf_counter() - start)


def _refused_by(error: Exception, source: Source) -> CompileError:
    """Why a condition is refused. A fault of Cellar's own is to cost no more than the one condition."""
    if isinstance(error, CompileError):
        return error
    message = f"cannot be compiled, by a fault of Cellar's own: {type(error).__name__}: {error}"
    refusal = CompileError(source, [Diagnostic(Span(source.start, len(source.text)), message, "please report it")])
    refusal.__cause__ = error
    return refusal


def _lowered(condition: Condition, lowering: Lowering, mode: Mode, start: float) -> Planned:
    if mode is Mode.INTERPRETED:
        return Planned(condition, None, (), (), "the interpreter was asked for", perf_counter() - start)
    try:
        cell = lowering.lower(condition.node)
        if isinstance(cell.dtype, pl.Unknown):
            raise NotLowered(condition.node, "no column can hold its elements")
    except NotColumnar as error:
        if mode is Mode.COMPILED:
            raise _refusal(condition, error) from None
        return Planned(condition, None, (), (), error.reason, perf_counter() - start)
    if not lowering.clauses:
        return Planned(condition, cell, lowering.steps, (), None, perf_counter() - start)
    _, names = _read(cell, lowering.steps)
    standing = [(c, _own(c, condition.node)) for c in lowering.clauses]
    hidden = next((own for c, own in standing if own is not None and c.name not in names), None)
    if hidden is not None:
        # It stands under what is an error on every row: the values do not ask for it, but the reasons would.
        return Planned(condition, None, (), (), hidden.reason, perf_counter() - start)
    clauses = tuple(own or c for c, own in standing if c.name in names)
    if len(clauses) == 1 and clauses[0].node is condition.node:
        return Planned(condition, None, (), (), clauses[0].reason, perf_counter() - start)
    return Planned(condition, cell, lowering.steps, clauses, None, perf_counter() - start)


def _read(cell: Cell, made: Sequence[Step]) -> tuple[tuple[Step, ...], set[str]]:
    """The steps, of those made, that a cell needs; and the names of all columns that are read, for these steps too."""
    expressions = (cell.value,) if cell.error is None else (cell.value, cell.error)
    return needed(columns_read(expressions), made)


def _own(clause: Clause, condition: Node) -> Clause | None:
    """A clause as it stands in this condition, which may share it with one that was lowered before; None where it does
    not stand in it.
    """
    pending: list[tuple[Node, tuple[BindSyntax, ...]]] = [(condition, ())]
    while pending:
        node, binds = pending.pop()
        if node is clause.node:
            return clause
        if node.fingerprint == clause.node.fingerprint and node.origin is not None:
            return clause._replace(node=node, origin=enclosed(node.origin, binds))
        if isinstance(node, Bind) and isinstance(node.origin, BindSyntax):
            pending += [(node.value, binds), (node.body, (*binds, node.origin))]
        else:
            pending += [(child, binds) for child in children(node)]
    return None


def _refusal(condition: Condition, error: NotColumnar) -> CompileError:
    span = error.node.span if isinstance(error, NotLowered) else condition.syntax.span
    source = condition.source_of(span)
    text = source.slice(span)
    message = f"cannot be compiled: {error.reason}, in `{text}`"
    return CompileError(source, [Diagnostic(span, message, "mode auto interprets this clause")])


def unknown_clauses(planned: Planned) -> dict[str, pl.Expr]:
    """The clauses of a condition as columns of which nothing is known yet: null, which a decided row outweighs."""
    return {clause.name: pl.lit(None, dtype=pl.Boolean) for clause in planned.clauses}
