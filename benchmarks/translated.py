"""pycel2sql: CEL translated to SQL, which DuckDB then runs.

It needs a newer Python than Cellar does, and nothing else here does, so it gets an environment of its own, made when it
is first asked for. It only translates: the SQL runs in the same DuckDB as the queries by hand.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

VERSION = "0.4.2"
_NEWER = "import sys; sys.exit(sys.version_info < (3, 12))"
_TRANSLATE = """\
import json, sys
from pycel2sql import DuckDBDialect, convert
print(json.dumps([convert(text, dialect=DuckDBDialect()) for text in json.load(sys.stdin)]))
"""


class NotAvailable(Exception):  # noqa: N818  (it is no fault: the peer is left out)
    """Why pycel2sql cannot be asked."""


def translated(folder: Path, texts: Sequence[str]) -> list[str]:
    """Each condition in DuckDB's SQL.

    Raises:
        NotAvailable: there is no Python for it, it cannot be installed, or it does not translate a condition.
    """
    python = _environment(folder)
    run = subprocess.run(
        [python, "-c", _TRANSLATE], input=json.dumps(texts), capture_output=True, text=True, check=False
    )
    if run.returncode:
        raise NotAvailable(f"pycel2sql: {run.stderr.strip().splitlines()[-1]}")
    return [str(sql) for sql in json.loads(run.stdout)]


def _environment(folder: Path) -> Path:
    """The Python of an environment that holds pycel2sql."""
    environment = folder / f"pycel2sql-{VERSION}"
    python = environment / "bin" / "python"
    if not python.exists():
        base = next(_newer_pythons(), None)
        if base is None:
            raise NotAvailable("pycel2sql needs Python 3.12 or newer, and none was found")
        try:
            subprocess.run([base, "-m", "venv", str(environment)], check=True, capture_output=True)
            install = [str(python), "-m", "pip", "install", "--quiet", f"pycel2sql=={VERSION}"]
            subprocess.run(install, check=True, capture_output=True)
        except subprocess.CalledProcessError:
            shutil.rmtree(environment, ignore_errors=True)
            raise NotAvailable("pycel2sql could not be installed") from None
    return python


def _newer_pythons() -> Iterator[str]:
    """Interpreters that are new enough, those on the path first, then pyenv's."""
    on_path = (shutil.which(f"python3.{minor}") for minor in (14, 13, 12))
    of_pyenv = sorted((Path.home() / ".pyenv" / "versions").glob("3.*/bin/python"), reverse=True)
    for candidate in (*on_path, *map(str, of_pyenv)):
        if candidate and subprocess.run([candidate, "-c", _NEWER], check=False, capture_output=True).returncode == 0:
            yield candidate
