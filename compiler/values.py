"""CEL values in Python, as constants and Python bodies see them.

null is None; bool, int, double, string and bytes are bool, int, float, str and bytes; a list is a list (a tuple in a
constant), a map a dict. The types below are those that Python lacks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

NANOSECONDS = 1_000_000_000
"""Nanoseconds in a second."""


class Uint(int):
    """An unsigned 64-bit integer."""

    __slots__ = ()


class Timestamp(int):
    """Nanoseconds since 1970-01-01T00:00:00Z."""

    __slots__ = ()


class Duration(int):
    """Nanoseconds."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class TypeValue:
    """A type as a value, by the name that stands for it in a condition: what ``type()`` gives."""

    name: str


@dataclass(frozen=True, slots=True)
class Optional:
    """An optional value: ``present`` tells one that holds null from one that holds nothing."""

    value: object = None
    present: bool = True


NONE = Optional(present=False)
"""``optional.none()``."""


class Message(dict[str, object]):
    """A struct: a message with these fields, each of which may be null. Not a map: it has no keys to look up."""

    __slots__ = ()


class TruthKey(int):
    """true or false as a key of a map that has numbers as keys, too: Python takes True for 1."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TruthKey) and int(self) == int(other)

    def __hash__(self) -> int:
        return hash(("truth", int(self)))


def keys_of(container: Mapping[object, object]) -> list[object]:
    """The keys of a map, as CEL values."""
    return [bool(key) if isinstance(key, TruthKey) else key for key in container]
