"""Which overload a call means, and which type it then has (the unification of cel-go's checker, without containers)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache

from .functions import catalogue
from .functions.declare import Function, Overload
from .types import (
    BOOL,
    DYN,
    NOTHING,
    NULL,
    NUMBERS,
    Dynamic,
    ListType,
    MapType,
    Nullable,
    OptionalType,
    Parameter,
    Primitive,
    Type,
    TypeOf,
    nullable,
    plain,
)

_COMPARING = frozenset({"_==_", "_!=_", "@in", "_[_]"})
"""Functions that take numbers of different types together."""


class _Mixing(Enum):
    """What may stand for one type parameter together."""

    NOTHING = auto()
    NUMBERS = auto()
    ANYTHING = auto()


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a call means.

    Attributes:
        overload: the one overload, or None where only the run time can tell (an argument of unknown type).
        type: the type of the result.
    """

    overload: Overload | None
    type: Type


@lru_cache(maxsize=4_096)
def resolve(name: str, arguments: tuple[Type, ...], *, method: bool, unchecked: bool) -> Resolution | None:
    """The overload of a function for arguments of these types; None where there is none.

    Many conditions ask the same of the same columns, so what was resolved is kept.

    Args:
        name: of a function of the catalogue.
        arguments: their types, the receiver's first.
        method: whether it is called on a receiver.
        unchecked: arguments are taken as ``dyn``, so values of different types may be compared for equality.
    """
    function = catalogue()[name, method]
    dynamic = unchecked or any(isinstance(a, Dynamic) for a in arguments)
    behind = [known(a) for a in arguments]
    unknown = DYN in behind
    open_ = unknown or any(map(_holds_unknown, behind))
    fitting: list[Resolution] = []
    for overload in function.overloads:
        if len(overload.parameters) != len(arguments) or (overload.dynamic and not dynamic):
            continue
        mixing = _mixing(function, dynamic=dynamic)
        bindings: dict[str, Type] = {}
        # An optional holds what is ``dyn`` as such, for nothing else will tell.
        actual = arguments if isinstance(overload.result, OptionalType) else behind
        if all(_fits(p, a, bindings, mixing=mixing) for p, a in zip(overload.parameters, actual, strict=True)):
            result = _substitute(overload.result, bindings)
            if open_ and isinstance(result, OptionalType) and plain(result.of) == NOTHING:
                result = OptionalType(DYN)
            fitting.append(Resolution(overload, result))
            if not open_:
                break
    if not fitting:
        return None
    first = fitting[0]
    types = {r.type for r in fitting}
    if unknown or len(types) > 1:
        return Resolution(None, types.pop() if len(types) == 1 else DYN)
    if dynamic and not unchecked and first.type != BOOL:
        return Resolution(first.overload, Dynamic(first.type) if _several(function, arguments) else first.type)
    return first


def _holds_unknown(type_: Type) -> bool:
    """Whether a part of a type is ``dyn``, and nothing is known of it."""
    match known(plain(type_)):
        case Dynamic():
            return True
        case ListType(element=element):
            return _holds_unknown(element)
        case MapType(key=key, value=value):
            return _holds_unknown(key) or _holds_unknown(value)
        case OptionalType(of=of):
            return _holds_unknown(of)
        case _:
            return False


def _mixing(function: Function, *, dynamic: bool) -> _Mixing:
    if dynamic:
        return _Mixing.ANYTHING
    return _Mixing.NUMBERS if function.name in _COMPARING else _Mixing.NOTHING


def _several(function: Function, arguments: Sequence[Type]) -> bool:
    """Whether the result's type depends on what the ``dyn`` arguments turn out to be."""
    results: set[Type] = set()
    for overload in function.overloads:
        bindings: dict[str, Type] = {}
        if len(overload.parameters) == len(arguments) and all(
            isinstance(a, Dynamic) or _fits(p, a, bindings, mixing=_mixing(function, dynamic=False))
            for p, a in zip(overload.parameters, arguments, strict=True)
        ):
            results.add(_substitute(overload.result, bindings))
    return len(results) > 1 or NOTHING in map(plain, results)


def join(a: Type, b: Type) -> Type | None:
    """The one type of values that have either type; None where there is none but ``dyn``."""
    if b in (a, NOTHING):
        return a
    if a == NOTHING:
        return b
    if isinstance(a, Dynamic) or isinstance(b, Dynamic):
        return DYN
    if a == NULL:
        return nullable(b)
    if b == NULL:
        return nullable(a)
    joined = _join_plain(plain(a), plain(b))
    if joined is None:
        return None
    return nullable(joined) if isinstance(a, Nullable) or isinstance(b, Nullable) else joined


def _join_plain(a: Type, b: Type) -> Type | None:
    if b in (a, NOTHING):
        return a
    if a == NOTHING:
        return b
    match a, b:
        case OptionalType(x), OptionalType(y):
            of = join(x, y)
            return None if of is None else OptionalType(of)
        case TypeOf(), TypeOf():
            return TypeOf(DYN)
        case ListType(x), ListType(y):
            element = join(x, y)
            return None if element is None else ListType(element)
        case MapType(k, v), MapType(l, w):
            key, value = join(k, l), join(v, w)
            return None if key is None or value is None else MapType(key, value)
        case _:
            return None


