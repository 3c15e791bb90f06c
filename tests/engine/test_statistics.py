"""What is told of values without reading them is true of them, whoever wrote the file, and however."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from compiler.facts import Facts, of_some_rows, together
from engine import Snapshot, SnapshotError, count
from engine.optimisations import Optimisations
from engine.sources.base import Group, kept_ranges
from engine.statistics import Statistics

NAN, INF = float("nan"), float("inf")

COLUMNS: Mapping[str, tuple[pl.DataType, list[object]]] = {
    "i8": (pl.Int8(), [1, -128, None, 127]),
    "i64": (pl.Int64(), [-(2**63), 2**63 - 1, None, 0]),
    "u8": (pl.UInt8(), [250, None, 2, 0]),
    "u32": (pl.UInt32(), [2**32 - 1, None, 1, 7]),
    "u64": (pl.UInt64(), [2**64 - 1, 1, None, 5]),
    "f32": (pl.Float32(), [1.5, None, NAN, -2.5]),
    "f64": (pl.Float64(), [NAN, -0.0, 0.0, None]),
    "inf": (pl.Float64(), [INF, -INF, 1.0, None]),
    "nan": (pl.Float64(), [NAN, NAN, NAN, NAN]),
    "text": (pl.String(), ["", "é" * 200, None, "\U0010ffff" * 40]),
    "word": (pl.String(), ["b", "a", None, "a"]),
    "edge": (pl.String(), ["x" * 31, "x" * 32, "x" * 64, "x" * 65]),
    "bytes": (pl.Binary(), [b"\xff" * 100, b"", None, b"\x00"]),
    "bool": (pl.Boolean(), [True, None, True, True]),
    "day": (pl.Date(), [date(1, 1, 1), None, date(9999, 12, 31), date(1970, 1, 1)]),
    "ms": (pl.Datetime("ms"), [-62_135_596_800_000, None, 253_402_300_799_999, 0]),
    "us": (pl.Datetime("us"), [-1, None, 1_704_067_200_000_001, None]),
    "ns": (pl.Datetime("ns"), [1_704_067_200_000_000_001, None, -1, 0]),
    "zone": (pl.Datetime("us", "Europe/Amsterdam"), [1_720_000_000_000_000, None, 1_700_000_000_000_000, None]),
    "lapse": (pl.Duration("ms"), [1, None, -5, 3]),
    "price": (pl.Decimal(20, 2), [Decimal("1.25"), None, Decimal("-3.50"), Decimal(0)]),
    "large": (pl.Decimal(38, 0), [Decimal(2**70), None, Decimal(1), Decimal(0)]),
    "none": (pl.String(), [None, None, None, None]),
    "full": (pl.Int32(), [3, 4, 5, 6]),
    "same": (pl.Int32(), [7, 7, 7, 7]),
    "a.b": (pl.Int64(), [1, 2, None, 4]),
    "list": (pl.List(pl.Int64()), [[1], None, [], [None, 4]]),
    "struct": (pl.Struct({"b": pl.Int64()}), [{"b": 1}, None, {"b": None}, {"b": 4}]),
}
NANOSECONDS = {"ms": 10**6, "us": 10**3, "ns": 1}


def users() -> pl.DataFrame:
    return pl.DataFrame({name: pl.Series(values, dtype=dtype) for name, (dtype, values) in COLUMNS.items()})


def by_polars(frame: pl.DataFrame, path: Path) -> None:
    frame.write_parquet(path, row_group_size=2)


def without_statistics(frame: pl.DataFrame, path: Path) -> None:
    frame.write_parquet(path, row_group_size=2, statistics=False)


def by_pyarrow(frame: pl.DataFrame, path: Path) -> None:
    pq.write_table(frame.to_arrow(), path, row_group_size=2)


def by_pyarrow_as_of_old(frame: pl.DataFrame, path: Path) -> None:
    pq.write_table(frame.drop("ns").to_arrow(), path, row_group_size=2, version="1.0", store_schema=False)


def with_times_of_96_bits(frame: pl.DataFrame, path: Path) -> None:
    pq.write_table(frame.drop("day", "ms").to_arrow(), path, row_group_size=2, use_deprecated_int96_timestamps=True)


def required(frame: pl.DataFrame, path: Path) -> None:
    table = frame.select("full", "same").to_arrow()
    schema = pa.schema([pa.field(f.name, f.type, nullable=False) for f in table.schema])
    pq.write_table(table.cast(schema), path, row_group_size=2, write_statistics=False)


def by_duckdb(frame: pl.DataFrame, path: Path) -> None:
    with duckdb.connect() as connection:
        connection.register("frame", frame.drop("lapse", "large").to_arrow())
        connection.execute(f"COPY frame TO '{path}' (FORMAT parquet, ROW_GROUP_SIZE 2)")


WRITERS = [
    by_polars,
    without_statistics,
    by_pyarrow,
    by_pyarrow_as_of_old,
    with_times_of_96_bits,
    required,
    by_duckdb,
]


def held(column: pl.Series) -> list[object]:
    """The values as facts have them, without nulls and NaN."""
    values = column.drop_nulls()
    match column.dtype:
        case pl.Date():
            return [day * 86_400 * 10**9 for day in values.to_physical().to_list()]
        case pl.Datetime():
            return [tick * NANOSECONDS[column.dtype.time_unit] for tick in values.to_physical().to_list()]
        case pl.Float32() | pl.Float64():
            return values.drop_nans().to_list()
        case _:
            return values.to_list()


def assert_true(facts: Facts, column: pl.Series) -> None:
    if facts.null_count is not None:
        assert facts.null_count == column.null_count()
    assert facts.present or column.null_count() == len(column)
    assert facts.nan or not (column.dtype.is_float() and column.is_nan().any())
    for value in held(column):
        assert facts.low is None or facts.low <= value  # type: ignore[operator]
        assert facts.high is None or facts.high >= value  # type: ignore[operator]
        assert facts.choices is None or value in facts.choices


@pytest.mark.parametrize("write", WRITERS)
def test_footers_tell_what_is_true(tmp_path: Path, write: Callable[[pl.DataFrame, Path], None]) -> None:
    frame = pl.concat([users(), users().reverse(), users()])
    write(frame, tmp_path / "users.parquet")
    snapshot = Snapshot.open(tmp_path / "users.parquet")
    read = snapshot.scan(list(snapshot.schema.columns)).collect()
    statistics = snapshot.statistics(read.columns)
    assert statistics is not None
    assert statistics.rows == 12
    for group in statistics.groups:
        for name, facts in group.facts.items():
            assert_true(facts, read.get_column(name)[group.start : group.start + group.rows])
    for start in range(12):
        for stop in range(start + 1, 13):
            for fingerprint, facts in statistics.of_rows(start, stop).items():
                assert_true(facts, read.get_column(fingerprint.removeprefix("column:").strip("'"))[start:stop])
    for name, facts in statistics.columns.items():
        assert_true(facts, read.get_column(name))


def test_footers_tell_what_is_of_use(tmp_path: Path) -> None:
    by_polars(users(), tmp_path / "users.parquet")
    statistics = Snapshot.open(tmp_path / "users.parquet").statistics([*COLUMNS])
    assert statistics is not None
    known = statistics.columns
    assert (known["i8"].low, known["i8"].high, known["i8"].null_count) == (-128, 127, 1)
    assert (known["u64"].low, known["u64"].high) == (1, 2**64 - 1)
    assert (known["word"].low, known["word"].high) == ("a", "b")
    assert (known["text"].low, known["text"].high) == ("", None), "it may have been cut"
    assert (known["bool"].low, known["bool"].high) == (True, True)
    assert known["day"].high == 253_402_214_400 * 10**9
    assert known["us"].low == -1_000
    assert known["f64"].nan
    assert (known["none"].null_count, known["none"].present) == (4, False)
    assert known["full"].null_count == 0
    assert known["large"].fails
    assert (known["a.b"].low, known["a.b"].high) == (1, 4)
    assert {"list", "struct"}.isdisjoint(known)


def test_a_column_that_cannot_be_null_has_no_nulls(tmp_path: Path) -> None:
    required(users(), tmp_path / "users.parquet")
    statistics = Snapshot.open(tmp_path / "users.parquet").statistics(["full", "same"])
    assert statistics is not None
    assert {facts.null_count for facts in statistics.columns.values()} == {0}
    assert {facts.low for facts in statistics.columns.values()} == {None}


def test_frames_are_looked_at() -> None:
    frame = users()
    statistics = Snapshot.open(frame).statistics(frame.columns)
    assert statistics is not None
    for name, facts in statistics.columns.items():
        assert_true(facts, frame.get_column(name))
    assert (statistics.columns["inf"].low, statistics.columns["inf"].nan) == (-INF, False)
    assert statistics.columns["f64"].nan
    assert Snapshot.open(frame.clear()).statistics(["i8"]) == Statistics(())


def test_part_files_and_what_their_directories_tell(tmp_path: Path) -> None:
    for country, ages in (("DE", [1, 2]), ("NL", [3, None]), ("__HIVE_DEFAULT_PARTITION__", [5])):
        (tmp_path / f"country={country}").mkdir()
        pl.DataFrame({"age": ages}).write_parquet(tmp_path / f"country={country}" / "part.parquet")
    snapshot = Snapshot.open(tmp_path)
    statistics = snapshot.statistics(["country", "age"])
    assert statistics is not None
    assert [(g.start, g.rows) for g in statistics.groups] == [(0, 2), (2, 2), (4, 1)]
    assert statistics.groups[0].facts["country"].choices == frozenset(["DE"])
    assert statistics.columns["country"] == Facts("DE", "NL", 1, choices=frozenset(["DE", "NL"]))
    assert (statistics.columns["age"].low, statistics.columns["age"].high) == (1, 5)
    assert snapshot.scan(["country", "age"], [range(2), range(4, 5)]).collect().rows() == [("NL", 3), ("NL", None)]


def test_rows_that_are_skipped_are_not_read(tmp_path: Path) -> None:
    for part in range(3):
        frame = pl.DataFrame({"n": range(part * 100, part * 100 + 100)})
        frame.write_parquet(tmp_path / f"{part}.parquet", row_group_size=10)
    snapshot = Snapshot.open(tmp_path)
    skips: tuple[list[range], ...] = (
        [],
        [range(300)],
        [range(10, 30), range(90, 130), range(290, 300)],
        [range(100)],
        [range(150, 160)],
    )
    for skip in skips:
        expected = [n for n in range(300) if not any(n in gone for gone in skip)]
        for rows in (7, 10, 35, 1_000):
            chunks = list(snapshot.chunks(["n"], rows, skip))
            assert [n for chunk in chunks for n in chunk.get_column("n")] == expected
            for chunk in chunks:
                found = chunk.get_column("n").to_list()
                assert found == list(range(found[0], found[-1] + 1)), "a frame holds rows from both sides of a gap"
        assert snapshot.scan(["n"], skip).collect().get_column("n").to_list() == expected


def test_what_is_kept_of_a_range() -> None:
    assert list(kept_ranges(range(10, 20), [range(12), range(14, 15), range(18, 30)])) == [
        range(12, 14),
        range(15, 18),
    ]
    assert list(kept_ranges(range(10, 20), [range(10), range(20, 30)])) == [range(10, 20)]
    assert list(kept_ranges(range(10, 20), [range(10, 20)])) == []


def test_facts_of_parts_together() -> None:
    one, other = Facts(1, 5, 0, nan=False), Facts(3, 9, 2, nan=False)
    assert together([one, other]) == Facts(1, 9, 2, nan=False)
    assert together([one, Facts()]) == Facts()
    assert together([one, Facts(null_count=3, present=False, nan=False)]) == Facts(1, 5, 3, nan=False)
    assert not together([]).present
    assert of_some_rows(other).null
    assert of_some_rows(other).null_count is None
    assert of_some_rows(one) == one


def test_some_rows_of_a_group_have_its_bounds_and_no_count() -> None:
    statistics = Statistics((Group(0, 4, {"a": Facts(1, 2, 1)}), Group(4, 4, {"a": Facts(5, 6, 2)})))
    assert statistics.of_rows(0, 8) == {"column:'a'": Facts(1, 6, 3)}
    assert statistics.of_rows(4, 8) == {"column:'a'": Facts(5, 6, 2)}
    assert statistics.of_rows(3, 5) == {"column:'a'": Facts(1, 6, None)}
    assert statistics.of_rows(5, 8) == {"column:'a'": Facts(5, 6, None)}


SORTED = {
    "n > 950": (49, 0),
    "n < 50 || n > 950": (99, 0),
    "n > 5000": (0, 0),
    "n * n * n * n >= 0": (1_000, 0),
    "n * 9223372036854775 > 0": (999, 0),
    "n * 9223372036854775807 > 0": (1, 998),
    "hole > 950": (40, 200),
    "has(user.hole) && hole > 950": (40, 0),
    "text == 'n999'": (1, 0),
    "false": (0, 0),
    "n > 100 ? n < 200 : n > 150": (99, 0),
}


@pytest.mark.parametrize("proofs", [True, False])
@pytest.mark.parametrize("skipping", [True, False])
@pytest.mark.parametrize("parts", [1, 4])
def test_counts_are_the_same_whatever_is_proven_and_skipped(
    tmp_path: Path, proofs: bool, skipping: bool, parts: int
) -> None:
    n = pl.int_range(1_000, eager=True)
    frame = pl.DataFrame({"n": n}).with_columns(
        hole=pl.when(pl.col("n") % 5 != 0).then("n"), text=pl.format("n{}", "n")
    )
    for part in range(parts):
        size = 1_000 // parts
        frame[part * size : (part + 1) * size].write_parquet(tmp_path / f"{part}.parquet", row_group_size=30)
    chosen = Optimisations(proofs=proofs, skipping=skipping)
    together_ = count(tmp_path, {text: text for text in SORTED}, optimisations=chosen, errors=True)
    for text, expected in SORTED.items():
        alone = count(tmp_path, text, optimisations=chosen)
        assert (alone.rows, together_.rows) == (1_000, 1_000)
        assert (alone.results[0].user_count, alone.results[0].error_count) == expected, text
        result = together_[text]
        assert (result.user_count, result.error_count) == expected, text
        assert sum(reason.rows for reason in result.reasons or ()) == expected[1], text


def test_rows_of_reasons_are_those_of_the_snapshot(tmp_path: Path) -> None:
    frame = pl.DataFrame({"n": range(100)}).with_columns(m=pl.when(pl.col("n") != 77).then("n"))
    frame.write_parquet(tmp_path / "users.parquet", row_group_size=10)
    (reason,) = count(tmp_path, {"a": "n >= 50 && n < 90 && m > 1000"}, errors=True)["a"].reasons or ()
    assert (reason.rows, reason.row) == (1, 77)


def test_a_snapshot_that_changes_is_not_counted_by_its_old_statistics(tmp_path: Path) -> None:
    path = tmp_path / "users.parquet"
    pl.DataFrame({"n": [1, 2, 3]}).write_parquet(path)
    snapshot = Snapshot.open(path)
    pl.DataFrame({"n": [2**62, None, 3, 4]}).write_parquet(path)
    with pytest.raises(SnapshotError, match="changed while it was read"):
        count(snapshot, "n * 4 > 2")


def test_int128_hinders_nothing(tmp_path: Path) -> None:
    frame = pl.DataFrame({"n": range(300_000), "wide": pl.Series(range(300_000), dtype=pl.Int128)})
    frame.write_parquet(tmp_path / "users.parquet", row_group_size=50_000)
    results = count(tmp_path, {"a": "n > 5", "b": "n < 5"}).results
    assert [result.user_count for result in results] == [299_994, 5]
