"""The benchmarks: their conditions are counted as everybody counts them, and their figures mean what they say."""

from __future__ import annotations

import json
import platform
import re
import shlex
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from benchmarks import many, memory, peers
from benchmarks.__main__ import PEERS, SERIES, main
from benchmarks.bars import verdicts
from benchmarks.cellar import NOW, SCAN, TOTAL, counts, named
from benchmarks.measure import Figure, paired
from benchmarks.recipe import ROW_GROUP_ROWS, conditions, write_users
from engine import count

CONDITIONS = conditions(1_000)


@pytest.fixture(scope="module")
def users(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("benchmarks") / "users.parquet"
    write_users(path, 3_000)
    return path


class TestCounts:
    def test_a_thousand_conditions_count_as_in_duckdb(self, users: Path) -> None:
        query = peers.sql([recipe.sql for recipe in CONDITIONS], errors=True)
        found = peers.run_duckdb(users, query)
        expected = counts(users, named(CONDITIONS))
        assert list(zip(found[::2], found[1::2], strict=True)) == expected
        assert sum(errors > 0 for _, errors in expected) > 100, "nulls are errors in many of them"

    def test_a_thousand_conditions_count_as_interpreted(self, users: Path) -> None:
        sample = pl.scan_parquet(users).gather_every(500).collect()
        interpreted = count(sample, named(CONDITIONS), mode="interpreted", now=NOW).results
        compiled = count(sample, named(CONDITIONS), mode="compiled", now=NOW).results
        assert {r.mode for r in interpreted} == {"interpreted"}
        assert [(r.user_count, r.error_count) for r in interpreted] == [(r.user_count, r.error_count) for r in compiled]

    def test_a_peer_that_counts_otherwise_is_told(self) -> None:
        check = peers.same_as("DuckDB", [(1, 0), (2, 3)])
        check((1, 2))
        check((1, 0, 2, 3))
        for found in ((1, 3), (1, 0, 2, 4)):
            with pytest.raises(peers.CountsDifferError, match="DuckDB counts otherwise"):
                check(found)


class TestSnapshots:
    def test_larger_snapshots_begin_as_smaller_ones_do_not_end(self, tmp_path: Path) -> None:
        write_users(tmp_path / "users.parquet", 1_000_300)
        written = pl.read_parquet(tmp_path / "users.parquet", columns=["user_id", "email"])
        assert written["user_id"].equals(pl.Series("user_id", range(1_000_300)))
        assert written["email"].drop_nulls().is_unique().all()
        metadata = pq.read_metadata(tmp_path / "users.parquet")
        assert max(metadata.row_group(n).num_rows for n in range(metadata.num_row_groups)) == ROW_GROUP_ROWS
        assert [path.name for path in tmp_path.iterdir()] == ["users.parquet"]


class TestFigures:
    def test_what_is_slow_is_run_once_and_counts(self) -> None:
        runs: list[str] = []

        def subject(name: str, *seconds: float) -> dict[str, float]:
            runs.append(name)
            return {f"{name} {place}": value for place, value in enumerate(seconds)}

        found = paired(2, 10.0, {"quick": lambda: subject("quick", 1.0, 2.0), "slow": lambda: subject("slow", 11.0)})
        assert found == {"quick 0": (1.0, 1.0), "quick 1": (2.0, 2.0), "slow 0": (11.0,)}
        assert runs == ["quick", "slow", "quick", "quick"]

    def test_a_ratio_is_taken_round_by_round(self) -> None:
        ours = Figure("s", "c", "we", 1, 1, (1.0, 2.0, 4.0))
        assert ours.times(ours._replace(seconds=(2.0, 8.0, 12.0))) == 3.0
        assert ours.times(ours._replace(seconds=(10.0,))) == 5.0

    @pytest.mark.parametrize(("polars", "reached"), [(2.5, False), (6.5, True)])
    def test_bars_are_judged_by_the_faster_engine(self, polars: float, reached: bool) -> None:
        case = many.case(1_000)
        figures = [
            Figure(many.SERIES, case, who, 1_000_000, 1_000, (seconds,))
            for who, seconds in ((TOTAL, 1.5), (SCAN, 1.0), (peers.POLARS, polars), (peers.POLARS_STREAMING, 12.0))
        ]
        judged = {verdict.claim: verdict for verdict in verdicts(figures)}
        assert len(judged) == 2
        for verdict in judged.values():
            assert verdict.reached == reached
        assert any(verdict.measured == f"{polars:g} times" for verdict in judged.values())


def test_every_series_runs_and_is_written(tmp_path: Path) -> None:
    sizes = [
        "--users",
        "200",
        "--users",
        "300",
        "--conditions",
        "1",
        "--conditions",
        "12",
        "--rounds",
        "1",
        "--sample",
        "3",
    ]
    # pycel2sql would be installed.
    others = [
        part for peer in ("polars", "duckdb", "datafusion", "cel-python", "cel-cpp") for part in ("--peers", peer)
    ]
    places = ["--snapshots", str(tmp_path / "snapshots"), "--output", str(tmp_path / "output")]
    run = CliRunner().invoke(main, [*sizes, *others, *places], catch_exceptions=False)
    assert run.exit_code == 0, run.output
    assert f"Python {platform.python_version()} (" in run.output.partition("\n")[0], "figures depend on its build"
    written = json.loads((tmp_path / "output" / "figures.json").read_text(encoding="utf-8"))
    measured = {figure["series"] for figure in written["figures"] if figure["seconds"]}
    assert measured == set(SERIES)
    assert {path.stem for path in (tmp_path / "output").glob("*.svg")} == set(SERIES)
    assert written["bars"], "what is asked of the figures stands beside them"


def repeated(folder: Path, times: int, *, one_row_group: bool = False) -> Path:
    """The users of one row group several times, in as many row groups or in one."""
    write_users(folder / "part.parquet", ROW_GROUP_ROWS)
    path = folder / "users.parquet"
    group_rows = ROW_GROUP_ROWS * (times if one_row_group else 1)
    pl.scan_parquet([folder / "part.parquet"] * times).sink_parquet(path, row_group_size=group_rows)
    return path


def test_the_readme_names_every_series_option_and_peer() -> None:
    text = (Path(__file__).parents[1] / "benchmarks" / "README.md").read_text(encoding="utf-8")
    named_first = set(re.findall(r"^\| `([^`]+)`", text, re.MULTILINE))
    options = {option for parameter in main.params for option in parameter.opts}
    assert named_first == set(SERIES) | options
    assert [peer for peer in PEERS if f"`{peer}`" not in text] == []
    for command in re.findall(r"ARGS='([^']+)'", text):
        main.make_context("benchmarks", shlex.split(command))


class TestMemory:
    """It is bounded by the larger of the chunk and one row group's used columns."""

    @pytest.fixture(scope="class")
    @classmethod
    def few_groups(cls, tmp_path_factory: pytest.TempPathFactory) -> int:
        """The peak of ten row groups, in bytes: no more are ever held at once, and some that were are not yet given
        back.
        """
        _, peak = memory.measured(repeated(tmp_path_factory.mktemp("few"), 10), 50)
        return peak

    def test_many_row_groups_take_no_more_than_a_few(self, few_groups: int, tmp_path: Path) -> None:
        path = repeated(tmp_path, 40)
        assert pq.read_metadata(path).num_row_groups == 40
        _, peak = memory.measured(path, 50)
        assert peak < 1.6 * few_groups, "four times as many"

    def test_one_row_group_takes_no_more_than_its_columns(self, few_groups: int, tmp_path: Path) -> None:
        path = repeated(tmp_path, 8, one_row_group=True)
        assert pq.read_metadata(path).num_row_groups == 1
        used = pl.read_parquet(tmp_path / "part.parquet").drop("user_id", "language", "score")
        _, peak = memory.measured(path, 50)
        assert peak < few_groups + 8 * used.estimated_size()
