"""What every request has: an id, a line in the log, a place in the metrics, a body of bounded size."""

from __future__ import annotations

import re
from secrets import token_hex
from time import perf_counter

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .handlers import problem_of, response_of
from .logs import logger, places
from .metrics import Metrics

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_UNKNOWN = "unknown"


class Observation:
    """The outermost layer of the service. A client may name a request's id in ``X-Request-ID``."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics, body_bytes: int) -> None:
        self._app = app
        self._metrics = metrics
        self._body_bytes = body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, as ASGI has it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = perf_counter()
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else token_hex(8)
        status = 0
        received = 0

        async def observed_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                added = MutableHeaders(scope=message)
                added["X-Request-ID"] = request_id
                added["X-Content-Type-Options"] = "nosniff"
                added.setdefault("Cache-Control", "no-store")
            await send(message)

        async def bounded_receive() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._body_bytes:
                raise HTTPException(413)
            return message

        failure: Exception | None = None
        try:
            length = headers.get("content-length", "0")
            if length.isdecimal() and int(length) > self._body_bytes:
                await response_of(problem_of(HTTPException(413)))(scope, receive, observed_send)
            else:
                await self._app(scope, bounded_receive, observed_send)
        except Exception as error:
            failure = error
            if status:
                raise
            await response_of(problem_of(error))(scope, receive, observed_send)
        finally:
            self._tell(scope, request_id, status, perf_counter() - begun, failure)

    def _tell(self, scope: Scope, request_id: str, status: int, seconds: float, failure: Exception | None) -> None:
        route = getattr(scope.get("route"), "path_format", None) or _UNKNOWN
        method = scope["method"] if route != _UNKNOWN else _UNKNOWN
        self._metrics.answered(method, route, status, seconds)
        caller = scope.get("state", {}).get("caller")
        known = {
            "request_id": request_id,
            "method": scope["method"],
            "route": route,
            "status": int(status),
            "milliseconds": round(seconds * 1_000, 1),
            "key_id": getattr(caller, "key_id", None),
            "organization_id": getattr(caller, "organization_id", None),
            "segment_id": scope.get("path_params", {}).get("segment_id"),
        }
        told = {name: value for name, value in known.items() if value is not None}
        if failure is None:
            logger().info("request", **told)
        else:
            logger().error("request failed", **told, exception=type(failure).__name__, places=places(failure))
