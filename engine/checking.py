"""What can be said of segments before they are counted: whether they compile on a snapshot, and to what."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from compiler.diagnostics import CompileError, Diagnostic, Severity
from compiler.facts import Facts
from compiler.source import Source
from compiler.warnings import warnings_of

from .audience import Segment
from .plan import Planned, Refused, plan
from .results import Mode, run_time
from .snapshot import Snapshot
from .warnings import facts_in


class Checked(NamedTuple):
    """A segment that compiles.

    Attributes:
        source: the condition's text, in which the warnings have their places.
        type: of the condition's value, in CEL.
        mode: how it is answered: ``compiled``, ``mixed`` or ``interpreted``.
        columns: that the condition and its rules read, in the order of their first use.
        warnings: what is legal, and better known before it is counted.
    """

    source: Source
    type: str
    mode: str
    columns: tuple[str, ...]
    warnings: tuple[Diagnostic, ...]


def check(
    snapshot: Snapshot,
    segments: Mapping[str, Segment],
    *,
    now: datetime | str | None = None,
    rules: Mapping[str, str] | None = None,
    statistics: bool = True,
) -> dict[str, Checked | CompileError]:
    """Checks segments, by name, against the columns of a snapshot, of which no row is read. Each fails alone.

    Args:
        snapshot: the users.
        segments: the conditions, and whom they may reach.
        now: the value of the variable ``now``, as for :func:`~engine.count`.
        rules: whom audiences reach, by name, in CEL, instead of the default rules.
        statistics: also warn of what the statistics of all users tell.

    Raises:
        AudienceError: there is no rule of a name in ``rules``.
        ValueError: ``now`` is malformed.
    """
    planning = plan(segments, snapshot.schema, now=run_time(now), mode=Mode.AUTO, rules=rules)
    columns = facts_in(snapshot.statistics(planning.columns)) if statistics else {}
    return {
        name: one.error if isinstance(one, Refused) else _checked(one, columns)
        for name, one in zip(segments, planning.planned, strict=True)
    }


def _checked(one: Planned, columns: Mapping[str, Facts]) -> Checked:
    condition = one.condition.parts[-1] if one.condition.parts else one.condition
    interpreted = [(clause.origin.span, clause.reason) for clause in one.clauses]
    if one.whole_reason is not None:
        interpreted = [(condition.syntax.span, one.whole_reason)]
    warnings = tuple(
        Diagnostic(span, f"is interpreted, not compiled: {reason}", severity=Severity.WARNING)
        for span, reason in interpreted
        if condition.syntax.span.start <= span.start
    )
    warnings = tuple(sorted([*warnings, *warnings_of(condition, columns)], key=lambda warning: warning.span))
    read = dict.fromkeys(name for part in (one.condition.parts or (one.condition,)) for name in part.columns)
    return Checked(condition.source, str(condition.type), one.mode, tuple(read), warnings)
