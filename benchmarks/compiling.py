"""From text to Polars expressions, beside what cel-cpp and cel-python take to compile the same text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial

import celpy
import polars as pl
from cel_expr_python import cel
from celpy.celparser import CELParseError

from compiler.condition import compile_condition
from compiler.diagnostics import CompileError
from compiler.lower import Lowering, NotLowered
from compiler.schema import Schema

from .measure import Figure, Setting, Subject, timed

SERIES = "compiling"

CELLAR = "Cellar, text to expressions"
CEL_CPP = "cel-cpp"
CEL_PYTHON = "cel-python"

_FLAGS = tuple(f"f{n}" for n in range(1_000))
_CLAUSES = ("age >= {n}", 'country == "C{n}"', "total_spent > {n}.5", "!(age == {n})")
_BINDINGS = 30

THREE = "3 comparisons"
CONDITIONS = {
    THREE: 'age > 30 && country == "DE" && total_spent >= 100.0',
    "40 clauses": " && ".join(f"({_CLAUSES[n % 4].format(n=n)} || f{n})" for n in range(20)),
    "a chain of 1,000 ||": " || ".join(_FLAGS),
    # Each binding is used twice: an expansion that copies would have a thousand million nodes.
    "a chain of 30 cel.bind": "cel.bind(b0, age, "
    + "".join(f"cel.bind(b{n}, b{n - 1} + b{n - 1}, " for n in range(1, _BINDINGS))
    + f"b{_BINDINGS - 1} > 0"
    + ")" * _BINDINGS,
}
_MORE = 6
"""Times the rounds: compiling is short, and what else the machine does shows in it."""


def schema() -> Schema:
    """The variables of the conditions."""
    flags = dict.fromkeys(_FLAGS, pl.Boolean())
    return Schema.of({"age": pl.Int64(), "country": pl.String(), "total_spent": pl.Float64(), **flags})


def compiling(setting: Setting) -> Iterator[Figure]:
    """Each condition, compiled by each that can."""
    compilers = _compilers(setting.peers)
    for case, text in CONDITIONS.items():
        figure = partial(Figure, SERIES, case, users=0, conditions=1)
        subjects: dict[str, Subject] = {}
        for who, compile_text in compilers.items():
            try:
                compile_text(text)
            except (CompileError, NotLowered, RuntimeError, CELParseError, RecursionError) as error:
                yield figure(who=who, note=f"left out: {str(error).splitlines()[0]}")
            else:
                subjects[who] = timed(who, partial(compile_text, text))
        for who, seconds in setting.paired(subjects, more=_MORE).items():
            yield figure(who=who, seconds=seconds)


def _compilers(peers: frozenset[str]) -> Mapping[str, Callable[[str], object]]:
    variables = schema()
    flags = dict.fromkeys(_FLAGS, cel.Type.BOOL)
    types = {"age": cel.Type.INT, "country": cel.Type.STRING, "total_spent": cel.Type.DOUBLE, **flags}
    cpp = cel.NewEnv(variables=types)
    python = celpy.Environment()

    def cellar(text: str) -> object:
        return Lowering(variables).lower(compile_condition(text, variables, now=0).node)

    def cel_python(text: str) -> object:
        return python.program(python.compile(text))

    chosen: dict[str, Callable[[str], object]] = {CELLAR: cellar}
    if "cel-cpp" in peers:
        chosen[CEL_CPP] = cpp.compile
    if "cel-python" in peers:
        chosen[CEL_PYTHON] = cel_python
    return chosen
