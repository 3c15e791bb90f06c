"""What compiling a condition saves: the interpreter on a sample of the users beside the compiled count of all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from time import perf_counter

from compiler.condition import compile_condition

from .counting import count
from .evaluation import evaluate
from .results import Mode, run_time
from .snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Comparison:
    """One condition both ways.

    Attributes:
        sampled: users whom the interpreter was given.
        interpreted: seconds that it took for them.
        users: in the whole snapshot.
        compiled: seconds that the compiled count of them all took, reading the snapshot included.
        equal: whether both have the same value, and errors on the same rows, for each sampled user.
    """

    condition: str
    sampled: int
    interpreted: float
    users: int
    compiled: float
    equal: bool

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


def compare(
    snapshot: Snapshot, condition: str, *, sample: int = 1_000, now: datetime | str | None = None
) -> Comparison:
    """Interprets a condition on the first ``sample`` users, and counts it over all of them compiled.

    Raises:
        CompileError: the condition does not compile, or not as a whole.
        SnapshotError: the snapshot cannot be read.
        ValueError: ``now`` is malformed.
    """
    columns = compile_condition(condition, snapshot.schema, now=run_time(now), segment=True).columns
    with snapshot.reading():
        users = snapshot.scan(columns).head(sample).collect(engine="streaming")
    # The first evaluation imports the interpreter.
    evaluate(condition, users.head(1), mode=Mode.INTERPRETED, now=now)
    start = perf_counter()
    interpreted = evaluate(condition, users, mode=Mode.INTERPRETED, now=now)
    seconds = perf_counter() - start
    compiled = evaluate(condition, users, mode=Mode.COMPILED, now=now)
    same_values = compiled.values.eq_missing(interpreted.values).all()
    same_errors = (compiled.errors.is_null() == interpreted.errors.is_null()).all()
    report = count(snapshot, condition, mode=Mode.COMPILED, now=now)
    return Comparison(condition, users.height, seconds, report.rows, report.duration, same_values and same_errors)
