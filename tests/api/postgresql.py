"""A PostgreSQL cluster of the tests' own, where the server is installed: started once, thrown away in the end."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_DEBIAN = "/usr/lib/postgresql/*/bin"
_UNPRIVILEGED = 65_534


class NoServerError(Exception):
    """PostgreSQL's server is not installed, or cannot be started here: why."""


def programs() -> Path:
    """The directory of ``initdb`` and ``pg_ctl``.

    Raises:
        NoServerError: there is none.
    """
    on_path = shutil.which("initdb")
    found = sorted(Path("/").glob(f"{_DEBIAN[1:]}/initdb"))
    if found:
        return found[-1].parent
    if on_path is None:
        raise NoServerError("PostgreSQL's server (initdb, pg_ctl) is not installed")
    return Path(on_path).parent


@contextmanager
def cluster() -> Iterator[str]:
    """Runs a cluster that listens on a socket in its own directory; yields the URL of its database.

    Raises:
        NoServerError: there is no server, or it does not start.
    """
    path = programs()
    # A socket's path must be short, and the server refuses to run as root.
    directory = Path(tempfile.mkdtemp(prefix="cellar-pg-"))
    try:
        if os.geteuid() == 0:
            os.chown(directory, _UNPRIVILEGED, _UNPRIVILEGED)
        data = directory / "data"
        _run(path / "initdb", "-D", data, "-U", "cellar", "-A", "trust", "-E", "UTF8", "--no-sync", "--locale=C.UTF-8")
        options = f"-c listen_addresses= -c unix_socket_directories={directory} -c fsync=off -c max_connections=60"
        _run(path / "pg_ctl", "-D", data, "-l", directory / "log", "-o", options, "-w", "start")
        with _stopped_in_the_end(path, data):
            yield f"postgresql://cellar@/postgres?host={directory}"
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def _stopped_in_the_end(path: Path, data: Path) -> Iterator[None]:
    """Stops the server, also where this process is killed: a shell waits for the end of what it could be told."""
    waiting = 'cat; "$0" -D "$1" -m immediate -w stop; rm -rf "$2"'
    command = ["sh", "-c", waiting, str(path / "pg_ctl"), str(data), str(data.parent)]
    shell = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        cwd="/",
        **_unprivileged(),
    )
    try:
        yield
    finally:
        shell.communicate()


def _unprivileged() -> dict[str, Any]:
    """Options of a process that may not be root's."""
    return {"user": _UNPRIVILEGED, "group": _UNPRIVILEGED, "extra_groups": []} if os.geteuid() == 0 else {}


def _run(*command: str | Path) -> None:
    with tempfile.TemporaryFile() as output:
        # The server inherits what pg_ctl writes to: a pipe would never end.
        done = subprocess.run(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd="/",
            check=False,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
            **_unprivileged(),
        )
        if done.returncode:
            output.seek(0)
            raise NoServerError(f"{command[0]} failed: {output.read().decode(errors='replace')}")
