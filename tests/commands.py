"""What the tests of the command line share: users, and commands run within this process or as their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import polars as pl
from click.testing import CliRunner, Result

import cli

PROGRAM = (sys.executable, "-c", "from cli import main; main()")
ROOT = Path(__file__).parents[1]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}

USERS = pl.DataFrame(
    {
        "user_id": [1, 2, 3, 4],
        "age": [25, 41, None, 60],
        "country": ["DE", "AT", "DE", None],
        "tags": [["a"], [], None, ["b", "vip"]],
        "plan.name": ["x", None, "y", "z"],
    }
)


def write_users(directory: Path) -> str:
    path = directory / "users.parquet"
    USERS.write_parquet(path)
    return str(path)


def run(*arguments: str, stdin: bytes | None = None) -> Result:
    """A command within this process. An exception that it lets through fails the test."""
    result = CliRunner().invoke(cli.cellar, arguments, input=stdin)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def start(*arguments: str, **options: object) -> subprocess.Popen[bytes]:
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "env": ENVIRONMENT}
    return subprocess.Popen([*PROGRAM, *arguments], **(pipes | options))  # type: ignore[call-overload, no-any-return]


def finish(*arguments: str, **options: object) -> tuple[int, str, str]:
    process = start(*arguments, **options)
    output, errors = process.communicate(timeout=60)
    return process.returncode, (output or b"").decode(), (errors or b"").decode()


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())
