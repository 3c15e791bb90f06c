"""CEL values between Polars columns and Python (see ``compiler.values``), exact to the nanosecond and the bit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import polars as pl
from polars._typing import TimeUnit

from compiler.cell import INT64_MAX, INT64_MIN
from compiler.overloads import join
from compiler.types import (
    BOOL,
    BYTES,
    DOUBLE,
    DURATION,
    DYN,
    INT,
    NOTHING,
    NULL,
    STRING,
    TIMESTAMP,
    TYPE_NAMES,
    UINT,
    ListType,
    MapType,
    OptionalType,
    StructType,
    Type,
    TypeOf,
    is_nullable,
    nullable,
    plain,
)
from compiler.values import Duration, Message, Optional, Timestamp, TypeValue, Uint, keys_of

_TICK = {"ns": 1, "us": 1_000, "ms": 1_000_000}
_DAY = 86_400_000_000_000

_Wrap = Callable[[object], object]


class InterpretationError(Exception):
    """The values of an interpreted clause have no place in one column."""


class _OutOfRange:
    """A Decimal cell whose value is beyond int64: an error as soon as it is used (design, section 1)."""

    __slots__ = ()

    def __reduce__(self) -> str:
        # There is one, in whichever process.
        return "OUT_OF_RANGE"


OUT_OF_RANGE = _OutOfRange()


def read(column: pl.Series) -> list[object]:
    """The values of a column, of any type that CEL has a counterpart for."""
    values: list[object] = column.cast(_storage(column.dtype)).to_list()
    wrap = _wrapper(column.dtype)
    return values if wrap is None else [None if v is None else wrap(v) for v in values]


def _storage(dtype: pl.DataType) -> pl.DataType:
    """The type whose Python values lose nothing: temporal types as integers, text as String."""
    match dtype:
        case pl.Date() | pl.Datetime() | pl.Duration():
            return pl.Int64()
        case pl.Categorical() | pl.Enum():
            return pl.String()
        case pl.Decimal(scale=0):
            return pl.Int128()
        case pl.Decimal():
            return pl.Float64()
        case pl.List() | pl.Array():
            return pl.List(_storage(_inner(dtype)))
        case pl.Struct():
            return pl.Struct({field.name: _storage(_instance(field.dtype)) for field in dtype.fields})
        case pl.Map():
            return pl.Map(_storage(_instance(dtype.key)), _storage(_instance(dtype.value)))
        case _:
            return dtype


def _wrapper(dtype: pl.DataType) -> _Wrap | None:
    """What makes a CEL value of a Python value of the storage type; None where it already is one."""
    match dtype:
        case pl.UInt64():
            return Uint  # type: ignore[return-value]
        case pl.Date():
            return lambda days: Timestamp(days * _DAY)  # type: ignore[operator]
        case pl.Datetime(time_unit=unit):
            tick = _TICK[unit]
            return lambda ticks: Timestamp(ticks * tick)  # type: ignore[operator]
        case pl.Duration(time_unit=unit):
            tick = _TICK[unit]
            return lambda ticks: Duration(ticks * tick)  # type: ignore[operator]
        case pl.Decimal(scale=0):
            return lambda v: v if INT64_MIN <= v <= INT64_MAX else OUT_OF_RANGE  # type: ignore[operator]
        case pl.List() | pl.Array():
            element = _wrapper(_inner(dtype))
            if element is None:
                return None
            return lambda values: [None if v is None else element(v) for v in values]  # type: ignore[attr-defined]
        case pl.Struct():
            fields = {field.name: _wrapper(_instance(field.dtype)) for field in dtype.fields}
            return lambda value: Message(
                (name, v if v is None or (wrap := fields[name]) is None else wrap(v))
                for name, v in value.items()  # type: ignore[attr-defined]
            )
        case pl.Map():
            wrap_key, wrap_value = _wrapper(_instance(dtype.key)), _wrapper(_instance(dtype.value))
            if wrap_key is None and wrap_value is None:
                return None
            return lambda value: {
                (k if wrap_key is None else wrap_key(k)): (v if v is None or wrap_value is None else wrap_value(v))
                for k, v in value.items()  # type: ignore[attr-defined]
            }
        case _:
            return None


def exact_key(values: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Values of a type that groups tell apart exactly where CEL does: Polars merges 0.0 with -0.0 in groups."""
    if not _holds_doubles(dtype):
        return values
    match dtype:
        case pl.Float32():
            return values.reinterpret(dtype=pl.Int32)
        case pl.Float64():
            return values.reinterpret(dtype=pl.Int64)
        case pl.Struct():
            fields = [
                exact_key(values.struct.field(f.name), _instance(f.dtype)).alias(str(i))
                for i, f in enumerate(dtype.fields)
            ]
            return pl.struct(values.is_null().alias("null"), *fields)
        case pl.Map():
            entries = pl.List(pl.Struct({"key": dtype.key, "value": dtype.value}))
            return exact_key(values.cast(entries), entries)
        case _:
            inner = _inner(dtype)
            return values.cast(pl.List(inner)).list.eval(exact_key(pl.element(), inner))


