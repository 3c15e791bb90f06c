"""Programs that stand in for a store on this machine: started for the tests, and stopped after them."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from time import monotonic, sleep


@contextmanager
def serving(
    command: Callable[[int], Sequence[str]], environment: Mapping[str, str], answers: Callable[[int], bool]
) -> Iterator[int]:
    """Runs a server until the end of the context; yields its port once it answers.

    Args:
        command: what starts it, by the port on which it is to listen.
        environment: variables beside this process's own.
        answers: whether what listens on the port answers yet.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    silent = subprocess.DEVNULL
    server = subprocess.Popen(command(port), env={**os.environ, **environment}, stdout=silent, stderr=silent)
    try:
        began = monotonic()
        while not answers(port):
            assert server.poll() is None, "the server ended"
            assert monotonic() - began < 60, "the server does not answer"
            sleep(0.1)
        yield port
    finally:
        server.terminate()
        server.wait()
