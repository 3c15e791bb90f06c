"""The search for garbage is paused where it only costs time, and never stays off."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

import polars as pl
import pytest

from compiler.schema import Schema
from engine.audience import AudienceError
from engine.collection import collection_paused
from engine.plan import plan
from engine.results import Mode

SCHEMA = Schema.of({"age": pl.Int64()})


@contextmanager
def searches() -> Iterator[list[int]]:
    """The generations of the searches for garbage meanwhile."""
    found: list[int] = []

    def note(phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            found.append(info["generation"])

    gc.callbacks.append(note)
    try:
        yield found
    finally:
        gc.callbacks.remove(note)


def test_planning_many_conditions_searches_for_no_garbage() -> None:
    conditions = {str(n): f"age > {n} && age * 2 < {n}" for n in range(300)}
    with searches() as found:
        plan(conditions, SCHEMA, now=0, mode=Mode.COMPILED)
        assert len(found) <= 1, "the one that was due, when it is allowed again"
    assert gc.isenabled()


def test_what_many_conditions_are_made_of_is_not_searched_soon() -> None:
    conditions = {str(n): f"age > {n} && age * 2 < {n} || age + 3 == {n}" for n in range(1_500)}
    gc.collect()
    young, old = len(gc.get_objects(generation=0)), len(gc.get_objects(generation=2))
    planned = plan(conditions, SCHEMA, now=0, mode=Mode.COMPILED)
    assert len(planned.planned) == 1_500
    assert len(gc.get_objects(generation=0)) < young + 10_000
    assert len(gc.get_objects(generation=2)) > old + 100_000


def test_what_somebody_has_frozen_stays_so() -> None:
    gc.freeze()
    try:
        frozen = gc.get_freeze_count()
        plan({str(n): f"age > {n} && age * 2 < {n}" for n in range(1_500)}, SCHEMA, now=0, mode=Mode.COMPILED)
        assert gc.get_freeze_count() > 0.9 * frozen
    finally:
        gc.unfreeze()


def test_a_plan_that_fails_leaves_the_search_on() -> None:
    with pytest.raises(AudienceError):
        plan({"a": "age > 1"}, SCHEMA, now=0, mode=Mode.COMPILED, rules={"nobody": "true"})
    assert gc.isenabled()


def test_who_has_switched_the_search_off_keeps_it_off() -> None:
    gc.disable()
    try:
        with collection_paused():
            assert not gc.isenabled()
        assert not gc.isenabled()
    finally:
        gc.enable()