def _holds_doubles(dtype: pl.DataType) -> bool:
    match dtype:
        case pl.Float32() | pl.Float64():
            return True
        case pl.List() | pl.Array():
            return _holds_doubles(_inner(dtype))
        case pl.Struct():
            return any(_holds_doubles(_instance(field.dtype)) for field in dtype.fields)
        case pl.Map():
            return _holds_doubles(_instance(dtype.key)) or _holds_doubles(_instance(dtype.value))
        case _:
            return False


def _inner(dtype: pl.DataType) -> pl.DataType:
    assert isinstance(dtype, pl.List | pl.Array)
    return _instance(dtype.inner)


def _instance(dtype: pl.DataType | pl.datatypes.DataTypeClass) -> pl.DataType:
    return dtype if isinstance(dtype, pl.DataType) else dtype()


def type_of(value: object) -> Type:
    """The CEL type of a value; ``dyn`` stands for the elements of a list or map that have no one type."""
    match value:
        case None:
            return NULL
        case bool():
            return BOOL
        case Uint():
            return UINT
        case Timestamp():
            return TIMESTAMP
        case Duration():
            return DURATION
        case int() | _OutOfRange():
            return INT
        case float():
            return DOUBLE
        case str():
            return STRING
        case bytes():
            return BYTES
        case Optional():
            return OptionalType(type_of(value.value) if value.present else NOTHING)
        case TypeValue():
            return TypeOf(TYPE_NAMES.get(value.name, DYN))
        case list() | tuple():
            return ListType(_common(value))
        case Message():
            return StructType(tuple((name, nullable(type_of(v))) for name, v in value.items()))
        case dict():
            return MapType(_common(keys_of(value)), nullable(_common(value.values())))
        case _:
            raise TypeError(f"{type(value).__name__} is no CEL value")


def column_type(values: Iterable[object]) -> Type:
    """The one CEL type of values that are to be a column; null where all are.

    Raises:
        InterpretationError: they have no one type.
    """
    common = _common(values)
    if common == NOTHING:
        return NULL
    if _is_mixed(common):
        raise InterpretationError(f"the values have no one column type ({common})")
    return common


def _common(values: Iterable[object]) -> Type:
    common: Type = NOTHING
    for value in values:
        common = _joined(common, type_of(value))
    return common


def _joined(a: Type, b: Type) -> Type:
    """The one type of values of both types; messages are of one where they have the same fields."""
    match plain(a), plain(b):
        case StructType(fields=left), StructType(fields=right) if [n for n, _ in left] == [n for n, _ in right]:
            joined: Type = StructType(
                tuple((name, _joined(x, y)) for (name, x), (_, y) in zip(left, right, strict=True))
            )
        case ListType(element=x), ListType(element=y):
            joined = ListType(_joined(x, y))
        case MapType(key=k, value=x), MapType(key=m, value=y):
            joined = MapType(_joined(k, m), _joined(x, y))
        case OptionalType(of=x), OptionalType(of=y):
            joined = OptionalType(_joined(x, y))
        case _:
            return join(a, b) or DYN
    return nullable(joined) if is_nullable(a) or is_nullable(b) else joined


def _is_mixed(type_: Type) -> bool:
    match bare := plain(type_):
        case ListType(element=element):
            return _is_mixed(element)
        case MapType(key=key, value=value):
            return _is_mixed(key) or _is_mixed(value)
        case StructType():
            return any(_is_mixed(field) for _, field in bare.fields)
        case OptionalType(of=of):
            return _is_mixed(of)
        case _:
            return bare == DYN


