"""Logs: readable lines on a terminal, one JSON object a line elsewhere. The libraries' own go the same way."""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

import orjson
import structlog

# Only warnings of these matter; the rest, and what they say of a broker that is away, Carillon logs itself.
QUIET = {
    "pika": logging.CRITICAL,
    "dramatiq": logging.WARNING,
    "uvicorn": logging.WARNING,
    "peewee": logging.WARNING,
    "urllib3": logging.CRITICAL,
    "opentelemetry": logging.WARNING,
    "opentelemetry.exporter": logging.CRITICAL,  # `LoggedOnce` says it
}

# What Dramatiq says of a connection that breaks, or is refused: `Troubles` says it once, with a remedy.
_SAID_OTHERWISE = (
    "Consumer encountered a connection error",
    "Encountered exception while closing",
    "Failed to wait for all callbacks to complete",
    "Failed to ack message",
    "Failed to nack message",
    "Failed to requeue messages",
    "Failed to post_process_message",
)


# Without the values of all variables, which structlog would add: to write them takes seconds for each exception.
READABLE = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)


def _is_news(record: logging.LogRecord) -> bool:
    return not (record.name.startswith("dramatiq") and str(record.msg).startswith(_SAID_OTHERWISE))


def configure(level: str) -> None:
    """Set up logging for this process, on standard error."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    on_terminal = sys.stderr.isatty()
    renderer: Any = READABLE if on_terminal else structlog.processors.JSONRenderer(serializer=_written)
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    handler.addFilter(_is_news)
    logging.basicConfig(level=level, handlers=[handler], force=True)
    quiet()


def _written(line: Any, **how: Any) -> str:
    """Returns a line as JSON; orjson takes a tenth of the time, and refuses lone surrogates and very large numbers.

    A dataclass is written by its repr, which leaves out what is secret.
    """
    try:
        return orjson.dumps(line, default=how["default"], option=orjson.OPT_PASSTHROUGH_DATACLASS).decode()
    except TypeError:
        return json.dumps(line, **how)


def quiet() -> None:
    """Silence what libraries log and Carillon logs itself, or nobody needs."""
    for name, least in QUIET.items():
        logging.getLogger(name).setLevel(least)
