"""Cellar as one of those that are measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from engine import count

from .recipe import Recipe

NOW = "2026-01-01T00:00:00Z"

TOTAL = "Cellar, total"
SCAN = "Cellar, scan"
COMPILE = "Cellar, compile"


def named(recipes: Sequence[Recipe]) -> dict[str, str]:
    """The conditions in CEL, by their places."""
    return {str(place): recipe.cel for place, recipe in enumerate(recipes)}


def counted(path: Path, conditions: Mapping[str, str]) -> dict[str, float]:
    """Seconds of one count over a snapshot, which is opened first: in all, from the text to the counts; of that, from
    the planned batch to the counts; and from the text to the planned batch.
    """
    report = count(path, conditions, now=NOW)
    return {TOTAL: report.duration, SCAN: report.scan, COMPILE: report.compile}


def counts(path: Path, conditions: Mapping[str, str]) -> list[tuple[int, int]]:
    """Members and error rows of each condition.

    Raises:
        AssertionError: a condition failed.
    """
    found = []
    for result in count(path, conditions, now=NOW).results:
        assert result.user_count is not None, result.error
        assert result.error_count is not None
        found.append((result.user_count, result.error_count))
    return found
