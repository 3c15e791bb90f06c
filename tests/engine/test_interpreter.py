"""Interpretation of many rows: what is remembered, on how many cores, and within which budget."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep

import polars as pl
import pytest

from compiler.parse import parse
from compiler.schema import Schema
from compiler.source import Source
from compiler.values import Timestamp, Uint
from engine import Budget, Snapshot, count, counting, evaluate, interpreter, members
from engine.budget import UNLIMITED, BudgetSpent, Spending
from engine.interpreted import InterpreterFailed
from engine.interpreter import Interpreter
from engine.membership import ConditionFailed
from engine.plan import InterpretedPart
from engine.reporting import PlannedInterpretation
from engine.variables import columns_read
from engine.worker_pool import WorkerPool
from engine.worker_process import ClauseText

ROOT = Path(__file__).parents[2]
TEXT = "a.map(x, x * n) == [n] || t > timestamp(0) || u == 3u"
FRAME = pl.DataFrame(
    {
        "a": [[n % 3] if n % 7 else None for n in range(600)],
        "n": [n % 50 for n in range(600)],
        "t": pl.Series([n - 300 for n in range(600)], dtype=pl.Datetime("ns")),
        "u": pl.Series([n % 5 for n in range(600)], dtype=pl.UInt64),
        "d": [0.0 if n % 2 else -0.0 for n in range(600)],
    }
)
SCHEMA = Schema.of(FRAME.schema)
# On each user the long one takes about a second, the other some milliseconds.
NESTED = "[{}].all(w, [{}].all(x, [{}].all(y, w + x + y >= 0)))"
LONG = NESTED.replace("{}", ", ".join(map(str, range(40))))
SHORTER = NESTED.replace("{}", ", ".join(map(str, range(10))))


def part_of(text: str) -> InterpretedPart:
    source = Source(text)
    return InterpretedPart(parse(source), source, text, "it is a test", text)


def clause_of(text: str) -> ClauseText:
    part = part_of(text)
    return ClauseText(part.syntax, part.source, dict(SCHEMA.types), 0)


@pytest.fixture
def pool() -> Iterator[WorkerPool]:
    pool = WorkerPool(2)
    yield pool
    pool.close()


def test_processes_say_what_this_one_says(pool: WorkerPool) -> None:
    for text in (TEXT, "1.0 / d > 0.0 && n / (n - 7) > 1", "a[0] == n"):
        here = Interpreter(SCHEMA, 0, processes=0).interpret(part_of(text), FRAME, Spending(UNLIMITED))
        seen: list[int] = []
        names = columns_read(part_of(text).syntax, SCHEMA)
        found = pool.outcomes(clause_of(text), FRAME.select(names), 17, deadline=float("inf"), done=seen.append)
        assert [here.outcomes[place] for place in here.places] == found
        assert seen == sorted(seen)
        assert seen[-1] == FRAME.height


def test_values_come_back_as_they_are(pool: WorkerPool) -> None:
    rows = pl.DataFrame({"u": pl.Series([7], dtype=pl.UInt64), "t": pl.Series([5], dtype=pl.Datetime("ns"))})
    (found,) = pool.outcomes(clause_of("[[u], [t]]"), rows, 1, deadline=float("inf"), done=lambda _: None)
    assert found == [[Uint(7)], [Timestamp(5)]]
    assert [type(values[0]) for values in found] == [Uint, Timestamp]


def test_processes_are_started_when_there_is_work_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interpreter, "_LOOK", 0.001)
    frame, part = FRAME.with_columns(n=pl.int_range(pl.len())), part_of("n.exists_one(x, true) || n % 2 == 0")
    with Interpreter(SCHEMA, 0, processes=2) as small:
        small.interpret(part, frame, Spending(UNLIMITED))
        assert small._pool is not None
        assert not small._pool.running
    monkeypatch.setattr(interpreter, "_WORTH_STARTING", 0.001)
    with Interpreter(SCHEMA, 0, processes=2) as large:
        answers = large.interpret(part, frame, Spending(UNLIMITED))
        assert large._pool is not None
        assert large._pool.running
        processes = [worker.process for worker in large._pool._workers]
        assert answers.condition()[0].to_list() == [n % 2 == 0 or None for n in range(600)]
        assert answers.evaluated == 600
    assert len(processes) == 2
    assert all(process.returncode == -signal.SIGKILL for process in processes)


def test_a_process_that_ends_is_told_and_replaced(pool: WorkerPool) -> None:
    rows = FRAME.select("n")
    pool.outcomes(clause_of("n > 1"), rows, 100, deadline=float("inf"), done=lambda _: None)
    pool._workers[0].process.kill()
    with pytest.raises(InterpreterFailed, match="ended with signal 9"):
        pool.outcomes(clause_of("n > 1"), rows, 100, deadline=float("inf"), done=lambda _: None)
    found = pool.outcomes(clause_of("n > 1"), rows, 100, deadline=float("inf"), done=lambda _: None)
    assert found == [n > 1 for n in FRAME.get_column("n")]


def test_what_was_answered_is_not_asked_again_in_other_chunks() -> None:
    with Interpreter(SCHEMA, 0, processes=0) as one:
        spending = Spending(UNLIMITED)
        whole = one.interpret(part_of(TEXT), FRAME, Spending(UNLIMITED)).condition()
        assert one.interpret(part_of(TEXT), FRAME.reverse(), spending).evaluated == 0
        assert spending.rows == 0
        other = Interpreter(SCHEMA, 0, processes=0)
        parts = [other.interpret(part_of(TEXT), FRAME[n : n + 70], spending) for n in range(0, 600, 70)]
        assert pl.concat([part.condition()[0] for part in parts]).equals(whole[0])
        assert pl.concat([part.condition()[1] for part in parts]).equals(whole[1])
        assert sum(part.evaluated for part in parts) == spending.rows == 600


def test_zeros_of_both_signs_are_remembered_apart() -> None:
    one = Interpreter(SCHEMA, 0, processes=0)
    part = part_of("1.0 / d > 0.0")
    found = [one.interpret(part, FRAME[n : n + 1], Spending(UNLIMITED)) for n in (0, 1, 2, 3)]
    assert [answers.condition()[0].item() for answers in found] == [False, True, False, True]
    assert [answers.evaluated for answers in found] == [1, 1, 0, 0]


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interpreter, "MOST_REMEMBERED", 100)
    one = Interpreter(SCHEMA, 0, processes=0)
    frame = FRAME.with_columns(n=pl.int_range(pl.len()))
    part = part_of("n > 3")
    counts = [one.interpret(part, frame[start : start + 80], Spending(UNLIMITED)).evaluated for start in (0, 80, 0, 80)]
    assert counts == [80, 80, 0, 80]


USERS = pl.DataFrame({"user_id": range(3_000), "age": [n % 300 if n % 11 else None for n in range(3_000)]})
MAPPED = '{1: true, 2: false, 3: "no"}[age] == true'


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "_CHUNK_ROWS", 1_000)


@pytest.mark.usefixtures("small_chunks")
def test_a_count_tells_what_was_interpreted_and_what_it_cost() -> None:
    announced: list[PlannedInterpretation] = []
    conditions = {"mixed": f"age > 100 || {MAPPED}", "again": f"user_id >= 0 && {MAPPED}", "compiled": "age > 3"}
    report = count(USERS, conditions, announce=announced.extend)
    assert announced == [PlannedInterpretation(n, MAPPED, "it is bool or string") for n in ("mixed", "again")]
    (clause,) = report["mixed"].interpreted
    undecided = evaluate("!(age > 100)", USERS).values
    assert clause.rows == int(undecided.fill_null(value=True).sum())
    assert clause.distinct == 102
    (clause,) = report["again"].interpreted
    assert (clause.rows, clause.distinct) == (3_000, 199), "the others were known"
    assert report["again"].interpretation == clause.seconds > 0
    assert report.interpretation == pytest.approx(report["mixed"].interpretation + report["again"].interpretation)
    assert report["compiled"].interpretation == 0
    assert {one.shared_by for one in report.results} == {3}


@pytest.mark.usefixtures("small_chunks")
def test_a_budget_of_rows_that_is_spent_fails_its_condition_alone() -> None:
    conditions = {"few": f"age < 3 && {MAPPED}", "many": MAPPED, "compiled": "age > 3"}
    report = count(USERS, conditions, budget=Budget(rows=200))
    assert report["few"].error is None
    assert report["compiled"].error is None
    error = report["many"].error
    assert error is not None
    assert error.startswith("ERROR: many: the budget for interpreting is spent: 301 distinct combinations of values ")
    assert "of 200 (--budget-rows), and 0 users are done" in error
    assert f"`{MAPPED}`, since it is bool or string" in error
    assert count(USERS, conditions, budget=Budget(rows=301))["many"].error is None


def test_a_budget_of_seconds_ends_an_evaluation_that_takes_longer() -> None:
    frame = pl.DataFrame({"a": [1, 2, 3]})
    start = monotonic()
    report = count(
        frame, {"long": f"{LONG} && a > 0", "short": "a > 1"}, mode="interpreted", budget=Budget(seconds=0.3)
    )
    assert monotonic() - start < 3
    assert "the budget for interpreting is spent: 0 evaluations took 0.3 s (--budget-seconds)" in (
        report["long"].error or ""
    )
    assert report["long"].interpretation < 1
    assert report["short"].user_count == 2


def test_a_budget_of_seconds_holds_for_processes(pool: WorkerPool) -> None:
    spending = Spending(Budget(seconds=1.5))
    one = Interpreter(SCHEMA, 0, processes=2)
    one._pool = pool
    pool.outcomes(clause_of("n > 1"), FRAME.select("n"), 300, deadline=float("inf"), done=lambda _: None)
    frame = pl.DataFrame({"n": range(100_000)})
    start = monotonic()
    with pytest.raises(BudgetSpent):
        one.interpret(part_of("[1, 2, 3].all(x, [4, 5, 6].exists(y, y - x > n % 2))"), frame, spending)
    assert 1.4 < monotonic() - start < 5
    assert 100 < spending.rows < 100_000
    assert not pool.running


@pytest.mark.usefixtures("small_chunks")
def test_progress_is_told_within_a_chunk() -> None:
    seen: list[tuple[int, int]] = []
    count(USERS, {"a": MAPPED, "b": f"age > 100 || {MAPPED}"}, progress=lambda *done: seen.append(done))
    done = [rows for rows, _ in seen]
    assert done == sorted(done)
    assert {total for _, total in seen} == {3_000}
    assert done[-1] == 3_000
    assert any(rows % 1_000 for rows in done)


def test_members_of_a_condition_that_fails_are_no_silent_gap() -> None:
    with pytest.raises((ConditionFailed, pl.exceptions.ComputeError), match="the budget for interpreting is spent"):
        members(USERS, MAPPED, budget=Budget(rows=10)).collect()


PROGRAM = f"""
import polars as pl
from engine import count, Budget, interpreter
from engine.budget import UNLIMITED
interpreter._WORTH_STARTING = 0.01
frame = pl.DataFrame({{"n": range(20_000)}})
print("begun", flush=True)
count(frame, "{SHORTER} && n > 0", mode="interpreted", budget=UNLIMITED)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_no_process_is_left_behind(number: signal.Signals, tmp_path: Path) -> None:
    mark = f"CELLAR_TEST={tmp_path.name}-{number}"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **dict([mark.split("=")])}
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        until(lambda: len(marked(mark)) >= 3)
        process.send_signal(number)
        process.wait(timeout=10)
        until(lambda: not marked(mark))


