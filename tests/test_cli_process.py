"""The command line as a process: its exit codes, its time, how it ends when it is interrupted, and on a terminal."""

from __future__ import annotations

import os
import pty
import re
import resource
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from time import monotonic, sleep

import polars as pl
import pytest

from commands.output import INTERRUPTED, NO_READER, TERMINATED
from tests.commands import ENVIRONMENT, PROGRAM, finish, names, start, write_users

SLACK = 3
"""How much longer a program may take than the least that it has to do."""


@pytest.fixture
def users(tmp_path: Path) -> str:
    return write_users(tmp_path)


@pytest.fixture(scope="module")
def many_users(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("many") / "users.parquet"
    text = pl.int_range(3_000_000, eager=True).cast(pl.String) + "x" * 40
    pl.DataFrame({"user_id": range(3_000_000), "text": text}).write_parquet(path)
    return path


class TestProcess:
    def test_help_is_fast_and_imports_no_engine(self) -> None:
        program = "import sys, cli\ntry: cli.cellar(['--help'])\nexcept SystemExit: pass\nprint(*sorted(sys.modules))"
        output = subprocess.run(
            [sys.executable, "-c", program], env=ENVIRONMENT, capture_output=True, check=True
        ).stdout
        assert not {"polars", "rich", "engine", "compiler", "numpy"} & set(output.decode().split())
        assert fastest(*PROGRAM, "--help") < SLACK * fastest(sys.executable, "-c", "import click")

    def test_a_count_on_a_small_file_is_fast(self, users: str) -> None:
        by_hand = f"import click, polars as pl; pl.scan_parquet({users!r}).filter(pl.col('age') > 30).collect()"
        assert fastest(*PROGRAM, "count", users, "age > 30") < SLACK * fastest(sys.executable, "-c", by_hand)

    def test_exit_codes(self, users: str) -> None:
        assert finish("count", users, "age > 30")[0] == 0
        assert finish("members", users, "age > 30", "-o", "/missing/m.csv")[0] == 1
        assert finish("count", users, "agee > 30")[0] == 2
        assert finish("count", users, "age > 30", "agee > 30")[0] == 3
        assert finish("count", users + "x", "age > 30")[0] == 4

    @pytest.mark.parametrize(
        "arguments", [["functions"], ["functions", "--format", "json"], ["--help"], ["demo", "--help"]]
    )
    def test_a_reader_that_goes_is_no_reason_for_complaint(self, arguments: list[str]) -> None:
        reading, writing = os.pipe()
        os.close(reading)
        process = start(*arguments, stdout=writing)
        os.close(writing)
        _, errors = process.communicate(timeout=60)
        assert errors == b""
        assert process.returncode in (NO_READER, 1)

    def test_a_reader_that_goes_in_the_middle(self, tmp_path: Path) -> None:
        path = tmp_path / "users.parquet"
        pl.DataFrame({"user_id": range(1_000_000)}).write_parquet(path)
        process = start("members", str(path), "user_id >= 0")
        assert process.stdout is not None
        assert process.stderr is not None
        assert [process.stdout.readline() for _ in range(2)] == [b"user_id\n", b"0\n"]
        process.stdout.close()
        assert process.wait(timeout=60) == NO_READER
        assert process.stderr.read() == b""
        process.stderr.close()

    def test_a_full_disk(self, users: str) -> None:
        with Path("/dev/full").open("wb") as full:
            code, _, errors = finish("count", users, "age > 30", "--format", "json", stdout=full)
        assert code == 1
        assert errors == "Error: output: No space left on device\n"

    def test_a_terminal_that_lacks_the_characters(self, users: str) -> None:
        environment = {**ENVIRONMENT, "PYTHONIOENCODING": "latin-1"}
        code, output, _ = finish("count", users, 'country == "→"', env=environment)
        assert (code, "\\u2192" in output) == (0, True)

    @pytest.mark.parametrize("mode", ["compiled", "interpreted"])
    @pytest.mark.parametrize("command", ["count", "members"])
    def test_ctrl_c(self, tmp_path: Path, many_users: Path, command: str, mode: str) -> None:
        pattern = "(x+x+)+y" if mode == "interpreted" else "(x+)+(x+)+(x+)+[0-9]"
        condition = " || ".join(f'text.matches("{pattern}{number}")' for number in range(40))
        output = ["-o", str(tmp_path / "members.csv")] if command == "members" else []
        began = monotonic()
        assert finish("count", str(many_users), "user_id >= 0")[0] == 0
        unit = monotonic() - began
        process = start(command, str(many_users), condition, "--mode", mode, *output)
        sleep(unit + 1)
        assert process.poll() is None, "it was done before it could be interrupted"
        process.send_signal(signal.SIGINT)
        sent = monotonic()
        printed, errors = process.communicate(timeout=30)
        # Where other work keeps the machine busy, nothing is prompt.
        assert monotonic() - sent < max(2, SLACK * unit)
        assert (process.returncode, printed, errors.decode().splitlines()[-1]) == (INTERRUPTED, b"", "Interrupted.")
        assert "Traceback" not in errors.decode()
        assert names(tmp_path) == []

    def test_sigterm_leaves_nothing_half_written(self, tmp_path: Path, many_users: Path) -> None:
        output = tmp_path / "members.parquet"
        process = start("members", str(many_users), "size(text) > 5", "-o", str(output), "--mode", "interpreted")
        began = monotonic()
        while not names(tmp_path):
            assert monotonic() - began < 30
            sleep(0.02)
        process.terminate()
        process.communicate(timeout=30)
        assert process.returncode == TERMINATED
        assert names(tmp_path) == []


class TestTerminal:
    @pytest.mark.parametrize("width", [60, 80, 120])
    def test_a_table_fits_and_loses_nothing(self, users: str, width: int) -> None:
        name = "a segment with a name that is quite long, and longer than that, and longer"
        segments = f"- {{name: '{name}', condition: age > 30}}".encode()
        text = on_terminal(["count", users, "--file", "-"], width, segments)
        lines = [line for line in text.splitlines() if "users in" not in line]
        assert max(map(len, lines)) <= width
        assert "…" not in text
        assert "compiled" in text.replace("\n", "")

    def test_there_is_no_progress_bar_for_what_is_done_at_once(self, users: str) -> None:
        assert "Counting" not in on_terminal(["count", users, "age > 30"], 80, b"")

    def test_parquet_is_not_for_a_terminal(self, users: str) -> None:
        assert "not for a terminal" in on_terminal(["count", users, "age > 30", "--format", "parquet"], 80, b"")


def fastest(*program: str) -> float:
    """Seconds of the processor that a program takes at best: what else the machine does is not the program's."""
    times = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(program, env=ENVIRONMENT, stdout=subprocess.DEVNULL, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(times)


def on_terminal(arguments: Sequence[str], width: int, stdin: bytes) -> str:
    """What a command shows on a terminal, without colours."""
    master, slave = pty.openpty()
    environment = {**ENVIRONMENT, "COLUMNS": str(width), "TERM": "xterm"}
    process = start(*arguments, stdin=subprocess.PIPE, stdout=slave, stderr=slave, env=environment)
    os.close(slave)
    assert process.stdin is not None
    process.stdin.write(stdin)
    process.stdin.close()
    shown = b""
    try:
        while part := os.read(master, 65_536):
            shown += part
    except OSError:
        pass  # Linux' way to say that the other side has been closed.
    finally:
        os.close(master)
    process.wait(timeout=60)
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode()).replace("\r\n", "\n")
