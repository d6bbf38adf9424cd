"""Claim runs: each under its own lease, with all that a handler needs to perform it.

Threads that ask at the same moment share one claim: see `services.execution.engine`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

import structlog

from core.errors import DatabaseUnavailable
from core.token_hashes import hashed
from models import database
from models.hot.rows import ExecutedJob, StartedRun, Terms
from models.pauses import Gate
from services.execution import executed_jobs, last_tries, limits, preparing, report_tokens
from services.execution.rotation import Rotation
from services.execution.work import Work
from services.execution.workers import WorkerIdentity
from services.messaging import broker as brokers
from services.runtime import events
from services.secrets import signers
from services.secrets.signers import Signer
from services.system import System

_MAX_ROUNDS = 10
log = structlog.get_logger()


class Claim(NamedTuple):
    """What was claimed, and whether other runs were held or put back instead, so that it is worth claiming again."""

    works: list[Work]
    set_others_aside: bool


def claim(
    system: System,
    worker: WorkerIdentity,
    queue: str,
    limit: int,
    rotation: Rotation | None = None,
    *,
    is_limited: bool = True,
    unconfirmed: Callable[[list[Work]], object] = lambda _works: None,
) -> list[Work]:
    """Claim the most urgent claimable runs of a queue, at most `limit`, each under its own lease.

    If `is_limited` is false, the queue has no limits, so none are looked up. Without a rotation, parties share the
    threads as if this were the first claim. `unconfirmed` is called with what may be claimed without being returned, as
    the commit was not confirmed.
    """
    rotation = rotation or Rotation()
    taken: list[Work] = []
    for _ in range(_MAX_ROUNDS):
        claimed: list[Work] = []
        try:
            with system.transaction(Gate.UNUSED):
                claimed, set_others_aside = _claim_once(
                    system, worker, queue, limit - len(taken), rotation, is_limited=is_limited
                )
        except Exception as error:
            unconfirmed(claimed)  # empty unless this was the commit
            if not taken:
                raise
            if not isinstance(error, DatabaseUnavailable):
                log.exception("claim_ended_early", queue=queue)
            break  # those taken are under way from now on, whatever became of the others
        taken += claimed
        if not set_others_aside or len(taken) == limit:
            break
    return taken


def claim_within(system: System, worker: WorkerIdentity, queue: str, limit: int, rotation: Rotation) -> Claim:
    """Claim the most urgent runs of a queue without limits, within the caller's transaction; waits for no lock."""
    return _claim_once(system, worker, queue, limit, rotation, is_limited=False)


def _claim_once(
    system: System, worker: WorkerIdentity, queue: str, limit: int, rotation: Rotation, *, is_limited: bool
) -> Claim:
    monotonic = system.clock.monotonic()  # taken before the lease begins, so that the worker never overestimates it
    tokens = [report_tokens.new() for _ in range(limit)]
    terms = _terms(system, worker, tokens, system.clock.now())
    if is_limited:
        claimed = limits.claim(system, queue, limit, terms, rotation)
    else:
        claimed = limits.claim_freely(queue, limit, terms, rotation)
    runs = last_tries.apart(claimed.runs, terms)
    begun = executed_jobs.begun(runs)
    executed = [(run, begun.get(run.id, run.job)) for run in runs]
    is_signed = queue == brokers.RUNS_HTTP
    of_apps = signers.of_apps(system, {job.app_id for _, job in executed}) if is_signed else {}
    works = [
        _work(
            system,
            run,
            job,
            claimed_monotonic=monotonic,
            report_token=tokens[run.place],
            signer=of_apps[job.app_id] if is_signed else signers.NOBODY,
            places=claimed.places.get(run.id, ()),
        )
        for run, job in executed
    ]
    seconds = system.clock.monotonic() - monotonic
    database.after_commit(partial(events.emit, "runs.claimed", count=len(works), seconds=seconds))
    return Claim(works, claimed.held_others or len(runs) < len(claimed.runs))


def _terms(system: System, worker: WorkerIdentity, tokens: Sequence[str], now: datetime) -> Terms:
    until = now + timedelta(seconds=system.settings.lease_seconds)
    return Terms(worker.id, now, until, [hashed(token) for token in tokens])


def _work(
    system: System,
    run: StartedRun,
    job: ExecutedJob,
    *,
    claimed_monotonic: float,
    report_token: str,
    signer: Signer,
    places: tuple[str, ...],
) -> Work:
    data = job.data if run.data is None else run.data
    prepared = preparing.prepare(system, run, job, data)
    return Work(
        run_id=run.id,
        job_id=run.job_id,
        attempt=run.attempt_count,
        fence=run.fence,
        scheduled_for=run.scheduled_for,
        task_type=job.task_type,
        target=prepared.target,
        board_id=job.board_id,
        data=data,
        policy=prepared.policy,
        time_limit_seconds=prepared.time_limit_seconds,
        polling_state=job.polling_state,
        polling_version=job.polling_version,
        app_id=job.app_id,
        due_at=run.due_at,
        trace=prepared.trace,
        job_trace=prepared.job_trace,
        carried=prepared.carried,
        claimed_monotonic=claimed_monotonic,
        report_token=report_token,
        signer=signer,
        places=places,
        fault=prepared.fault,
    )
