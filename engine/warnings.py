"""Warnings about conditions, from what is known of the values of a snapshot's columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import polars as pl
import polars.selectors as cs

from compiler.condition import Condition
from compiler.diagnostics import Diagnostic
from compiler.facts import MOST_CHOICES, Facts
from compiler.ir import Call, Column, Node, children
from compiler.outcomes import test_of
from compiler.types import STRING, plain
from compiler.warnings import warnings_of

from .plan import Plan, Planned
from .results import ConditionWarning, CountResult
from .snapshot import Snapshot
from .sources.formats import PARQUET
from .statistics import Statistics

_FIRST_ROWS = 10_000
"""Rows that tell whether a column may hold few values."""


def with_warnings(results: Sequence[CountResult], planning: Plan, snapshot: Snapshot) -> tuple[CountResult, ...]:
    """The results with warnings, as far as it is known without reading for them what the values are.

    Where nothing was known beforehand, footers are read only for conditions that negate something.
    """
    planned = [one.condition if isinstance(one, Planned) else None for one in planning.planned]
    statistics = planning.statistics
    asks = snapshot.format != PARQUET or any("!" in one.source.own for one in planned if one is not None)
    if statistics is None and asks:
        statistics = snapshot.statistics(planning.columns)
    columns = facts_in(statistics)
    return tuple(
        result if condition is None else result._replace(warnings=shown(condition, warnings_of(condition, columns)))
        for result, condition in zip(results, planned, strict=True)
    )


def facts_in(statistics: Statistics | None) -> Mapping[str, Facts]:
    """What is known of the columns of a snapshot that has users."""
    return {} if statistics is None or not statistics.rows else statistics.columns


def diagnosed(snapshot: Snapshot, condition: Condition) -> tuple[Diagnostic, ...]:
    """All warnings about one condition: columns of texts that it compares with constants are read for their values.

    Raises:
        SnapshotError: the snapshot cannot be read.
    """
    own = condition.parts[-1] if condition.parts else condition
    statistics = snapshot.statistics(own.columns)
    if statistics is not None and not statistics.rows:
        return warnings_of(own, {})
    known = dict(facts_in(statistics))
    for name in dict.fromkeys(_compared_texts(own.node)):
        known[name] = _with_choices(snapshot, name, known.get(name, Facts()))
    return warnings_of(own, known)


def shown(condition: Condition, found: Sequence[Diagnostic]) -> tuple[ConditionWarning, ...]:
    """Warnings about a condition as results have them."""
    source = condition.parts[-1].source if condition.parts else condition.source
    return tuple(
        ConditionWarning(d.message, d.hint, *source.position(d.span.start), text=d.render(source)) for d in found
    )


def _compared_texts(node: Node) -> Iterator[str]:
    """The columns of texts that a condition compares with constants."""
    test = test_of(node) if isinstance(node, Call) else None
    if test is not None:
        subject = test.subject
        if isinstance(subject, Column) and plain(subject.type) == STRING and test.symbol in ("==", "!=", "in"):
            yield subject.name
        return
    for child in children(node):
        yield from _compared_texts(child)


def _with_choices(snapshot: Snapshot, name: str, known: Facts) -> Facts:
    """What is known of a column of texts, with its values, where they are few. Many are seen in the first rows."""
    column = cs.by_name(name).cast(pl.String)
    with snapshot.reading():
        scan = snapshot.scan([name])
        if scan.head(_FIRST_ROWS).select(column.n_unique()).collect().item() > MOST_CHOICES:
            return known
        found = scan.select(column.unique()).collect(engine="streaming").to_series()
    if len(found) > MOST_CHOICES:
        return known
    values = sorted(found.drop_nulls())
    nulls = known.null_count if found.has_nulls() else 0
    if not values:
        return known._replace(present=False, choices=frozenset())
    return known._replace(low=values[0], high=values[-1], null_count=nulls, choices=frozenset(values))
