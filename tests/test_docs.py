"""What docs/ says is what happens."""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl
import pytest

from compiler.functions import catalogue
from engine import CompileError, evaluate
from engine.language_page import language_page
from tests.hostile.values import of_series

DOCS = Path(__file__).parents[1] / "docs"
LANGUAGE = (DOCS / "language.md").read_text(encoding="utf-8")
ONE_USER = pl.DataFrame({"user_id": [1]})
CELL = r"(?:`` (.*?) ``|`(.*?)`)"
EXAMPLE = re.compile(rf"^\| {CELL} \| {CELL} \|$", re.MULTILINE)


def examples() -> list[tuple[str, str]]:
    """The examples of the reference, with their values, without the bars' backslashes."""
    found = []
    for match in EXAMPLE.finditer(LANGUAGE):
        expression, value = (a or b for a, b in (match.groups()[:2], match.groups()[2:]))
        found.append((expression.replace(r"\|", "|"), value.replace(r"\|", "|")))
    return found


def outcome(expression: str, mode: str) -> object:
    try:
        evaluation = evaluate(expression, ONE_USER, mode=mode)
    except CompileError as error:
        if "invalid" in str(error) or "unknown time zone" in str(error):
            return "error"
        raise
    if evaluation.errors[0] is not None:
        return "error"
    return of_series(evaluation.values, evaluation.type)[0]


def test_the_reference_is_current() -> None:
    assert language_page() == LANGUAGE, "write it anew: make docs"


def test_the_reference_is_complete() -> None:
    titles = re.findall(r"^### .*$", LANGUAGE, re.MULTILINE)
    assert len(titles) == len(set(titles)) or {t for t in titles if titles.count(t) > 1} == {"### `-`"}
    assert len(titles) >= len(catalogue()) + 3
    assert len(examples()) > 1.5 * len(titles)


@pytest.mark.parametrize("mode", ["auto", "interpreted"])
@pytest.mark.parametrize(("expression", "value"), examples())
def test_examples(expression: str, value: str, mode: str) -> None:
    expected = "error" if value == "error" else outcome(value, mode)
    assert outcome(expression, mode) == expected


def test_links_lead_somewhere() -> None:
    anchors = {
        re.sub(r"[^a-z0-9 _-]", "", t.lower()).replace(" ", "-")
        for t in re.findall(r"^### (.*)$", LANGUAGE, re.MULTILINE)
    }
    assert set(re.findall(r"\]\(#(.*?)\)", LANGUAGE)) <= anchors
