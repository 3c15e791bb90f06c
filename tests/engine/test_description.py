"""What is told about a snapshot's columns."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import polars as pl
import pytest

from compiler.schema import Schema
from engine import Snapshot, evaluate
from engine.description import ColumnDescription, describe, variable


def described(values: pl.Series) -> ColumnDescription:
    [column] = describe(Snapshot.open(values.alias("x").to_frame())).columns
    return column


@pytest.mark.parametrize(
    ("values", "type_", "examples"),
    [
        (pl.Series([3, None, 3, -1, 7, 9]), "int", ("3", "-1", "7")),
        (pl.Series([1.5, float("nan"), float("-inf")]), "double", ("1.5", "nan", "-inf")),
        (pl.Series([True, None]), "bool", ("true",)),
        (pl.Series(['a "b"', "é\n", "x" * 40]), "string", ('"a \\"b\\""', '"é\\n"', '"' + "x" * 30 + "…")),
        (pl.Series([b"a\x00"]), "bytes", ('b"a\\u0000"',)),
        (pl.Series([date(2024, 2, 29)]), "timestamp", ("2024-02-29T00:00:00Z",)),
        (pl.Series([datetime(2024, 2, 29, 1, 2)]), "timestamp", ("2024-02-29T01:02:00Z",)),  # noqa: DTZ001
        (
            pl.Series([datetime(2024, 2, 29, 1, tzinfo=timezone(timedelta(hours=1)))]),
            "timestamp",
            ("2024-02-29T00:00:00Z",),
        ),
        (pl.Series([timedelta(hours=1.5)]), "duration", ("5400s",)),
        (pl.Series([["a", None], []]), "list(string)", ('["a", null]', "[]")),
        (pl.Series([None, None], dtype=pl.Null), "null_type", ()),
        (pl.Series([{"a": 1}], dtype=pl.Map(pl.String, pl.Int64)), "map(string, int)", ('{"a": 1}',)),
    ],
)
def test_types_and_examples(values: pl.Series, type_: str, examples: tuple[str, ...]) -> None:
    column = described(values)
    assert (column.type, column.examples) == (type_, examples)


def test_the_examples_of_structs_are_with_their_fields() -> None:
    column = described(pl.Series([[{"a": 1, "b": {"c": "x"}}, {"a": 2, "b": None}], None]))
    assert column.examples == ()
    assert [(f.name, f.type, f.examples) for f in column.fields] == [("a", "int", ("1", "2")), ("b", "struct", ())]
    assert [(f.name, f.type, f.examples) for f in column.fields[1].fields] == [("c", "string", ('"x"',))]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("age", "age"),
        ("user", "user.user"),
        ("now", "user.now"),
        ("loop", "user.loop"),
        ("in", "user.`in`"),
        ("true", "user.`true`"),
        ("plan.name", "user.`plan.name`"),
        ("^a$", "user.`^a$`"),
        ("straße", "user.`straße`"),
        ("", None),
    ],
)
def test_how_a_column_is_named_in_a_condition(name: str, expected: str | None) -> None:
    assert variable(name) == expected
    if expected is not None:
        assert evaluate(expected, pl.DataFrame({name: [7]})).values.to_list() == [7]


def test_names_that_polars_reads_as_patterns() -> None:
    columns = describe(Snapshot.open(pl.DataFrame({"^a.*$": [1, None], "*": [None, None], "ab": [1, 2]}))).columns
    assert [(column.name, column.nulls) for column in columns] == [("^a.*$", 1), ("*", 2), ("ab", 0)]


def test_nulls_are_counted_over_all_rows_and_examples_are_from_the_first(tmp_path: Path) -> None:
    path = tmp_path / "users.parquet"
    pl.DataFrame({"x": [None] * 2_000 + [5] * 2_000}).write_parquet(path)
    [column] = describe(Snapshot.open(path)).columns
    assert (column.nulls, column.examples) == (2_000, ())


def test_a_column_of_an_unusable_type_is_described() -> None:
    column = described(pl.Series([timedelta(1)]).cast(pl.Int64).cast(pl.Time))
    assert (column.variable, column.type, column.column_type, column.nulls) == (None, None, "Time", 0)


def test_no_rows_and_no_columns() -> None:
    assert describe(Snapshot.open(pl.DataFrame(schema={"x": pl.Int8}))).to_dict()["columns"] == [
        {
            "name": "x",
            "variable": "x",
            "column_type": "Int8",
            "type": "int",
            "null_share": None,
            "examples": [],
            "fields": [],
        }
    ]
    assert describe(Snapshot.open(pl.DataFrame())).columns == ()


def test_every_type_of_the_design_has_examples() -> None:
    types = [pl.Int8(), pl.UInt64(), pl.Decimal(10, 2), pl.Categorical(), pl.Enum(["7"]), pl.Array(pl.Int8, 1)]
    assert set(Schema.of({str(t): t for t in types}).types) == {str(t) for t in types}
    for type_ in types:
        values = pl.Series([[7]] if isinstance(type_, pl.Array) else ["7"]).cast(type_)
        assert len(described(values).examples) == 1
