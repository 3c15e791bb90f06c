"""Typed expressions by chance, of every overload of the catalogue: compiled and interpreted agree on each hostile row,
in the value or the error and its reason, and with cel-cpp where it can judge (judged.yaml).

``make fuzz FUZZ=20000 FUZZ_SEED=2`` makes that many from that seed; without, a few hundred.
"""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from compiler import ir
from compiler.condition import compile_condition
from compiler.functions import catalogue
from engine import CompileError, count
from engine.celvalues import InterpretationError
from tests.fuzz.expressions import SCHEMA, expressions
from tests.fuzz.judged import is_judged, judged_overloads
from tests.hostile.conditions import answer
from tests.hostile.judging import referee
from tests.hostile.rows import NOW, ROWS, hostile_rows
from tests.hostile.values import ERROR

BATCH = 100
BATCHES = -(-int(os.environ.get("FUZZ", "400")) // BATCH)
SEED = os.environ.get("FUZZ_SEED", "1")
FEW = 24
"""Rows on which each expression is evaluated."""
FOUND = Path(__file__).parents[1] / "fixtures" / "found_by_chance.txt"
WRITTEN = [line for line in FOUND.read_text(encoding="utf-8").splitlines() if line and line[:2] != "//"]
OVERLOADS = {o.id: o for function in catalogue().values() for o in function.overloads}


def places(name: str) -> list[int]:
    """Some of the hostile rows."""
    return sorted(random.Random(name).sample(range(ROWS), FEW))


def agreed(text: str, rows: list[int]) -> bool:
    """Whether the evaluators agree on an expression; False where its types do not go together.

    Raises:
        AssertionError: they differ in a value, an error or a reason.
    """
    frame = hostile_rows()[rows]
    try:
        condition = compile_condition(text, SCHEMA, now=0)
        auto = answer(text, frame, mode="auto")
        interpreted = answer(text, frame, mode="interpreted")
    except (CompileError, InterpretationError):
        return False
    assert auto.values == interpreted.values, text
    assert auto.reasons == interpreted.reasons, text
    if is_judged(condition):
        assert auto.values == referee().outcomes(text, places=rows), f"{text}, by cel-cpp"
    return True


@pytest.mark.parametrize("batch", range(BATCHES))
def test_every_evaluator_gives_the_same_answer(batch: int) -> None:
    name = f"{SEED}:{batch}"
    rows = places(name)
    assert sum(agreed(text, rows) for text in expressions(name, BATCH)) > 0.8 * BATCH


@pytest.mark.parametrize("batch", range(BATCHES))
def test_conditions_are_counted_together_as_they_are_alone(batch: int) -> None:
    name = f"{SEED}:{batch}"
    frame = hostile_rows()[places(name)]
    texts = [text for text in expressions(name, BATCH) if is_condition(text)]
    report = count(frame, {text: text for text in texts}, now=NOW)
    for text in texts:
        values = answer(text, frame, mode="auto").values
        errors = values.count(ERROR) + values.count(None)
        assert (report[text].user_count, report[text].error_count) == (values.count(("bool", True)), errors), text


def is_condition(text: str) -> bool:
    try:
        return str(compile_condition(text, SCHEMA, now=0).type) == "bool"
    except CompileError:
        return False


def test_every_overload_is_called() -> None:
    called: set[str] = set()
    for text in expressions("every", 3 * len(OVERLOADS)):
        try:
            pending = [compile_condition(text, SCHEMA, now=0).checked]
        except CompileError:
            continue
        while pending:
            node = pending.pop()
            pending += ir.children(node)
            if isinstance(node, ir.Call):
                called.add(node.overload.id)
    assert {name for name, overload in OVERLOADS.items() if not overload.dynamic} - called == set()


def test_what_is_judged_is_declared() -> None:
    assert judged_overloads() <= OVERLOADS.keys()


def test_cel_cpp_judges_much() -> None:
    texts = [text for text in expressions("judged", 400) if is_condition(text)]
    assert sum(is_judged(compile_condition(text, SCHEMA, now=0)) for text in texts) > len(texts) / 4


@pytest.mark.parametrize("text", WRITTEN)
def test_what_chance_has_found(text: str) -> None:
    assert agreed(text, list(range(ROWS)))


@pytest.mark.parametrize("text", [text for text in WRITTEN if is_condition(text)])
def test_what_chance_has_found_is_counted_alike_where_no_value_is_null(text: str) -> None:
    columns = compile_condition(text, SCHEMA, now=0).columns
    frame = hostile_rows().drop_nulls(columns)
    # Of a frame's columns it is asked what is known where there are several conditions.
    report = count(frame, {text: text, "beside": "i / j == k"}, now=NOW)
    values = answer(text, frame, mode="interpreted").values
    errors = values.count(ERROR) + values.count(None)
    assert (report[text].user_count, report[text].error_count) == (values.count(("bool", True)), errors)
