"""Claim runs: each under a lease of its own, with all that a handler needs to perform it.

Claims that wait at the same moment share a statement: see `services.execution.batching`.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from models import attempts
from models.pauses import Gate
from models.tables import Job, Run
from services.execution import limits, report_tokens
from services.execution.limits import Lease
from services.execution.work import Work
from services.execution.workers import WorkerIdentity
from services.jobs import retry_policy, versions
from services.system import System
from services.task_types import registry

_MOST_LOOKS = 10


def claim(system: System, worker: WorkerIdentity, queue: str, limit: int) -> list[Work]:
    """Take the most urgent claimable runs of a queue, at most so many, each under a lease of its own."""
    taken: list[Work] = []
    for _ in range(_MOST_LOOKS):
        claimed, held_others = _claim(system, worker, queue, limit - len(taken))
        taken += claimed
        if not held_others or len(taken) == limit:
            break
    return taken


def _claim(system: System, worker: WorkerIdentity, queue: str, limit: int) -> tuple[list[Work], bool]:
    """What was claimed in one look; whether the most urgent were held instead, so that another look is due."""
    monotonic = system.clock.monotonic()
    now = system.clock.now()
    lease = Lease(worker.id, now, now + timedelta(seconds=system.settings.lease_seconds))
    with system.transaction(Gate.UNUSED):
        claimed = limits.claim(system, queue, limit, lease)
        if not claimed.runs:
            return [], claimed.held_others
        wanted = versions.to_execute(claimed.runs)
        sent = {run.id: report_tokens.new() for run in claimed.runs}
        counts = limits.rate_of(system.settings, queue) is not None
        opened = {run.id: _opened(run, sent[run.id], wanted[run.id], counts=counts) for run in claimed.runs}
        attempts.open_for(claimed.runs, now, opened)
        works = [_work(system, run, wanted[run.id], monotonic, sent[run.id]) for run in claimed.runs]
    return works, claimed.held_others


def _opened(run: Run, token: str, job: Job, *, counts: bool) -> dict[str, Any]:
    """What an attempt keeps from its beginning: what a report about it needs, and whose permit it takes."""
    account_id = run.account_id if counts else None
    return {"token_hash": report_tokens.digest(token), "polling_version": job.polling_version, "account_id": account_id}


def _work(system: System, run: Run, job: Job, monotonic: float, report_token: str) -> Work:
    polls = job.polling_state is not None
    return Work(
        run_id=run.id,
        job_id=job.id,
        attempt=run.attempt_count,
        fence=run.fence,
        scheduled_for=run.scheduled_for,
        task_type=job.task_type,
        url=_callback_url(system, job),
        board_id=job.board_id,
        data=job.data if run.data is None else run.data,
        policy=retry_policy.policy(system, job),
        time_limit_seconds=job.time_limit_seconds or registry.time_limit(system.settings, job.task_type),
        request=_request(job),
        polling_state=job.polling_state if polls else None,
        polling_version=job.polling_version,
        claimed_monotonic=monotonic,
        report_token=report_token,
    )


def _request(job: Job) -> dict[str, Any] | None:
    """What the app's table maps the task type to; an address of the job's own goes before it."""
    mapped: dict[str, Any] | None = getattr(getattr(job, "policy", None), "request", None)
    return None if job.callback_url is not None else mapped


def _callback_url(system: System, job: Job) -> str | None:
    """Where a job calls back: its own address, else its app's or the installation's base and the task type."""
    if job.callback_url is not None:
        return str(job.callback_url)
    base = job.app.callback_base_url or system.settings.callback_base_url
    return None if base is None else f"{base.rstrip('/')}/internal/jobs/{job.task_type}"
