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
            "age > 30 1 age is null in `age > 30` 3".split(),
            'country == "DE" && age > 1 1 age is null in `age > 1` 3'.split(),
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
