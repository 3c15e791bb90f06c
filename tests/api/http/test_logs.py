"""Logs say what went wrong and where, and quote nothing."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.commands import ENVIRONMENT

PROGRAM = """
import logging
from api.logs import logger, set_up_logs
set_up_logs()
try:
    raise ValueError("secret")
except ValueError:
    logging.getLogger("uvicorn.error").exception("failed")
    logger().info("done", segment_id="seg_1")
"""


def test_exceptions_are_told_without_their_messages() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=ENVIRONMENT, capture_output=True, text=True, check=True)
    failed, told = (json.loads(line) for line in done.stderr.splitlines())
    assert (failed["event"], failed["exception"]) == ("failed", "ValueError")
    assert failed["places"] == ["<string>:6 <module>"]
    assert told == told | {"event": "done", "segment_id": "seg_1", "level": "info"}
    assert "secret" not in done.stderr
