"""The conditions, as data in tests/fixtures/conditions, and how each evaluator answers them on the hostile rows."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeVar

import polars as pl

from engine import Snapshot, evaluate
from tests.hostile.rows import NOW, hostile_rows
from tests.hostile.values import ERROR, Value, of_series

T = TypeVar("T")

FOLDER = Path(__file__).parents[1] / "fixtures" / "conditions"
THOROUGH = "FUZZ" in os.environ
"""``make fuzz`` tries each condition in every way; ``make test``, of the ways that hardly differ, a part."""


def one_in(share: int, every: Iterable[T], start: int = 0) -> list[T]:
    """All of them where the tests are to be thorough; else one in so many, from the place ``start`` on."""
    return list(every) if THOROUGH else list(every)[start % share :: share]


@dataclass(frozen=True, slots=True)
class Written:
    """A condition of the fixtures.

    Attributes:
        text: the condition.
        file: the name of its file, which says how it is to be evaluated: ``unchecked``, with every variable ``dyn``;
            ``null_structs``, with null structs bound as null in cel-cpp.
    """

    text: str
    file: str

    @property
    def checked(self) -> bool:
        return self.file != "unchecked"


@cache
def written() -> tuple[Written, ...]:
    """All conditions, without blank lines, comments and repetitions."""
    found: dict[tuple[str, bool], Written] = {}
    for path in sorted(FOLDER.glob("*.txt")):
        for line in path.read_text(encoding="utf-8").splitlines():
            if line and not line.startswith("//"):
                one = Written(line, path.stem)
                found.setdefault((line, one.checked), one)
    return tuple(found.values())


@dataclass(frozen=True, slots=True)
class Answer:
    """What Cellar gave for a condition, row by row."""

    values: list[Value]
    reasons: list[str | None]
    mode: str
    type: str
    interpreted: tuple[str, ...]


@cache
def _snapshot() -> Snapshot:
    """The hostile rows; their schema takes a sixth of answering a condition."""
    return Snapshot.open(hostile_rows())


def answer(condition: str, frame: pl.DataFrame | None = None, *, mode: str, check: bool = True) -> Answer:
    """A condition's values on a frame (None: the hostile rows), ``ERROR`` where there is a reason.

    Raises:
        CompileError: in mode ``compiled``, where it cannot be compiled.
    """
    evaluation = evaluate(condition, _snapshot() if frame is None else frame, mode=mode, now=NOW, check=check)
    reasons = evaluation.errors.to_list()
    values = of_series(evaluation.values, evaluation.type)
    assert all(v is None for v, r in zip(values, reasons, strict=True) if r is not None), "an error has a value"
    outcomes = [v if r is None else ERROR for v, r in zip(values, reasons, strict=True)]
    clauses = tuple(dict.fromkeys(c.reason for c in evaluation.interpreted))
    return Answer(outcomes, reasons, evaluation.mode, evaluation.type, clauses)