def known(type_: Type) -> Type:
    """What is known of a type: through ``dyn``, what is behind it."""
    while isinstance(type_, Dynamic) and type_.of is not None:
        type_ = type_.of
    return type_


def join_all(types: Sequence[Type]) -> Type:
    """The one type of values that have any of the types; ``dyn`` where there is none."""
    joined: Type = NOTHING
    for type_ in types:
        joined = join(joined, type_) or DYN
    return joined


def of_a_value(type_: Type) -> Type:
    """The type of a value beside others: of what is taken from a list of several types nothing is known, so it is
    ``dyn``; within a type, as in that of ``[]``, the same stands for what is not there.
    """
    return DYN if plain(type_) == NOTHING else type_


def part_of(whole: Type, part: Type) -> Type:
    """The type of an element, key or field: of what is ``dyn``, it is, too."""
    return Dynamic(part) if isinstance(plain(whole), Dynamic) and not isinstance(part, Dynamic) else part


def behind(type_: Type) -> Type:
    """The type without null, and what is known behind ``dyn``."""
    type_ = plain(type_)
    while isinstance(type_, Dynamic) and type_.of is not None:
        type_ = plain(type_.of)
    return type_


def behind_nullable(type_: Type) -> Type:
    """As :func:`behind`, with null."""
    while isinstance(type_, Dynamic) and type_.of is not None:
        type_ = type_.of
    return nullable(type_) if type_ != NULL else type_


def _fits(parameter: Type, actual: Type, bindings: dict[str, Type], *, mixing: _Mixing) -> bool:
    if isinstance(actual, Dynamic):
        if isinstance(bare := plain(parameter), Parameter) and actual.of is not None:
            return _bind(bare.name, actual, bindings, mixing=mixing)
        return actual.of is None or _fits(parameter, actual.of, bindings, mixing=mixing)
    if plain(actual) == NOTHING:
        return True
    match parameter:
        case Dynamic():
            return True
        case Nullable(of=inner):
            return actual == NULL or _fits(inner, plain(actual), bindings, mixing=mixing)
        case Parameter(name=name):
            return _bind(name, plain(actual), bindings, mixing=mixing)
        case Primitive():
            return plain(actual) == parameter
        case ListType(element=element):
            bare = plain(actual)
            return isinstance(bare, ListType) and _fits(element, bare.element, bindings, mixing=mixing)
        case MapType(key=key, value=value):
            bare = plain(actual)
            return (
                isinstance(bare, MapType)
                and _fits(key, bare.key, bindings, mixing=mixing)
                and _fits(value, bare.value, bindings, mixing=mixing)
            )
        case OptionalType(of=of):
            bare = plain(actual)
            return isinstance(bare, OptionalType) and _fits(of, bare.of, bindings, mixing=mixing)
        case TypeOf():
            return isinstance(plain(actual), TypeOf)
        case _:
            return plain(actual) == parameter


def _bind(name: str, actual: Type, bindings: dict[str, Type], *, mixing: _Mixing) -> bool:
    bound = bindings.get(name)
    if bound is None or bound == NULL:
        bindings[name] = actual
        return True
    if mixing is _Mixing.ANYTHING or actual == NULL:
        return True
    if mixing is _Mixing.NOTHING:
        joined = join(plain(bound), plain(actual))
    elif bound in NUMBERS and actual in NUMBERS:
        return True
    else:
        joined = _join_comparable(bound, actual)
    if joined is None:
        return False
    bindings[name] = joined
    return True


def _join_comparable(a: Type, b: Type) -> Type | None:
    """As :func:`join`, and numbers of different types go together, at any depth."""
    a, b = plain(a), plain(b)
    if a in NUMBERS and b in NUMBERS:
        return a if a == b else DYN
    match a, b:
        case ListType(x), ListType(y):
            element = _join_comparable(x, y)
            return None if element is None else ListType(nullable(element))
        case MapType(k, v), MapType(l, w):
            key, value = _join_comparable(k, l), _join_comparable(v, w)
            return None if key is None or value is None else MapType(key, nullable(value))
        case _:
            return join(a, b)


def _substitute(type_: Type, bindings: dict[str, Type]) -> Type:
    match type_:
        case Parameter(name=name):
            return bindings.get(name, NOTHING)
        case Nullable(of=inner):
            return nullable(_substitute(inner, bindings))
        case Dynamic(of=behind) if behind is not None:
            known_type = _substitute(behind, bindings)
            return DYN if plain(known_type) == NOTHING else Dynamic(known_type)
        case ListType(element=element):
            return ListType(_substitute(element, bindings))
        case MapType(key=key, value=value):
            return MapType(_substitute(key, bindings), _substitute(value, bindings))
        case OptionalType(of=of):
            return OptionalType(_substitute(of, bindings))
        case TypeOf(of=of):
            return TypeOf(_substitute(of, bindings))
        case _:
            return type_
