"""Snapshots that are tables and views of a DuckDB database."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import pytest

from engine.snapshot import Snapshot
from tests.engine.snapshots import collected, database, failure


class TestDuckDB:
    def snapshot(self, directory: Path, select: str) -> Snapshot:
        with duckdb.connect(str(directory / "d.duckdb")) as connection:
            connection.execute(f"CREATE TABLE t AS SELECT {select}")
        return Snapshot.open(f"duckdb:{directory / 'd.duckdb'}#t")

    @pytest.mark.parametrize(
        ("value", "cel", "read"),
        [
            ("170141183460469231731687303715884105::HUGEINT", "int", 170141183460469231731687303715884105),
            ("18446744073709551615::UBIGINT", "uint", 18446744073709551615),
            ("1.50::DECIMAL(10, 2)", "double", None),
            ("7::DECIMAL(20, 0)", "int", 7),
            ("1.5::FLOAT", "double", 1.5),
            ("TIMESTAMP_NS '2020-01-01 00:00:00.123456789'", "timestamp", None),
            ("TIMESTAMP '2020-01-01'", "timestamp", None),
            ("TIMESTAMP_S '2020-01-01'", "timestamp", None),
            ("TIMESTAMP_MS '2020-01-01'", "timestamp", None),
            ("TIMESTAMPTZ '2020-01-01 00:00:00+02'", "timestamp", None),
            ("DATE '2020-01-02'", "timestamp", date(2020, 1, 2)),
            ("'b'::ENUM('b', 'a')", "string", "b"),
            ("['b']::ENUM('b', 'a')[]", "list(string)", ["b"]),
            ("[1, NULL]", "list(int)", [1, None]),
            ("[1, 2]::INTEGER[2]", "list(int)", [1, 2]),
            ("{'a': 1, 'b': [{'c': 'x'}]}", "struct", {"a": 1, "b": [{"c": "x"}]}),
            ("MAP {'k': 1, 'j': NULL}", "map(string, int)", {"k": 1, "j": None}),
            ("[MAP {'k': {'z': 1}}]", "list(map(string, struct))", [{"k": {"z": 1}}]),
            ("'6ccd780c-baba-1026-9564-5b8c656024db'::UUID", "string", "6ccd780c-baba-1026-9564-5b8c656024db"),
            ("'x'::BLOB", "bytes", b"x"),
            ("'{\"a\": 1}'::JSON", "string", '{"a": 1}'),
            ("true", "bool", True),
            ("TIME '12:00'", "unusable (Time)", None),
            ("INTERVAL 3 DAY", "unusable (INTERVAL)", None),
            ("[INTERVAL 3 DAY]", "unusable (INTERVAL[])", None),
            ("{'a': 1, 'i': INTERVAL 3 DAY}", "unusable (STRUCT(a INTEGER, i INTERVAL))", None),
            ("'101'::BIT", "unusable (BIT)", None),
            ("UNION_VALUE(num := 2)", "unusable (UNION(num INTEGER))", None),
            ("123::BIGNUM", "unusable (BIGNUM)", None),
        ],
        ids=lambda value: str(value)[:40],
    )
    def test_types(self, tmp_path: Path, value: str, cel: str, read: object) -> None:
        snapshot = self.snapshot(tmp_path, f"{value} AS v, 5 AS age UNION ALL SELECT NULL, 6")
        assert str(snapshot.schema.types["v"]) == cel
        assert collected(snapshot, ["age"])["age"].to_list() == [5, 6]
        if read is not None:
            assert collected(snapshot, ["v"])["v"].to_list() == [read, None]

    def test_tables_views_and_odd_names(self, tmp_path: Path) -> None:
        path = tmp_path / "d#1.duckdb"
        with duckdb.connect(str(path)) as connection:
            connection.execute('CREATE TABLE "odd ""name"".#1" AS SELECT 1 AS "a ""b"" --", 2 AS "select"')
            connection.execute("CREATE SCHEMA crm; CREATE VIEW crm.people AS SELECT 3 AS age")
        odd = Snapshot.open(f'duckdb:{path}#"odd ""name"".#1"')
        assert collected(odd).row(0, named=True) == {'a "b" --': 1, "select": 2}
        for location in (f"duckdb:{path}#crm.people", f'duckdb:{path}#"crm"."people"'):
            assert collected(Snapshot.open(location)).row(0) == (3,)

    def test_chunks_of_many_rows_are_in_order(self, tmp_path: Path) -> None:
        with duckdb.connect(str(tmp_path / "d.duckdb")) as connection:
            connection.execute("CREATE TABLE t AS SELECT i, i::VARCHAR AS s FROM range(300000) r(i)")
        snapshot = Snapshot.open(f"duckdb:{tmp_path / 'd.duckdb'}#t")
        chunks = list(snapshot.chunks(["i"], 100_000))
        assert all(chunk.height <= 100_000 for chunk in chunks)
        assert pl.concat(chunks)["i"].to_list() == list(range(300_000))

    def test_no_lock_is_left_behind(self, tmp_path: Path) -> None:
        snapshot = self.snapshot(tmp_path, "i FROM range(300000) r(i)")
        path = tmp_path / "d.duckdb"
        chunks = snapshot.chunks(["i"], 1000)
        next(chunks)
        chunks.close()  # type: ignore[attr-defined]
        collected(snapshot, ["i"])
        writer = f"import duckdb; duckdb.connect({str(path)!r}).execute('CREATE TABLE u AS SELECT 1')"
        subprocess.run([sys.executable, "-c", writer], check=True, timeout=60)

    def test_a_database_that_another_process_writes_names_that_process(self, tmp_path: Path) -> None:
        self.snapshot(tmp_path, "1 AS a")
        path = tmp_path / "d.duckdb"
        hold = f"import duckdb, sys; c = duckdb.connect({str(path)!r}); print('held', flush=True); sys.stdin.read()"
        with subprocess.Popen([sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
            assert writer.stdout
            assert writer.stdout.readline() == b"held\n"
            message = failure(f"duckdb:{path}#t")
            writer.communicate(timeout=60)
        assert f"(process {writer.pid}) has the database open for writing" in message
        assert collected(Snapshot.open(f"duckdb:{path}#t")).row(0) == (1,)

    def test_a_database_that_this_process_writes(self, tmp_path: Path) -> None:
        self.snapshot(tmp_path, "1 AS a")
        with duckdb.connect(str(tmp_path / "d.duckdb")):
            assert "this process has the database open for writing" in failure(f"duckdb:{tmp_path / 'd.duckdb'}#t")

    def test_a_missing_database_is_not_created(self, tmp_path: Path) -> None:
        assert "no such file" in failure(f"duckdb:{tmp_path / 'd.duckdb'}#t")
        assert list(tmp_path.iterdir()) == []

    def test_a_missing_table_names_near_ones(self, tmp_path: Path) -> None:
        location = database(tmp_path)
        assert "has no table or view 'user'; did you mean users?" in failure(location.removesuffix("s"))
        assert "has no table or view 'xyz'; it has users" in failure(location.replace("#users", "#xyz"))
        assert "name a table" in failure(location.removesuffix("#users"))
        assert f"{location.removesuffix('#users')}#TABLE; it has users" in failure(location.removesuffix("#users"))
        assert "as duckdb:" in failure(location.removeprefix("duckdb:").removesuffix("#users"))

    def test_a_view_of_what_is_gone_says_what(self, tmp_path: Path) -> None:
        with duckdb.connect(str(tmp_path / "d.duckdb")) as connection:
            connection.execute("CREATE TABLE base AS SELECT 1 AS a; CREATE VIEW v AS FROM base; DROP TABLE base")
        assert "base" in failure(f"duckdb:{tmp_path / 'd.duckdb'}#v")

    @pytest.mark.parametrize(("kept", "said"), [(0, "no DuckDB database"), (5000, "truncated"), (20_000, "truncated")])
    def test_a_truncated_database_is_an_error(self, tmp_path: Path, kept: int, said: str) -> None:
        location = database(tmp_path)
        path = tmp_path / "users.duckdb"
        path.write_bytes(path.read_bytes()[:kept])
        assert said in failure(location)


def test_a_table_with_a_number_sign_hides_no_file(tmp_path: Path) -> None:
    path = tmp_path / "d.duckdb"
    with duckdb.connect(path) as connection:
        connection.execute('CREATE TABLE "a#b" AS SELECT 1 AS user_id')
    snapshot = Snapshot.open(f'duckdb:{path}#"a#b"')
    assert snapshot.rows == 1
    assert snapshot.holds(path)
    assert not snapshot.holds(tmp_path / "other.duckdb")
