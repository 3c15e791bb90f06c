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


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("jq")), reason="curl or jq is not installed")
def test_a_segment_lives_as_the_page_says(tmp_path: Path) -> None:
    first, *script = blocks("sh")
    assert first == "cellar serve\n"
    write_sample(tmp_path / "users.parquet", users=2_000)
    with served(tmp_path, "--snapshot", "users.parquet") as service:
        text = "set -eu -o pipefail\n" + "".join(script).replace("http://127.0.0.1:8000", service.url)
        done = subprocess.run(
            ["bash", "-c", text], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
        )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == '"bool"'
    assert lines[1].isdecimal()
    assert lines[-3:] == ['"draft"', '"pending"', '"draft"']
    members = (tmp_path / "members.jsonl").read_text(encoding="utf-8").splitlines()
    assert lines[1] == str(len(members))
    assert all(json.loads(line).keys() == {"user_id"} for line in members)
    assert (tmp_path / "members.parquet").read_bytes().startswith(b"PAR1")


def test_the_settings_of_the_page_are_settings() -> None:
    (text,) = blocks("toml")
    told = tomllib.loads(text)
    assert told.keys() <= Settings.model_fields.keys()
    assert Settings.model_validate(told).snapshots["candidate"].location == "tomorrow.parquet"
