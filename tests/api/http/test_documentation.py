"""What the page on the service says is what happens: its commands are run as they stand there."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from api.settings import Settings
from engine.sample import write_sample
from tests.commands import ROOT

from .running import served

PAGE = (ROOT / "docs" / "service.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")

with_curl = pytest.mark.skipif(not (shutil.which("curl") and shutil.which("jq")), reason="curl or jq is not installed")


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page, re.DOTALL | re.MULTILINE)


def printed(script: str, folder: Path) -> list[str]:
    """The lines that commands print which ask a service over 2,000 users."""
    write_sample(folder / "users.parquet", users=2_000)
    with served(folder, "--snapshot", "users.parquet") as service:
        text = "set -eu -o pipefail\n" + script.replace("http://127.0.0.1:8000", service.url)
        done = subprocess.run(
            ["bash", "-c", text], cwd=folder, capture_output=True, text=True, timeout=120, check=False
        )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@with_curl
def test_a_segment_lives_as_the_readme_says(tmp_path: Path) -> None:
    (script,) = [block for block in blocks(README, "sh") if block.startswith("api=")]
    checked, asked, members, *changed = printed(script, tmp_path)
    assert (checked, asked, changed) == ('"bool"', '"pending"', ['"draft"', '"pending"', '"draft"'])
    ids, *users = (tmp_path / "members.csv").read_text(encoding="utf-8").splitlines()
    assert ids == "user_id"
    assert 0 < len(users) == int(members)


@with_curl
def test_a_segment_lives_as_the_page_says(tmp_path: Path) -> None:
    first, *script = blocks(PAGE, "sh")
    assert first == "cellar serve\n"
    lines = printed("".join(script), tmp_path)
    assert lines[0] == '"bool"'
    assert lines[1].isdecimal()
    assert lines[-3:] == ['"draft"', '"pending"', '"draft"']
    members = (tmp_path / "members.jsonl").read_text(encoding="utf-8").splitlines()
    assert lines[1] == str(len(members))
    assert all(json.loads(line).keys() == {"user_id"} for line in members)
    assert (tmp_path / "members.parquet").read_bytes().startswith(b"PAR1")


def test_the_settings_of_the_page_are_settings() -> None:
    (text,) = blocks(PAGE, "toml")
    told = tomllib.loads(text)
    assert told.keys() <= Settings.model_fields.keys()
    assert Settings.model_validate(told).snapshots["candidate"].location == "tomorrow.parquet"
