"""What people see who write a wrong condition: tests/fixtures/diagnostics.txt, read by a person, word for word."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pytest

from compiler.macros import MACROS
from compiler.messages import MACRO_FORMS
from engine import Audience, CompileError, Segment, count
from engine.sample import SAMPLE_NOW, write_sample
from tests.golden import Entry, entries, rewritten

NAME = "diagnostics.txt"


@cache
def users() -> pl.DataFrame:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "users.parquet"
        write_sample(path, users=1)
        return pl.read_parquet(path)


def message_of(entry: Entry) -> str:
    """The message for a condition, or for the rule of the channel email."""
    segment: str | Segment = entry.text
    rules = None
    if entry.heading == "Rules of audiences":
        segment, rules = Segment("true", Audience("email")), {"email": entry.text}
    try:
        count(users(), segment, now=SAMPLE_NOW, rules=rules)
    except CompileError as error:
        return str(error)
    pytest.fail(f"nothing is wrong with {entry.text}")


rewritten(NAME, message_of)


@pytest.mark.parametrize("entry", list(entries(NAME)), ids=str)
def test_message(entry: Entry) -> None:
    assert message_of(entry) == entry.message


def test_there_are_many_and_each_once() -> None:
    texts = [str(entry) for entry in entries(NAME)]
    assert len(texts) == len(set(texts)) > 200


def test_most_say_what_to_write_instead() -> None:
    with_hint = [entry for entry in entries(NAME) if "\n = " in entry.message]
    assert len(with_hint) > 0.85 * len(list(entries(NAME)))


def test_each_macro_has_a_form() -> None:
    assert {*MACRO_FORMS, "greatest", "least"} == MACROS
