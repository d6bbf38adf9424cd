"""All that the checker judges: the journal, and what the database holds at the end and has held in between."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from bench.chaos.journal import Call, Journal

TERMINAL = frozenset({"completed", "failed", "cancelled", "skipped", "missed"})


@dataclass(frozen=True)
class JobRow:
    """A job as it is at the end."""

    id: str
    number: int | None
    account: str
    task_type: str
    state: str
    schedule: dict[str, Any]
    overlap: str
    created: float
    deleted: bool = False
    recipient: str | None = None  # of a letter


@dataclass(frozen=True)
class RunRow:
    """A run as it is at the end."""

    id: str
    job_id: str
    trigger: str
    status: str
    scheduled_for: float
    due: float
    created: float
    started: float | None = None
    finished: float | None = None
    reason: str | None = None
    occurrences: int = 1
    attempt_count: int = 0
    fence: int = 0
    has_lease: bool = False
    was_held: bool = False


@dataclass(frozen=True)
class AttemptRow:
    """An attempt as it is at the end; `answered_for` is the attempt that its recorded answer names."""

    run_id: str
    number: int
    fence: int
    started: float
    finished: float | None = None
    outcome: str | None = None
    answered_for: int | None = None


@dataclass(frozen=True)
class Step:
    """One change of a run, in the order of changes of that run; `is_cancelled` if a cancel had been stored before."""

    run_id: str
    before: str
    after: str
    fence_before: int
    fence_after: int
    attempts_before: int
    attempts_after: int
    is_cancelled: bool = False


@dataclass(frozen=True)
class Evidence:
    """The whole evidence of one run."""

    journal: Journal
    lease_seconds: float
    fewest_calm: int = 0  # runs of small tenants that must have fallen due outside outages, so that they can be judged
    jobs: tuple[JobRow, ...] = ()
    runs: tuple[RunRow, ...] = ()
    attempts: tuple[AttemptRow, ...] = ()
    steps: tuple[Step, ...] = ()
    polling_versions: tuple[tuple[str, int, int], ...] = ()  # job, before, after
    queues: dict[str, int] = field(default_factory=dict)  # messages that are left, by queue
    downloads: dict[str, bytes] = field(default_factory=dict)

    @cached_property
    def calls_of(self) -> dict[str, list[Call]]:
        """The calls of each run, in the order of their beginning."""
        return _grouped(sorted(self.journal.calls, key=lambda call: call.started), "run_id")

    @cached_property
    def runs_of(self) -> dict[str, list[RunRow]]:
        """The runs of each job, in the order of their instants."""
        return _grouped(sorted(self.runs, key=lambda run: run.scheduled_for), "job_id")

    @cached_property
    def attempts_of(self) -> dict[str, list[AttemptRow]]:
        """The attempts at each run, in order."""
        return _grouped(sorted(self.attempts, key=lambda one: one.number), "run_id")

    @cached_property
    def job(self) -> dict[str, JobRow]:
        """The jobs by id."""
        return {job.id: job for job in self.jobs}


def _grouped(rows: list[Any], name: str) -> dict[str, list[Any]]:
    groups: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        groups[getattr(row, name)].append(row)
    return groups
