"""What is made when it is first asked for: with a batch, that is when the first chunk is there and others are read."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")


class Once(Generic[T]):
    """A value that is made once, by the first of the threads that ask."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._made: list[T] = []
        self._lock = Lock()

    def __call__(self) -> T:
        """The value. What making it raises is raised to everybody who asks."""
        with self._lock:
            if not self._made:
                self._made.append(self._make())
            return self._made[0]
