"""Logs: one JSON object a line, with ids and times, without members, names or literals of conditions."""

from __future__ import annotations

import logging
import sys
import traceback
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import structlog
    from structlog.typing import EventDict


def set_up_logs() -> None:
    """Has all logs, those of libraries too, written to standard error as JSON."""
    import structlog

    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _without_messages,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
    # Requests have a line of their own; and what a library says of an exception may quote data.
    for name in ("uvicorn.access", "uvicorn.error", "uvicorn", "asyncio"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [], True
    logging.getLogger("uvicorn.access").disabled = True


def _without_messages(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Of an exception, its kind and where it comes from: its message may quote data."""
    told = event.pop("exc_info", None)
    error = told[1] if isinstance(told, tuple) else told
    if isinstance(error, BaseException):
        event["exception"], event["places"] = type(error).__name__, places(error)
    return event


def logger() -> structlog.stdlib.BoundLogger:
    """The service's logger."""
    import structlog

    found: structlog.stdlib.BoundLogger = structlog.get_logger("cellar")
    return found


def places(error: BaseException) -> list[str]:
    """Where an exception comes from, innermost last, without its message, which may quote data."""
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)]
