"""What a snapshot holds: its variables, their types, how many are null, and what values look like."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
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
_IN_BACKTICKS = re.compile(r"[A-Za-z0-9_./\- ]+")
_NO_FIELD_NAMES = frozenset({"true", "false", "null", "in"})
_TAKEN = frozenset({"user", "now"})


@dataclass(frozen=True, slots=True)
class FieldDescription:
    """A field of a struct, or of the structs in a list or map: its CEL type, and its own fields."""

    name: str
    type: str
    fields: tuple[FieldDescription, ...] = ()


@dataclass(frozen=True, slots=True)
class ColumnDescription:
    """A column of a snapshot.

    Attributes:
        name: the column's.
        variable: how a condition names it: ``age``, ``user.`plan.name` ``; None where it cannot be named or used.
        column_type: the column's own type.
        type: the CEL type; None where it has none.
        nulls: how many rows are null; None where the column cannot be read.
        examples: a few distinct values of the first rows, as CEL writes them, shortened with an ellipsis.
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
        columns.append(
            ColumnDescription(
                name=name,
                variable=variable(name) if usable else None,
                column_type=str(column_type) if read or not isinstance(type_, Unusable) else type_.column_type,
                type=str(type_) if usable else None,
                nulls=int(nulls.get_column(name).item()) if read else None,
                examples=_examples(first.get_column(name), examples) if read and usable else (),
                fields=_fields(type_),
            )
        )
    return Description(snapshot.name, snapshot.format, snapshot.rows, tuple(columns))


def variable(name: str) -> str | None:
    """How a condition names a column; None where no condition can (CEL specification, "Syntax")."""
    if _IDENTIFIER.fullmatch(name) and name not in _NO_FIELD_NAMES:
        return f"user.{name}" if name in RESERVED_WORDS or name in _TAKEN else name
    return f"user.`{name}`" if _IN_BACKTICKS.fullmatch(name) else None


def literal(value: object) -> str:
    """A value as CEL writes it, times and durations as their texts."""
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case str():
            return json.dumps(value, ensure_ascii=False)
        case bytes():
            return f"b{json.dumps(value.decode('latin-1'))}"
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z") if value.tzinfo else f"{value.isoformat()}Z"
        case date():
            return f"{value.isoformat()}T00:00:00Z"
        case timedelta():
            return f"{value.total_seconds():g}s"
        case list():
            return f"[{', '.join(map(literal, value))}]"
        case dict():
            return f"{{{', '.join(f'{key}: {literal(element)}' for key, element in value.items())}}}"
        case _:
            return str(value)


def _examples(values: pl.Series, most: int) -> tuple[str, ...]:
    shown: dict[str, None] = {}
    for value in values.drop_nulls():
        text = literal(value.to_list() if isinstance(value, pl.Series) else value)
        shown[text if len(text) <= _LONGEST_EXAMPLE else f"{text[: _LONGEST_EXAMPLE - 1]}…"] = None
        if len(shown) == most:
            break
    return tuple(shown)


def _fields(type_: Type) -> tuple[FieldDescription, ...]:
    match plain(type_):
        case StructType(fields=fields):
            return tuple(FieldDescription(name, str(inner), _fields(inner)) for name, inner in fields)
        case ListType(element=element):
            return _fields(element)
        case MapType(value=value):
            return _fields(value)
        case _:
            return ()


def _field_dict(field: FieldDescription) -> dict[str, object]:
    return {"name": field.name, "type": field.type, "fields": [_field_dict(inner) for inner in field.fields]}


def field_lines(fields: Iterable[FieldDescription], depth: int = 1) -> list[tuple[str, str]]:
    """The fields below a column, each as its indented name and its type."""
    lines = []
    for field in fields:
        lines.append((f"{'  ' * depth}.{field.name}", field.type))
        lines += field_lines(field.fields, depth + 1)
    return lines
