"""The catalogue: every function of the language, declared once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache, cached_property

from .declare import Function

NAMESPACES = frozenset({"base64", "lists", "math", "optional", "sets", "strings"})
"""What the names of functions in a namespace begin with."""


class Catalogue(Mapping[tuple[str, bool], Function]):
    """Functions by name and by whether they are methods. Operators have the names of the syntax tree.

    The extension libraries are declared when a name is asked for that the standard functions do not have, so that most
    conditions need not wait for them.
    """

    def __init__(self) -> None:
        from . import arithmetic, collections, comparison, conversions, optionals, strings, temporal, type_values

        self._standard = merged(
            (
                *comparison.functions(),
                *arithmetic.functions(),
                *strings.functions(),
                *temporal.functions(),
                *collections.functions(),
                *conversions.functions(),
                *optionals.functions(),
                *type_values.functions(),
            )
        )

    def __getitem__(self, key: tuple[str, bool]) -> Function:
        standard = self._standard.get(key)
        if standard is not None:
            return standard
        namespace, dot, _ = key[0].rpartition(".")
        if dot and namespace not in NAMESPACES:
            # As a rule it is a method of a column that is asked for.
            raise KeyError(key)
        return self._extensions[key]

    def __contains__(self, key: object) -> bool:
        return key in self._standard or super().__contains__(key)

    def __iter__(self) -> Iterator[tuple[str, bool]]:
        return iter((*self._standard, *self._extensions))

    def __len__(self) -> int:
        return len(self._standard) + len(self._extensions)

    @cached_property
    def _extensions(self) -> Mapping[tuple[str, bool], Function]:
        from . import aggregates, encoders, format, lists, math, sets, string_extension

        return merged(
            (
                *string_extension.functions(),
                *format.functions(),
                *encoders.functions(),
                *math.functions(),
                *sets.functions(),
                *lists.functions(),
                *aggregates.functions(),
            )
        )


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
