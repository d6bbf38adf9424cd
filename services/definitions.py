"""A job's definition: what an application asks for, and may change later."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core import schedules
from core.policies import CATCH_UP_WINDOW_SECONDS, CatchUp, Overlap
from models.tables import Job
from services import broker as brokers
from services import specifications

DEFAULT_PRIORITY = 5


@dataclass(frozen=True, kw_only=True)
class Definition:
    """What to do and when, for whom, and what to do on the odd days. `deadline_at` is of one-shots alone."""

    account_id: str
    user_id: Any
    task_type: str
    schedule: schedules.Schedule
    name: str | None = None
    tags: tuple[str, ...] = ()
    board_id: Any = None
    data: Any = None
    callback_url: str | None = None
    priority: int = DEFAULT_PRIORITY
    max_retries: int | None = None
    retry_backoff_base: float | None = None
    time_limit_seconds: float | None = None
    catch_up: CatchUp = CatchUp.LATEST
    catch_up_window_seconds: float = CATCH_UP_WINDOW_SECONDS
    overlap: Overlap = Overlap.SKIP
    deadline_at: datetime | None = None
    deadline_seconds: float | None = None
    expire: bool = False


# What stands in a column of the same name, as it is.
_PLAIN = (
    "account_id",
    "user_id",
    "name",
    "task_type",
    "board_id",
    "data",
    "callback_url",
    "priority",
    "max_retries",
    "retry_backoff_base",
    "time_limit_seconds",
    "catch_up",
    "catch_up_window_seconds",
    "overlap",
    "deadline_at",
    "deadline_seconds",
    "expire",
)


def columns(definition: Definition) -> dict[str, Any]:
    """The columns of `jobs` that hold a definition; its tags have a table of their own."""
    return {
        **{name: getattr(definition, name) for name in _PLAIN},
        "queue": brokers.RUNS_HTTP,
        "schedule_kind": definition.schedule.kind,
        "schedule": specifications.write(definition.schedule),
    }


def of(job: Job, tags: tuple[str, ...]) -> Definition:
    """The definition that a job's row holds."""
    plain = {name: getattr(job, name) for name in _PLAIN}
    return Definition(**plain, schedule=specifications.read(job.schedule), tags=tags)
