"""The table of types (design, section 1)."""

from __future__ import annotations

import polars as pl
import pytest

from compiler.schema import Schema, cel_type
from compiler.types import NULL, Nullable, StructType, Unusable, plain

TABLE = [
    (pl.Int8(), "int"),
    (pl.Int16(), "int"),
    (pl.Int32(), "int"),
    (pl.Int64(), "int"),
    (pl.UInt8(), "int"),
    (pl.UInt16(), "int"),
    (pl.UInt32(), "int"),
    (pl.Decimal(38, 0), "int"),
    (pl.UInt64(), "uint"),
    (pl.Float32(), "double"),
    (pl.Float64(), "double"),
    (pl.Decimal(10, 2), "double"),
    (pl.String(), "string"),
    (pl.Categorical(), "string"),
    (pl.Enum(["b", "a"]), "string"),
    (pl.Boolean(), "bool"),
    (pl.Binary(), "bytes"),
    (pl.Null(), "null_type"),
    (pl.Date(), "timestamp"),
    *((pl.Datetime(unit, zone), "timestamp") for unit in ("ms", "us", "ns") for zone in (None, "UTC", "Europe/Berlin")),
    *((pl.Duration(unit), "duration") for unit in ("ms", "us", "ns")),
    (pl.List(pl.Int8), "list(int)"),
    (pl.List(pl.List(pl.String)), "list(list(string))"),
    (pl.Array(pl.Float32, 3), "list(double)"),
    (pl.Array(pl.Int64, (2, 3)), "list(list(int))"),
    (pl.Map(pl.String, pl.UInt64), "map(string, uint)"),
    (pl.Map(pl.String, pl.List(pl.Date)), "map(string, list(timestamp))"),
]

UNUSABLE = [pl.Time(), pl.Int128(), pl.UInt128(), pl.Float16(), pl.Object(), pl.Unknown()]


@pytest.mark.parametrize(("column_type", "expected"), TABLE, ids=str)
def test_a_column_type_has_its_cel_type(column_type: pl.DataType, expected: str) -> None:
    assert str(cel_type(column_type)) == expected


@pytest.mark.parametrize("column_type", UNUSABLE, ids=str)
def test_a_type_without_a_counterpart_is_unusable_and_named(column_type: pl.DataType) -> None:
    assert cel_type(column_type) == Unusable(str(column_type))


def test_a_struct_is_a_message_with_its_fields_in_order() -> None:
    type_ = cel_type(pl.Struct({"b": pl.Int8, "a": pl.Struct({"c": pl.List(pl.String)})}))
    assert isinstance(type_, StructType)
    assert [name for name, _ in type_.fields] == ["b", "a"]
    inner = type_.field("a")
    assert isinstance(inner, Nullable)
    assert isinstance(inner.of, StructType)
    assert str(inner.of.field("c")) == "list(string)"
    assert type_.field("c") is None


def test_every_column_element_field_and_map_value_is_nullable_and_no_map_key_is() -> None:
    columns = {
        "scalar": pl.Int8(),
        "list": pl.List(pl.Int8),
        "struct": pl.Struct({"f": pl.Int8}),
        "map": pl.Map(pl.String, pl.Int8),
    }
    types = Schema.of(columns).types
    assert all(isinstance(type_, Nullable) for type_ in types.values())
    for name, part in (("list", "element"), ("map", "value")):
        assert isinstance(getattr(plain(types[name]), part), Nullable)
    struct, map_ = plain(types["struct"]), plain(types["map"])
    assert isinstance(struct, StructType)
    assert isinstance(struct.field("f"), Nullable)
    assert not isinstance(getattr(map_, "key"), Nullable)  # noqa: B009 - the type of map_ is a union here


def test_a_column_of_nulls_is_the_null_type_itself() -> None:
    assert Schema.of({"nothing": pl.Null()}).types["nothing"] == NULL


def test_a_schema_keeps_the_order_of_the_columns() -> None:
    columns = {"z": pl.Int8(), "a": pl.Time(), "m": pl.String()}
    schema = Schema.of(columns)
    assert list(schema.columns) == list(schema.types) == ["z", "a", "m"]
