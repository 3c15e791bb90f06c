"""A condition before it is saved: its count, where users are lost on the way to it, and a few of those who are left."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from compiler.clauses import clause_tree

from .audience import EVERYONE, Audience, Communication, Segment
from .counting import count
from .export import check_format
from .membership import first, members_of
from .results import CountReport, CountResult, Mode
from .snapshot import Snapshot

MOST_CLAUSES = 20
"""Clauses that are told apart in a funnel; the last step has what is left of a longer condition."""


class FunnelStep(NamedTuple):
    """One of the things that a user must fulfil.

    Attributes:
        kind: ``rule`` or ``clause``.
        text: a rule's name, or the clause.
        matching: users who fulfil it by itself: of the snapshot for a rule, of those whom the rules admit for a clause.
        remaining: users who fulfil it and everything before it.
        errors: users on whom it and everything before it end in an error.
        error: None, or why there are no such counts.
    """

    kind: str
    text: str
    matching: int | None
    remaining: int | None
    errors: int | None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """What a segment would come to.

    Attributes:
        report: of its one count, with the reasons of errors and the reach.
        funnel: the audience's rules, then the clauses all of which must hold.
        sample: the first members, by column, with values as JSON has them.
    """

    report: CountReport
    funnel: tuple[FunnelStep, ...]
    sample: tuple[Mapping[str, object], ...]

    @property
    def result(self) -> CountResult:
        """The segment's count."""
        return self.report.results[0]


def preview(
    snapshot: Snapshot,
    segment: Segment,
    *,
    columns: Sequence[str] = (),
    sample: int = 0,
    mode: Mode | str = Mode.AUTO,
    now: datetime | str | None = None,
    rules: Mapping[str, str] | None = None,
) -> Preview:
    """Counts a segment, its reach and its funnel, and takes a few of its members.

    Args:
        snapshot: the users.
        segment: the condition, and whom it may reach.
        columns: what to have of each member of the sample.
        sample: how many members to take; of none, the snapshot needs no ids.
        mode: ``auto``, ``compiled`` or ``interpreted``.
        now: the value of the variable ``now``, as for :func:`~engine.count`.
        rules: whom audiences reach, by name, in CEL, instead of the default rules.

    Raises:
        AudienceError: there is no rule of a name in ``rules``.
        CompileError: the condition, or a rule that it needs, does not compile.
        SnapshotError: the snapshot cannot be read; for a sample, it has no such column, or its ids are not unique.
        ValueError: ``mode`` or ``now`` is malformed, or JSON cannot hold a column.
    """
    report = count(snapshot, segment, mode=mode, now=now, errors=True, reach=True, rules=rules)
    funnel = _funnel(snapshot, segment, mode, report.now, rules)
    members: list[Mapping[str, object]] = []
    if sample and report.results[0].user_count:
        stream = members_of(snapshot, segment, columns=columns, mode=mode, now=report.now, rules=rules)
        check_format(stream.schema, Path("sample.jsonl"))
        for frame in first(stream.frames(), sample):
            members += (json.loads(line) for line in frame.write_ndjson().splitlines())
    return Preview(report, funnel, tuple(members))


def audience_steps(audience: Audience) -> Iterator[tuple[str, Audience]]:
    """The rules that an audience needs, each with an audience that needs it alone.

    The channel ``any`` is one of them: it asks for one of the channels.
    """
    if audience.organization_id is not None:
        yield "organization", Audience(organization_id=audience.organization_id)
    if audience.edition_id is not None:
        yield "edition", Audience(edition_id=audience.edition_id)
    if audience.type == Communication.MARKETING:
        yield "marketing", Audience(type=Communication.MARKETING, consent_id=audience.consent_id)
    if audience.channel is not None:
        yield str(audience.channel), Audience(channel=audience.channel)


def _funnel(
    snapshot: Snapshot, segment: Segment, mode: Mode | str, now: datetime, rules: Mapping[str, str] | None
) -> tuple[FunnelStep, ...]:
    """The steps, each counted by itself and with all before it, in one pass."""
    alone: list[tuple[str, str, Segment]] = []
    together: list[Segment] = []
    so_far = EVERYONE
    for name, audience in audience_steps(segment.audience):
        so_far = _both(so_far, audience)
        alone.append(("rule", name, Segment("true", audience)))
        together.append(Segment("true", so_far))
    clauses = _clauses(segment.condition)
    for number, clause in enumerate(clauses, 1):
        before = " && ".join(f"({one})" for one in clauses[:number])
        alone.append(("clause", clause, Segment(clause, segment.audience)))
        together.append(Segment(segment.condition if number == len(clauses) else before, segment.audience))
    named = {f"step {number}": one for number, (_, _, one) in enumerate(alone, 1)}
    named |= {f"steps 1 to {number}": one for number, one in enumerate(together, 1)}
    counted = count(snapshot, named, mode=mode, now=now, rules=rules).results
    return tuple(
        FunnelStep(kind, text, by_itself.user_count, left.user_count, left.error_count, left.error or by_itself.error)
        for (kind, text, _), by_itself, left in zip(alone, counted[: len(alone)], counted[len(alone) :], strict=True)
    )


def _clauses(condition: str) -> list[str]:
    """The clauses all of which must hold; of very many, what is left is one."""
    found = [clause.text for clause in clause_tree(condition).conjuncts()]
    if len(found) <= MOST_CLAUSES:
        return found
    return [*found[: MOST_CLAUSES - 1], " && ".join(f"({clause})" for clause in found[MOST_CLAUSES - 1 :])]


def _both(one: Audience, other: Audience) -> Audience:
    """The settings of two audiences that set different ones."""
    marketing = Communication.MARKETING in (one.type, other.type)
    return Audience(
        channel=other.channel if one.channel is None else one.channel,
        type=Communication.MARKETING if marketing else Communication.TRANSACTIONAL,
        consent_id=other.consent_id if one.consent_id is None else one.consent_id,
        edition_id=other.edition_id if one.edition_id is None else one.edition_id,
        organization_id=other.organization_id if one.organization_id is None else one.organization_id,
    )
