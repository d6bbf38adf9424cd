"""Ways for a run to end: whether failures, polls and recurring jobs are as fast as successes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench import alternating, receiver
from bench.carillon import CALLBACK, FAILING, NOOP, POLLING, job
from bench.carillon_drain import CarillonDrain
from bench.figures import Result
from bench.measurements.cost import OF_A_RUN, Named
from bench.session import Session

_LATER_SECONDS = 86_400  # no second attempt, poll or occurrence while we measure
_NOOPS = {
    "success": job(NOOP),
    "all failing": job(FAILING, max_retries=5, retry_backoff_base=_LATER_SECONDS),
    "all recurring": job(NOOP, {"type": "interval", "every_seconds": _LATER_SECONDS}),
}
_CALLBACKS = {
    "success": job(CALLBACK),
    "all polls": job(POLLING, {"type": "polling", "interval_seconds": _LATER_SECONDS}),
}


def measure(session: Session) -> list[Result]:
    """Drain first attempts of each kind, in turns with successes."""
    return [
        _drained(session, "kinds_noop", "No-op runs per second, by how they end", _NOOPS),
        _drained(session, "kinds_callback", "Callbacks per second, by how they end", _CALLBACKS),
    ]


def _drained(session: Session, name: str, title: str, bodies: Mapping[str, Mapping[str, Any]]) -> Result:
    options = session.options
    with receiver.running(session.folder) as running:
        contestants = [
            Named(kind, CarillonDrain(checkout, session.servers, session.folder, 2, 8, body, running.url))
            for checkout in reversed(session.checkouts)
            for kind, body in bodies.items()
        ]
        rows = alternating.measure(contestants, options.rounds, options.seconds)
    return Result(name, title, ("per_s", *OF_A_RUN), rows)
