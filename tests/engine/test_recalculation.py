"""Recalculations: published whole or not at all, whatever ends them."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path
from time import monotonic, sleep

import polars as pl
import pytest

from commands.output import INTERRUPTED
from engine import Snapshot, count
from engine import recalculation as module
from engine.member_files import Layout
from engine.recalculation import LATEST, REPORT, recalculate
from tests.commands import finish, start

USERS = pl.DataFrame({"user_id": range(2_000), "age": [None if n % 10 == 0 else n % 90 for n in range(2_000)]})
SEGMENTS = {
    "adults": "age >= 18",
    "nobody": "age > 500",
    "every row an error": "1 / 0 > age",
    "interpreted": "{18: true, 19: 'no'}[age] == true && age < 90",
    "wrong": "agee > 1",
}
NOW = "2026-01-01T00:00:00Z"

TIMES = ("duration", "compile", "scan", "interpretation", "seconds")


@pytest.fixture
def snapshot(tmp_path: Path) -> Snapshot:
    USERS.write_parquet(tmp_path / "users.parquet")
    return Snapshot.open(tmp_path / "users.parquet")


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return tmp_path / "a" / "results"


def runs(results: Path) -> list[str]:
    return sorted(path.name for path in results.iterdir() if path.name not in (LATEST, ".lock"))


def latest(results: Path) -> dict[str, object]:
    found = json.loads((results / LATEST / REPORT).read_bytes())
    assert isinstance(found, dict)
    return found


def timeless(row: object) -> object:
    """A result without its times, which differ from run to run."""
    return json.loads(
        json.dumps(row),
        object_hook=lambda found: {key: value for key, value in found.items() if key not in TIMES},
    )


def test_what_it_publishes_is_what_a_count_finds(snapshot: Snapshot, results: Path) -> None:
    done = recalculate(snapshot, SEGMENTS, results, now=NOW, errors=True)
    assert (results / LATEST).resolve() == done.directory.resolve()
    counted = count(snapshot, SEGMENTS, now=NOW, errors=True)
    found = latest(results)
    rows = found["results"]
    assert isinstance(rows, list)
    assert [timeless(row) for row in rows] == [timeless(result.to_dict()) for result in counted.results]
    assert [row["name"] for row in rows if row["error"]] == ["wrong"]
    assert (found["failed"], found["rows"], found["now"], found["members"]) == (1, 2_000, NOW, None)
    assert found["fingerprint"] == snapshot.fingerprint
    frame = pl.read_parquet(results / LATEST / "results.parquet")
    assert frame.get_column("user_count").to_list() == [row["user_count"] for row in rows]
    assert sorted(path.name for path in done.directory.iterdir()) == [REPORT, "results.parquet"]


@pytest.mark.parametrize("layout", Layout)
def test_members(snapshot: Snapshot, results: Path, layout: Layout) -> None:
    recalculate(snapshot, SEGMENTS, results, now=NOW, layout=layout)
    found = latest(results)
    assert isinstance(found["members"], dict)
    assert isinstance(found["results"], list)
    path = results / LATEST / found["members"]["path"]
    for row in found["results"]:
        name = row["name"]
        users = pl.DataFrame()
        match layout:
            case Layout.PAIRS:
                users = pl.read_parquet(path).filter(segment=name)
            case Layout.USERS:
                users = pl.read_parquet(path).filter(pl.col("segments").list.contains(name))
            case Layout.FILES:
                if row["error"]:
                    assert row["members"] is None
                    continue
                users = pl.read_parquet(results / LATEST / row["members"])
        assert users.height == (row["user_count"] or 0), name
    if layout is Layout.FILES:
        assert len(list(path.iterdir())) == len(SEGMENTS) - 1


@pytest.mark.parametrize("layout", Layout)
def test_a_segment_that_fails_in_the_middle_has_no_members(
    snapshot: Snapshot, results: Path, layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What Polars refuses only when it is run, after some chunks that it took."""
    from engine import chunks, membership, running

    monkeypatch.setattr(membership, "_CHUNK_ROWS", 500)
    alone = running.Run._run_alone

    def failing(self: running.Run, one: running.Running, chunk: chunks.Chunk, progress: None) -> object:
        if chunk.start >= 1_000 and "{18" in one.planned.condition.source.text:
            one.error = "failed while it was run"
            return None
        return alone(self, one, chunk, progress)

    monkeypatch.setattr(running.Run, "_run_alone", failing)
    segments = {"adults": "age >= 18", "failing": "{18: true, 19: 'no'}[age] == true || true"}
    recalculate(snapshot, segments, results, now=NOW, layout=layout)
    found = latest(results)
    assert isinstance(found["results"], list)
    assert [row["error"] is None for row in found["results"]] == [True, False]
    files = [path for path in (results / LATEST).rglob("*.parquet") if path.name != "results.parquet"]
    assert len(files) == 1
    frame = pl.read_parquet(files[0])
    match layout:
        case Layout.PAIRS:
            assert set(frame.get_column("segment")) == {"adults"}
        case Layout.USERS:
            assert set(frame.get_column("segments").explode().drop_nulls()) == {"adults"}
        case Layout.FILES:
            assert files[0].name == "0001-adults.parquet"


