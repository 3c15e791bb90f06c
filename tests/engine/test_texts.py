"""Texts by the dictionaries that a file has of them: the counts are those of the texts."""

from __future__ import annotations

from pathlib import Path
from typing import Never

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine import Snapshot, count, evaluate
from engine.batch import Batch

ROWS = 6_000
TEXTS = ["", "é", "e\u0301", "\x00", "DE", "de", "NL", "a longer text that is kept apart from its view", None]
CONDITIONS = [
    *(f'c == "{text}"' for text in ("", "é", "e\\u0301", "\\u0000", "DE", "XX")),
    'c < "NL"',
    'c.startsWith("a longer")',
    "size(c) == 2",
    'c in ["NL", "de"] || n == 3',
    '!(c > "DE")',
    'many.endsWith("7") && c != "NL"',
    'many == "text 12"',
    'many != "text 13"',
    'many < "text 2"',
    "many == null",
    '"DE" == c || "NL" != c',
    'many in ["text 1", null, "text 7"]',
    '!(many in ["text 1", "text 2", "nowhere"])',
    'many in ["text 1"] && "text 1" == many',
    '"DE" in few',
    'few.exists(t, t == "XX")',
    'few.all(t, t != "" && t < "é")',
    "!few.exists(t, size(t) > 3)",
    "few.all(t, int(t) > 0)",
    '"own 12" in own',
    'own.all(t, t.startsWith("own"))',
    *(f'"long {n}" in long' for n in range(40)),
    'long.exists(t, t == "long 1" || t > "long 3")',
    '"long 2" in long && c == "DE"',
]
LISTS: list[list[str | None] | None] = [["DE", "é"], [], None, ["", "DE"], ["12", "7"], [None], [*TEXTS], ["NL"]]


def rows() -> pl.DataFrame:
    place = pl.int_range(ROWS, eager=True)
    return pl.DataFrame(
        {
            "c": pl.Series(TEXTS).gather(place % len(TEXTS)),
            "many": pl.Series([f"text {n % 311}" if n % 17 else None for n in range(ROWS)]),
            "n": place % 7,
            "few": pl.Series(LISTS, dtype=pl.List(pl.String())).gather(place % len(LISTS)),
            # Each text once, which compressing makes short: they are no dictionary.
            "own": pl.Series([[f"own {n // 2}"] * (n % 3) for n in range(ROWS)], dtype=pl.List(pl.String())),
            "long": pl.Series([[f"long {n % 37}"] * (n % 5) + ["long 1"] * (n % 97 == 0) * 20 for n in range(ROWS)]),
        }
    )


def write_whole(path: Path) -> None:
    rows().write_parquet(path, row_group_size=1_000)


def write_by_arrow(path: Path) -> None:
    """A dictionary that overflows: its later pages hold the texts themselves."""
    pq.write_table(rows().to_arrow(), path, row_group_size=2_500, dictionary_pagesize_limit=512, data_page_size=256)


def write_arrow_dictionaries(path: Path) -> None:
    """Columns that Arrow's own schema in the file calls dictionaries."""
    table = rows().to_arrow()
    encoded = [column.cast(pa.large_string()).dictionary_encode() for column in table.columns[:2]]
    pq.write_table(pa.table([*encoded, *table.columns[2:]], names=table.column_names), path, row_group_size=2_000)


def write_without_dictionaries(path: Path) -> None:
    pq.write_table(rows().to_arrow(), path, use_dictionary=False)


@pytest.fixture(scope="module")
def expected() -> dict[str, tuple[int, int]]:
    """Members and errors of each condition, of the texts in memory."""
    values = {text: evaluate(text, rows(), mode="compiled").values for text in CONDITIONS}
    return {text: (int(column.sum()), column.null_count()) for text, column in values.items()}


@pytest.mark.parametrize("chunk", [None, 700, 2_300, 5_100])
@pytest.mark.parametrize(
    "write",
    [write_whole, write_by_arrow, write_arrow_dictionaries, write_without_dictionaries],
    ids=lambda w: w.__name__,
)
def test_the_file_s_own_dictionaries(
    write: object,
    chunk: int | None,
    expected: dict[str, tuple[int, int]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert callable(write)
    path = tmp_path / "rows.parquet"
    write(path)
    if chunk is not None:
        monkeypatch.setattr("engine.counting._CHUNK_ROWS", chunk)
    results = count(path, {text: text for text in CONDITIONS}).results
    assert {r.condition: (r.user_count, r.error_count) for r in results} == expected


def test_texts_come_by_their_dictionary_where_the_file_has_one(tmp_path: Path) -> None:
    write_whole(tmp_path / "rows.parquet")
    narrowed = Snapshot.open(tmp_path / "rows.parquet").narrowed({}, {"c", "many", "n", "few", "own"})
    frames = list(narrowed.chunks(["n", "c", "many", "few", "own"], 1_000))
    assert {frame.schema["c"].base_type() for frame in frames} == {pl.Enum}
    assert {frame.select(pl.col("few").explode()).schema["few"].base_type() for frame in frames} == {pl.Enum}
    assert {frame.schema["own"] for frame in frames} == {pl.List(pl.String())}, "of many distinct texts"
    assert [frame.columns for frame in narrowed.chunks(["n", "c", "many"], 6_000)] == [["n", "c", "many"]]


def test_texts_are_compared_as_texts_where_conditions_that_were_together_are_run_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> Never:
        raise pl.exceptions.ComputeError("out of memory")

    monkeypatch.setattr(Batch, "answers", fail)
    rows = pl.DataFrame({"c": ["NL", "DE", "AT", None] * 1_000})  # the file's dictionary is not in the texts' order
    rows.write_parquet(tmp_path / "rows.parquet", row_group_size=1_000)
    monkeypatch.setattr("engine.counting._CHUNK_ROWS", 1_000)
    conditions = {text: text for text in ('c < "NL"', 'c > "DE"', 'c <= "DE"', 'c >= "DE"', 'c == "AT"')}
    for result in count(tmp_path / "rows.parquet", conditions).results:
        alone = evaluate(result.condition, rows, mode="compiled").values
        assert result.error is None
        assert (result.user_count, result.error_count) == (int(alone.sum()), alone.null_count()), result.condition
