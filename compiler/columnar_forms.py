"""Which functions have a columnar form, for which arguments: found by lowering a call of each overload over columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

import polars as pl

from .cell import NotColumnar, standard_dtype
from .condition import compile_condition
from .diagnostics import CompileError
from .functions.declare import Function, Overload
from .lower import Lowering
from .schema import Schema
from .types import (
    BOOL,
    BYTES,
    DOUBLE,
    DURATION,
    INT,
    STRING,
    TIMESTAMP,
    UINT,
    Dynamic,
    ListType,
    MapType,
    Nullable,
    OptionalType,
    Parameter,
    Type,
    plain,
)

_LITERALS: dict[Type, tuple[str, ...]] = {
    BOOL: ("true",),
    INT: ("1",),
    UINT: ("1u",),
    DOUBLE: ("1.5",),
    STRING: ('"a"', '"%s"', '"UTC"', '"1s"', '"2024-01-01T00:00:00Z"'),
    BYTES: ('b"a"',),
    TIMESTAMP: ("now",),
    DURATION: ("days(1)",),
}
"""Literals of each type; the first that a function accepts is taken."""


def columnar_arguments(function: Function, overload: Overload) -> tuple[int, ...] | None:
    """The places of the arguments that must be literals, or lists written out, for a call to be compiled.

    The receiver is the first. No places: it is compiled with columns for all of them. None: it has no columnar form.
    """
    places = range(len(overload.parameters))
    for number in range(len(overload.parameters) + 1):
        for fixed in combinations(places, number):
            if any(_lowers(text, schema) for text, schema in _calls(function, overload, fixed)):
                return fixed
    return None


def _calls(function: Function, overload: Overload, fixed: tuple[int, ...]) -> Iterator[tuple[str, Schema]]:
    """Calls of an overload with columns as arguments, except for those in the places ``fixed``."""
    columns: dict[str, pl.DataType] = {}
    arguments: list[tuple[str, ...]] = []
    for place, parameter in enumerate(overload.parameters):
        type_ = _instance(parameter)
        name = f"c{place}"
        dtype = _dtype(type_)
        if place in fixed:
            arguments.append(_written(type_))
        elif dtype is None:
            return
        else:
            optional = isinstance(plain(parameter), OptionalType)
            columns[name] = dtype
            arguments.append((f"user.?{name}" if optional else name,))
    schema = Schema.of(columns)
    most = max((len(a) for a in arguments), default=1)
    for choice in range(most):
        texts = [a[min(choice, len(a) - 1)] for a in arguments if a]
        if len(texts) == len(arguments):
            yield call_text(function, texts), schema


def call_text(function: Function, arguments: Sequence[str]) -> str:
    """A call as it is written, with the texts of its arguments; an operator stands without parentheses around it."""
    name = function.name
    match arguments:
        case [receiver, *rest] if function.method:
            return f"{receiver}.{name}({', '.join(rest)})"
        case [operand, index] if name == "_[_]":
            return f"{operand}[{index}]"
        case [operand, index] if name == "_[?_]":
            return f"{operand}[?{index}]"
        case [item, range_] if name == "@in":
            return f"{item} in {range_}"
        case [left, right] if name.startswith("_"):
            return f"{left} {name.strip('_')} {right}"
        case [operand] if name in ("!_", "-_"):
            return f"{name[0]}{operand}"
        case _:
            return f"{name}({', '.join(arguments)})"


def _lowers(text: str, schema: Schema) -> bool:
    try:
        condition = compile_condition(text, schema, now=0)
        cell = Lowering(schema, interpret=False).lower(condition.node)
    except (CompileError, NotColumnar):
        return False
    return not isinstance(cell.dtype, pl.Unknown)


def _instance(type_: Type) -> Type:
    """A type with an int for each parameter, or a string for that of a map's keys."""
    match type_:
        case Parameter(name=name):
            return STRING if name == "K" else INT
        case Nullable(of=of) | OptionalType(of=of):
            return _instance(of)
        case Dynamic():
            return INT
        case ListType(element=element):
            return ListType(_instance(element))
        case MapType(key=key, value=value):
            return MapType(_instance(key), _instance(value))
        case _:
            return type_


def _dtype(type_: Type) -> pl.DataType | None:
    match type_:
        case ListType(element=element):
            inner = _dtype(element)
            return None if inner is None else pl.List(inner)
        case MapType(key=key, value=value):
            keys, values = _dtype(key), _dtype(value)
            return None if keys is None or values is None else pl.Map(keys, values)
        case _ if type_ == TIMESTAMP:
            return pl.Datetime("us", "UTC")
        case _ if type_ == DURATION:
            return pl.Duration("us")
        case _:
            return standard_dtype(type_)


def _written(type_: Type) -> tuple[str, ...]:
    """Literals of a type, or lists of them."""
    match type_:
        case ListType(element=element):
            return tuple(f"[{text}]" for text in _written(element))
        case _:
            return _LITERALS.get(type_, ())
