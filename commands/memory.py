"""How a process of its own takes memory: it will need the same again, chunk after chunk, and does not give it back."""

from __future__ import annotations

import ctypes
import gc
import sys

_OBJECTS = 100_000
"""Objects that Python makes until it looks for unreachable ones. The trees of a thousand conditions are some hundred
thousand, all reachable: at the default of 700, looking takes a quarter of the time of compiling."""

_KEPT = 1 << 28
"""Octets at the top of the heap that are kept when they are free."""

_LARGEST_OF_HEAP = 1 << 25
"""Octets of an array beyond which the system maps it afresh: more than those of a column of a chunk."""

# The parameters of mallopt(3).
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8


def keep_memory() -> None:
    """Prepares the process that calls this. The answers do not depend on it.

    Of threads' own heaps, the C library gives back each whole one that becomes free, whatever it is told to keep; so
    all threads share one. Polars and pyarrow have allocators of their own.
    """
    _, *older = gc.get_threshold()
    gc.set_threshold(_OBJECTS, *older)
    # The C library of GNU has it, others of Linux have not.
    set_parameter = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if set_parameter is not None:
        set_parameter(_TRIM_THRESHOLD, _KEPT)
        set_parameter(_MMAP_THRESHOLD, _LARGEST_OF_HEAP)
        set_parameter(_ARENA_MAX, 1)
