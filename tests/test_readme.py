"""What the README says is what happens."""

from __future__ import annotations

import doctest
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
import yaml

from engine import CompileError, count
from engine.sample import SAMPLE_NOW, write_sample

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
SNAPSHOT = "demo/users-1000000-seed-2026.parquet"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


def commands() -> list[str]:
    return [line for line in blocks("sh")[1].replace("\\\n", " ").splitlines() if line]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("readme")
    (folder / "demo").mkdir()
    write_sample(folder / SNAPSHOT, users=2_000)
    return folder


def test_it_opens_with_the_two_commands() -> None:
    assert README.startswith("```sh\nmake demo\nmake test\n```\n")


@pytest.mark.parametrize("command", commands())
def test_commands_work(command: str, folder: Path) -> None:
    program, *arguments = shlex.split(command)
    found = shutil.which(program, path=Path(sys.executable).parent)
    assert found is not None
    done = subprocess.run([found, *arguments], cwd=folder, capture_output=True, check=False, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_the_segments_are_counted(folder: Path) -> None:
    (text,) = blocks("yaml")
    segments = {segment["name"]: segment["condition"] for segment in yaml.safe_load(text)}
    report = count(folder / SNAPSHOT, segments, now=SAMPLE_NOW)
    assert all(result.user_count for result in report.results)


def test_the_diagnostic_is_what_is_shown() -> None:
    text = README.split("```\nERROR")[1].split("```")[0]
    users = pl.DataFrame({"age": [30], "country": ["DE"]})
    with pytest.raises(CompileError) as raised:
        count(users, "agee > 30 && country == 5")
    assert str(raised.value).startswith(f"ERROR{text}".rstrip())


def test_the_python_session_is_real() -> None:
    (text,) = blocks("python")
    session = doctest.DocTestParser().get_doctest(text, {}, "README", None, None)
    assert doctest.DocTestRunner().run(session) == doctest.TestResults(0, 9)
