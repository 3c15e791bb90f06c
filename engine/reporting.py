"""From conditions that were run to their results."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from .audience import Segment
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


def tell_of_interpretation(announce: Announce | None, names: Iterable[str], planning: Plan) -> None:
    """Announces what will be interpreted, where anything is and somebody asks."""
    interpreted = planned_interpretations(names, planning) if announce is not None else ()
    if announce is not None and interpreted:
        announce(interpreted)


def results_of(
    segments: Mapping[str, Segment], planning: Plan, running: Mapping[int, Running], scan: float
) -> tuple[CountResult, ...]:
    """The results of segments.

    Args:
        segments: by name, in the order of the plan.
        planning: the plan.
        running: what was run, by the identity of what the plan says of it.
        scan: seconds that the scan took, without interpretation.
    """
    shared_by = sum(isinstance(one, Planned) for one in planning.planned)
    found = []
    for (name, segment), planned in zip(segments.items(), planning.planned, strict=True):
        own = CountResult(
            name,
            segment.condition,
            user_count=None,
            error_count=None,
            mode=None,
            duration=planned.duration,
            compile=planned.duration,
            audience=segment.audience.settings(),
        )
        if isinstance(planned, Refused):
            found.append(own._replace(error=str(planned.error)))
            continue
        one = running[id(planned)]
        interpretation = seconds_interpreting([one])
        own = own._replace(
            duration=planned.duration + scan + interpretation,
            interpreted=tuple(one.interpreted.values()),
            scan=scan,
            interpretation=interpretation,
            shared_by=shared_by,
        )
        if one.error is not None:
            found.append(own._replace(error=one.error))
            continue
        found.append(
            own._replace(
                user_count=one.tally.members,
                error_count=one.tally.errors,
                mode=planned.mode,
                reasons=None if one.reasons is None else one.reasons.reasons(),
            )
        )
    return tuple(found)


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
