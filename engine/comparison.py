"""What compiling conditions saves: the interpreter on a sample of the users beside the compiled count of all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from statistics import median
from time import perf_counter
from typing import NamedTuple

import polars as pl
import polars.selectors as cs

from compiler.diagnostics import CompileError
from compiler.schema import Schema

from .audience import Segment
from .counting import count
from .interpreted import ClauseEvaluation, Interpretation
from .mixed import run_whole
from .plan import Plan, Planned, Refused, plan
from .results import Mode, moment, run_time, show_time
from .snapshot import Snapshot

Progress = Callable[[int, int], None]

_STRETCHES = 20


@dataclass(frozen=True, slots=True)
class Comparison:
    """One condition both ways.

    Attributes:
        condition: its text.
        mode: ``compiled``, ``mixed`` or ``interpreted``: how it is answered when it is counted.
        sampled: users whom the interpreter was given.
        interpreted: seconds that it took for them, one by one, on one core.
        users: whom the compiled count was given: all of the snapshot; the sample alone, where a part is interpreted.
        compiled: seconds that it took for them, compiling and reading the snapshot included; a median.
        difference: None where both have the same value, or an error of the same reason, for each sampled user; else
            the first user on whom they differ.
    """

    condition: str
    mode: str
    sampled: int
    interpreted: float
    users: int
    compiled: float
    difference: str | None

    @property
    def equal(self) -> bool:
        """Whether both are the same for each sampled user."""
        return self.difference is None

    @property
    def interpreted_per_user(self) -> float:
        """Seconds a user; 0 where there are none."""
        return self.interpreted / self.sampled if self.sampled else 0.0

    @property
    def compiled_per_user(self) -> float:
        """Seconds a user; 0 where there are none."""
        return self.compiled / self.users if self.users else 0.0

    @property
    def factor(self) -> float | None:
        """How many times as long the interpreter takes for a user; None where there are none."""
        return self.interpreted_per_user / self.compiled_per_user if self.compiled_per_user else None

    def to_dict(self) -> dict[str, object]:
        """The comparison as JSON has it; times in seconds."""
        return {
            "condition": self.condition,
            "mode": self.mode,
            "sampled": self.sampled,
            "interpreted": round(self.interpreted, 6),
            "users": self.users,
            "compiled": round(self.compiled, 6),
            "factor": None if self.factor is None else round(self.factor, 1),
            "equal": self.equal,
            "difference": self.difference,
            "error": None,
        }


@dataclass(frozen=True, slots=True)
class ComparisonReport:
    """Conditions both ways, by name.

    Attributes:
        snapshot: its name.
        rows: the number of users in it.
        now: the time of the run, in UTC.
        compared: those that could be.
        failed: the messages of those that could not.
        together: seconds that counting all of them in one pass takes; None where there is one, or one is interpreted.
    """

    snapshot: str
    rows: int
    now: datetime
    compared: Mapping[str, Comparison]
    failed: Mapping[str, str]
    together: float | None

    @property
    def interpreting_all(self) -> float:
        """Seconds that the interpreter would take for all conditions and users, at the pace of the samples."""
        return sum(one.interpreted_per_user for one in self.compared.values()) * self.rows

    @property
    def equal(self) -> bool:
        """Whether both ways are the same for every sampled user and condition."""
        return all(one.equal for one in self.compared.values())

    def messages(self) -> list[str]:
        """What went wrong: the conditions that differ, and those that failed."""
        differences = [f"{name}: {one.difference}" for name, one in self.compared.items() if not one.equal]
        return [*differences, *self.failed.values()]

    def to_dict(self) -> dict[str, object]:
        """The report as JSON has it; times in seconds."""
        return {
            "snapshot": self.snapshot,
            "rows": self.rows,
            "now": show_time(self.now),
            "together": None if self.together is None else round(self.together, 6),
            "interpreting_all": round(self.interpreting_all, 6),
            "results": [
                *({"name": name, **one.to_dict()} for name, one in self.compared.items()),
                *({"name": name, "error": error} for name, error in self.failed.items()),
            ],
        }


def compare_all(
    snapshot: Snapshot,
    conditions: Mapping[str, str | Segment],
    *,
    sample: int = 1_000,
    rounds: int = 3,
    now: datetime | str | None = None,
    rules: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> ComparisonReport:
    """Compares conditions one by one, and counts all of them in one pass. One that does not compile fails alone.

    Args:
        snapshot: the users.
        conditions: by name; a segment is a condition with whom it may reach, which both ways heed.
        sample: how many users the interpreter is given.
        rounds: how often each count is repeated; its time is the median.
        now: the value of the variable ``now``, as for :func:`~engine.count`.
        rules: whom audiences reach, by name, in CEL, instead of the default rules.
        progress: called with the number of conditions done, and of all.

    Raises:
        AudienceError: there is no rule of a name in ``rules``.
        SnapshotError: the snapshot cannot be read.
        ValueError: ``now`` is malformed.
    """
    time = moment(run_time(now))
    compared: dict[str, Comparison] = {}
    failed: dict[str, str] = {}
    for done, (name, condition) in enumerate(conditions.items(), 1):
        try:
            compared[name] = compare(snapshot, condition, sample=sample, rounds=rounds, now=time, rules=rules)
        except CompileError as error:
            text = condition if isinstance(condition, str) else condition.condition
            failed[name] = str(error.named(name)) if name != text else str(error)
        if progress is not None:
            progress(done, len(conditions))
    together = None
    if len(compared) > 1 and all(one.mode == "compiled" for one in compared.values()):
        named = {name: conditions[name] for name in compared}
        together = median(count(snapshot, named, now=time, rules=rules).duration for _ in range(rounds))
    return ComparisonReport(snapshot.name, snapshot.rows, time, compared, failed, together)


def compare(
    snapshot: Snapshot,
    condition: str | Segment,
    *,
    sample: int = 1_000,
    rounds: int = 1,
    now: datetime | str | None = None,
    rules: Mapping[str, str] | None = None,
) -> Comparison:
    """Interprets a condition on ``sample`` users from all over the snapshot, and counts it over all of them compiled.

    Raises:
        AudienceError: there is no rule of a name in ``rules``.
        CompileError: the condition, or a rule that it needs, does not compile.
        SnapshotError: the snapshot cannot be read.
        ValueError: ``now`` is malformed.
    """
    time = run_time(now)
    segment = condition if isinstance(condition, Segment) else Segment(condition)
    planning = plan({segment.condition: segment}, snapshot.schema, now=time, mode=Mode.AUTO, rules=rules)
    (planned,) = planning.planned
    if isinstance(planned, Refused):
        raise planned.error
    # Without columns, stretches have no height.
    users = _sample(snapshot, planning.columns or tuple(snapshot.schema.columns)[:1], sample)
    # The first evaluation imports the interpreter.
    interpreted_answers(planned, planning.projected(users.head(1)), snapshot.schema, time)
    start = perf_counter()
    interpreted = interpreted_answers(planned, planning.projected(users), snapshot.schema, time)
    seconds = perf_counter() - start
    compiled = compiled_answers(planning, planned, planning.projected(users), time)
    counted = snapshot if planned.mode == "compiled" else users
    reports = [count(counted, segment, now=moment(time), rules=rules) for _ in range(rounds)]
    return Comparison(
        condition=segment.condition,
        mode=planned.mode,
        sampled=users.height,
        interpreted=seconds,
        users=reports[0].rows,
        compiled=median(report.duration for report in reports),
        difference=_difference(users, interpreted, compiled),
    )


class Answers(NamedTuple):
    """A condition's truth on each user, null where it is an error; and the error's reason, null where it is none."""

    truths: pl.Series
    reasons: pl.Series


def interpreted_answers(planned: Planned, users: pl.DataFrame, schema: Schema, now: int) -> Answers:
    """What the interpreter says of each user, each of whom it is asked of, also where two have the same values."""
    condition = planned.condition
    evaluation = ClauseEvaluation(condition.syntax, condition.source, schema.types, now)
    outcomes = list(
        evaluation.outcomes(users.select(cs.by_name(*condition.columns) if condition.columns else cs.all()))
    )
    places = pl.int_range(users.height, dtype=pl.UInt32(), eager=True)
    whole = Interpretation(outcomes, places, condition.source, condition.syntax.span, users.height)
    return Answers(*whole.condition())


def compiled_answers(planning: Plan, planned: Planned, users: pl.DataFrame, now: int) -> Answers:
    """What a count says of each user."""
    outcome = run_whole(planning, planned, users, now=now, segment=True)
    assert outcome.errors is not None
    return Answers(outcome.values.cast(pl.Boolean), outcome.errors)


def _sample(snapshot: Snapshot, columns: tuple[str, ...], size: int) -> pl.DataFrame:
    """Users in stretches that lie evenly over the snapshot; all of them, where there are no more."""
    with snapshot.reading():
        scan = snapshot.scan(columns)
        if snapshot.rows <= size:
            return scan.collect()
        count = min(_STRETCHES, size)
        ends = [size * place // count for place in range(count + 1)]
        lengths = [end - start for start, end in pairwise(ends)]
        starts = [snapshot.rows * place // count for place in range(count)]
        return pl.concat([scan.slice(s, n) for s, n in zip(starts, lengths, strict=True)]).collect()


def _difference(users: pl.DataFrame, interpreted: Answers, compiled: Answers) -> str | None:
    """The first user on whom the two differ: in the truth, or in whether, and why, he is an error."""
    same = compiled.truths.eq_missing(interpreted.truths) & compiled.reasons.eq_missing(interpreted.reasons)
    if same.all():
        return None
    place = (~same).arg_max()
    assert place is not None
    user = users.row(place, named=True)
    return f"compiled {_shown(compiled, place)}, interpreted {_shown(interpreted, place)}, for {user}"


def _shown(answers: Answers, place: int) -> str:
    truth, reason = answers.truths[place], answers.reasons[place]
    return str(reason) if truth is None else str(truth).lower()
