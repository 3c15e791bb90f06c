"""The types of CEL. Which column becomes which type is in ``schema.py``.

A type that a null may take the place of is wrapped in :class:`Nullable`: every column, struct field, list element and
map value is. A value whose type is not nullable is never CEL's null.

Types are tuples, which Python declares and makes faster than dataclasses; ``kind`` keeps those of different classes
unequal.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Primitive(NamedTuple):
    """A type without parameters."""

    name: str
    kind: str = "primitive"

    def __str__(self) -> str:
        return self.name


class ListType(NamedTuple):
    """``list(T)``."""

    element: Type
    kind: str = "list"

    def __str__(self) -> str:
        return f"list({self.element})"


class MapType(NamedTuple):
    """``map(K, V)``."""

    key: Type
    value: Type
    kind: str = "map"

    def __str__(self) -> str:
        return f"map({self.key}, {self.value})"


class StructType(NamedTuple):
    """A message: named fields, in the order of the column's struct."""

    fields: tuple[tuple[str, Type], ...]
    name: str = "struct"
    kind: str = "struct"

    def field(self, name: str) -> Type | None:
        """The type of a field, or None where there is no such field."""
        for field, type_ in self.fields:
            if field == name:
                return type_
        return None

    def __str__(self) -> str:
        return self.name


class Nullable(NamedTuple):
    """A type or null: what protobuf's wrapper messages are to CEL."""

    of: Type
    kind: str = "nullable"

    def __str__(self) -> str:
        return str(self.of)


class Dynamic(NamedTuple):
    """``dyn``: decided at run time. ``of`` is what the value is known to be all the same, where that is known."""

    of: Type | None = None
    kind: str = "dyn"

    def __str__(self) -> str:
        return "dyn"


class OptionalType(NamedTuple):
    """``optional_type(T)``."""

    of: Type
    kind: str = "optional"

    def __str__(self) -> str:
        return f"optional_type({self.of})"


class TypeOf(NamedTuple):
    """``type(T)``: the type of a type value."""

    of: Type
    kind: str = "type"

    def __str__(self) -> str:
        return f"type({self.of})"


class Parameter(NamedTuple):
    """A type parameter of a generic overload, as in ``list(T)``."""

    name: str
    kind: str = "parameter"

    def __str__(self) -> str:
        return self.name


class Unusable(NamedTuple):
    """A column of a type that CEL has no counterpart for. ``column_type`` is the column's own type, as text."""

    column_type: str
    kind: str = "unusable"

    def __str__(self) -> str:
        return f"unusable ({self.column_type})"


Type = Primitive | ListType | MapType | StructType | Nullable | Dynamic | OptionalType | TypeOf | Parameter | Unusable

BOOL = Primitive("bool")
INT = Primitive("int")
UINT = Primitive("uint")
DOUBLE = Primitive("double")
STRING = Primitive("string")
BYTES = Primitive("bytes")
NULL = Primitive("null_type")
TIMESTAMP = Primitive("timestamp")
DURATION = Primitive("duration")
DYN = Dynamic()

NOTHING = Parameter("dyn")
"""The element type of ``[]``: fits every type. It is shown as ``dyn``, as cel-go has it once a check is done."""

NUMBERS = (INT, UINT, DOUBLE)

TYPE_NAMES: Mapping[str, Type] = {
    **{t.name: t for t in (BOOL, INT, UINT, DOUBLE, STRING, BYTES, NULL)},
    "google.protobuf.Timestamp": TIMESTAMP,
    "google.protobuf.Duration": DURATION,
    "list": ListType(DYN),
    "map": MapType(DYN, DYN),
    "optional_type": OptionalType(DYN),
    "type": TypeOf(DYN),
}
"""The names that stand for types in a condition. (Specification: "Abstract types")"""


def name_of(type_: Type) -> str:
    """The name of a type as a value: lists and maps are of one type each, whatever they hold."""
    bare = plain(type_)
    by_kind = {"list": "list", "map": "map", "optional": "optional_type", "type": "type"}
    return by_kind.get(bare.kind) or next((name for name, known in TYPE_NAMES.items() if known == bare), str(bare))


def plain(type_: Type) -> Type:
    """The type without its nullable wrapper."""
    return type_.of if isinstance(type_, Nullable) else type_


def nullable(type_: Type) -> Type:
    """The type with a nullable wrapper; null and what is already nullable stay as they are."""
    return type_ if isinstance(type_, (Nullable, Dynamic)) or type_ == NULL else Nullable(type_)


def is_nullable(type_: Type) -> bool:
    """Whether null can be a value of the type."""
    return isinstance(type_, (Nullable, Dynamic)) or type_ == NULL


def is_settled(type_: Type) -> bool:
    """Whether all of a type is known before any row is read."""
    match plain(type_):
        case Dynamic() | Parameter():
            return False
        case ListType(element=element):
            return is_settled(element)
        case MapType(key=key, value=value):
            return is_settled(key) and is_settled(value)
        case StructType(fields=fields):
            return all(is_settled(field) for _, field in fields)
        case OptionalType(of=of):
            return is_settled(of)
        case _:
            return True
