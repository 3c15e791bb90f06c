"""Snapshots over real files of every kind: what is read, and what is said when nothing can be read."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from polars.testing import assert_frame_equal

from engine.snapshot import Snapshot
from engine.sources.base import SnapshotError
from engine.sources.parquet import along_row_groups
from tests.engine.snapshots import USERS, collected, database, failure


def parquet(directory: Path) -> str:
    USERS.write_parquet(directory / "users.parquet", row_group_size=2)
    return str(directory / "users.parquet")


def part_files(directory: Path) -> str:
    for index, (start, length) in enumerate(((0, 2), (2, 0), (2, 3))):
        USERS.slice(start, length).write_parquet(directory / f"part-{index}.parquet")
    (directory / "_SUCCESS").touch()
    (directory / ".part-0.parquet.crc").write_bytes(b"crc")
    return str(directory)


def glob_of_parts(directory: Path) -> str:
    part_files(directory)
    (directory / "notes.txt").write_text("not a part file")
    return str(directory / "part-*.parquet")


def ipc(directory: Path) -> str:
    USERS.write_ipc(directory / "users.arrow", record_batch_size=2)
    return str(directory / "users.arrow")


def ipc_stream(directory: Path) -> str:
    USERS.write_ipc_stream(directory / "users.arrows")
    return str(directory / "users.arrows")


WHOLE = [parquet, part_files, glob_of_parts, ipc, ipc_stream, database]


@pytest.fixture(params=WHOLE, ids=lambda maker: maker.__name__)
def users(request: pytest.FixtureRequest, tmp_path: Path) -> Snapshot:
    return Snapshot.open(request.param(tmp_path))


class TestReading:
    def test_the_users_are_those_that_were_written(self, users: Snapshot) -> None:
        assert_frame_equal(collected(users), USERS)
        assert users.rows == 5
        assert {name: str(type_) for name, type_ in users.schema.types.items()} == {
            "user_id": "int",
            "name": "string",
            "score": "double",
            "tags": "list(string)",
            "address": "struct",
        }

    @pytest.mark.parametrize("rows", [1, 2, 3, 100])
    def test_chunks_are_the_same_users_in_order(self, users: Snapshot, rows: int) -> None:
        chunks = list(users.chunks(["name", "user_id"], rows))
        assert all(1 <= chunk.height <= rows for chunk in chunks)
        assert_frame_equal(pl.concat(chunks), USERS.select("name", "user_id"))

    def test_no_columns_still_have_a_height(self, users: Snapshot) -> None:
        assert users.scan([]).collect().shape == (5, 0)
        assert [chunk.width for chunk in users.chunks([], 2)] == [0] * len(list(users.chunks([], 2)))
        assert sum(chunk.height for chunk in users.chunks([], 2)) == 5
        assert users.scan([]).select(pl.len()).collect().item() == 5

    def test_a_scan_is_an_ordinary_lazy_frame(self, users: Snapshot) -> None:
        frame = users.scan(["user_id", "name", "score"])
        assert frame.filter(pl.col("user_id") > 3).select("name").collect()["name"].to_list() == ["", "Ødegård"]
        assert frame.slice(1, 2).collect()["user_id"].to_list() == [2, 3]
        assert frame.head(1).collect(engine="streaming").height == 1
        assert frame.select(pl.col("user_id").sum()).collect().item() == 15

    def test_a_column_that_is_not_there_is_an_error(self, users: Snapshot) -> None:
        with pytest.raises(SnapshotError, match="has no column 'nobody'"):
            users.scan(["nobody"])

    def test_a_fingerprint_is_stable_until_the_files_change(self, users: Snapshot, tmp_path: Path) -> None:
        assert users.fingerprint
        assert Snapshot.open(users.name).fingerprint == users.fingerprint
        users.check_unchanged()
        for path in tmp_path.iterdir():
            status = path.stat()
            os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
        with pytest.raises(SnapshotError, match="was changed while it was read"):
            users.check_unchanged()


class TestFrames:
    @pytest.mark.parametrize(
        "frame",
        [USERS, USERS.lazy(), USERS.to_arrow(), USERS.to_arrow().to_reader()],
        ids=lambda frame: type(frame).__name__,
    )
    def test_a_frame_is_a_snapshot(self, frame: pl.DataFrame | pl.LazyFrame | pa.Table) -> None:
        snapshot = Snapshot.open(frame)
        assert_frame_equal(collected(snapshot), USERS)
        assert snapshot.rows == 5
        assert snapshot.fingerprint is None
        snapshot.check_unchanged()
        assert [chunk.shape for chunk in snapshot.chunks(["tags"], 2)] == [(2, 1), (2, 1), (1, 1)]
        assert [chunk.shape for chunk in snapshot.chunks([], 2)] == [(2, 0), (2, 0), (1, 0)]

    def test_columns_are_taken_by_their_exact_names(self) -> None:
        frame = pl.DataFrame({"^a.*$": [1], "ab": [2], "*": [3]})
        assert Snapshot.open(frame).scan(["*", "^a.*$"]).collect().row(0) == (3, 1)

    def test_an_unusable_arrow_column_does_not_hinder_the_others(self) -> None:
        intervals = pa.array([(1, 2, 3), None], pa.month_day_nano_interval())
        snapshot = Snapshot.open(pa.table({"wait": intervals, "age": [1, 2]}))
        assert str(snapshot.schema.types["wait"]) == "unusable (month_day_nano_interval)"
        assert collected(snapshot, ["age"])["age"].to_list() == [1, 2]
        with pytest.raises(SnapshotError, match="the column 'wait' of type month_day_nano_interval cannot be read"):
            snapshot.scan(["wait"])

    def test_unusable_polars_columns_do_not_hinder_the_others(self) -> None:
        frame = pl.DataFrame({"age": [1]}).with_columns(at=pl.lit("10:00").str.to_time(), big=pl.lit(1, pl.Int128))
        snapshot = Snapshot.open(frame)
        assert [str(type_) for type_ in snapshot.schema.types.values()] == [
            "int",
            "unusable (Time)",
            "unusable (Int128)",
        ]
        assert collected(snapshot, ["age"]).height == 1

    def test_two_columns_of_one_name_are_an_error(self) -> None:
        assert failure(pa.table([[1], [2]], names=["a", "a"])) == "<frame>: has two columns of one name; rename one"

    def test_a_lazy_frame_that_does_not_resolve_is_an_error(self) -> None:
        assert "nobody" in failure(pl.LazyFrame({"a": [1]}).select("nobody"))

    def test_types_are_not_set_on_frames(self) -> None:
        assert "only for CSV" in failure(USERS, schema_overrides={"user_id": "int"})

    def test_anything_else_is_a_type_error(self) -> None:
        with pytest.raises(TypeError, match="not int"):
            Snapshot.open(5)  # type: ignore[arg-type]


class TestParquet:
    def test_only_the_columns_asked_for_are_read(self, tmp_path: Path) -> None:
        path = tmp_path / "users.parquet"
        frame = pl.DataFrame({"kept": range(1000), "spoilt": [f"value {index}" for index in range(1000)]})
        frame.write_parquet(path, compression="zstd")
        chunk = pq.read_metadata(path).row_group(0).column(1)
        content = bytearray(path.read_bytes())
        start = min(offset for offset in (chunk.dictionary_page_offset, chunk.data_page_offset) if offset)
        content[start : start + chunk.total_compressed_size] = b"\xff" * chunk.total_compressed_size
        path.write_bytes(content)

        snapshot = Snapshot.open(path)
        assert snapshot.rows == 1000
        assert sum(chunk["kept"].sum() for chunk in snapshot.chunks(["kept"])) == sum(range(1000))
        message = failure(path)
        assert message.startswith(f"{path}: cannot be read as Parquet, it may be damaged")
        with pytest.raises(SnapshotError, match="cannot be read as Parquet"), snapshot.reading():
            snapshot.scan(["spoilt"]).collect()

    def test_large_row_groups_are_cut_and_small_ones_joined(self, tmp_path: Path) -> None:
        pl.DataFrame({"a": range(1000)}).write_parquet(tmp_path / "large.parquet", row_group_size=1000)
        pl.DataFrame({"a": range(1000)}).write_parquet(tmp_path / "small.parquet", row_group_size=100)
        heights = {
            name: [chunk.height for chunk in Snapshot.open(tmp_path / f"{name}.parquet").chunks(["a"], 250)]
            for name in ("large", "small")
        }
        assert heights == {"large": [250] * 4, "small": [200] * 5}

    @pytest.mark.parametrize("rows", [1, 7, 250])
    def test_a_row_group_is_read_in_a_few_pieces_however_large_it_is(self, tmp_path: Path, rows: int) -> None:
        for size in (1_000, 100_000):
            pieces = list(along_row_groups([rows, size], rows))
            assert len(pieces) <= 13, "each passes over all that is before it: many would take the square of the size"
            assert sum(piece.length for piece in pieces) == rows + size
        frame = pl.DataFrame({"a": range(1_000), "b": [[str(n)] * (n % 3) for n in range(1_000)]})
        frame.write_parquet(tmp_path / "large.parquet", row_group_size=1_000)
        chunks = list(Snapshot.open(tmp_path / "large.parquet").chunks(["a", "b"], rows))
        assert max(chunk.height for chunk in chunks) <= rows
        assert pl.concat(chunks).equals(frame)

    def test_small_part_files_are_read_together(self, tmp_path: Path) -> None:
        for index in range(10):
            pl.DataFrame({"a": [index]}).write_parquet(tmp_path / f"{index}.parquet")
        chunks = list(Snapshot.open(tmp_path).chunks(["a"], 4))
        assert [chunk["a"].to_list() for chunk in chunks] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]

    def test_no_users_are_a_snapshot(self, tmp_path: Path) -> None:
        USERS.clear().write_parquet(tmp_path / "users.parquet")
        snapshot = Snapshot.open(tmp_path / "users.parquet")
        assert snapshot.rows == 0
        assert list(snapshot.chunks(["name"])) == []
        assert collected(snapshot).shape == (0, 5)

    def test_a_name_with_glob_characters_is_a_name(self, tmp_path: Path) -> None:
        USERS.write_parquet(tmp_path / "users[1].parquet")
        assert collected(Snapshot.open(tmp_path / "users[1].parquet")).height == 5

    def test_a_map_is_a_map(self, tmp_path: Path) -> None:
        table = pa.table({"m": pa.array([[("a", 1)], None, []], pa.map_(pa.string(), pa.int64()))})
        pq.write_table(table, tmp_path / "maps.parquet")
        snapshot = Snapshot.open(tmp_path / "maps.parquet")
        assert str(snapshot.schema.types["m"]) == "map(string, int)"
        assert collected(snapshot)["m"].to_list() == [{"a": 1}, None, {}]

    def test_an_interval_does_not_hinder_the_other_columns(
        self, tmp_path: Path, capfd: pytest.CaptureFixture[str]
    ) -> None:
        path = tmp_path / "users.parquet"
        with duckdb.connect() as connection:
            connection.execute(
                "COPY (SELECT i AS age, INTERVAL 3 DAY AS wait, {'x': INTERVAL 1 DAY, 'y': i} AS nested "
                f"FROM range(5) t(i)) TO '{path}'"
            )
        snapshot = Snapshot.open(path)
        assert [str(type_) for type_ in snapshot.schema.types.values()] == ["int", *["unusable (INTERVAL)"] * 2]
        assert snapshot.rows == 5
        assert [chunk["age"].to_list() for chunk in snapshot.chunks(["age"], 3)] == [[0, 1, 2], [3, 4]]
        assert sum(chunk.height for chunk in snapshot.chunks([], 3)) == 5
        assert capfd.readouterr().err == ""

    def test_part_files_widen_where_nothing_is_lost(self, tmp_path: Path) -> None:
        pl.DataFrame(
            {"i": [1], "f": [1.5], "s": ["a"], "n": [None], "l": [[1]], "same": [1]},
            schema={
                "i": pl.Int32,
                "f": pl.Float32,
                "s": pl.Categorical,
                "n": pl.Null,
                "l": pl.List(pl.Int8),
                "same": pl.Int8,
            },
        ).write_parquet(tmp_path / "1.parquet")
        pl.DataFrame(
            {"s": ["b"], "i": [2**40], "f": [0.1], "n": ["x"], "l": [[1000]], "same": [2]},
            schema={
                "s": pl.String,
                "i": pl.Int64,
                "f": pl.Float64,
                "n": pl.String,
                "l": pl.List(pl.Int16),
                "same": pl.Int8,
            },
        ).write_parquet(tmp_path / "2.parquet")
        snapshot = Snapshot.open(tmp_path)
        expected = {
            "i": [1, 2**40],
            "f": [1.5, 0.1],
            "s": ["a", "b"],
            "n": [None, "x"],
            "l": [[1], [1000]],
            "same": [1, 2],
        }
        assert collected(snapshot).to_dict(as_series=False) == expected
        assert collected(snapshot, ["same"])["same"].to_list() == [1, 2]
        assert pl.concat(snapshot.chunks(["s", "i"], 1)).rows() == [("a", 1), ("b", 2**40)]

    @pytest.mark.parametrize(
        ("second", "said"),
        [
            ({"a": ["x"], "b": [1]}, "the column 'a' is Int64 in .*1.parquet but String in .*2.parquet"),
            ({"a": [1.5], "b": [1]}, "the column 'a' is Int64 in .*1.parquet but Float64 in .*2.parquet"),
            ({"a": [1]}, "2.parquet lacks the column 'b' of .*1.parquet"),
            ({"a": [1], "b": [1], "c": [1]}, "1.parquet lacks the column 'c' of .*2.parquet"),
        ],
        ids=["string", "double", "missing", "extra"],
    )
    def test_part_files_that_differ_are_an_error(
        self, tmp_path: Path, second: dict[str, list[object]], said: str
    ) -> None:
        pl.DataFrame({"a": [1], "b": [1]}).write_parquet(tmp_path / "1.parquet")
        pl.DataFrame(second).write_parquet(tmp_path / "2.parquet")
        with pytest.raises(SnapshotError, match=said):
            Snapshot.open(tmp_path)


class TestHive:
    def partitioned(self, root: Path) -> None:
        for country, day, age in (
            ("NO", "2024-01-01", 1),
            ("DE", "2024-01-02", 2),
            ("__HIVE_DEFAULT_PARTITION__", "2024-01-03", 3),
        ):
            directory = root / f"country={country}" / f"day={day}" / "shard=07"
            directory.mkdir(parents=True)
            pl.DataFrame({"age": [age]}).write_parquet(directory / "part.parquet")
        (root / "_temporary").mkdir()
        (root / "_temporary" / "part.parquet").write_bytes(b"unfinished")

    @pytest.mark.parametrize("location", ["", "*/*/*/*.parquet", "**/*.parquet"])
    def test_directories_become_columns(self, tmp_path: Path, location: str) -> None:
        root = tmp_path / "age=99" / "users"  # above the snapshot, so none of its columns
        self.partitioned(root)
        snapshot = Snapshot.open(os.path.join(root, location))  # noqa: PTH118 - a glob is no path
        frame = collected(snapshot).sort("age")
        assert frame.to_dict(as_series=False) == {
            "age": [1, 2, 3],
            "country": ["NO", "DE", None],
            "day": [date(2024, 1, 1), date(2024, 1, 2), date(2024, 1, 3)],
            "shard": [7, 7, 7],
        }
        assert_frame_equal(pl.concat(snapshot.chunks(list(frame.columns), 2)).sort("age"), frame)
        assert collected(snapshot, ["country"]).columns == ["country"]
        assert snapshot.rows == 3

    def test_one_partition_can_be_read_alone(self, tmp_path: Path) -> None:
        self.partitioned(tmp_path)
        assert collected(Snapshot.open(tmp_path / "country=DE")).columns == ["age", "day", "shard"]

    def test_different_partitioning_is_an_error(self, tmp_path: Path) -> None:
        self.partitioned(tmp_path)
        USERS.write_parquet(tmp_path / "stray.parquet")
        assert "partitioned by different columns" in failure(tmp_path)


class TestIpc:
    def test_an_unusable_column_does_not_hinder_the_others(
        self, tmp_path: Path, capfd: pytest.CaptureFixture[str]
    ) -> None:
        table = pa.table(
            {
                "wait": pa.array([(1, 2, 3)], pa.month_day_nano_interval()),
                "either": pa.UnionArray.from_sparse(pa.array([0], pa.int8()), [pa.array([1])]),
                "listed": pa.array([[(1, 2, 3)]], pa.list_(pa.month_day_nano_interval())),
                "age": [7],
            }
        )
        with pa.ipc.new_file(tmp_path / "users.feather", table.schema) as writer:
            writer.write_table(table)
        snapshot = Snapshot.open(tmp_path / "users.feather")
        assert collected(snapshot, ["age"])["age"].to_list() == [7]
        assert sum("unusable" in str(type_) for type_ in snapshot.schema.types.values()) == 3
        assert capfd.readouterr().err == ""

    @pytest.mark.parametrize("kept", [0.2, 0.6, 0.99])
    @pytest.mark.parametrize("maker", [ipc, ipc_stream], ids=lambda maker: maker.__name__)
    def test_a_truncated_file_is_an_error(self, tmp_path: Path, maker: Callable[[Path], str], kept: float) -> None:
        path = Path(maker(tmp_path))
        content = path.read_bytes()
        path.write_bytes(content[: int(len(content) * kept)])
        if maker is ipc_stream and kept == 0.99:
            return  # only the end mark is missing, which the format allows
        assert "Arrow IPC" in failure(path)


class TestLocations:
    @pytest.mark.parametrize(
        ("files", "location", "said"),
        [
            ({}, "users.parquet", "users.parquet: no such file or directory"),
            ({}, "", "the directory holds no part files"),
            ({"_SUCCESS": b"", ".hidden.parquet": b""}, "", "the directory holds no part files"),
            ({}, "*.parquet", "*.parquet: no file matches"),
            ({"a.parquet": b""}, "a.parquet", "a.parquet: the file is empty (0 bytes)"),
            ({"a.parquet": b"a,b\n1,2\n3,4\n"}, "a.parquet", "a.parquet: is not a Parquet file"),
            ({"a.parquet": b"PAR1"}, "a.parquet", "a.parquet: the Parquet file is truncated"),
            ({"a.arrow": b""}, "a.arrow", "a.arrow: the file is empty (0 bytes)"),
            ({"a.arrow": b"something else"}, "a.arrow", "a.arrow: cannot be read as Arrow IPC"),
            ({"a.feather": b"FEA1...."}, "a.feather", "Feather version 1 is not supported"),
            ({"a.xlsx": b"x"}, "a.xlsx", "a.xlsx: the kind of file is unknown; known are .parquet, "),
            ({"a.csv": b"a\n1\n", "b.parquet": b""}, "", "are files of different kinds"),
        ],
    )
    def test_what_cannot_be_opened(self, tmp_path: Path, files: dict[str, bytes], location: str, said: str) -> None:
        for name, content in files.items():
            (tmp_path / name).write_bytes(content)
        assert said in failure(os.path.join(tmp_path, location))  # noqa: PTH118 - a glob is no path

    @pytest.mark.parametrize("kept", [10, 200, -1, -8, -100])
    def test_a_truncated_parquet_file_is_an_error(self, tmp_path: Path, kept: int) -> None:
        path = Path(parquet(tmp_path))
        path.write_bytes(path.read_bytes()[:kept])
        assert failure(path) == f"{path}: the Parquet file is truncated; write or copy it again"

    def test_a_file_that_may_not_be_read_is_an_error(self) -> None:
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "users.parquet"
            USERS.write_parquet(path)
            Path(directory).chmod(0o755)
            path.chmod(0)
            with unprivileged():
                assert failure(path) == f"{path}: permission denied; ask its owner for read access"
                assert "permission denied" in failure(directory)

    def test_types_are_set_only_on_csv(self, tmp_path: Path) -> None:
        assert "only for CSV files; a Parquet snapshot has its own" in failure(
            parquet(tmp_path), schema_overrides={"a": "int"}
        )
        assert "only for CSV files; a DuckDB snapshot" in failure(database(tmp_path), schema_overrides={"a": "int"})

    def test_unknown_stores_are_refused(self) -> None:
        assert "'ftp' is no known kind of store" in failure("ftp://host/users.parquet")


@contextmanager
def unprivileged() -> Iterator[None]:
    """As a user whom permissions bind: root becomes ``nobody`` for a while."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize(
    ("location", "file", "held"),
    [
        ("a.parquet", "a.parquet", True),
        ("a.parquet", "b.parquet", False),
        (".", "new.parquet", True),
        (".", "sub/new.parquet", True),
        ("*.parquet", "new.parquet", True),
        ("*.parquet", "sub/new.parquet", False),
        ("**/*.parquet", "new.parquet", True),
        ("**/*.parquet", "sub/sub/new.parquet", True),
        ("**/*.parquet", "new.csv", False),
        ("links", "a.parquet", True),
        ("links/*.parquet", "a.parquet", True),
        ("links", "b.parquet", False),
    ],
)
def test_it_knows_its_own_files(tmp_path: Path, location: str, file: str, held: bool) -> None:
    pl.DataFrame({"x": [1]}).write_parquet(tmp_path / "a.parquet")
    (tmp_path / "links").mkdir()
    if location.startswith("links"):
        (tmp_path / "links" / "part.parquet").symlink_to("../a.parquet")
    assert Snapshot.open(tmp_path / location).holds(tmp_path / file) == held
