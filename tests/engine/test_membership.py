"""Members of many segments in one scan: each segment's are those that it has alone, in every layout and mode."""

from __future__ import annotations

from collections import defaultdict
from io import BytesIO
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest

from engine import Mode, Snapshot, SnapshotError, count, evaluate, member_files, members, members_of, membership
from engine.budget import Budget
from engine.member_files import Layout, member_file_names, write_members

HEIGHT = 1_000
USERS = pl.DataFrame(
    {
        "user_id": [f"u{row}" for row in range(HEIGHT)],
        "age": [None if row % 10 == 0 else row % 90 for row in range(HEIGHT)],
        "tags": [[], ["a"], None, ["b", "vip"]] * (HEIGHT // 4),
        "text": ["x", "yy", None, "z"] * (HEIGHT // 4),
    }
)
NOW = "2026-01-01T00:00:00Z"
SEGMENTS = {
    "adults": "age >= 18",
    "everyone": "true",
    "no one": "age > 1000",
    "VIPs / with a tag": '"vip" in tags',
    "mixed": 'age > 40 && {"x": 1, "z": 1}[text] == 1',
    "interpreted": '{"x": 1}[text] == 1',
    "wrong": "agee > 1",
}
RIGHT = {name: text for name, text in SEGMENTS.items() if name != "wrong"}


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(membership, "_CHUNK_ROWS", 300)
    monkeypatch.setattr(membership, "_FRAME_ROWS", 700)
    monkeypatch.setattr(member_files, "_BUFFERED_ROWS", 900)


@pytest.fixture
def snapshot(tmp_path: Path) -> Snapshot:
    path = tmp_path / "users.parquet"
    USERS.write_parquet(path, row_group_size=250)
    return Snapshot.open(path)


def expected(name: str) -> list[str]:
    """By evaluation, row by row: not by the path under test."""
    values = evaluate(RIGHT[name], USERS, mode="interpreted", now=NOW).values
    return USERS.get_column("user_id").filter(values.fill_null(value=False)).to_list()


@pytest.mark.parametrize("mode", [Mode.AUTO, Mode.INTERPRETED])
def test_pairs(snapshot: Snapshot, mode: Mode) -> None:
    stream = members_of(snapshot, SEGMENTS, mode=mode, now=NOW)
    pairs = pl.concat(stream.pairs())
    assert dict(pairs.schema) == stream.pairs_schema() == {"segment": pl.String(), "user_id": pl.String()}
    for name in RIGHT:
        assert pairs.filter(segment=name).get_column("user_id").to_list() == expected(name), name
    assert set(pairs.get_column("segment")) == set(RIGHT) - {"no one"}


def test_the_report_is_that_of_a_count(snapshot: Snapshot) -> None:
    stream = members_of(snapshot, SEGMENTS, now=NOW, errors=True)
    for _ in stream.users():
        pass
    report, counted = stream.report(), count(snapshot, SEGMENTS, now=NOW, errors=True)
    assert (report.rows, report.now, report.fingerprint) == (HEIGHT, counted.now, snapshot.fingerprint)
    for one, other in zip(report.results, counted.results, strict=True):
        assert (one.name, one.condition, one.user_count, one.error_count, one.mode, one.reasons, one.error) == (
            (other.name, other.condition, other.user_count, other.error_count, other.mode, other.reasons, other.error)
        )


def test_users_have_the_list_of_their_segments(snapshot: Snapshot) -> None:
    users = pl.concat(members_of(snapshot, SEGMENTS, now=NOW, columns=["age", "user_id"]).users())
    assert users.select("age", "user_id").equals(USERS.select("age", "user_id"))
    lists = defaultdict(list)
    for name in RIGHT:
        for user in expected(name):
            lists[user].append(name)
    assert users.get_column("segments").to_list() == [lists[user] for user in USERS.get_column("user_id")]


@pytest.mark.parametrize("columns", [None, ["tags", "age"], ["user_id", "tags"]])
@pytest.mark.parametrize("name", RIGHT)
def test_one_segment_as_a_lazy_frame_and_as_a_stream(snapshot: Snapshot, name: str, columns: list[str] | None) -> None:
    wanted = columns or ["user_id"]
    right = USERS.filter(pl.col("user_id").is_in(expected(name))).select(wanted)
    assert members(snapshot, RIGHT[name], columns=columns, now=NOW).collect().equals(right)
    stream = members_of(snapshot, RIGHT[name], columns=columns, now=NOW)
    assert pl.concat(stream.frames()).equals(right)
    assert stream.report().results[0].user_count == right.height
    lazy = members(snapshot, RIGHT[name], columns=columns, now=NOW).select(wanted[-1]).head(3)
    assert lazy.collect().equals(right.select(wanted[-1]).head(3))


def test_files(snapshot: Snapshot, tmp_path: Path) -> None:
    directory = tmp_path / "members"
    stream = members_of(snapshot, SEGMENTS, now=NOW)
    rows = write_members(stream, Layout.FILES, directory, None, print)
    names = member_file_names(SEGMENTS)
    assert sorted(path.name for path in directory.iterdir()) == sorted(names[name] for name in RIGHT)
    for name in RIGHT:
        assert pl.read_parquet(directory / names[name]).get_column("user_id").to_list() == expected(name)
    assert rows == sum(len(expected(name)) for name in RIGHT)
    assert pq.ParquetFile(directory / names["everyone"]).num_row_groups > 1
    with pytest.raises(FileExistsError, match="is there already"):
        write_members(stream, Layout.FILES, directory, None, print)


def test_more_segments_than_a_process_may_have_files_open(snapshot: Snapshot, tmp_path: Path) -> None:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (128, hard))
    try:
        stream = members_of(snapshot, {f"s{n}": f"age > {n % 90}" for n in range(200)}, now=NOW)
        write_members(stream, Layout.FILES, tmp_path / "members", None, print)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert len(list((tmp_path / "members").iterdir())) == 200


def test_names_of_files() -> None:
    assert list(member_file_names(["Over 30", "a/b: ../c", "Größe", "日本", "x" * 200, "over 30"]).values()) == [
        "0001-over-30.parquet",
        "0002-a-b-c.parquet",
        "0003-gr-sse.parquet",
        "0004.parquet",
        f"0005-{'x' * 60}.parquet",
        "0006-over-30.parquet",
    ]


def test_what_fails_leaves_nothing(snapshot: Snapshot, tmp_path: Path) -> None:
    stream = members_of(snapshot, SEGMENTS, now=NOW)
    path = tmp_path / "users.parquet"
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    for layout, name in ((Layout.FILES, "members"), (Layout.PAIRS, "members.parquet")):
        with pytest.raises(SnapshotError):
            write_members(stream, layout, tmp_path / name, None, print)
    assert [path.name for path in tmp_path.iterdir()] == ["users.parquet"]


@pytest.mark.parametrize(
    ("layout", "suffix"),
    [(Layout.PAIRS, s) for s in (".parquet", ".arrow", ".csv", ".jsonl")]
    + [(Layout.USERS, s) for s in (".parquet", ".arrow", ".jsonl")],
)
def test_what_fails_in_the_middle_has_no_members(
    snapshot: Snapshot, tmp_path: Path, layout: Layout, suffix: str
) -> None:
    costly = {"costly": 'text == "x" || math.greatest(size(user_id), 0.5) > 99.0'}
    stream = members_of(snapshot, costly | SEGMENTS, now=NOW, budget=Budget(rows=400))
    path = tmp_path / "country=DE" / f"[a-z]*{suffix}"
    path.parent.mkdir()
    rows = write_members(stream, layout, path, None, print)
    failed = {result.name for result in stream.report().results if result.error is not None}
    assert failed == {"costly", "wrong"}
    match suffix:
        case ".parquet":
            frame = pl.read_parquet(BytesIO(path.read_bytes()))
        case ".arrow":
            frame = pl.read_ipc(BytesIO(path.read_bytes()))
        case ".csv":
            frame = pl.read_csv(path.read_bytes())
        case _:
            frame = pl.read_ndjson(path.read_bytes())
    assert rows == frame.height
    if layout is Layout.USERS:
        assert frame.height == HEIGHT
        frame = frame.explode("segments").drop_nulls("segments").rename({"segments": "segment"})
    found = {str(name): part.get_column("user_id").to_list() for (name,), part in frame.group_by("segment")}
    assert found == {name: expected(name) for name in RIGHT if name not in failed and expected(name)}
    assert list(path.parent.iterdir()) == [path]


def test_a_column_of_the_layouts_own_name(snapshot: Snapshot) -> None:
    frame = USERS.rename({"user_id": "segment"})
    stream = members_of(Snapshot.open(frame, id_column="segment"), SEGMENTS)
    with pytest.raises(ValueError, match="has a column 'segment' of its own"):
        member_files.arranged(stream, Layout.PAIRS)
    assert members_of(snapshot, SEGMENTS).segments == tuple(SEGMENTS)


@pytest.mark.parametrize("ids", [[1, 1, 2], [1, None, 2]])
def test_ids_must_be_ids(ids: list[int | None]) -> None:
    with pytest.raises(SnapshotError, match="user"):
        members_of(pl.DataFrame({"user_id": ids}), {"all": "true"})


def test_a_column_is_asked_for_once() -> None:
    with pytest.raises(ValueError, match="a column is asked for twice: age, age"):
        members(USERS, "age > 3", columns=["age", "age"])
