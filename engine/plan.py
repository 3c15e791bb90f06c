"""From conditions to what is run: which part of each is compiled, which is interpreted, which columns are read."""

from __future__ import annotations

from collections.abc import Mapping
from time import perf_counter
from typing import NamedTuple

import polars as pl

from compiler.cell import Cell, NotColumnar
from compiler.condition import Condition, compile_condition
from compiler.diagnostics import CompileError, Diagnostic
from compiler.ir import Node, children
from compiler.lower import Clause, Lowering, NotLowered
from compiler.projection import Shape, narrowed, project, shapes
from compiler.schema import Schema
from compiler.source import Span
from compiler.space import Reduction

from .reason_columns import ReasonColumns
from .reductions import needed
from .results import Mode, mode_of


class Planned(NamedTuple):
    """A condition with its cell over the rows.

    Attributes:
        cell: None where all of it is interpreted.
        reductions: what its cell needs of the elements of lists, in the order in which it can be computed.
        clauses: what is interpreted; of a condition that is interpreted as a whole, nothing.
        whole_reason: why it is interpreted as a whole; None where it is not.
        duration: seconds that compiling took.
    """

    condition: Condition
    cell: Cell | None
    reductions: tuple[Reduction, ...]
    clauses: tuple[Clause, ...]
    whole_reason: str | None
    duration: float

    @property
    def mode(self) -> str:
        """``compiled``, ``mixed`` or ``interpreted``."""
        return mode_of(interpreted_whole=self.cell is None, clauses=self.clauses)


class Refused(NamedTuple):
    """A condition that could not be planned, with the message that says why."""

    error: CompileError
    duration: float


class Plan(NamedTuple):
    """Conditions that are run together.

    Attributes:
        planned: one for each condition, in the order asked.
        lowering: what they share.
        columns: the columns that any of them reads.
        used: of the columns, the parts that any of them uses.
        reasons: the expressions that say why rows are errors.
    """

    planned: tuple[Planned | Refused, ...]
    lowering: Lowering
    columns: tuple[str, ...]
    used: Mapping[str, Shape]
    reasons: ReasonColumns

    def projected(self, frame: pl.DataFrame) -> pl.DataFrame:
        """A frame whose nested columns are cut to the parts that are used."""
        return project(frame, self.used)


def plan(
    conditions: Mapping[str, str],
    schema: Schema,
    *,
    now: int,
    mode: Mode,
    unchecked: bool = False,
    segment: bool = True,
) -> Plan:
    """Compiles conditions, by name, into one plan. One that cannot be compiled is refused alone.

    Args:
        conditions: their texts.
        schema: the columns that there are.
        mode: how they are to be answered.
        now: the time of the run, in nanoseconds since the epoch.
        unchecked: take every variable as ``dyn``.
        segment: each condition must be a bool.
    """
    compiled: list[tuple[Condition | CompileError, float]] = []
    for name, text in conditions.items():
        start = perf_counter()
        label = "<input>" if name == text else name
        try:
            one = compile_condition(text, schema, now=now, name=label, unchecked=unchecked, segment=segment)
            compiled.append((one, perf_counter() - start))
        except CompileError as error:
            compiled.append((error, perf_counter() - start))
    used = shapes(c.checked for c, _ in compiled if isinstance(c, Condition))
    lowering = Lowering(narrowed(schema, used), interpret=mode is Mode.AUTO, one_macro=len(compiled) == 1)
    planned = tuple(_planned(one, lowering, mode, seconds) for one, seconds in compiled)
    read = {name: None for p in planned if isinstance(p, Planned) for name in p.condition.columns}
    return Plan(planned, lowering, tuple(read), used, ReasonColumns(lowering))


def _planned(one: Condition | CompileError, lowering: Lowering, mode: Mode, seconds: float) -> Planned | Refused:
    if isinstance(one, CompileError):
        return Refused(one, seconds)
    start = perf_counter() - seconds
    try:
        return _lowered(one, lowering, mode, start)
    except CompileError as error:
        return Refused(error, perf_counter() - start)


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
    names = set(cell.value.meta.root_names()) | (set() if cell.error is None else set(cell.error.meta.root_names()))
    reductions, names = needed(names, lowering.reductions)
    clauses = tuple(_own(c, condition.node) for c in lowering.clauses if c.name in names)
    if len(clauses) == 1 and clauses[0].node is condition.node:
        return Planned(condition, None, (), (), clauses[0].reason, perf_counter() - start)
    return Planned(condition, cell, reductions, clauses, None, perf_counter() - start)


def _own(clause: Clause, condition: Node) -> Clause:
    """A clause as it stands in this condition, which may share it with one that was lowered before."""
    nodes = [condition]
    while nodes:
        node = nodes.pop()
        if node is clause.node:
            return clause
        if node.fingerprint == clause.node.fingerprint and node.origin is not None:
            return clause._replace(node=node, origin=node.origin)
        nodes += children(node)
    return clause


def _refusal(condition: Condition, error: NotColumnar) -> CompileError:
    span = error.node.span if isinstance(error, NotLowered) else Span(0, len(condition.source.text))
    text = condition.source.slice(span)
    message = f"cannot be compiled: {error.reason}, in `{text}`"
    return CompileError(condition.source, [Diagnostic(span, message, "mode auto interprets this clause")])


def unknown_clauses(planned: Planned) -> dict[str, pl.Expr]:
    """The clauses of a condition as columns of which nothing is known yet: null, which a decided row outweighs."""
    return {clause.name: pl.lit(None, dtype=pl.Boolean) for clause in planned.clauses}
