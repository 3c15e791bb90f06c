"""The command line over many segments: reasons of errors, members of each, recalculations, comparisons."""

from __future__ import annotations

import io
import json
from pathlib import Path

import polars as pl
import pytest

from tests.commands import run, write_users


@pytest.fixture
def users(tmp_path: Path) -> str:
    return write_users(tmp_path)


class TestErrors:
    def test_they_are_a_table_below_the_counts(self, users: str) -> None:
        result = run("count", users, "age > 30", 'country == "DE" && age > 1', "--errors")
        assert [line.split("  ")[0] for line in result.stdout.splitlines()][2:5] == [
            'country == "DE" && age > 1',
            "",
            "segment",
        ]
        assert [line.split() for line in result.stdout.splitlines()[5:]] == [
            ["age", ">", "30", "1", "age", "is", "null", "in", "`age", ">", "30`", "3"],
            ["country", "==", '"DE"', "&&", "age", ">", "1", "1", "age", "is", "null", "in", "`age", ">", "1`", "3"],
        ]

    @pytest.mark.parametrize("format", ["json", "jsonl", "parquet"])
    def test_other_formats_have_them(self, users: str, format: str) -> None:
        result = run("count", users, "age > 30", "--errors", "--format", format)
        match format:
            case "json":
                [found] = json.loads(result.stdout)["results"]
            case "jsonl":
                found = json.loads(result.stdout)
            case _:
                found = pl.read_parquet(io.BytesIO(result.stdout_bytes)).row(0, named=True)
        expected = {"reason": "age is null in `age > 30`", "rows": 1, "example_row": 2, "example_id": 3}
        assert found["reasons"] == [expected | ({"example_id": "3"} if format == "parquet" else {})]

    def test_csv_cannot_hold_them(self, users: str) -> None:
        result = run("count", users, "age > 30", "--errors", "--format", "csv")
        assert (result.exit_code, "CSV cannot hold the reasons" in result.stderr) == (2, True)


class TestMembers:
    SEGMENTS = b"- {name: adults, condition: age > 30}\n- {name: here, condition: 'country == \"DE\"'}\n"

    def test_of_many_segments_are_pairs(self, users: str, tmp_path: Path) -> None:
        output = tmp_path / "members.parquet"
        result = run("members", users, "--file", "-", "-o", str(output), stdin=self.SEGMENTS)
        assert pl.read_parquet(output).rows() == [("adults", 2), ("adults", 4), ("here", 1), ("here", 3)]
        assert result.stderr == f"4 members, 1 errors, written to {output}\n"
        assert run("members", users, "--file", "-", stdin=self.SEGMENTS).stdout == (
            "segment,user_id\nadults,2\nadults,4\nhere,1\nhere,3\n"
        )

    def test_limit_and_columns(self, users: str) -> None:
        result = run("members", users, "age > 30", "age < 30", "--columns", "country,age", "--limit", "2")
        assert result.stdout == "segment,country,age\nage > 30,AT,41\nage > 30,,60\n"
        assert result.stderr == "2 members\n"

    def test_of_each_user(self, users: str, tmp_path: Path) -> None:
        output = tmp_path / "users.jsonl"
        run("members", users, "--file", "-", "--layout", "users", "-o", str(output), stdin=self.SEGMENTS)
        lines = [json.loads(line) for line in output.read_text().splitlines()]
        assert lines == [
            {"user_id": 1, "segments": ["here"]},
            {"user_id": 2, "segments": ["adults"]},
            {"user_id": 3, "segments": ["here"]},
            {"user_id": 4, "segments": ["adults"]},
        ]

    def test_users_without_a_segment_are_no_members(self, users: str, tmp_path: Path) -> None:
        output = tmp_path / "lists.parquet"
        result = run("members", users, "age > 50", "--layout", "users", "-o", str(output))
        assert result.stderr == f"4 users, 1 errors, written to {output}\n"
        assert pl.read_parquet(output)["segments"].list.len().to_list() == [0, 0, 0, 1]

    def test_a_file_for_each_segment(self, users: str, tmp_path: Path) -> None:
        output = tmp_path / "members"
        arguments = ("members", users, "--file", "-", "--layout", "files")
        run(*arguments, "-o", str(output), stdin=self.SEGMENTS)
        assert pl.read_parquet(output / "0002-here.parquet").to_series().to_list() == [1, 3]
        assert run(*arguments, "-o", str(output), stdin=self.SEGMENTS).exit_code == 1
        assert run(*arguments, stdin=self.SEGMENTS).exit_code == 2

    def test_one_that_does_not_compile_fails_alone(self, users: str) -> None:
        result = run("members", users, "age > 30", "agee > 30")
        assert result.stdout == "segment,user_id\nage > 30,2\nage > 30,4\n"
        assert (result.exit_code, "1 of 2 conditions failed." in result.stderr) == (3, True)

    def test_lists_are_not_for_csv(self, users: str) -> None:
        result = run("members", users, "age > 30", "--layout", "users")
        assert (result.exit_code, "CSV cannot hold the column 'segments'" in result.stderr) == (2, True)


