"""How often a key may ask: so many requests a minute, some of them at once."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from math import ceil
from time import monotonic

_MOST_KEYS = 10_000
_MINUTE = 60.0


@dataclass(slots=True)
class _Bucket:
    left: float
    at: float


class RequestLimit:
    """Requests that each key has left: at most those of a minute, of which one comes back after the other.

    It counts for one process; several processes allow several times as many.
    """

    def __init__(self, per_minute: int) -> None:
        self._most = float(per_minute)
        self._buckets: dict[str, _Bucket] = {}
        self._lock = threading.Lock()

    def take(self, key: str) -> int:
        """Takes one request; 0, or, where none is left, the whole seconds after which one is."""
        moment = monotonic()
        with self._lock:
            bucket = self._buckets.pop(key, None) or _Bucket(self._most, moment)
            bucket.left = min(self._most, bucket.left + (moment - bucket.at) * self._most / _MINUTE)
            bucket.at = moment
            if len(self._buckets) >= _MOST_KEYS:
                del self._buckets[next(iter(self._buckets))]
            self._buckets[key] = bucket
            if bucket.left < 1:
                return max(1, ceil((1 - bucket.left) * _MINUTE / self._most))
            bucket.left -= 1
        return 0
