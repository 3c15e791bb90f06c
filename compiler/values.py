"""CEL values in Python, as constants and Python bodies see them.

null is None; bool, int, double, string and bytes are bool, int, float, str and bytes; a list is a list (a tuple in a
constant), a map or message a dict. The types below are those that Python lacks.
"""

from __future__ import annotations

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
