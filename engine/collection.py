"""Python's search for garbage, and where it would only cost time."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collection_paused() -> Iterator[None]:
    """No search for garbage meanwhile: for work that makes ever more objects, keeps them, and makes no cycles of them.

    Each search would go through all of them, so that the time would grow faster than their number.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
