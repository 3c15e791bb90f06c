"""The snapshots of the settings, opened: the one that segments are counted on, and others by their names."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Generic, TypeVar

from engine import Snapshot, SnapshotError
from engine.column_values import ColumnValues

from .places import Place
from .settings import Settings

V = TypeVar("V")

_FRESH_SECONDS = 2.0
_MOST_KEPT = 64


@dataclass(frozen=True, slots=True)
class _Opened:
    snapshot: Snapshot
    at: float


class Snapshots:
    """Opens snapshots, and keeps them open for a moment: a request reads a schema, and its files may be replaced."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._opened: dict[str, _Opened] = {}
        self._lock = threading.Lock()
        self.values: Kept[dict[str, ColumnValues]] = Kept()

    def place(self) -> Place:
        """Where the snapshot is that segments are counted on.

        Raises:
            SnapshotError: the settings name none.
        """
        place = self._settings.snapshot_in_use()
        if place is None:
            raise SnapshotError("the settings name no snapshot: set CELLAR_SNAPSHOT")
        return place

    def current(self) -> Snapshot:
        """The snapshot that segments are counted on, as it was at most a moment ago.

        Raises:
            SnapshotError: there is none, or it cannot be opened.
        """
        return self._open(self.place())

    def named(self, name: str) -> Snapshot:
        """A snapshot by its name in the settings.

        Raises:
            KeyError: there is none of that name.
            SnapshotError: it cannot be opened.
        """
        return self._open(self._settings.snapshot_named(name))

    def _open(self, place: Place) -> Snapshot:
        key = repr(place)
        with self._lock:
            opened = self._opened.get(key)
        if opened is None or monotonic() - opened.at > _FRESH_SECONDS:
            opened = _Opened(place.open(), monotonic())
            with self._lock:
                self._opened[key] = opened
        return opened.snapshot


class Kept(Generic[V]):
    """What was computed for the last few keys."""

    def __init__(self) -> None:
        self._kept: dict[object, V] = {}
        self._lock = threading.Lock()

    def get(self, key: object, compute: Callable[[], V]) -> V:
        """The value of a key, computed where it is not kept; two threads may compute the same."""
        with self._lock:
            if key in self._kept:
                return self._kept[key]
        value = compute()
        with self._lock:
            while len(self._kept) >= _MOST_KEPT:
                del self._kept[next(iter(self._kept))]
            self._kept[key] = value
        return value
