"""From text to Polars expressions, beside what cel-cpp takes to compile the same text."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from time import perf_counter

import polars as pl
from cel_expr_python import cel

from compiler.condition import compile_condition
from compiler.lower import Lowering
from compiler.schema import Schema

_FLAGS = tuple(f"f{n}" for n in range(1_000))
_CLAUSES = ("age >= {n}", 'country == "C{n}"', "total_spent > {n}.5", "!(age == {n})")

CONDITIONS = {
    "three comparisons": 'age > 30 && country == "DE" && total_spent >= 100.0',
    "forty clauses": " && ".join(f"({_CLAUSES[n % 4].format(n=n)} || f{n})" for n in range(20)),
    "a thousand ||": " || ".join(_FLAGS),
}


def schema() -> Schema:
    """The variables of the conditions."""
    flags = dict.fromkeys(_FLAGS, pl.Boolean())
    return Schema.of({"age": pl.Int64(), "country": pl.String(), "total_spent": pl.Float64(), **flags})


def compile_times(repeats: int = 30) -> dict[str, tuple[float, float]]:
    """The best of several runs, in seconds: Cellar's from text to cell, and cel-cpp's."""
    variables = schema()
    flags = dict.fromkeys(_FLAGS, cel.Type.BOOL)
    types = {"age": cel.Type.INT, "country": cel.Type.STRING, "total_spent": cel.Type.DOUBLE, **flags}
    environment = cel.NewEnv(variables=types)

    def ours(text: str) -> None:
        Lowering(variables).lower(compile_condition(text, variables, now=0).node)

    return {
        name: (_best(repeats, partial(ours, text)), _best(repeats, partial(environment.compile, text)))
        for name, text in CONDITIONS.items()
    }


def _best(repeats: int, subject: Callable[[], object]) -> float:
    times = []
    for _ in range(repeats):
        start = perf_counter()
        subject()
        times.append(perf_counter() - start)
    return min(times)
