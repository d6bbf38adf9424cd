"""Jobs and runs in a few words, for the columns of a table."""

from __future__ import annotations

from typing import Any

from core import schedules


def schedule(one: dict[str, Any]) -> str:
    """Returns a schedule of the API in a few words; of an unknown kind, its name."""
    kind = schedules.KINDS.get(one["type"])
    return str(one["type"]) if kind is None else kind.of_members(one).brief()


def paused(one: dict[str, Any]) -> str:
    """Returns how a job, an app or everything stands after a pause: until when, where that is known."""
    return f"paused until {one['paused_until']}" if one["paused_until"] else "paused"


def state_of_run(run: dict[str, Any]) -> str:
    """Returns a run's status, with the reason where it is known."""
    reason = run["error_message"] or run["reason"] or (run["held_by"] and f"held: {run['held_by']}")
    return f"{run['status']}: {reason}" if reason else str(run["status"])
