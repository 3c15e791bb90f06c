"""One condition as a whole process, starting Python included: ``cellar count`` beside a script written by hand."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from pathlib import Path

from .measure import Timing, paired

_SCRIPT = """\
import polars as pl
e = {expression}
q = pl.scan_parquet({path!r}).select(e.alias("x")).select(pl.col("x").sum(), pl.col("x").null_count().alias("n"))
print(q.collect(engine="streaming").row(0))
"""

CONDITIONS = {
    "age > 30": 'pl.col("age") > 30',
    'country == "C03" && total_spent > 100.0': '(pl.col("country") == "C03") & (pl.col("total_spent") > 100.0)',
    'tags.exists(t, t == "tag3")': 'pl.col("tags").list.agg((pl.element() == "tag3").any(ignore_nulls=False))',
}


def processes(path: Path, rounds: int) -> dict[str, dict[str, Timing]]:
    """For each condition, the wall times of both processes."""
    command = str(Path(sys.executable).with_name("cellar"))

    def run(*arguments: str) -> None:
        subprocess.run(arguments, check=True, capture_output=True)

    return {
        condition: paired(
            rounds,
            {
                "cellar": partial(run, command, "count", str(path), condition),
                "polars": partial(run, sys.executable, "-c", _SCRIPT.format(expression=by_hand, path=str(path))),
            },
        )
        for condition, by_hand in CONDITIONS.items()
    }
