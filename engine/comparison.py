"""What compiling conditions saves: the interpreter on a sample of the users beside the compiled count of all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from statistics import median
from time import perf_counter

import polars as pl

from compiler.condition import compile_condition
from compiler.diagnostics import CompileError

from .counting import count
from .evaluation import evaluate
from .results import Evaluation, Mode, moment, run_time, show_time
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
        interpreted: seconds that it took for them. It evaluates each distinct combination of the values that the
            condition reads once.
        users: whom the compiled count was given: all of the snapshot; the sample alone, where a part is interpreted.
        compiled: seconds that it took for them, compiling and reading the snapshot included; a median.
        difference: None where both have the same value, and errors on the same rows, for each sampled user; else the
            first user on whom they differ.
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
    conditions: Mapping[str, str],
    *,
    sample: int = 1_000,
    rounds: int = 3,
    now: datetime | str | None = None,
    progress: Progress | None = None,
) -> ComparisonReport:
    """Compares conditions one by one, and counts all of them in one pass. One that does not compile fails alone.

    Args:
        snapshot: the users.
        conditions: by name.
        sample: how many users the interpreter is given.
        rounds: how often each count is repeated; its time is the median.
        now: the value of the variable ``now``, as for :func:`~engine.count`.
        progress: called with the number of conditions done, and of all.

    Raises:
        SnapshotError: the snapshot cannot be read.
        ValueError: ``now`` is malformed.
    """
    time = moment(run_time(now))
    compared: dict[str, Comparison] = {}
    failed: dict[str, str] = {}
    for done, (name, condition) in enumerate(conditions.items(), 1):
        try:
            compared[name] = compare(snapshot, condition, sample=sample, rounds=rounds, now=time)
        except CompileError as error:
            failed[name] = str(error.named(name)) if name != condition else str(error)
        if progress is not None:
            progress(done, len(conditions))
    together = None
    if len(compared) > 1 and all(one.mode == "compiled" for one in compared.values()):
        named = {name: one.condition for name, one in compared.items()}
        together = median(count(snapshot, named, now=time).duration for _ in range(rounds))
    return ComparisonReport(snapshot.name, snapshot.rows, time, compared, failed, together)


def compare(
    snapshot: Snapshot,
    condition: str,
    *,
    sample: int = 1_000,
    rounds: int = 1,
    now: datetime | str | None = None,
) -> Comparison:
    """Interprets a condition on ``sample`` users from all over the snapshot, and counts it over all of them compiled.

    Raises:
        CompileError: the condition does not compile.
        SnapshotError: the snapshot cannot be read.
        ValueError: ``now`` is malformed.
    """
    columns = compile_condition(condition, snapshot.schema, now=run_time(now), segment=True).columns
    # Without columns, stretches have no height.
    users = _sample(snapshot, columns or tuple(snapshot.schema.columns)[:1], sample)
    # The first evaluation imports the interpreter.
    evaluate(condition, users.head(1), mode=Mode.INTERPRETED, now=now)
    start = perf_counter()
    interpreted = evaluate(condition, users, mode=Mode.INTERPRETED, now=now)
    seconds = perf_counter() - start
    compiled = evaluate(condition, users, now=now)
    counted = snapshot if compiled.mode == "compiled" else users
    reports = [count(counted, condition, now=now) for _ in range(rounds)]
    return Comparison(
        condition=condition,
        mode=compiled.mode,
        sampled=users.height,
        interpreted=seconds,
        users=reports[0].rows,
        compiled=median(report.duration for report in reports),
        difference=_difference(users, interpreted, compiled),
    )


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


def _difference(users: pl.DataFrame, interpreted: Evaluation, compiled: Evaluation) -> str | None:
    outcomes = pl.DataFrame(
        {
            "same": compiled.values.eq_missing(interpreted.values)
            & (compiled.errors.is_null() == interpreted.errors.is_null()),
            "compiled": compiled.errors.fill_null(compiled.values.cast(pl.String)),
            "interpreted": interpreted.errors.fill_null(interpreted.values.cast(pl.String)),
        }
    )
    place = (~outcomes.get_column("same")).arg_max()
    if place is None or outcomes.get_column("same").all():
        return None
    row = outcomes.row(place, named=True)
    user = users.row(place, named=True)
    return f"compiled {row['compiled']}, interpreted {row['interpreted']}, for {user}"
