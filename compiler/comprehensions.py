"""What the variables of macros stand for, and what macros result in.

(Specification, "Macros"; those of two variables as in cel-go's comprehensions.)
"""

from __future__ import annotations

from .ir import Part
from .types import BOOL, DYN, INT, Dynamic, ListType, MapType, Type, plain

TRANSFORMS = frozenset({"map", "transformList", "transformMap", "transformMapEntry"})
"""The macros whose body may be of any type; that of all others is a bool."""


def variables(range_: Type, count: int) -> tuple[tuple[Part, Type], ...] | None:
    """The variables of a macro, in their order; None where the range has no elements.

    Args:
        range_: the type of the range, without null; what is known of it where it is ``dyn``.
        count: how many variables there are, 1 or 2.
    """
    match range_, count:
        case ListType(element=element), 1:
            return (("element", element),)
        case ListType(element=element), _:
            return (("index", INT), ("element", element))
        case MapType(key=key), 1:
            return (("element", key),)
        case MapType(key=key, value=value), _:
            return (("key", key), ("value", value))
        case Dynamic(), 1:
            return (("element", DYN),)
        case Dynamic(), _:
            return (("key", DYN), ("value", DYN))
        case _:
            return None


def result_type(macro: str, range_: Type, variable: Type, body: Type) -> Type:
    """The type that a macro results in.

    Args:
        macro: its name.
        range_: the type of the range, without null; a list that is ``dyn`` stays so when it is filtered.
        variable: the type of the first variable.
        body: the type of the body.
    """
    match macro:
        case "filter":
            return ListType(range_.key) if isinstance(range_, MapType) else range_
        case "map" | "transformList":
            return ListType(body)
        case "transformMap":
            return MapType(variable, body)
        case "transformMapEntry":
            return plain(body)
        case _:
            return BOOL
