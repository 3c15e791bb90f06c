"""Calls of calls of calls: what one copies, the next copies again, so that each level could double the whole."""

from __future__ import annotations

from time import process_time

import pytest

from engine import CompileError, evaluate
from tests.hostile.rows import NOW, hostile_rows

ROWS = hostile_rows().head(8)
TOWERS = [
    ("i", "[{}, 1][0]"), ("i", "[1, {}][k]"), ("i", "[{}].sum()"), ("ints", "[{}].flatten()"), ("i", "(-{})"),
    ("i", "({} + i)"), ("i", "({} / k)"), ("p", "({} ? q : p)"), ("i", "(p ? {} : j)"), ("p", "({} == q)"),
    ("p", "({} && q || p)"), ("dyn(i)", "(-{})"), ("dyn(i)", "({} + 1)"), ("dyn(ints)", "{}.filter(e, e > 1)"),
    ("dyn(ints)", "{}.map(e, e)"), ("ints", "{}.map(e, e + 1)"), ("ints", "({} + ints)"), ("ints", "{}.sort()"),
    ("s", "{}.replace('a', 'bb')"), ("s", "{}.substring(1)"), ("s", "({} + s)"), ("at", "({} + for_us)"),
    ("at", "timestamp(string({}))"), ("i", "math.greatest({}, 1)"), ("i", "cel.bind(a, {}, a + a)"),
    ("i", "optional.of({}).orValue(1)"), ("i", "optional.of({}).optMap(a, a + a).orValue(1)"),
    ("s", "'%s'.format([{}])"), ("i", "{{'a': {}}}.a"), ("dyn(address)", "{}.geo"),
]  # fmt: skip


def tower(base: str, level: str, height: int) -> str:
    text = base
    for _ in range(height):
        text = level.replace("{{", "\0").replace("}}", "\1").replace("{}", text).replace("\0", "{").replace("\1", "}")
    return text


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(("base", "level"), TOWERS, ids=[level for _, level in TOWERS])
def test_a_tower_grows_with_its_height(base: str, level: str, check: bool) -> None:
    def seconds(height: int) -> float:
        text = tower(base, level, height)
        start = process_time()
        try:
            evaluate(text, ROWS, now=NOW, check=check)
        except CompileError:
            assert height > 6, text
        return process_time() - start

    # Three times the height: 2 ** 12 times the time if each level doubled it.
    assert seconds(18) < 40 * max(seconds(6), 0.005)
