"""Values between Cellar (see ``compiler.values``) and cel-python's types. Imports cel-python, which takes a while."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from celpy import celtypes
from celpy.evaluation import Result

from compiler.values import Duration, Timestamp, Uint

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_cel_python(value: object) -> Result:
    """The value in cel-python's type. Times lose what is finer than a microsecond: cel-python has no more.

    Raises:
        TypeError: cel-python has no such value.
    """
    match value:
        case None:
            return None
        case bool():
            return celtypes.BoolType(value)
        case Uint():
            return celtypes.UintType(int(value))
        case Timestamp():
            return celtypes.TimestampType(_EPOCH + timedelta(microseconds=value // 1_000))
        case Duration():
            return celtypes.DurationType(timedelta(microseconds=value // 1_000))
        case int():
            return celtypes.IntType(value)
        case float():
            return celtypes.DoubleType(value)
        case str():
            return celtypes.StringType(value)
        case bytes():
            return celtypes.BytesType(value)
        case list() | tuple():
            return celtypes.ListType([to_cel_python(element) for element in value])
        case dict():
            return celtypes.MapType({to_cel_python(key): to_cel_python(element) for key, element in value.items()})
        case _:
            raise TypeError(f"cel-python has no value of {type(value).__name__}")


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
        case celtypes.TimestampType():
            return Timestamp((value - _EPOCH) // _MICROSECOND * 1_000)
        case celtypes.DurationType():
            return Duration(value // _MICROSECOND * 1_000)
        case int():
            return int(value)
        case float():
            return float(value)
        case str():
            return str.__str__(value)
        case bytes():
            return bytes(value)
        case list():
            return [from_cel_python(element) for element in value]
        case dict():
            return {from_cel_python(key): from_cel_python(element) for key, element in value.items()}
        case _:
            raise TypeError(f"{type(value).__name__} is no CEL value")
