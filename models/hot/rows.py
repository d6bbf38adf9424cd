"""The frozen rows of the hot paths.

Rows that every run creates are named tuples: a frozen dataclass with as many columns takes five times as long. The
fields of the tuples that are started and ended stand in the order of the columns that the statements return.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, NamedTuple, TypedDict
from uuid import UUID

from core.policies import CatchUp
from core.states import Hold, JobState

Row = Sequence[Any]
"""Columns as the driver of a database returns them."""

# The columns of a new run, each with its type in PostgreSQL; its counters are left out, since they begin at 0.
NEW_RUN = {
    "id": "UUID",
    "job_id": "UUID",
    "job_version": "INTEGER",
    "account_id": "TEXT",
    "party": "TEXT",
    "queue": "TEXT",
    "trigger": "TEXT",
    "retry_of": "UUID",
    "data": "TEXT",
    "scheduled_for": "TIMESTAMPTZ",
    "due_at": "TIMESTAMPTZ",
    "priority": "SMALLINT",
    "deadline_at": "TIMESTAMPTZ",
    "expire": "BOOLEAN",
    "aged_at": "TIMESTAMPTZ",
    "late_at": "TIMESTAMPTZ",
    "status": "TEXT",
    "held_by": "TEXT",
    "reason": "TEXT",
    "finished_at": "TIMESTAMPTZ",
    "occurrences": "INTEGER",
    "created_at": "TIMESTAMPTZ",
    "trace": "TEXT",
}
NEW_RUN_COLUMNS = ", ".join(NEW_RUN)


@dataclass(frozen=True, slots=True)
class TypePolicy:
    """An app's settings for one of its task types: how it is retried and called."""

    max_retries: int | None
    retry_backoff_base: float | None
    request: dict[str, Any] | None


class ExecutedJob(NamedTuple):
    """The columns of a job that a handler needs."""

    version: int
    task_type: str
    callback_url: str | None
    board_id: Any
    data: Any
    max_retries: int | None
    retry_backoff_base: float | None
    retry_backoff_max: float | None
    time_limit_seconds: float | None
    polling_state: dict[str, Any] | None
    polling_version: int
    app_id: UUID
    base_url: str | None  # its app's
    policy: TypePolicy
    limit_key: str | None = None  # read only if limits need a run's job and data


class StartedRun(NamedTuple):
    """A run that was just started; `place` is its position among the picked runs, counted from 0."""

    place: int
    id: UUID
    job_id: UUID
    job_version: int
    attempt_count: int
    fence: int
    scheduled_for: datetime
    data: Any
    job: ExecutedJob
    due_at: datetime
    trace: str | None
    job_trace: str | None


class EndingJob(NamedTuple):
    """The columns of a locked job that decide what follows when an attempt ends."""

    id: UUID
    version: int
    account_id: str
    queue: str
    schedule_kind: str
    schedule: str  # as it is stored
    priority: int
    deadline_at: datetime | None
    deadline_seconds: float | None
    expire: bool
    state: JobState
    next_run_at: datetime | None
    polling_state: dict[str, Any] | None
    polling_version: int
    polls: int
    created_at: datetime
    deleted_at: datetime | None
    reopened_at: datetime | None
    failures_in_row: int
    late_since: datetime | None
    a_run_waits: bool  # for another run of the job to end
    app_name: str
    task_type: str


class EndingRun(NamedTuple):
    """The columns of a locked, running run that decide what follows when its attempt ends."""

    job_id: UUID
    id: UUID
    queue: str
    job_version: int
    scheduled_for: datetime
    failure_count: int
    loss_count: int
    fence: int
    expire: bool
    deadline_at: datetime | None
    deadline_missed_at: datetime | None
    late_at: datetime | None
    cancel_requested_at: datetime | None
    lease_expires_at: datetime
    reports_until: datetime | None
    report_lease_at: datetime | None
    claimable_since: datetime | None  # None for a run that was held
    began_at: datetime | None  # the attempt


@dataclass(frozen=True)
class Locked:
    """Locked jobs and their running runs; a missing job was locked by another transaction, or is gone."""

    jobs: dict[UUID, EndingJob]
    runs: dict[UUID, EndingRun]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A run that may begin, with the data that its limit keys are made of.

    `needs_job` if hosts or keys of data are limited, too: its job and its data determine which of these it has.
    """

    id: UUID
    job_id: UUID
    job_version: int
    queue: str
    app_id: UUID
    app_name: str
    account_id: str
    priority: int
    party: str
    needs_job: bool


Picked = tuple[int, str]
"""The priority and the party for which a run was picked, if several parties shared that priority."""


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms for starting runs: by which worker, when, with which lease and report tokens (in the runs' order)."""

    worker_id: UUID
    now: datetime
    expires_at: datetime
    token_hashes: Sequence[str]


@dataclass(frozen=True, slots=True)
class EndRow:
    """How an attempt ended: the new values of the attempt and of its run, as stored in the database."""

    run_id: UUID
    attempt: Mapping[str, Any]
    changes: Mapping[str, Any]


class JobChange(TypedDict):
    """The changes of a job when attempts at its runs have ended."""

    id: UUID
    failures_in_row: int
    late_since: datetime | None
    polls: int  # how many more
    moves: bool  # whether `polling_state` replaces the newest
    polling_state: str | None
    oldest_kept: int  # of the versions of polling states
    end_reason: str | None


class MaybeOver(TypedDict):
    """A job that ends in `state` if it has nothing left to run."""

    id: UUID
    state: JobState


@dataclass(frozen=True, slots=True)
class EndRows:
    """All consequences of the ends of some attempts."""

    runs: Sequence[EndRow] = ()
    jobs: Sequence[JobChange] = ()
    following: Sequence[Mapping[str, Any]] = ()
    maybe_over: Sequence[MaybeOver] = ()


@dataclass(frozen=True, slots=True)
class KnownApp:
    """The columns of an app that creating a job needs; `hold` is what keeps its runs from being claimed."""

    id: UUID
    name: str
    callback_base_url: str | None
    hold: Hold | None = None
    is_new: bool = False  # still to be stored


@dataclass(frozen=True, slots=True)
class PlannedJob:
    """The columns of a new job that its first runs are planned from."""

    id: UUID
    account_id: str
    queue: str
    priority: int
    catch_up: CatchUp
    catch_up_window_seconds: float
    deadline_at: datetime | None
    deadline_seconds: float | None
    expire: bool
    version: ClassVar[int] = 1


JSON_COLUMNS = frozenset({"metadata", "user_id", "board_id", "data", "schedule", "polling_state"})
"""The columns of `jobs` that hold JSON as text."""


@dataclass(frozen=True, slots=True)
class NewRows:
    """New jobs as columns, their tags by job id, and their first runs as `runs.draft` makes them."""

    jobs: Sequence[Mapping[str, Any]]
    tags: Mapping[UUID, Sequence[str]]
    runs: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Stored:
    """Which new jobs were stored, and whether a limit holds runs of any key."""

    jobs: set[UUID] = field(default_factory=set)
    keys_hold: bool = False
