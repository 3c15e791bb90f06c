"""Google's cel-cpp as the referee: the rows of a frame bound to its variables, conditions evaluated row by row.

How a row is bound, found by trying what cel-cpp's package takes:

- A column that a condition names is a variable whose value is CEL's null (None), a list, a map, or a message of
  google.protobuf: an Int64Value is an int, a UInt64Value a uint (a Python int would always be an int), a StringValue a
  string (a Python string ends at its first NUL), a Timestamp or Duration has its nanoseconds (datetime has not).
- ``user`` is a message, so that ``has(user.x)`` asks what the design says. A null cell is an unset field of type
  google.protobuf.Value, which reads as null and is not there for has(): so do unset wrappers, but wrappers of
  timestamps, lists and messages do not exist. So a row's message type depends on which of its cells are null. A list is
  a repeated google.protobuf.Any, since elements of a repeated wrapper cannot be null; an empty one an Any that holds an
  empty ListValue, since an empty repeated field is not there for has(). Lists of lists and maps have no such form: for
  them, and for names in backticks, which protobuf's fields cannot have, ``user`` is a map. There has() asks for the
  key, so null cells are left out of it where a condition takes no more from ``user`` than has().
- A struct is a message, too. A null struct is by the design null, and also what fields are selected from, which gives
  null. cel-cpp selects nothing from null, so a null struct is an empty message, unless ``null_structs`` asks for null.
- A Decimal beyond int64 is an error on use: the variable stays unbound, which cel-cpp treats as an error value.
- Conditions are not checked by cel-cpp (every variable is ``dyn``): Cellar's own checker has accepted them before.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol, cast

import polars as pl
from cel_expr_python import cel
from cel_expr_python.ext import ext_bindings, ext_encoders, ext_math, ext_optional, ext_strings
from google.protobuf import (
    any_pb2,
    descriptor_pb2,
    descriptor_pool,
    duration_pb2,
    message_factory,
    struct_pb2,
    timestamp_pb2,
    wrappers_pb2,
)
from google.protobuf.message import Message

from tests.hostile import values
from tests.hostile.values import ERROR, Value

_FIELD = descriptor_pb2.FieldDescriptorProto
_ABSENT = object()
_NAMES = re.compile(r"[A-Za-z_][A-Za-z_0-9]*")
_SELECTION = re.compile(r"(?<!has\()\buser\.(?!\?)")
_TEXT = re.compile(r"(-?)([0-9]+)(?:\.([0-9]+))?s")
_TICK = {"ms": 10**6, "us": 10**3, "ns": 1}
_DAY = 86_400 * 10**9


class _Type(Protocol):
    def name(self) -> str: ...


class _Result(Protocol):
    def type(self) -> _Type: ...
    def value(self) -> object: ...


class _Program(Protocol):
    def eval(self, *, data: Mapping[str, object]) -> _Result: ...


class Referee:
    """Evaluates conditions over a frame in cel-cpp.

    Args:
        now: the value of the variable ``now``, in nanoseconds since the epoch.
    """

    def __init__(self, frame: pl.DataFrame, now: int) -> None:
        self._pool = _Pool()
        self._height = frame.height
        self._now = self._pool.time("Timestamp", now)
        self._columns: dict[bool, dict[str, list[object]]] = {
            nulls: {name: self._bound(frame.get_column(name), nulls=nulls) for name in frame.columns}
            for nulls in (False, True)
        }
        self._fieldless = frozenset(n for n, t in frame.schema.items() if not _has_field_form(n, t))
        self._rows = {nulls: self._messages(nulls=nulls) for nulls in (False, True)}
        names = [n for n in frame.columns if _NAMES.fullmatch(n) and n not in ("user", "now")]
        variables = dict.fromkeys((*names, "user", "now"), cel.Type.DYN)
        extensions = [
            ext_bindings.ExtBindings(),
            ext_encoders.ExtEncoders(),
            ext_math.ExtMath(),
            ext_optional.ExtOptional(),
            ext_strings.ExtStrings(),
        ]
        self._environment = cel.NewEnv(self._pool.descriptors, variables=variables, extensions=extensions)

    def outcomes(
        self, condition: str, *, null_structs: bool = False, places: Sequence[int] | None = None
    ) -> list[Value]:
        """The value of a condition on each row, or on those in ``places``; ``ERROR`` where it has none."""
        program = cast(_Program, self._environment.compile(condition, disable_check=True))
        used = set(_NAMES.findall(condition))
        asked = range(self._height) if places is None else places
        rows = [self._row(used, condition, place, nulls=null_structs) for place in asked]
        text: _Program | None = None
        found: list[Value] = []
        for row in rows:
            try:
                result = program.eval(data=row)
                kind = result.type().name()
            except RuntimeError:
                found.append(ERROR)
                continue
            if kind in ("TIMESTAMP", "DURATION"):
                text = text or cast(_Program, self._environment.compile(f"string({condition})", disable_check=True))
                found.append(_time(kind, str(text.eval(data=row).value())))
            else:
                found.append(_value(result))
        return found

    def _row(self, used: set[str], condition: str, place: int, *, nulls: bool) -> Mapping[str, object]:
        columns = self._columns[nulls]
        row = {n: columns[n][place] for n in used if n in columns and columns[n][place] is not _ABSENT}
        row["now"] = self._now
        if "user" in used:
            if "`" in condition or used & self._fieldless:
                left_out = (_ABSENT, None) if not _SELECTION.search(condition) else (_ABSENT,)
                asked = {n: c[place] for n, c in columns.items() if n in used or f"`{n}`" in condition}
                row["user"] = {n: cell for n, cell in asked.items() if cell not in left_out}
            else:
                row["user"] = self._rows[nulls][place]
        return row

    def _messages(self, *, nulls: bool) -> list[Message]:
        columns = {n: c for n, c in self._columns[nulls].items() if n not in self._fieldless}
        return [self._pool.message({n: cells[place] for n, cells in columns.items()}) for place in range(self._height)]

    def _bound(self, series: pl.Series, *, nulls: bool) -> list[object]:
        pool = self._pool
        match series.dtype:
            case pl.Date():
                return [None if v is None else pool.time("Timestamp", v * _DAY) for v in series.to_physical()]
            case pl.Datetime(time_unit=unit):
                return [None if v is None else pool.time("Timestamp", v * _TICK[unit]) for v in series.to_physical()]
            case pl.Duration(time_unit=unit):
                return [None if v is None else pool.time("Duration", v * _TICK[unit]) for v in series.to_physical()]
            case pl.List() | pl.Array():
                return [None if v is None else self._bound(v, nulls=nulls) for v in series]
            case pl.Map():
                keys = series.map.keys()
                entries = self._bound(series.map.values(), nulls=nulls)
                return [
                    None if k is None else dict(zip(k.to_list(), cast(Sequence[object], v), strict=True))
                    for k, v in zip(keys, entries, strict=True)
                ]
            case pl.Struct() as dtype:
                fields = {f.name: self._bound(series.struct.field(f.name), nulls=nulls) for f in dtype.fields}
                rows = [dict(zip(fields, row, strict=True)) for row in zip(*fields.values(), strict=True)]
                return [None if n and nulls else pool.message(r) for n, r in zip(series.is_null(), rows, strict=True)]
            case pl.Decimal(scale=0):
                return [v if v is None else int(v) if -(2**63) <= v < 2**63 else _ABSENT for v in series]
            case pl.Decimal():
                return [v if v is None else float(v) for v in series]
            case pl.UInt64():
                return [None if v is None else pool.wrapper(v, "UInt64Value") for v in series]
            case pl.String() | pl.Categorical() | pl.Enum():
                return [None if v is None else pool.wrapper(v, "StringValue") for v in series.cast(pl.String)]
            case pl.Binary():
                return [None if v is None else pool.wrapper(v, "BytesValue") for v in series]
            case _:
                return series.to_list()


def _has_field_form(name: str, dtype: pl.DataType) -> bool:
    nested = isinstance(dtype, pl.List | pl.Array) and isinstance(dtype.inner, pl.List | pl.Array)
    far = isinstance(dtype, pl.Decimal) and dtype.scale == 0
    return _NAMES.fullmatch(name) is not None and not isinstance(dtype, pl.Map) and not nested and not far


class _Pool:
    """Protobuf's own messages and those made for rows."""

    def __init__(self) -> None:
        self.descriptors = descriptor_pool.DescriptorPool()
        self._well_known = []
        for module in (any_pb2, duration_pb2, struct_pb2, timestamp_pb2, wrappers_pb2):
            self.descriptors.AddSerializedFile(module.DESCRIPTOR.serialized_pb)
            self._well_known.append(module.DESCRIPTOR.name)
        self._made: dict[tuple[tuple[str, str], ...], str] = {}
        self._classes: dict[str, type[Message]] = {}
        self._null = self._new("google.protobuf.Value", null_value=0)
        self._empty = self._new("google.protobuf.ListValue")

    def wrapper(self, value: object, name: str) -> Message:
        return self._new(f"google.protobuf.{name}", value=value)

    def time(self, name: str, nanoseconds: int) -> Message:
        sign = -1 if name == "Duration" and nanoseconds < 0 else 1
        seconds, nanos = divmod(sign * nanoseconds, 10**9)
        return self._new(f"google.protobuf.{name}", seconds=sign * seconds, nanos=sign * nanos)

    def message(self, fields: Mapping[str, object]) -> Message:
        """A message with these fields, of a type made for just those that are null."""
        parts = {name: self._part(value) for name, value in fields.items()}
        signature = tuple((name, _field_type(part)) for name, part in parts.items())
        name = self._made.get(signature)
        if name is None:
            name = self._made[signature] = self._declare(signature)
        message = self._new(name)
        for field, part in parts.items():
            if isinstance(part, list):
                for element in part:
                    getattr(message, field).add().Pack(element)
            elif part is not None:
                getattr(message, field).CopyFrom(part)
        return message

    def _part(self, value: object) -> Message | list[Message] | None:
        match value:
            case None | Message():
                return value
            case list() if value:
                return [self._part(v) or self._null for v in value]
            case list():
                return self._empty
            case bool():
                return self.wrapper(value, "BoolValue")
            case int():
                return self.wrapper(value, "Int64Value")
            case float():
                return self.wrapper(value, "DoubleValue")
            case _:
                raise AssertionError(f"{type(value)} is no part of a message")

    def _declare(self, signature: Iterable[tuple[str, str]]) -> str:
        name = f"Row{len(self._made)}"
        file = descriptor_pb2.FileDescriptorProto(name=f"{name}.proto", package="hostile", syntax="proto3")
        file.dependency.extend([*self._well_known, *(f"{made.split('.')[1]}.proto" for made in self._made.values())])
        declared = file.message_type.add(name=name)
        for number, (field, type_) in enumerate(signature, start=1):
            repeated = type_ == _MANY
            declared.field.add(
                name=field,
                number=number,
                type=_FIELD.TYPE_MESSAGE,
                type_name=f".{'google.protobuf.Any' if repeated else type_}",
                label=_FIELD.LABEL_REPEATED if repeated else _FIELD.LABEL_OPTIONAL,
            )
        self.descriptors.AddSerializedFile(file.SerializeToString())
        return f"hostile.{name}"

    def _new(self, name: str, **fields: object) -> Message:
        if name not in self._classes:
            self._classes[name] = message_factory.GetMessageClass(self.descriptors.FindMessageTypeByName(name))
        return self._classes[name](**fields)


