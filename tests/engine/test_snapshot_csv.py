"""Snapshots that are CSV files."""

from __future__ import annotations

import gzip
from pathlib import Path

import polars as pl
import pytest

from engine.snapshot import Snapshot
from engine.sources.base import SnapshotError
from tests.engine.snapshots import collected, failure


class TestCsv:
    def write(self, directory: Path, text: str) -> Path:
        path = directory / "users.csv"
        path.write_text(text, newline="")
        return path

    @pytest.mark.parametrize(
        ("fields", "cel", "values"),
        [
            (["1", "", "-3"], "int", [1, None, -3]),
            (["9223372036854775807", "0"], "int", [2**63 - 1, 0]),
            (["18446744073709551615", "1"], "string", ["18446744073709551615", "1"]),
            (["1", "2.5", "1e3", ".5", "inf"], "double", [1.0, 2.5, 1000.0, 0.5, float("inf")]),
            (["007", "1"], "string", ["007", "1"]),
            (["+4712345678"], "string", ["+4712345678"]),
            (["true", "False", ""], "bool", [True, False, None]),
            (["true", "1"], "string", ["true", "1"]),
            (["x", '""', ""], "string", ["x", "", None]),
            (['"1"', '""'], "int", [1, None]),
            (['"a\nb"', '"say ""hi"""'], "string", ["a\nb", 'say "hi"']),
            (["12:30:00"], "string", ["12:30:00"]),
            (["01/02/2020"], "string", ["01/02/2020"]),
            (["2020-02-30"], "string", ["2020-02-30"]),
            ([" 1"], "string", [" 1"]),
            (["", ""], "string", [None, None]),
        ],
        ids=lambda value: repr(value)[:40],
    )
    def test_types_are_inferred(self, tmp_path: Path, fields: list[str], cel: str, values: list[object]) -> None:
        path = self.write(tmp_path, "n,v\n" + "".join(f"{n},{field}\n" for n, field in enumerate(fields)))
        snapshot = Snapshot.open(path)
        assert str(snapshot.schema.types["v"]) == cel
        assert collected(snapshot, ["v"])["v"].to_list() == values

    @pytest.mark.parametrize(
        ("field", "moment"),
        [
            ("2020-01-02", "2020-01-02T00:00:00"),
            ("2020-01-02 03:04", "2020-01-02T03:04:00"),
            ("2020-01-02T03:04:05Z", "2020-01-02T03:04:05"),
            ("2020-01-02T03:04:05.5+02:00", "2020-01-02T01:04:05.500"),
            ("2020-01-02 03:04:05-0530", "2020-01-02T08:34:05"),
            ("0001-01-01", "0001-01-01T00:00:00"),
            ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999"),
            ("2020-01-02T03:04:05.123456789Z", "2020-01-02T03:04:05.123456789"),
        ],
    )
    def test_dates_and_times_are_timestamps_in_utc(self, tmp_path: Path, field: str, moment: str) -> None:
        snapshot = Snapshot.open(self.write(tmp_path, f"n,v\n1,{field}\n2,\n"))
        type_ = snapshot.schema.columns["v"]
        assert isinstance(type_, pl.Datetime)
        assert type_.time_zone == "UTC"
        expected = pl.Series([moment, None]).str.to_datetime(time_unit=type_.time_unit, time_zone="UTC")
        assert collected(snapshot, ["v"])["v"].to_list() == expected.to_list()
        assert collected(snapshot, ["v"])["v"].to_physical().to_list() == expected.to_physical().to_list()

    @pytest.mark.parametrize(
        ("field", "type_", "value"),
        [
            ("007", "int", 7),
            ("+5", "int", 5),
            ("18446744073709551615", "uint", 2**64 - 1),
            ("5", "double", 5.0),
            ("5", "string", "5"),
        ],
    )
    def test_a_type_can_be_set(self, tmp_path: Path, field: str, type_: str, value: object) -> None:
        snapshot = Snapshot.open(self.write(tmp_path, f"n,v\n1,{field}\n"), schema_overrides={"v": type_})
        assert str(snapshot.schema.types["v"]) == type_
        assert collected(snapshot, ["v"])["v"].to_list() == [value]

    @pytest.mark.parametrize(
        ("field", "type_"),
        [
            ("x", "int"),
            ("1.5", "int"),
            ("-1", "uint"),
            ("x", "double"),
            ("yes", "bool"),
            ("2020-13-01", "timestamp"),
            ("5", "timestamp"),
        ],
    )
    def test_a_value_that_is_not_of_the_set_type_is_an_error(self, tmp_path: Path, field: str, type_: str) -> None:
        path = self.write(tmp_path, f"n,v\n1,\n2,{field}\n")
        message = failure(path, schema_overrides={"v": type_})
        assert message.startswith(f"{path}: row 2 (not counting the header), column 'v': '{field}' is not")

    @pytest.mark.parametrize(
        ("early", "late"),
        [
            ("1", "x"),
            ("1", "1.5"),
            ("1", "007"),
            ("1.5", "x"),
            ("true", "1"),
            ("2020-01-01", "soon"),
            ("2020-01-01T00:00:00Z", "2020-01-01T00:00:00.1234567Z"),
        ],
    )
    def test_a_late_change_of_type_is_an_error(self, tmp_path: Path, early: str, late: str) -> None:
        snapshot = Snapshot.open(self.write(tmp_path, "n,v\n" + f"1,{early}\n" * 20_000 + f"1,{late}\n"))
        with pytest.raises(
            SnapshotError, match=r"row 20001 \(not counting the header\), column 'v': .*--schema v=string"
        ):
            list(snapshot.chunks(["v"]))
        with pytest.raises(SnapshotError, match="row 20001"):
            snapshot.scan(["v"]).collect()
        assert sum(chunk.height for chunk in snapshot.chunks(["n"])) == 20_001

    @pytest.mark.parametrize("rows", [1, 400_000], ids=["first block", "later block"])
    @pytest.mark.parametrize(("row", "fields"), [("1", "1 field"), ("1,2,3", "3 fields")])
    def test_a_ragged_row_is_an_error(self, tmp_path: Path, rows: int, row: str, fields: str) -> None:
        path = self.write(tmp_path, "a,b\n" + "1000000,2000000\n" * rows + f"{row}\n1,2\n")
        said = f"row {rows + 1} (not counting the header) has {fields} where the header has 2: '{row}'"
        assert failure(path) == f"{path}: {said}"

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("", "the file is empty (0 bytes)"),
            ("a,b,a\n1,2,3\n", "has two columns with the name 'a'; rename one"),
            ('a,b\n"x,2\n', "row 1 (not counting the header) has 1 field where the header has 2"),
        ],
    )
    def test_malformed(self, tmp_path: Path, text: str, said: str) -> None:
        assert said in failure(self.write(tmp_path, text))

    def test_other_encodings_are_an_error(self, tmp_path: Path) -> None:
        (tmp_path / "users.csv").write_bytes("a,b\n1,2\nZoë,3\n".encode("latin-1"))
        assert "row 2 (not counting the header) is not UTF-8" in failure(tmp_path / "users.csv")

    def test_a_header_alone_has_no_users(self, tmp_path: Path) -> None:
        snapshot = Snapshot.open(self.write(tmp_path, "a,b\n"))
        assert snapshot.rows == 0
        assert collected(snapshot).shape == (0, 2)

    def test_line_ends_a_mark_and_blank_lines(self, tmp_path: Path) -> None:
        snapshot = Snapshot.open(self.write(tmp_path, "\ufeffa,b\r\n1,2\r\n\r\n3,4"))
        assert collected(snapshot).rows() == [(1, 2), (3, 4)]

    def test_gzip_and_part_files(self, tmp_path: Path) -> None:
        (tmp_path / "1.csv.gz").write_bytes(gzip.compress(b"a,b\n1,\n"))
        (tmp_path / "2.csv").write_bytes(b"b,a\nx,1.5\n")
        snapshot = Snapshot.open(tmp_path)
        assert collected(snapshot).rows() == [(1.0, None), (1.5, "x")]
        assert snapshot.rows == 2

    @pytest.mark.parametrize(
        ("overrides", "said"),
        [({"nobody": "int"}, "has no column 'nobody'"), ({"a": "number"}, "the types are int, uint")],
    )
    def test_overrides_that_cannot_be(self, tmp_path: Path, overrides: dict[str, str], said: str) -> None:
        assert said in failure(self.write(tmp_path, "a\n1\n"), schema_overrides=overrides)
