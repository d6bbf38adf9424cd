"""Fault points, at which a test can kill this process to show that nothing is lost there.

`FAULT_POINTS=create.committed:500` kills the process (SIGKILL) when it comes to that point for the 500th time. With
the setting empty, as it is outside tests, a point costs one dictionary look-up.
"""

from __future__ import annotations

import os
import signal
import threading

from settings import ConfigurationError

CREATE_COMMITTED = "create.committed"  # the job is stored, its ring not sent
EXECUTED = "attempt.executed"  # the handler is through, nothing recorded
RECORDED = "attempt.recorded"  # recorded, the message not acknowledged
EMAIL_SENT = "email.sent"  # the mail server has the message, nothing recorded
ARCHIVED = "history.archived"  # runs are stored in the archive, not deleted
POINTS = (CREATE_COMMITTED, EXECUTED, RECORDED, EMAIL_SENT, ARCHIVED)

_lock = threading.Lock()
_left: dict[str, int] = {}


def arm(specification: str) -> None:
    """Arm the points named in `FAULT_POINTS`: `point:count`, comma-separated. Raises `ConfigurationError`."""
    for part in filter(None, specification.split(",")):
        point, _, count = part.partition(":")
        if point not in POINTS:
            raise ConfigurationError(f"FAULT_POINTS names {point}, which is none of {', '.join(POINTS)}.")
        if not (count or "1").isdecimal():
            raise ConfigurationError(f"FAULT_POINTS={part}: what follows the colon must be a whole number.")
        _left[point] = int(count or 1)


def reach(point: str) -> None:
    """Kill this process if the point is armed and its count is used up."""
    if point not in _left:
        return
    with _lock:
        _left[point] -= 1
        if _left[point] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
