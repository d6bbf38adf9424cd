"""How pages name things: a job by its title, else its name, else its kind of task; a key of runs by its page."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from core.limit_keys import is_of_destination

BREAKER_PATH = "/dashboard/queues/breaker"
LIMIT_PATH = "/dashboard/limits/of"


def key_path(key: str) -> str:
    """Returns the page of a key that holds runs: that of its limit, or of its circuit breaker."""
    return f"{BREAKER_PATH if is_of_destination(key) else LIMIT_PATH}?{urlencode({'key': key})}"


def called(one: Any) -> str:
    """Returns what a job is called, or the job of a run, a failure or whatever else has its title and name."""
    prefix = "job_" if hasattr(one, "job_name") else ""
    return getattr(one, f"{prefix}title") or getattr(one, f"{prefix}name") or str(one.task_type)