def column(values: Sequence[object], type_: Type) -> pl.Series:
    """A column of values of one CEL type; None is null.

    Timestamps become Datetime in UTC and durations Duration, in microseconds where that is exact, else in nanoseconds;
    where 64 bits cannot hold those, they become nanoseconds in an Int128. Optionals become structs of ``present`` and
    ``value``, types their names.

    Raises:
        InterpretationError: a value is not of the type.
    """
    unit = _unit(time for value in values for time in _times(value))
    storage, dtype = _column_types(type_, unit)
    tick = 1 if unit is None else _TICK[unit]
    try:
        stored = [_stored(value, tick) for value in values]
        return pl.Series("", stored, dtype=storage, strict=True).cast(dtype)
    except (TypeError, OverflowError, pl.exceptions.PolarsError) as error:
        problem = str(error).partition("\n")[0]
        raise InterpretationError(f"the values are no column of {type_}: {problem}") from error


def _unit(times: Iterable[int]) -> TimeUnit | None:
    """The unit that holds all times; None where no unit of 64 bits does."""
    microsecond, whole, least, greatest = _TICK["us"], True, 0, 0
    for time in times:
        whole = whole and time % microsecond == 0
        least, greatest = min(least, time), max(greatest, time)
    if whole and least >= INT64_MIN * microsecond and greatest <= INT64_MAX * microsecond:
        return "us"
    return "ns" if least >= INT64_MIN and greatest <= INT64_MAX else None


def _times(value: object) -> Iterator[int]:
    match value:
        case Timestamp() | Duration():
            yield value
        case Optional():
            yield from _times(value.value)
        case list() | tuple():
            for element in value:
                yield from _times(element)
        case dict():
            for key, element in value.items():
                yield from _times(key)
                yield from _times(element)
        case _:
            return


def _stored(value: object, tick: int) -> object:
    match value:
        case Timestamp() | Duration():
            return int(value) // tick
        case Optional():
            return {"present": value.present, "value": _stored(value.value, tick)}
        case TypeValue():
            return value.name
        case list() | tuple():
            return [_stored(element, tick) for element in value]
        case dict():
            return {key: _stored(element, tick) for key, element in value.items()}
        case _:
            return value


def _column_types(type_: Type, unit: TimeUnit | None) -> tuple[pl.DataType, pl.DataType]:
    """The type to build a column in, and the one to give it."""
    match bare := plain(type_):
        case ListType(element=element):
            storage, dtype = _column_types(element, unit)
            return pl.List(storage), pl.List(dtype)
        case MapType(key=key, value=value):
            # Polars has no Map with keys of Null.
            keys = STRING if key in (NULL, NOTHING) else key
            (key_storage, key_dtype), (storage, dtype) = _column_types(keys, unit), _column_types(value, unit)
            return pl.Map(key_storage, storage), pl.Map(key_dtype, dtype)
        case StructType():
            fields = {name: _column_types(field, unit) for name, field in bare.fields}
            return (
                pl.Struct({name: storage for name, (storage, _) in fields.items()}),
                pl.Struct({name: dtype for name, (_, dtype) in fields.items()}),
            )
        case OptionalType(of=of):
            storage, dtype = _column_types(of, unit)
            present = pl.Boolean()
            return pl.Struct({"present": present, "value": storage}), pl.Struct({"present": present, "value": dtype})
        case TypeOf():
            return pl.String(), pl.String()
        case _ if bare in (TIMESTAMP, DURATION) and unit is None:
            return pl.Int128(), pl.Int128()
        case _ if bare == TIMESTAMP:
            return pl.Int64(), pl.Datetime(unit or "us", "UTC")
        case _ if bare == DURATION:
            return pl.Int64(), pl.Duration(unit or "us")
        case _:
            scalar = _SCALARS.get(bare)
            if scalar is None:
                raise InterpretationError(f"the values have no one column type ({type_})")
            return scalar, scalar


_SCALARS: dict[Type, pl.DataType] = {
    BOOL: pl.Boolean(),
    INT: pl.Int64(),
    UINT: pl.UInt64(),
    DOUBLE: pl.Float64(),
    STRING: pl.String(),
    BYTES: pl.Binary(),
    NULL: pl.Null(),
    NOTHING: pl.Null(),
}
