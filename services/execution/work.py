"""A claimed attempt, and the results with which it may end."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from core.errors import AbortReason, AttemptError
from core.receiver_answers import PollAnswer
from core.retry import RetryPolicy


@dataclass(frozen=True)
class Work:
    """One claimed attempt: all that a handler needs, and the fence under which its result counts."""

    run_id: UUID
    job_id: UUID
    attempt: int
    fence: int
    scheduled_for: datetime
    task_type: str
    url: str | None
    board_id: Any
    data: Any
    policy: RetryPolicy
    time_limit_seconds: float
    polling_state: dict[str, Any] | None
    polling_version: int
    claimed_monotonic: float
    report_token: str = field(repr=False)  # never in a log
    request: dict[str, Any] | None = None  # what the app's table maps the task type to


@dataclass(frozen=True)
class Succeeded:
    """The handler did its work. `result` is what it made of it, as JSON; a callback's answer is not kept there."""

    status_code: int | None
    answer: str
    poll: PollAnswer | None = None
    result: Any = None
    note: str | None = None  # what of it could not be kept


@dataclass(frozen=True)
class Deferred:
    """The receiver took the work on, and will report how it went."""


@dataclass(frozen=True)
class Failed:
    """The handler could not do its work. `result` is what it leaves all the same, as JSON."""

    error: AttemptError
    answer: str | None = None
    result: Any = None


@dataclass(frozen=True)
class Stopped:
    """The attempt was stopped from outside."""

    reason: AbortReason

    @property
    def hands_back(self) -> bool:
        """Whether the run goes back into the queue, and nothing is counted against it."""
        return self.reason in {AbortReason.SHUTDOWN, AbortReason.CONNECTION_CLOSED}


Result = Succeeded | Deferred | Failed | Stopped