def marked(mark: str) -> list[int]:
    """The processes with this in their environment."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if mark.encode() in path.read_bytes().split(b"\0"):
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found


def until(condition: object, seconds: float = 20) -> None:
    end = monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert monotonic() < end
        sleep(0.05)


def test_a_script_without_a_guard_is_not_run_again(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import polars as pl\n"
        "print('run')\n"
        "from engine import count, interpreter\n"
        "interpreter._WORTH_STARTING = interpreter._LOOK = 0.001\n"
        "frame = pl.DataFrame({'n': range(2_000)})\n"
        "print(count(frame, 'n % 2 == 0', mode='interpreted').results[0].user_count)\n"
    )
    output = subprocess.run(
        [sys.executable, str(script)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=True,
        text=True,
    )
    assert (output.stdout, output.stderr) == ("run\n1000\n", "")


def test_a_snapshot_has_its_conditions_counted_on_all_cores(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(interpreter, "_WORTH_STARTING", 0.01)
    monkeypatch.setattr(interpreter, "_LOOK", 0.005)
    USERS.write_parquet(tmp_path / "users.parquet")
    snapshot = Snapshot.open(tmp_path / "users.parquet")
    conditions = {"mixed": f"user_id > 2900 || {MAPPED}", "all": MAPPED}
    interpreted = count(snapshot, conditions, mode="interpreted", errors=True)
    mixed = count(snapshot, conditions, errors=True)
    assert [(one.user_count, one.error_count, one.reasons) for one in mixed.results] == [
        (one.user_count, one.error_count, one.reasons) for one in interpreted.results
    ]


def test_clauses_with_one_text_under_different_bindings_are_not_taken_for_one() -> None:
    bound = 'user_id >= 0 && cel.bind(x, {}, {{1: true, 2: false, 3: "no"}}[x] == true)'
    report = count(USERS, {"age": bound.format("age"), "next": bound.format("age + 1"), "plain": MAPPED})
    ones = {value: int((USERS.get_column("age") == value).sum()) for value in (0, 1)}
    assert [one.user_count for one in report.results] == [ones[1], ones[0], ones[1]]
    assert [one.mode for one in report.results[:2]] == ["mixed", "mixed"]
