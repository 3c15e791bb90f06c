"""One condition as a whole process, starting Python included: ``cellar count`` beside a script written by hand."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from functools import partial

from .measure import Figure, Setting, timed
from .recipe import snapshot

SERIES = "processes"

_MOST_USERS = 1_000_000
_COMMAND = "from cli import main; main()"
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


def processes(setting: Setting) -> Iterator[Figure]:
    """The wall times of both processes, for each condition, over at most a million users."""
    users = min(max(setting.users), _MOST_USERS)
    path = snapshot(setting.folder, users)
    for condition, by_hand in CONDITIONS.items():
        both = {
            "cellar count": partial(_run, "-c", _COMMAND, "count", str(path), condition),
            "a script with Polars": partial(_run, "-c", _SCRIPT.format(expression=by_hand, path=str(path))),
        }
        for who, seconds in setting.paired({name: timed(name, run) for name, run in both.items()}).items():
            yield Figure(SERIES, condition, who, users, 1, seconds)


def _run(*arguments: str) -> None:
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
