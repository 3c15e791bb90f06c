"""Why one user is, or is not, in a segment: each rule and each clause with its value, compiled and interpreted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import polars as pl
import polars.selectors as cs

from compiler.clauses import ClauseTree, clause_tree

from .audience import Segment, complete_rules
from .counting import count
from .description import literal
from .plan import Refused, plan
from .preview import audience_steps
from .results import CountResult, Mode, run_time
from .snapshot import Snapshot
from .sources.base import SnapshotError


class Answer(NamedTuple):
    """What a condition comes to for one user.

    Attributes:
        value: None where it is an error.
        error: the reason; None where it has a value.
        mode: ``compiled``, ``mixed`` or ``interpreted``; None where it does not compile.
    """

    value: bool | None
    error: str | None
    mode: str | None


class AnsweredClause(NamedTuple):
    """A clause with its answers by both ways.

    Attributes:
        text: the clause; of a rule, its condition.
        compiled: as it is answered when segments are counted.
        interpreted: by the interpreter alone.
        rule: the name of the rule that it is; None for a clause of the condition.
        operator: ``&&`` or ``||`` where it is a chain; None where it is taken apart no further.
        parts: of the chain.
    """

    text: str
    compiled: Answer
    interpreted: Answer
    rule: str | None = None
    operator: str | None = None
    parts: tuple[AnsweredClause, ...] = ()


class Why(NamedTuple):
    """Why a user is, or is not, in a segment.

    Attributes:
        user_id: as it was asked for.
        whole: the audience's rules and the condition together: whether the user is a member.
        rules: those that the audience needs.
        condition: the condition, clause by clause.
        values: of the columns asked for that the condition or a rule reads, as CEL writes them.
    """

    user_id: str
    whole: AnsweredClause
    rules: tuple[AnsweredClause, ...]
    condition: AnsweredClause
    values: Mapping[str, str]

    @property
    def member(self) -> bool:
        """Whether the user is in the segment; one on whom it ends in an error is not."""
        return self.whole.compiled.value is True


def why(
    snapshot: Snapshot,
    segment: Segment,
    user_id: str,
    *,
    columns: Sequence[str] = (),
    now: datetime | str | None = None,
    rules: Mapping[str, str] | None = None,
) -> Why | None:
    """Explains one user's membership; None where the snapshot has no such user.

    Args:
        snapshot: the users.
        segment: the condition, and whom it may reach.
        user_id: as text, whatever the column's type.
        columns: whose values may be shown.
        now: the value of the variable ``now``, as for :func:`~engine.count`.
        rules: whom audiences reach, by name, in CEL, instead of the default rules.

    Raises:
        AudienceError: there is no rule of a name in ``rules``.
        CompileError: the condition, or a rule that it needs, does not compile.
        SnapshotError: the snapshot cannot be read, has no ids, or several users have this one.
        ValueError: ``now`` is malformed.
    """
    planning = plan({"": segment}, snapshot.schema, now=run_time(now), mode=Mode.AUTO, rules=rules)
    (planned,) = planning.planned
    if isinstance(planned, Refused):
        raise planned.error
    user = _user(snapshot, user_id, planning.columns)
    if user is None:
        return None
    tree = clause_tree(segment.condition)
    steps = list(audience_steps(segment.audience))
    named = {"whole": segment}
    named |= {f"rule {name}": Segment("true", audience) for name, audience in steps}
    named |= {f"clause {number}": Segment(clause.text) for number, clause in enumerate(_all(tree))}
    reports = [count(user, named, mode=mode, now=now, errors=True, rules=rules) for mode in ("auto", "interpreted")]
    answers = [(_answer(one), _answer(other)) for one, other in zip(*(r.results for r in reports), strict=True)]
    texts = complete_rules(rules or {})
    row = user.row(0, named=True)
    types = snapshot.schema.types
    return Why(
        user_id,
        AnsweredClause(segment.condition, *answers[0]),
        tuple(
            AnsweredClause(texts.get(name, "email || sms || pass_push"), *both, rule=name)
            for (name, _), both in zip(steps, answers[1:], strict=False)
        ),
        _answered(tree, iter(answers[1 + len(steps) :])),
        {name: literal(row[name], types[name]) for name in planning.columns if name in columns},
    )


def _user(snapshot: Snapshot, user_id: str, columns: Sequence[str]) -> pl.DataFrame | None:
    """The user's row; None where there is none."""
    name = snapshot.id_column
    if not snapshot.has_ids:
        raise SnapshotError(f"{snapshot.name}: has no column '{name}' with the users' ids; name it with the id column")
    asked: str | int = user_id
    if snapshot.schema.columns[name].is_integer():
        if not user_id.removeprefix("-").isdecimal():
            return None
        asked = int(user_id)
    read = list(dict.fromkeys([name, *columns]))
    with snapshot.reading():
        found = snapshot.scan(read).filter(cs.by_name(name).as_expr() == asked).head(2).collect(engine="streaming")
    if found.height > 1:
        raise SnapshotError(f"{snapshot.name}: '{name}' is no id: several users have '{user_id}'")
    return found if found.height else None


def _all(tree: ClauseTree) -> Iterator[ClauseTree]:
    """A clause and all that it consists of, each before its parts."""
    yield tree
    for part in tree.parts:
        yield from _all(part)


def _answered(tree: ClauseTree, answers: Iterator[tuple[Answer, Answer]]) -> AnsweredClause:
    compiled, interpreted = next(answers)
    parts = tuple(_answered(part, answers) for part in tree.parts)
    return AnsweredClause(tree.text, compiled, interpreted, operator=tree.operator, parts=parts)


def _answer(result: CountResult) -> Answer:
    """What a count of one user says of him."""
    if result.error is not None:
        return Answer(None, result.error, result.mode)
    if result.error_count:
        assert result.reasons is not None
        return Answer(None, result.reasons[0].reason, result.mode)
    return Answer(result.user_count == 1, None, result.mode)