_MANY = "many"


def _field_type(part: Message | list[Message] | None) -> str:
    if part is None:
        return "google.protobuf.Value"
    return _MANY if isinstance(part, list) else str(part.DESCRIPTOR.full_name)


def _value(result: _Result) -> Value:
    kind, value = result.type().name().partition("<")[0], result.value()
    match kind, value:
        case "NULL", _:
            return None
        case "ERROR", _:
            return ERROR
        case "BOOL", bool():
            return ("bool", value)
        case "INT", int():
            return values.int_(value)
        case "UINT", int():
            return values.uint(value % 2**64)
        case "DOUBLE", float():
            return values.double(value)
        case "STRING", str():
            return ("string", value)
        case "BYTES", bytearray():
            return ("bytes", bytes(value))
        case "LIST", list():
            return values.list_(_value(v) for v in value)
        case "MAP", dict():
            return values.map_({_key(k): _value(v) for k, v in value.items()})
        case _:
            raise AssertionError(f"cel-cpp gave {kind} {value!r}")


def _key(key: object) -> Value:
    assert isinstance(key, str)
    return ("string", key)


def _time(kind: str, text: str) -> Value:
    """A time from its text: Python's own times end at microseconds."""
    if kind == "DURATION":
        match = _TEXT.fullmatch(text)
        assert match is not None, text
        sign, whole, fraction = match.groups()
        nanoseconds = int(whole) * 10**9 + int((fraction or "").ljust(9, "0"))
        return values.duration(-nanoseconds if sign else nanoseconds)
    clock, _, fraction = text.removesuffix("Z").partition(".")
    whole = pl.Series([clock]).str.to_datetime("%Y-%m-%dT%H:%M:%S", time_unit="ms").to_physical().item()
    return values.timestamp(whole * 10**6 + int(fraction.ljust(9, "0")))
