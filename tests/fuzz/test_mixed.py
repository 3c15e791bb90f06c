"""Values of several types by chance: put into one list, map or optional, and taken out again.

The types of such a value are known at run time only, or not even asked for: where it compiles all the same, it must be
what the interpreter makes of it.
"""

from __future__ import annotations

import os
import random

import pytest

from tests.fuzz.test_expressions import agreed, places

BATCH = 400
BATCHES = -(-int(os.environ.get("FUZZ", BATCH)) // BATCH)
SEED = os.environ.get("FUZZ_SEED", "1")
LEAVES = ("s", "i", "x", "p", "u", "at", "for_us", "null", "1", "2u", "1.5", '"a"', "true", "ints", "k", "r")


def value(chance: random.Random, depth: int) -> str:
    """An expression of any type, with so many levels at most."""
    if depth == 0 or chance.random() < 0.3:
        return chance.choice(LEAVES)
    one, other = value(chance, depth - 1), value(chance, depth - 1)
    place = chance.choice("01")
    return chance.choice(
        [
            f"[{one}, {other}][{place}]",
            f"[{one}, {other}][{place}]",
            f"[?optional.of({one}), {other}][{place}]",
            f"optional.of({one}).orValue({other})",
            f'{{"a": {one}, "b": {other}}}["{chance.choice("ab")}"]',
            f"(p ? {one} : {other})",
        ]
    )


def condition(chance: random.Random) -> str:
    """What asks one of another."""
    kind = chance.random()
    if kind < 0.6:
        return f"{value(chance, 3)} {chance.choice(['==', '==', '!=', '<', 'in'])} {value(chance, 1)}"
    one, other, third = value(chance, 2), value(chance, 2), value(chance, 1)
    if kind < 0.8:
        return f"[{one}, {other}].exists(e, e == {third})"
    return f"[{one}, {other}] == [{third}, {value(chance, 1)}]"


@pytest.mark.parametrize("batch", range(BATCHES))
def test_what_is_taken_from_others_is_what_was_put_there(batch: int) -> None:
    chance = random.Random(f"{SEED} {batch}")
    texts = [condition(chance) for _ in range(BATCH)]
    answered = sum(agreed(text, places(text)) for text in texts)
    assert answered > BATCH / 10, "the others are refused"
