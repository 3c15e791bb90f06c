"""What the service counts of itself, for Prometheus."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from .store.records import Status

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """The metrics of one process."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "cellar_requests", "Requests answered.", ["method", "route", "status"], registry=self._registry
        )
        self._seconds = Histogram(
            "cellar_request_seconds", "Time until a response begins.", ["method", "route"], registry=self._registry
        )
        self._ended = Counter(
            "cellar_evaluations_ended",
            "Previews, explanations and exports that did not come to their end.",
            ["reason"],
            registry=self._registry,
        )
        self._segments = Gauge("cellar_segments", "Segments kept.", ["status"], registry=self._registry)

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Counts a request; ``route`` is its pattern."""
        self._requests.labels(method, route, str(int(status))).inc()
        self._seconds.labels(method, route).observe(seconds)

    def ended(self, reason: str) -> None:
        """Counts an evaluation that was killed, or for which nothing was free."""
        self._ended.labels(reason).inc()

    def exposition(self, segments: dict[Status, int]) -> bytes:
        """All metrics in Prometheus' text format; ``segments``: how many there are by status."""
        for status in Status:
            self._segments.labels(status.value).set(segments.get(status, 0))
        return generate_latest(self._registry)
