"""The catalogue: every function of the language, declared once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache

from .declare import Function


@cache
def catalogue() -> Mapping[tuple[str, bool], Function]:
    """All functions by name and by whether they are methods. Operators have the names of the syntax tree."""
    from . import aggregates, arithmetic, collections, comparison, conversions, lists, math, sets, strings, temporal

    return merged(
        (
            *comparison.functions(),
            *arithmetic.functions(),
            *strings.functions(),
            *temporal.functions(),
            *collections.functions(),
            *conversions.functions(),
            *math.functions(),
            *sets.functions(),
            *lists.functions(),
            *aggregates.functions(),
        )
    )


def merged(declared: Iterable[Function]) -> dict[tuple[str, bool], Function]:
    """The functions by name and kind. Overloads that several modules declare for one function become one function,
    documented by all of them.
    """
    functions: dict[tuple[str, bool], Function] = {}
    for function in declared:
        key = (function.name, function.method)
        earlier = functions.get(key)
        functions[key] = (
            function
            if earlier is None
            else earlier._replace(
                overloads=earlier.overloads + function.overloads,
                documentation=f"{earlier.documentation} {function.documentation}",
                examples=earlier.examples + function.examples,
            )
        )
    return functions
