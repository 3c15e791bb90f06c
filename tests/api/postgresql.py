"""A PostgreSQL cluster of the tests' own, where the server is installed: started once, thrown away in the end."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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
        try:
            yield f"postgresql://cellar@/postgres?host={directory}"
        finally:
            _run(path / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _run(*command: str | Path) -> None:
    user = {"user": _UNPRIVILEGED, "group": _UNPRIVILEGED, "extra_groups": []} if os.geteuid() == 0 else {}
    with tempfile.TemporaryFile() as output:
        # The server inherits what pg_ctl writes to: a pipe would never end.
        done = subprocess.run(  # type: ignore[call-overload]
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd="/",
            check=False,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
            **user,
        )
        if done.returncode:
            output.seek(0)
            raise NoServerError(f"{command[0]} failed: {output.read().decode(errors='replace')}")
