"""A condition on the hostile rows by both of Cellar's paths and by cel-cpp."""

from __future__ import annotations

import re
from functools import cache

from engine import CompileError
from engine.celvalues import InterpretationError
from tests.hostile.conditions import answer
from tests.hostile.referee import Referee
from tests.hostile.rows import NOW, hostile_rows, nanoseconds

# What is bound within a macro whose range a macro has chosen: see exceptions.yaml.
_MISTAKEN = re.compile(r"\((?:ints\.exists|texts\.all)\(.*\?.*\).*cel\.bind")


@cache
def referee() -> Referee:
    """cel-cpp, with the hostile rows bound."""
    return Referee(hostile_rows(), nanoseconds(NOW.removesuffix("Z")))


def agreed(text: str) -> bool:
    """Whether the paths agree on a condition; False where its types do not go together, so that there is no answer.

    Raises:
        AssertionError: they differ in a value, an error or a reason.
    """
    try:
        auto = answer(text, mode="auto")
    except (CompileError, InterpretationError):
        return False
    interpreted = answer(text, mode="interpreted")
    assert (auto.values, auto.reasons) == (interpreted.values, interpreted.reasons), text
    if not _MISTAKEN.search(text):
        assert auto.values == referee().outcomes(text), text
    return True
