"""What a snapshot holds: its variables, their types, how many are null, and what values look like."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import polars as pl

from compiler.lex import RESERVED_WORDS
from compiler.types import ListType, MapType, StructType, Type, Unusable, plain

from .snapshot import Snapshot

EXAMPLE_ROWS = 1_000
"""Rows that are read for the examples."""

_LONGEST_EXAMPLE = 32
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_IN_BACKTICKS = re.compile(r"[^`\x00-\x1f]+")
_NO_FIELD_NAMES = frozenset({"true", "false", "null", "in"})
_TAKEN = frozenset({"user", "now"})


@dataclass(frozen=True, slots=True)
class FieldDescription:
    """A field of a struct, or of the structs in a list or map: its CEL type, examples, and its own fields."""

    name: str
    type: str
    examples: tuple[str, ...]
    fields: tuple[FieldDescription, ...]


@dataclass(frozen=True, slots=True)
class ColumnDescription:
    """A column of a snapshot.

    Attributes:
        name: the column's.
        variable: how a condition names it: ``age``, ``user.`plan.name` ``; None where it cannot be named or used.
        column_type: the column's own type.
        type: the CEL type; None where it has none.
        nulls: how many rows are null; None where the column cannot be read.
        examples: a few distinct values of the first rows, as CEL writes them, shortened with an ellipsis; those of a
            struct are with its fields.
        fields: of a struct, or of the structs in a list or map.
    """

    name: str
    variable: str | None
    column_type: str
    type: str | None
    nulls: int | None
    examples: tuple[str, ...]
    fields: tuple[FieldDescription, ...]


@dataclass(frozen=True, slots=True)
class Description:
    """A snapshot with its columns, in their order."""

    snapshot: str
    format: str
    rows: int
    columns: tuple[ColumnDescription, ...]

    def to_dict(self) -> dict[str, object]:
        """The description as JSON has it; ``null_share`` is null for a snapshot without rows."""
        return {
            "snapshot": self.snapshot,
            "format": self.format,
            "rows": self.rows,
            "columns": [
                {
                    "name": c.name,
                    "variable": c.variable,
                    "column_type": c.column_type,
                    "type": c.type,
                    "null_share": None if c.nulls is None or not self.rows else c.nulls / self.rows,
                    "examples": list(c.examples),
                    "fields": [_field_dict(field) for field in c.fields],
                }
                for c in self.columns
            ],
        }


def describe(snapshot: Snapshot, *, examples: int = 3) -> Description:
    """Describes every column: nulls over all rows, examples from the first ``EXAMPLE_ROWS``.

    Raises:
        SnapshotError: the snapshot cannot be read.
    """
    schema = snapshot.schema
    readable = [name for name, type_ in schema.columns.items() if not isinstance(type_, pl.Unknown)]
    with snapshot.reading():
        nulls = snapshot.scan(readable).select(pl.all().null_count()).collect(engine="streaming")
        first = snapshot.scan(readable).head(EXAMPLE_ROWS).collect(engine="streaming")
    columns = []
    for name, column_type in schema.columns.items():
        type_ = plain(schema.types[name])
        usable = not isinstance(type_, Unusable)
        read = name in first.columns
        values = first.get_column(name).to_list() if read and usable else []
        columns.append(
            ColumnDescription(
                name=name,
                variable=variable(name) if usable else None,
                column_type=str(column_type) if read or not isinstance(type_, Unusable) else type_.column_type,
                type=str(type_) if usable else None,
                nulls=int(nulls.get_column(name).item()) if read else None,
                examples=_examples(values, type_, examples),
                fields=_fields(values, type_, examples),
            )
        )
    return Description(snapshot.name, snapshot.format, snapshot.rows, tuple(columns))


def variable(name: str) -> str | None:
    """How a condition names a column; None where no condition can (CEL specification, "Syntax")."""
    field = field_name(name)
    if field is None or (field == name and name not in RESERVED_WORDS | _TAKEN):
        return field
    return f"user.{field}"


def field_name(name: str) -> str | None:
    """How a field is written after a dot, in backticks where it has to be; None where it cannot be written."""
    if _IDENTIFIER.fullmatch(name) and name not in _NO_FIELD_NAMES:
        return name
    return f"`{name}`" if _IN_BACKTICKS.fullmatch(name) else None


def literal(value: object, type_: Type) -> str:
    """A value as CEL writes it, times and durations as their texts."""
    match value, plain(type_):
        case None, _:
            return "null"
        case bool(), _:
            return str(value).lower()
        case str(), _:
            return json.dumps(value, ensure_ascii=False)
        case bytes(), _:
            return f"b{json.dumps(value.decode('latin-1'))}"
        case datetime(), _:
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z") if value.tzinfo else f"{value.isoformat()}Z"
        case date(), _:
            return f"{value.isoformat()}T00:00:00Z"
        case timedelta(), _:
            return f"{value.total_seconds():g}s"
        case list(), ListType(element=element):
            return f"[{', '.join(literal(v, element) for v in value)}]"
        case dict(), MapType(key=key, value=inner):
            return f"{{{', '.join(f'{literal(k, key)}: {literal(v, inner)}' for k, v in value.items())}}}"
        case dict(), StructType(fields=fields):
            return f"{{{', '.join(f'{name}: {literal(value.get(name), inner)}' for name, inner in fields)}}}"
        case _:
            return str(value)


def _examples(values: Iterable[object], type_: Type, most: int) -> tuple[str, ...]:
    if _struct(type_) is not None:
        return ()
    shown: dict[str, None] = {}
    for value in values:
        if value is not None and len(shown) < most:
            text = literal(value, type_)
            shown[text if len(text) <= _LONGEST_EXAMPLE else f"{text[: _LONGEST_EXAMPLE - 1]}…"] = None
    return tuple(shown)


def _fields(values: Sequence[object], type_: Type, most: int) -> tuple[FieldDescription, ...]:
    struct = _struct(type_)
    if struct is None:
        return ()
    structs = list(_structs(values, plain(type_)))
    fields = []
    for name, field_type in struct.fields:
        inner = [found.get(name) for found in structs]
        fields.append(
            FieldDescription(
                name, str(field_type), _examples(inner, field_type, most), _fields(inner, field_type, most)
            )
        )
    return tuple(fields)


def _struct(type_: Type) -> StructType | None:
    """The struct that a type is, or is a list or map of."""
    match plain(type_):
        case StructType() as struct:
            return struct
        case ListType(element=inner) | MapType(value=inner):
            return _struct(inner)
        case _:
            return None


def _structs(values: Iterable[object], type_: Type) -> Iterator[dict[str, object]]:
    """The structs in values of a type that :func:`_struct` finds one in."""
    for value in values:
        match value, plain(type_):
            case dict(), StructType():
                yield value
            case list(), ListType(element=inner):
                yield from _structs(value, inner)
            case dict(), MapType(value=inner):
                yield from _structs(value.values(), inner)
            case _:
                continue


def _field_dict(field: FieldDescription) -> dict[str, object]:
    fields = [_field_dict(inner) for inner in field.fields]
    return {"name": field.name, "type": field.type, "examples": list(field.examples), "fields": fields}
