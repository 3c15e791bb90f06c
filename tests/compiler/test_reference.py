"""The documentation of the language says what is the case."""

from __future__ import annotations

import polars as pl
import pytest

from compiler.functions import catalogue
from compiler.macros import MACROS
from compiler.reference import Entry, named_functions, reference
from engine import evaluate

ENTRIES = reference()
ONE_USER = pl.DataFrame({"user_id": [1]})


def value_of(expression: str) -> object:
    evaluation = evaluate(expression, ONE_USER)
    return "error" if evaluation.errors[0] is not None else evaluation.values[0]


def test_every_function_is_listed_once() -> None:
    names = [(entry.name, entry.kind, entry.signatures) for entry in ENTRIES]
    assert len(names) == len(set(names))
    macros = [entry for entry in ENTRIES if entry.kind == "macro"]
    assert len(names) == len(named_functions()) + 4 + len(macros)
    assert len(catalogue()) - len(named_functions()) == 1, "sortBy calls one that cannot be named"


def test_the_macros_are_those_of_the_parser() -> None:
    names = {entry.name.removeprefix("cel.") for entry in ENTRIES if entry.kind == "macro"}
    assert MACROS - names == {"existsOne", "greatest", "least"}, "another name, and macros of functions"
    assert names <= MACROS


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda e: f"{e.name} {e.kind}")
def test_entries_are_complete(entry: Entry) -> None:
    assert entry.signatures
    assert all(" -> " in signature for signature in entry.signatures)
    assert entry.documentation.endswith((".", ")"))
    assert entry.examples


@pytest.mark.parametrize(
    ("expression", "value"),
    [x for e in ENTRIES if e.name in ("&&", "||", "?:") or e.kind == "macro" for x in e.examples],
)
def test_examples_of_what_is_no_function(expression: str, value: str) -> None:
    found = value_of(expression)
    expected = "error" if value == "error" else value_of(value)
    assert (list(found) if isinstance(found, pl.Series) else found) == (
        list(expected) if isinstance(expected, pl.Series) else expected
    )


@pytest.mark.parametrize(
    ("name", "kind", "signature"),
    [
        ("in", "operator", "A in list(A) -> bool"),
        ("!", "operator", "!bool -> bool"),
        ("-", "operator", "int - int -> int"),
        ("-", "operator", "-int -> int"),
        ("[]", "operator", "list(A)[int] -> A"),
        ("[?]", "operator", "list(A)[?int] -> optional_type(A)"),
        (".?", "operator", "message.?field -> optional_type(A)"),
        ("contains", "method", "string.contains(string) -> bool"),
        ("size", "function", "size(string) -> int"),
        ("math.abs", "function", "math.abs(int) -> int"),
        ("exists", "macro", "list(T).exists(x, bool) -> bool"),
    ],
)
def test_signatures(name: str, kind: str, signature: str) -> None:
    assert signature in [s for entry in ENTRIES if (entry.name, entry.kind) == (name, kind) for s in entry.signatures]
