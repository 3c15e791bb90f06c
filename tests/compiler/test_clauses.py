"""Conditions taken apart at && and ||."""

from __future__ import annotations

import pytest

from compiler.clauses import ClauseTree, clause_tree
from compiler.diagnostics import CompileError


@pytest.mark.parametrize(
    ("text", "clauses"),
    [
        ("a", ["a"]),
        ("a && b && c", ["a", "b", "c"]),
        ("a && (b && (c && d))", ["a", "b", "c", "d"]),
        ("(a || b) && !(c && d)", ["a || b", "!(c && d)"]),
        ("a || b && c", ["a || b && c"]),
        ("xs.exists(x, x > 1 && x < 3) && b", ["xs.exists(x, x > 1 && x < 3)", "b"]),
        ('(a) // "no" && b\n && "&&" == c // end', ["a", '"&&" == c']),
        ('"é😀" == a && b', ['"é😀" == a', "b"]),
    ],
)
def test_the_clauses_that_must_hold(text: str, clauses: list[str]) -> None:
    assert [clause.text for clause in clause_tree(text).conjuncts()] == clauses


def test_chains_nest() -> None:
    leaves = {name: ClauseTree(name) for name in "abc"}
    either = ClauseTree("b || c", "||", (leaves["b"], leaves["c"]))
    assert clause_tree("a && (b || c)") == ClauseTree("a && (b || c)", "&&", (leaves["a"], either))


def test_what_is_malformed_is_refused() -> None:
    with pytest.raises(CompileError):
        clause_tree("a &&")
