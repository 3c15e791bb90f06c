"""The elements of lists: nested macros over lists from further out, on every depth, against the interpreter."""

from __future__ import annotations

import polars as pl
import pytest

from compiler.schema import Schema
from engine import evaluate
from engine.plan import Planned, plan
from engine.results import Mode
from engine.spaces import Spaces

ROWS = pl.DataFrame(
    {
        "n": [1, None, 3, 4, 5],
        "a": [[1, 2, 3], [], None, [4, None], [5]],
        "b": [[3, 1], [2], [7], None, [5, 5, 1]],
        "c": [
            [{"x": 1, "l": [1, 2]}, {"x": None, "l": []}],
            [],
            None,
            [{"x": 4, "l": None}],
            [None, {"x": 5, "l": [5]}],
        ],
    }
)
NESTED = (
    "a.exists(x, b.exists(y, y == x))",
    "a.map(x, b.filter(y, y > 1).size())",
    "a.map(x, b.map(y, y + n))",
    "a.all(x, b.all(y, c.exists(z, z.x == x || z.x == y)))",
    "a.map(x, b.map(y, c.map(z, n)))",
    "a.map(x, b.exists(y, a.exists(z, z == y + x)))",
    "c.map(z, a.exists(x, x == z.x))",
    "c.exists(z, z.l.exists(e, b.exists(y, y == e)))",
    "c.map(z, b.filter(y, z.l.exists(e, e == y)))",
    "a.exists(x, a.exists(y, a.exists(z, z == y && y == x)))",
    "a.transformList(i, x, b.transformList(j, y, i + j))",
    "cel.bind(m, b.map(y, y * 2), a.exists(x, m.exists(y, y == x)))",
)


@pytest.mark.parametrize("condition", NESTED)
def test_lists_from_further_out(condition: str) -> None:
    for rows in (ROWS, pl.concat([ROWS] * 3).slice(2, 9), ROWS.clear()):
        compiled, interpreted = (evaluate(condition, rows, mode=mode) for mode in ("compiled", "interpreted"))
        assert compiled.values.to_list() == interpreted.values.to_list()
        assert compiled.errors.to_list() == interpreted.errors.to_list()


def test_a_list_from_further_out_is_not_copied_for_each_element() -> None:
    condition = "a.exists(x, b.exists(y, y == x))"
    (one,) = plan({condition: condition}, Schema.of(ROWS.schema), now=0, mode=Mode.AUTO).planned
    assert isinstance(one, Planned)
    spaces = Spaces(ROWS)
    for step in one.steps:
        spaces.add(step)
    (outer,) = [step.space for step in one.steps if step.space.parent is not None and step.space.parent.parent is None]
    assert outer.captures
    assert not outer.captures.keys() & set(spaces.frame(outer).columns)
