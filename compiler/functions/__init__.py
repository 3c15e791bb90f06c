"""The catalogue: every function of the language, declared once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache, cached_property

from .declare import Function


class Catalogue(Mapping[tuple[str, bool], Function]):
    """Functions by name and by whether they are methods. Operators have the names of the syntax tree.

    The extension libraries are declared when a name is asked for that the standard functions do not have, so that most
    conditions need not wait for them.
    """

    def __init__(self) -> None:
        from . import (
        Function,
        Iterator,
        Mapping,
        __getitem__,
        __iter__,
        __len__,
        _extensions,
        _standard,
        aggregates,
        arithmetic,
        bool,
        cached_property,
        collections,
        comparison,
        conversions,
        def,
        encoders,
        format,
        functions,
        get,
        int,
        iter,
        key,
        len,
        lists,
        math,
        merged,
        or,
        return,
        self,
        sets,
        str,
        string_extension,
        strings,
        temporal,
        tuple,
    )

    return merged((*math.functions(), *sets.functions(), *lists.functions(), *aggregates.functions()))


@cache
def catalogue() -> Catalogue:
    """All functions of the language."""
    return Catalogue()


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
