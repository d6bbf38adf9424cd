"""Events: services emit them; one subscriber logs them, another counts them as metrics.

An emitter knows neither. Code that only wants a log line calls structlog itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from services.runtime import event_log

Subscriber = Callable[[str, Mapping[str, Any]], object]

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ObservedEnd:
    """How an attempt ended, and what became of its run. `delay_seconds` is None for a run that was held."""

    app: str
    task_type: str
    queue: str
    outcome: str
    status: str
    duration_seconds: float
    delay_seconds: float | None


@dataclass(frozen=True, slots=True)
class Backlog:
    """The due runs of a queue that have not begun and are held for one reason, or are claimable if for none."""

    queue: str
    held_by: str | None
    count: int
    oldest_seconds: float


_subscribers: list[Subscriber] = [event_log.write]


def emit(name: str, **members: Any) -> None:
    """Hand an event to every subscriber. Never raises: a fault of an observer must not affect what it observes."""
    for subscriber in _subscribers:
        try:
            subscriber(name, members)
        except Exception:
            log.exception("event_fault", emitted=name)


def subscribe(subscriber: Subscriber) -> Callable[[], None]:
    """Hand every event from now on to this subscriber, too. Returns the function that ends this."""
    _subscribers.append(subscriber)

    def end() -> None:
        _subscribers.remove(subscriber)

    return end
