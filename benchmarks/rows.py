"""Evaluators that take one row at a time: cel-python and cel-cpp, on a sample of the users.

The values are converted for the evaluator before the clock starts, and a row that ends in an error costs what raising
and catching it costs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from time import perf_counter
from typing import TypeVar

import celpy
import polars as pl
from cel_expr_python import cel
from celpy import celtypes
from celpy.evaluation import CELEvalError, Context

from .measure import Figure, Setting

CEL_PYTHON = "cel-python, by row"
CEL_CPP = "cel-cpp, by row"
_SAMPLED_CONDITIONS = 100
"""Conditions that are evaluated on the sample; the time of more is scaled."""

_ERRORS = (CELEvalError, TypeError)
"""What cel-python raises for an error; for a macro over null, the second."""

Row = Mapping[str, object]
Values = TypeVar("Values")


class NotCompiledError(Exception):
    """A condition that an evaluator does not compile, with its message."""


def sample(setting: Setting, path: Path, columns: Sequence[str] | None = None) -> pl.DataFrame:
    """The first users of a snapshot."""
    rows = pl.scan_parquet(path).head(setting.sample)
    return (rows if columns is None else rows.select(columns)).collect()


def by_row(
    setting: Setting, frame: pl.DataFrame, texts: Sequence[str], figure: Callable[..., Figure]
) -> Iterator[Figure]:
    """The evaluators that were chosen, scaled from the sample to all the users and conditions of a figure."""
    for peer, who, run in (("cel-python", CEL_PYTHON, cel_python), ("cel-cpp", CEL_CPP, cel_cpp)):
        if peer not in setting.peers:
            continue
        blank = figure(who=who)
        try:
            each = run(frame, texts)
        except NotCompiledError as reason:
            yield blank._replace(note=f"left out: {reason}")
            continue
        note = f"scaled from {frame.height} users: {each * 1e6:.1f} µs a row and condition"
        yield blank._replace(seconds=(each * blank.users * blank.conditions,), note=note)


def cel_python(frame: pl.DataFrame, texts: Sequence[str]) -> float:
    """Seconds that cel-python takes for each row and condition."""
    rows = [{name: _celpy(value) for name, value in row.items()} for row in frame.iter_rows(named=True)]
    return _seconds([cel_python_program(text) for text in texts[:_SAMPLED_CONDITIONS]], rows)


def cel_python_program(text: str) -> Callable[[Context], object]:
    """A condition compiled by cel-python, which lacks ``sum``."""
    environment = celpy.Environment()
    return environment.program(environment.compile(text), functions={"sum": _sum}).evaluate


def cel_cpp(frame: pl.DataFrame, texts: Sequence[str]) -> float:
    """Seconds that cel-cpp takes for each row and condition."""
    rows = list(frame.iter_rows(named=True))
    return _seconds([cel_cpp_program(frame.columns, text) for text in texts[:_SAMPLED_CONDITIONS]], rows)


def cel_cpp_program(columns: Sequence[str], text: str) -> Callable[[Row], object]:
    """A condition compiled by cel-cpp; every column is ``dyn``.

    Raises:
        NotCompiledError: it lacks a function.
    """
    environment = cel.NewEnv(variables=dict.fromkeys(columns, cel.Type.DYN))
    try:
        compiled = environment.compile(text)
    except RuntimeError as error:
        raise NotCompiledError(str(error).partition("\n")[0]) from None

    def evaluate(row: Row) -> object:
        return compiled.eval(data=row).value()

    return evaluate


def _seconds(programs: Sequence[Callable[[Values], object]], rows: Sequence[Values]) -> float:
    start = perf_counter()
    for evaluate in programs:
        for row in rows:
            with suppress(*_ERRORS):
                evaluate(row)
    return (perf_counter() - start) / (len(programs) * len(rows))


def _sum(values: list[float]) -> celtypes.DoubleType:
    return celtypes.DoubleType(sum(values))


def _celpy(value: object) -> celtypes.Value:
    match value:
        case bool():
            return celtypes.BoolType(value)
        case int():
            return celtypes.IntType(value)
        case float():
            return celtypes.DoubleType(value)
        case str():
            return celtypes.StringType(value)
        case datetime():
            return celtypes.TimestampType(value)
        case list():
            return celtypes.ListType([_celpy(element) for element in value])
        case dict():
            return celtypes.MapType({celtypes.StringType(name): _celpy(held) for name, held in value.items()})
        case _:
            assert value is None
            return value
