"""Runs and their attempts as callers get them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, RootModel

from api.schemas.paging import Query
from api.schemas.values import Shown
from core.states import Hold, Outcome, RunStatus
from services.execution.reports import LINES_KEPT

LINES_SHOWN = 100


class Run(Shown):
    """One execution of a job, with the members that identify its job.

    `account_id` is the account that it was made for. In lists, a `result` of more than 1,024 characters of JSON is null
    and `result_left_out` true; the run alone has it.
    """

    id: UUID
    job_id: UUID
    job_name: str | None
    job_title: str | None
    app_name: str
    account_id: str
    task_type: str
    job_version: int
    trigger: str
    retry_of: UUID | None
    status: RunStatus
    scheduled_for: datetime
    due_at: datetime
    deadline_at: datetime | None
    deadline_missed_at: datetime | None
    priority: int
    held_by: str | None
    held_key: str | None
    held_until: datetime | None
    reason: str | None
    occurrences: int
    attempt_count: int
    waiting_for_report: bool
    started_at: datetime | None
    finished_at: datetime | None
    error_type: str | None
    error_message: str | None
    result: Any
    result_left_out: bool
    progress: Any
    message: str | None
    trace_id: str


class RunPage(Shown):
    """A page of a list of runs, newest first; `next` is the path of the next page.

    `is_cut` if `failure` or `host` may fit more runs than are listed and counted.
    """

    count: int
    is_cut: bool = False
    next: str | None
    previous: str | None = None
    results: list[Run]


class SentRequest(Shown):
    """What was sent, secrets masked; at most 16 KiB of headers, and of the body, whose size in bytes is `size`."""

    method: str
    url: str
    headers: dict[str, str]
    body: str | None
    size: int


class AnswerHead(Shown):
    """The head of an answer, secrets masked, and the size of its body in bytes; the body is the attempt's `answer`."""

    status_code: int
    headers: dict[str, str]
    size: int


class CallPhase(Shown):
    """How long a phase of a call took: `look_up`, `connect`, `tls`, `send`, `wait` (for the first byte), `receive`."""

    name: str
    seconds: float


class Call(Shown):
    """The HTTP call of an attempt: what was sent to which address, what was answered, and where its time went.

    A kept connection needs no look-up, connect or TLS. `answer` is null where none came; the last phase is then the one
    in which the call ended.
    """

    request: SentRequest
    address: str | None
    over_kept_connection: bool
    answer: AnswerHead | None
    phases: list[CallPhase]


class Attempt(Shown):
    """One try at a run; `outcome` is null while it lasts. `call` is null if it made none, or that is not kept."""

    number: int
    worker_id: UUID
    started_at: datetime
    finished_at: datetime | None
    outcome: Outcome | None
    error_type: str | None
    error_message: str | None
    status_code: int | None
    answer: str | None
    call: Call | None = None


class LogLine(Shown):
    """A line that a receiver logged or a command wrote while it worked, at which attempt.

    Lines are numbered from 1; where numbers are missing, a command wrote more lines than the log takes.
    """

    number: int
    attempt: int
    logged_at: datetime
    text: str


class LogLines(Shown):
    """The newest lines of a run's log, oldest first."""

    results: list[LogLine]


class RunHold(Shown):
    """A time in which the run was due and held; `until` is null while it lasts.

    `key` is that of the limit or breaker, if one held it, and `holders` are up to five runs that had the places under
    it as the hold began: calls under way, of a rate also those that had ended last; as far as the caller may see them.
    `pause` says of a pause what it was of, by whom and why, as far as the caller may know; null where that is not on
    record, and in the archive.
    """

    held_by: Hold
    key: str | None
    since: datetime
    until: datetime | None
    holders: list[UUID]
    pause: str | None = None


class LogQuery(Query):
    """How many lines to return."""

    limit: Annotated[int, Field(ge=1, le=LINES_KEPT)] = LINES_KEPT


class Replay(Shown):
    """A run that replays this one, and how it is; `finished_at` is null until it has ended."""

    id: UUID
    status: RunStatus
    created_at: datetime
    finished_at: datetime | None


class RunWithAttempts(Run):
    """One execution of a job, with what held it before (its first 100 holds), and every try at it, each in order.

    Of more than 20 attempts with long answers and calls, the newest are shown, with some 8 MiB of each. `log` has the
    newest 100 lines that its receivers logged or its command wrote; `replays` are the runs that replay it, oldest
    first.
    """

    replays: list[Replay] = Field(default_factory=list)

    holds: list[RunHold]
    attempts: list[Attempt]
    log: list[LogLine]


class Execution(Shown):
    """A run that has started; `completed_at`, `success` and `duration`, in seconds, are null while it lasts."""

    id: UUID
    job: UUID
    started_at: datetime
    completed_at: datetime | None
    success: bool | None
    error_message: str | None
    duration: float | None


class Executions(RootModel[list[Execution]]):
    """A page of a job's executions, newest first."""
