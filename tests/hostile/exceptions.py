"""Where cel-cpp does not judge: tests/fixtures/conditions/exceptions.yaml."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import yaml

from tests.hostile.conditions import FOLDER, Written
from tests.hostile.referee import Referee
from tests.hostile.values import Value

_TRUE = ("bool", True)


@dataclass(frozen=True, slots=True)
class Case:
    """Rows, as a condition on them, and what is expected there, both as CEL."""

    where: str
    expected: str


@cache
def exceptions() -> dict[str, tuple[Case, ...]]:
    """The cases of each condition that has some."""
    entries = yaml.safe_load((FOLDER / "exceptions.yaml").read_text(encoding="utf-8"))
    found: dict[str, tuple[Case, ...]] = {}
    for entry in entries:
        assert entry["why"]
        cases = tuple(Case(str(case["where"]).strip(), str(case["expected"])) for case in entry["cases"])
        for condition in entry["conditions"]:
            assert condition not in found, condition
            found[condition] = cases
    return found


def expected(referee: Referee, condition: Written) -> list[Value]:
    """What a condition must give on each row: cel-cpp's answer, or that of its exceptions."""
    answers = referee.outcomes(condition.text, null_structs=condition.file == "null_structs")
    for case in exceptions().get(condition.text, ()):
        applies = [value == _TRUE for value in referee.outcomes(case.where)]
        instead = referee.outcomes(case.expected)
        changed = [i if a else b for a, b, i in zip(applies, answers, instead, strict=True)]
        assert changed != answers, f"{condition.text}: the exception where {case.where} makes no difference"
        answers = changed
    return answers
