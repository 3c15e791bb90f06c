"""What the README says is what happens."""

from __future__ import annotations

import doctest
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
import yaml

from engine import Audience, CompileError, Segment, count
from engine.audience import read_rules
from engine.deliverable import default_rules
from engine.sample import SAMPLE_NOW, write_sample

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
SNAPSHOT = "demo/users-1000000-seed-2026.parquet"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


def commands() -> list[str]:
    texts = [block.replace("\\\n", " ") for block in blocks("sh")[1:]]
    return [line for text in texts for line in text.splitlines() if line.startswith("cellar ")]


def exported() -> dict[str, str]:
    """The variables that the README sets for the commands after them."""
    return dict(re.findall(r"^export (\w+)=(\S+)$", README, re.MULTILINE))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("readme")
    (folder / "demo").mkdir()
    write_sample(folder / SNAPSHOT, users=2_000)
    (folder / "segments.yaml").write_text(blocks("yaml")[0], encoding="utf-8")
    return folder


def test_it_opens_with_the_two_commands() -> None:
    assert README.startswith("```sh\nmake demo\nmake test\n```\n")


@pytest.mark.parametrize("command", commands())
def test_commands_work(command: str, folder: Path) -> None:
    program, *arguments = shlex.split(command)
    found = shutil.which(program, path=Path(sys.executable).parent)
    assert found is not None
    done = subprocess.run(
        [found, *arguments],
        cwd=folder,
        env={**os.environ, **exported()},
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr


def test_the_segments_are_counted(folder: Path) -> None:
    (text,) = blocks("yaml")
    segments = {segment["name"]: segment["condition"] for segment in yaml.safe_load(text)}
    report = count(folder / SNAPSHOT, segments, now=SAMPLE_NOW)
    assert all(result.user_count for result in report.results)


def test_the_rules_of_audiences_compile(tmp_path: Path) -> None:
    (text,) = blocks("toml")
    (tmp_path / "cellar.toml").write_text(text, encoding="utf-8")
    rules = read_rules(tmp_path / "cellar.toml")
    assert rules.items().isdisjoint(default_rules().items() - {(n, rules[n]) for n in ("edition", "pass_push")})
    users = pl.DataFrame(
        {
            "org": ["o", "o", "p"],
            "edition_ids": [["e"], ["e"], ["e"]],
            "consents": [[{"id": "c", "given": True}], [{"id": "c", "given": False}], None],
            "email_verified": [True, True, True],
            "mobile": ["+1", "+1", "+1"],
            "active_passes": [1, 1, 1],
        }
    )
    segment = Segment("true", Audience("any", "marketing", "c", "e", "o"))
    assert count(users, segment, rules=rules).results[0].user_count == 1


def test_what_is_shown_to_be_asked_is_compiled(folder: Path) -> None:
    asked = re.findall(r"^\| [^`|]+ \| `(.+)` \|$", README, re.MULTILINE)
    report = count(folder / SNAPSHOT, {one: one for one in asked}, now=SAMPLE_NOW, mode="compiled")
    assert len(asked) == 8
    assert all(result.user_count for result in report.results)


def test_the_diagnostics_are_what_is_shown() -> None:
    text = README.split("```\nERROR")[1].split("```")[0]
    users = pl.DataFrame({"age": [30], "country": ["DE"]})
    with pytest.raises(CompileError) as raised:
        count(users, "agee > 30 && country == 5")
    assert str(raised.value) == f"ERROR{text}".rstrip()


def test_the_warning_is_what_is_shown(tmp_path: Path) -> None:
    text = README.split("```\nWARNING")[1].split("```")[0]
    path = tmp_path / "users.parquet"
    pl.DataFrame({"age": [25, 41, *[None] * 100_064]}).write_parquet(path)
    (warning,) = count(path, "!(age > 30)", warnings=True).results[0].warnings
    assert warning.text == f"WARNING{text}".rstrip()


def test_the_python_session_is_real() -> None:
    (text,) = blocks("python")
    session = doctest.DocTestParser().get_doctest(text, {}, "README", None, None)
    assert doctest.DocTestRunner().run(session) == doctest.TestResults(0, 9)
