"""A claimed attempt, and the results it may end with."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from core.errors import AbortReason, AttemptError
from core.receiver_answers import PollAnswer
from core.retry import RetryPolicy
from core.trace_context import TraceContext, own_trace_id
from services.execution.transcripts import Transcript
from services.secrets.signers import NOBODY, Signer
from services.task_types.targets import Target


@dataclass(frozen=True)
class Work:
    """One claimed attempt: everything a handler needs, and the fence under which its result is recorded."""

    run_id: UUID
    job_id: UUID
    attempt: int
    fence: int
    scheduled_for: datetime
    task_type: str
    target: Target
    board_id: Any
    data: Any
    policy: RetryPolicy
    time_limit_seconds: float
    polling_state: dict[str, Any] | None
    polling_version: int
    claimed_monotonic: float
    report_token: str = field(repr=False)  # never in a log
    app_id: UUID
    signer: Signer = NOBODY  # of what goes to its app's receivers
    transcript: Transcript = field(default_factory=Transcript, repr=False, compare=False)  # of its call
    is_test: bool = False  # a test call, marked as one
    places: tuple[str, ...] = ()  # the keys with a concurrency limit under which it takes a place
    due_at: datetime | None = None  # since when the run has waited for this attempt
    trace: TraceContext | None = None  # the trace that the run continues; None: it begins its own
    job_trace: TraceContext | None = None  # the trace in which the job was created
    carried: TraceContext | None = None  # what its calls and e-mails carry
    fault: str | None = None  # why it could not be prepared: it fails with this, and nothing is called

    @property
    def trace_id(self) -> str:
        """Returns the id of the trace that the attempt belongs to."""
        return own_trace_id(self.run_id) if self.trace is None else self.trace.trace_id


@dataclass(frozen=True)
class Succeeded:
    """The handler succeeded. `result` is its JSON result; a callback's answer is kept in `answer` instead."""

    status_code: int | None
    answer: str
    poll: PollAnswer | None = None
    result: Any = None
    note: str | None = None  # says which part could not be kept


@dataclass(frozen=True)
class Deferred:
    """The receiver accepted the work with a 202, and will report how it went."""


@dataclass(frozen=True)
class Failed:
    """The handler failed. `result` is the JSON result that it returned nevertheless."""

    error: AttemptError
    answer: str | None = None
    result: Any = None


@dataclass(frozen=True)
class Stopped:
    """The attempt was stopped from outside."""

    reason: AbortReason

    @property
    def hands_back(self) -> bool:
        """Whether the run goes back into the queue, without counting as a failure."""
        return self.reason in {AbortReason.SHUTDOWN, AbortReason.CONNECTION_CLOSED, AbortReason.NOT_CONFIRMED}


Result = Succeeded | Deferred | Failed | Stopped
HandedIn = tuple[Work, Result]
"""What a thread hands in when an attempt has ended."""
