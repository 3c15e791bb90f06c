"""The specification's conformance suite: each case as it stands and lifted, compiled where it can be and interpreted.

What is not right yet is in ``gaps.toml``, each with its reason, and is expected to fail: what is put right has to be
taken off the list. How many are right is in ``right.toml``, and may only rise.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import polars as pl
import pytest

from compiler.condition import compile_condition
from compiler.schema import Schema
from compiler.source import Span
from compiler.values import Duration, Timestamp, TypeValue
from engine import CompileError, Mode, evaluate
from engine.celvalues import read
from engine.interpreted import Failed, evaluate_once

from .lifting import lift
from .suite import PATH, Case, Variable, cases, fits_column, is_same

FOLDER = Path(__file__).parent
WAYS = ("as it stands, auto", "as it stands, interpreted", "lifted, auto", "lifted, interpreted")
COMPILED = "lifted, compiled alone"

pytestmark = pytest.mark.skipif(not PATH.exists(), reason=f"{PATH.parent.name}/{PATH.name} is not on this machine")


@dataclass(frozen=True, slots=True)
class Gap:
    """Cases that are not right yet, by the start of their ids, and in which ways they are not."""

    reason: str
    cases: tuple[str, ...]
    ways: tuple[str, ...]

    def covers(self, case: Case, way: str) -> bool:
        return way in self.ways and any(_is_named(case, name) for name in self.cases)


@cache
def gaps() -> tuple[Gap, ...]:
    tables = tomllib.loads((FOLDER / "gaps.toml").read_text(encoding="utf-8"))["gap"]
    return tuple(Gap(t["reason"], tuple(t["cases"]), tuple(t.get("ways", WAYS))) for t in tables)


def _is_named(case: Case, name: str) -> bool:
    """A file or section stands for its cases that expect a value: what is missing errs, as the others expect."""
    return case.id == name or (not case.errs and case.id.startswith(f"{name}/"))


def items() -> Iterator[tuple[Case, str]]:
    for case in cases():
        for way in WAYS:
            # The checker's answer does not depend on how values would be found.
            if not case.check_only or way.endswith("auto"):
                yield case, way


def gap_of(case: Case, way: str) -> Gap | None:
    return next((gap for gap in gaps() if gap.covers(case, way)), None)


def parameters() -> Iterator[object]:
    for case, way in items():
        gap = gap_of(case, way)
        marks = [] if gap is None else [pytest.mark.xfail(reason=gap.reason, raises=pytest.fail.Exception, strict=True)]
        yield pytest.param(case, way, marks=marks, id=f"{case.id} ({way})")


@pytest.mark.parametrize(("case", "way"), list(parameters()))
def test_case(case: Case, way: str) -> None:
    wrong = what_is_wrong(case, way)
    if wrong is not None:
        pytest.fail(f"{case.expression!r}: {wrong}", pytrace=False)


@dataclass(frozen=True, slots=True)
class Answer:
    value: object
    type: str
    mode: str


def what_is_wrong(case: Case, way: str) -> str | None:
    form, mode = way.split(", ")
    try:
        text, literals = lift(case.expression) if form == "lifted" else (case.expression, ())
        answer = outcome(case, text, (*case.variables, *literals), Mode(mode))
    except CompileError as error:
        return None if case.errs else f"refused: {error}"
    if case.type is not None and answer.type != case.type:
        return f"of type {answer.type}, expected {case.type}"
    if case.check_only:
        return None
    if case.errs:
        return None if isinstance(answer.value, Failed) else f"gave {answer.value!r} ({answer.mode}), expected an error"
    if is_same(answer.value, case.value):
        return None
    return f"gave {answer.value!r} ({answer.mode}), expected {case.value!r}"


def outcome(case: Case, text: str, variables: tuple[Variable, ...], mode: Mode) -> Answer:
    """The value of an expression, or the ``Failed`` that it ends in."""
    frame = pl.DataFrame([variable.column() for variable in variables] or {"unused": [0]})
    schema = Schema.of(frame.schema)
    if case.check_only or not fits_column(case.value):
        condition = compile_condition(text, schema, now=0, unchecked=not case.check)
        if case.check_only:
            return Answer(None, str(condition.type), "checked")
        bindings = {variable.name: variable.value for variable in variables}
        value = evaluate_once(condition.syntax, condition.source, bindings, now=0, types=schema.types)
        return Answer(value, str(condition.type), "interpreted")
    evaluation = evaluate(text, frame, mode=mode, now="2024-01-01", check=case.check)
    reason = evaluation.errors.item()
    if reason is not None:
        return Answer(Failed(reason, Span(0, 0), reason), evaluation.type, evaluation.mode)
    (value,) = read(evaluation.values)
    if isinstance(value, int) and evaluation.values.dtype == pl.Int128():
        value = Timestamp(value) if evaluation.type == "timestamp" else Duration(value)
    if isinstance(value, str) and evaluation.type.startswith("type("):
        value = TypeValue(value)
    return Answer(value, evaluation.type, evaluation.mode)


def test_every_gap_names_cases() -> None:
    idle = [name for gap in gaps() for name in gap.cases if not any(_is_named(case, name) for case in cases())]
    assert not idle


def test_as_many_are_right_as_ever() -> None:
    """Whatever is no gap is right, or its own test fails."""
    right = dict.fromkeys((*WAYS, COMPILED), 0)
    for case, way in items():
        right[way] += gap_of(case, way) is None
    right[COMPILED] = sum(is_compiled(case) for case in cases())
    recorded = tomllib.loads((FOLDER / "right.toml").read_text(encoding="utf-8"))
    fewer = [way for way in recorded if right[way] < recorded[way]]
    assert not fewer, f"fewer cases are right {fewer}: {right}, recorded {recorded}"
    lines = "\n".join(f'"{way}" = {number}' for way, number in right.items())
    assert right == recorded, f"more cases are right; write into right.toml:\n{lines}"


def is_compiled(case: Case) -> bool:
    """Whether the compiled path gives the right answer to the lifted case alone, without the interpreter."""
    if case.check_only or not fits_column(case.value):
        return False
    try:
        text, literals = lift(case.expression)
        answer = outcome(case, text, (*case.variables, *literals), Mode.COMPILED)
    except CompileError:
        return False
    return isinstance(answer.value, Failed) if case.errs else is_same(answer.value, case.value)
