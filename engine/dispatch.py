"""Which overload takes which values, decided from the values themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from compiler.types import (
    BOOL,
    BYTES,
    DOUBLE,
    DURATION,
    INT,
    NULL,
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
    is_nullable,
    plain,
)
from compiler.values import Duration, Optional, Timestamp, Uint, keys_of

NO_SUCH_OVERLOAD = "no such overload"

_NULL = type(None)

_CLASSES: Mapping[Type, type] = {
    NULL: _NULL,
    BOOL: bool,
    INT: int,
    UINT: Uint,
    DOUBLE: float,
    STRING: str,
    BYTES: bytes,
    TIMESTAMP: Timestamp,
    DURATION: Duration,
}

_RESULTS: Mapping[Type, Callable[..., object]] = {
    INT: int,
    UINT: Uint,
    TIMESTAMP: Timestamp,
    DURATION: Duration,
    DOUBLE: float,
}


def takes(parameters: Sequence[Type], classes: Sequence[type]) -> bool:
    """Whether parameters take values of these classes; null is taken by each, to be refused with its own message."""
    return len(parameters) == len(classes) and all(map(_takes, parameters, classes))


def _takes(parameter: Type, class_: type) -> bool:
    if class_ is _NULL:
        return True
    match bare := plain(parameter):
        case Parameter() | Dynamic():
            return True
        case ListType():
            return class_ in (list, tuple)
        case MapType():
            return class_ is dict
        case OptionalType():
            return class_ is Optional
        case _:
            return _CLASSES.get(bare) is class_


def needs_elements(parameters: Sequence[Type]) -> bool:
    """Whether the classes of the values do not tell yet if parameters take them: ``list(int)``, not ``list(A)``."""
    return any(_needs_elements(parameter) for parameter in parameters)


def _needs_elements(parameter: Type) -> bool:
    match plain(parameter):
        case ListType(element=element):
            return not _is_anything(element)
        case MapType(key=key, value=value):
            return not (_is_anything(key) and _is_anything(value))
        case OptionalType(of=of):
            return not _is_anything(of)
        case _:
            return False


def _is_anything(type_: Type) -> bool:
    return isinstance(plain(type_), Parameter | Dynamic)


def holds(parameter: Type, value: object) -> bool:
    """Whether a parameter takes a value, its elements included; null is taken by each."""
    if value is None:
        return True
    match plain(parameter), value:
        case ListType(element=element), list() | tuple():
            return all(_holds_element(element, v) for v in value)
        case MapType(key=key_type, value=value_type), dict():
            keys = all(_holds_element(key_type, key) for key in keys_of(value))
            return keys and all(_holds_element(value_type, v) for v in value.values())
        case OptionalType(of=of), Optional():
            return not value.present or _holds_element(of, value.value)
        case bare, _:
            return _takes(bare, type(value))


def _holds_element(type_: Type, value: object) -> bool:
    return is_nullable(type_) or isinstance(type_, Parameter) if value is None else holds(type_, value)


def typed(value: object, type_: Type) -> object:
    """What a Python body returned, as a value of the type that its overload declares."""
    if value is None:
        return None
    match plain(type_):
        case ListType(element=element) if plain(element) in _RESULTS:
            assert isinstance(value, list)
            return [typed(v, element) for v in value]
        case bare:
            make = _RESULTS.get(bare)
            return value if make is None or type(value) is make else make(value)


def refused_null(parameters: Sequence[Type], values: Sequence[object]) -> int | None:
    """The place of the first null that its parameter does not take."""
    for place, (parameter, value) in enumerate(zip(parameters, values, strict=True)):
        if value is None and not isinstance(parameter, Nullable | Dynamic) and parameter != NULL:
            return place
    return None
