"""From conditions that were run to their results."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from .plan import Plan, Planned, Reaching, Refused
from .results import CountResult, Reach
from .running import Running, seconds_interpreting


class PlannedInterpretation(NamedTuple):
    """A clause that will be interpreted.

    Attributes:
        name: of its condition.
        clause: its text.
        reason: why it has no columnar form.
    """

    name: str
    clause: str
    reason: str


Announce = Callable[[Sequence[PlannedInterpretation]], None]


def planned_interpretations(names: Iterable[str], planning: Plan) -> tuple[PlannedInterpretation, ...]:
    """What of a plan's conditions, with their names in its order, will be interpreted."""
    return tuple(
        PlannedInterpretation(name, part.text, part.reason)
        for name, planned in zip(names, planning.planned, strict=True)
        if isinstance(planned, Planned)
        for part in planned.interpreted_parts()
    )


def results_of(
    conditions: Mapping[str, str], planning: Plan, running: Mapping[int, Running], scan: float
) -> tuple[CountResult, ...]:
    """The results of conditions.

    Args:
        conditions: their texts by name, in the order of the plan.
        planning: the plan.
        running: what was run, by the identity of what the plan says of it.
        scan: seconds that the scan took, without interpretation.
    """
    shared_by = sum(isinstance(one, Planned) for one in planning.planned)
    return tuple(
        _result_of(name, text, planned, running, scan=scan, shared_by=shared_by)
        for (name, text), planned in zip(conditions.items(), planning.planned, strict=True)
    )


def _result_of(
    name: str, text: str, planned: Planned | Refused, running: Mapping[int, Running], *, scan: float, shared_by: int
) -> CountResult:
    if isinstance(planned, Refused):
        return CountResult(name, text, None, None, None, planned.duration, str(planned.error), compile=planned.duration)
    one = running[id(planned)]
    failed = one.error is not None
    interpreted = tuple(one.interpreted.values())
    interpretation = seconds_interpreting([one])
    return CountResult(
        name,
        text,
        None if failed else one.tally.members,
        None if failed else one.tally.errors,
        None if failed else planned.mode,
        planned.duration + scan + interpretation,
        error=one.error,
        interpreted=interpreted,
        reasons=None if failed or one.reasons is None else one.reasons.reasons(),
        compile=planned.duration,
        scan=scan,
        interpretation=interpretation,
        shared_by=shared_by,
    )


def reach_of(cells: Sequence[Reaching], running: Mapping[int, Running]) -> tuple[Reach, ...]:
    """The reach matrix of a condition."""
    found = []
    for cell in cells:
        if isinstance(cell.planned, Refused):
            found.append(Reach(cell.channel.value, cell.consent, None, str(cell.planned.error)))
            continue
        one = running[id(cell.planned)]
        count = one.tally.members if one.error is None else None
        found.append(Reach(cell.channel.value, cell.consent, count, one.error))
    return tuple(found)
