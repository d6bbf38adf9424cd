"""What the drills share of the installations that they run: their processes, their settings, and what is unfinished."""

from __future__ import annotations

from bench.carillon import Carillon
from bench.drills.receiver import Receiver

KINDS = ("web", "worker", "coordinator", "periodic")
UNFINISHED = """
    SELECT (SELECT COUNT(*) FROM runs WHERE finished_at IS NULL)
        + (SELECT COUNT(*) FROM jobs WHERE next_run_at IS NOT NULL)
"""
SHORT_LEASES = {"lease_seconds": 6, "heartbeat_seconds": 2, "retry_backoff_base": 1}


def settings(receiver: Receiver, **more: object) -> dict[str, object]:
    """Returns the settings of an installation that calls this receiver, and takes all requests."""
    return {"callback_base_url": receiver.url, "requests_per_minute": "none", **more}


def start(running: Carillon) -> None:
    """Start a process of each kind, and return when a coordinator is at work."""
    for kind in KINDS:
        running.start(kind)
    running.wait_until_coordinated()
