"""Jobs and runs in a few words, for the columns of a table."""

from __future__ import annotations

from typing import Any


def schedule(one: dict[str, Any]) -> str:
    """A schedule as the API shows it, in short."""
    match one["type"]:
        case "run_at":
            words = f"at {one['timestamp']}"
        case "delay_from_now":
            words = f"after {one['duration_seconds']:g} s"
        case "cron":
            words = f"{one['expression']} ({one['timezone']})"
        case "interval" if one["frequency"]:
            words = f"{one['frequency']} ({one['timezone']})"
        case "interval":
            words = f"every {one['every_seconds']:g} s"
        case "polling":
            words = f"polls every {one['interval_seconds']:g} s"
        case kind:
            words = str(kind)
    return words


def state_of_run(run: dict[str, Any]) -> str:
    """How a run is doing, with why, where that is known."""
    reason = run["error_message"] or run["reason"] or (run["held_by"] and f"held: {run['held_by']}")
    return f"{run['status']}: {reason}" if reason else str(run["status"])