def test_runs_are_kept_as_asked(snapshot: Snapshot, results: Path) -> None:
    names = [recalculate(snapshot, SEGMENTS, results).directory.name for _ in range(3)]
    assert runs(results) == names
    for keep in (5, 6):
        names.append(recalculate(snapshot, SEGMENTS, results, keep=keep).directory.name)
        assert runs(results) == names, "fewer than are kept"
    newest = recalculate(snapshot, SEGMENTS, results, keep=2).directory.name
    assert runs(results) == [names[-1], newest]
    assert (results / LATEST).readlink() == Path(newest)


def test_the_run_of_now_is_kept_whatever_the_others_are_called(snapshot: Snapshot, results: Path) -> None:
    for name in ("20990101T000000.000000Z", "20990102T000000.000000Z"):
        (results / name).mkdir(parents=True)
    one = recalculate(snapshot, SEGMENTS, results, keep=2).directory.name
    assert runs(results) == [one, "20990102T000000.000000Z"]
    other = recalculate(snapshot, SEGMENTS, results, keep=1).directory.name
    assert runs(results) == [other]
    assert (results / LATEST / REPORT).exists()


def test_what_is_there_already_is_not_replaced(snapshot: Snapshot, results: Path) -> None:
    (results / LATEST).mkdir(parents=True)
    with pytest.raises(FileExistsError, match="no link"):
        recalculate(snapshot, SEGMENTS, results)
    assert runs(results) == []


def test_a_failure_changes_nothing(snapshot: Snapshot, results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = recalculate(snapshot, SEGMENTS, results).directory.name

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "_write_report", full)
    with pytest.raises(OSError, match="No space left"):
        recalculate(snapshot, SEGMENTS, results)
    assert runs(results) == [before]
    assert (results / LATEST).readlink() == Path(before)


def test_a_reader_never_sees_half(snapshot: Snapshot, results: Path) -> None:
    """Reads all the time while recalculations follow each other."""
    from threading import Event, Thread

    recalculate(snapshot, SEGMENTS, results, layout=Layout.PAIRS)
    ended, problems, read = Event(), [], []

    def reader() -> None:
        while not ended.is_set():
            try:
                directory = (results / LATEST).resolve(strict=True)
                report = json.loads((directory / REPORT).read_bytes())
                members = pl.read_parquet(directory / "members.parquet").height
                if members != sum(row["user_count"] or 0 for row in report["results"]):
                    problems.append(f"{members} members")
                read.append(directory.name)
            except (OSError, ValueError) as error:
                problems.append(repr(error))

    thread = Thread(target=reader)
    thread.start()
    for _ in range(5):
        recalculate(snapshot, SEGMENTS, results, layout=Layout.PAIRS)
    ended.set()
    thread.join()
    assert problems == []
    assert len(set(read)) > 1, "it read from one recalculation only"


class TestProcess:
    @pytest.fixture
    def slow(self, tmp_path: Path) -> tuple[list[str], Path]:
        """Arguments of a recalculation that takes a while, after one that is published already."""
        path, file, results = tmp_path / "users.parquet", tmp_path / "segments.yaml", tmp_path / "results"
        pl.DataFrame({"user_id": range(80_000), "text": [f"{n}{'x' * 40}" for n in range(80_000)]}).write_parquet(path)
        file.write_text("- {name: quick, condition: user_id > 5}\n")
        arguments = ["recalculate", str(path), "--file", str(file), "-o", str(results)]
        assert finish(*arguments)[0] == 0
        file.write_text(
            "- {name: slow, condition: user_id + size(text) > 5}\n- {name: other, condition: user_id > 5}\n"
        )
        return [*arguments, "--mode", "interpreted"], results

    @pytest.mark.parametrize("members", [[], ["--members", "files"], ["--members"]])
    @pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL, signal.SIGTERM])
    def test_what_ends_it_early_leaves_the_previous_results(
        self, slow: tuple[list[str], Path], end: signal.Signals, members: list[str]
    ) -> None:
        arguments, results = slow
        before = runs(results)
        process = start(*arguments, *members)
        wait_for_partial(results, process)
        sleep(0.3)
        assert process.poll() is None, "it was done before it could be ended"
        process.send_signal(end)
        _, errors = process.communicate(timeout=30)
        assert (results / LATEST).readlink() == Path(before[0])
        assert len(latest(results)["results"]) == 1  # type: ignore[arg-type]
        if end is signal.SIGINT:
            assert (process.returncode, errors.splitlines()[-1]) == (INTERRUPTED, b"Interrupted.")
            assert runs(results) == before
        else:
            assert process.returncode == -end
            assert len(runs(results)) == 2, "what was begun is hidden, and left"
            path = results.parent / "segments.yaml"
            path.write_text("- {name: quick, condition: user_id > 5}\n")
            assert finish(*arguments)[0] == 0
            assert [name for name in runs(results) if name.startswith(".")] == []

    def test_two_at_once(self, slow: tuple[list[str], Path]) -> None:
        arguments, results = slow
        first = start(*arguments)
        wait_for_partial(results, first)
        code, output, errors = finish(*arguments)
        assert first.poll() is None, "it was done before the second began"
        first.kill()
        first.communicate()
        assert (code, output) == (1, "")
        assert errors == f"Error: {results}: another recalculation is writing there; wait for its end\n"


def wait_for_partial(results: Path, process: subprocess.Popen[bytes]) -> None:
    began = monotonic()
    while not list(results.glob(".2*.partial")):
        assert monotonic() - began < 30
        assert process.poll() is None, "it ended early"
        sleep(0.02)