class TestRecalculate:
    def test_results_are_published(self, users: str, tmp_path: Path) -> None:
        file, output = tmp_path / "segments.yaml", tmp_path / "results"
        file.write_bytes(TestMembers.SEGMENTS + b"- {name: wrong, condition: agee > 1}\n")
        result = run("recalculate", users, "--file", str(file), "-o", str(output), "--members", "--errors")
        assert result.stdout == ""
        assert "3 segments, published in" in result.stderr
        assert "1 of 3 conditions failed." in result.stderr
        assert result.exit_code == 3
        report = json.loads((output / "latest" / "report.json").read_bytes())
        assert [row["user_count"] for row in report["results"]] == [2, 2, None]
        assert [len(row.get("reasons", ())) for row in report["results"]] == [1, 0, 0]
        assert pl.read_parquet(output / "latest" / "members.parquet").height == 4

    @pytest.mark.parametrize("snapshot", ["data", "data/**/*.parquet", "dat?/*/*/members.parquet"])
    def test_results_are_no_part_of_the_snapshot(self, tmp_path: Path, snapshot: str) -> None:
        inside = tmp_path / "data" / "a" / "b"
        inside.mkdir(parents=True)
        Path(write_users(inside)).rename(inside / "members.parquet")
        (tmp_path / "segments.txt").write_text("age > 30\n")
        result = run(
            *("recalculate", f"{tmp_path}/{snapshot}", "--file", f"{tmp_path}/segments.txt"),
            *("-o", f"{tmp_path}/data/results"),
        )
        assert result.exit_code == 2
        assert "would be a part of it" in result.stderr
        assert not (tmp_path / "data" / "results").exists()

    def test_results_may_be_beside_the_snapshot(self, users: str, tmp_path: Path) -> None:
        (tmp_path / "segments.txt").write_text("age > 30\n")
        for snapshot in (users, f"{tmp_path}/*.parquet"):
            result = run(
                *("recalculate", snapshot, "--file", f"{tmp_path}/segments.txt", "-o", f"{tmp_path}/results"),
            )
            assert result.exit_code == 0, result.stderr


class TestBench:
    def test_table(self, users: str) -> None:
        result = run("bench", users, "age > 30", 'country == "DE"')
        head, *rows = [line.split() for line in result.stdout.splitlines()]
        assert head[-2:] == ["factor", "equal"]
        assert [row[-1] for row in rows[:2]] == ["yes", "yes"]
        assert "4 users in" in result.stdout
        assert "All 2 in one pass" in result.stdout
        assert result.exit_code == 0

    def test_json_and_failures(self, users: str) -> None:
        result = run("bench", users, "age > 30", "agee > 30", "--format", "json", "--sample", "3", "--rounds", "1")
        report = json.loads(result.stdout)
        right, wrong = report["results"]
        assert (right["sampled"], right["users"], right["mode"], right["equal"]) == (3, 4, "compiled", True)
        assert right["factor"] == pytest.approx(right["interpreted"] / 3 / (right["compiled"] / 4), abs=0.06)
        assert "undeclared reference" in wrong["error"]
        assert (result.exit_code, "undeclared reference" in result.stderr) == (3, True)
