"""The OpenAPI document is true: Schemathesis asks what it allows and what it forbids, one call after the other too."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.commands import ROOT

from .running import client, completed, key, new, running, served, settings

HERE = Path(__file__).parent


def test_the_document_is_true(tmp_path: Path) -> None:
    told = settings(tmp_path, users=300)
    with running(told) as (_, store):
        secret = key(store)
    (tmp_path / "cellar.toml").write_text(
        'snapshot = "users.parquet"\nmember_columns = ["email", "tags"]\nrequests_per_minute = 1_000_000\n'
        'poll_seconds = 0.1\n[snapshots.candidate]\nlocation = "users.parquet"\n',
        encoding="utf-8",
    )
    with served(tmp_path) as service:
        with client(service.url, secret) as asking:
            made = asking.post("/segments", json=new()).raise_for_status().json()["id"]
            asking.post(f"/segments/{made}/recalculate").raise_for_status()
            completed(asking, made)
        done = subprocess.run(
            [
                str(Path(sys.executable).with_name("schemathesis")),
                "--config-file",
                str(HERE / "schemathesis.toml"),
                "run",
                f"{service.url}/api/v1/openapi.json",
                "--header",
                f"Authorization: Bearer {secret}",
            ],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(HERE)])},
            capture_output=True,
            text=True,
            timeout=400,
            check=False,
        )
        failed = [line for line in service.log.read_text(encoding="utf-8").splitlines() if "request failed" in line]
    assert done.returncode == 0, done.stdout[-8_000:] + done.stderr[-2_000:]
    assert "19 selected / 19 total" in done.stdout
    assert "Stateful" in done.stdout
    assert not failed
