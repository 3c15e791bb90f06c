"""Values between Cellar (see ``compiler.values``) and cel-python's types. Imports cel-python, which takes a while."""

from __future__ import annotations

from celpy import celtypes
from celpy.evaluation import Result

from compiler.values import Duration, Timestamp, Uint


def to_cel_python(value: object) -> Result:
    """The value in cel-python's type.

    Raises:
        TypeError: cel-python has no such value; its times are no finer than a microsecond, so none is given to it.
    """
    match value:
        case None:
            return None
        case bool():
            return celtypes.BoolType(value)
        case Uint():
            return celtypes.UintType(int(value))
        case int() if not isinstance(value, Timestamp | Duration):
            return celtypes.IntType(value)
        case float():
            return celtypes.DoubleType(value)
        case str():
            return celtypes.StringType(value)
        case bytes():
            return celtypes.BytesType(value)
        case _:
            raise TypeError(f"cel-python is given no value of {type(value).__name__}")


def from_cel_python(value: object) -> object:
    """The plain value of what a function of cel-python returned.

    Raises:
        TypeError: it is no CEL value.
    """
    match value:
        case None | bool():
            return value
        case celtypes.BoolType():
            return bool(value)
        case celtypes.UintType():
            return Uint(value)
        case int():
            return int(value)
        case float():
            return float(value)
        case str():
            return str.__str__(value)
        case bytes():
            return bytes(value)
        case _:
            raise TypeError(f"{type(value).__name__} is no CEL value")
