"""Conditions made by chance, on hostile rows: compiled, interpreted and cel-cpp agree on each row.

``make fuzz FUZZ=20000 FUZZ_SEED=2`` makes that many from that seed; without, a few.
"""

from __future__ import annotations

import os

import pytest

from tests.hostile.conditions import written
from tests.hostile.judging import agreed
from tests.hostile.substitutes import substituted
from tests.hostile.test_hostile import FILES

BATCH = 100
BATCHES = -(-int(os.environ.get("FUZZ", BATCH)) // BATCH)
SEED = int(os.environ.get("FUZZ_SEED", "1"))


@pytest.mark.parametrize("batch", range(BATCHES))
def test_conditions_by_chance(batch: int) -> None:
    conditions = [w for w in written() if w.file in FILES]
    judged = sum(map(agreed, substituted(conditions, f"{SEED}:{batch}", BATCH)))
    assert judged > BATCH // 2
