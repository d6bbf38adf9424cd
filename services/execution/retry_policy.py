"""How a job's runs are retried: by its own policy, else its task type's, else the installation's."""

from __future__ import annotations

from typing import TypeVar
from uuid import UUID

from core.retry import MAX_BACKOFF_SECONDS, RetryPolicy
from models.hot.rows import ExecutedJob
from services.system import System

Number = TypeVar("Number", int, float)


def policy(system: System, job: ExecutedJob) -> RetryPolicy:
    """Returns the retry policy of a job that is executed."""
    of_type, usual = job.policy, system.settings
    return RetryPolicy(
        max_retries=_first(job.max_retries, of_type.max_retries, usual.max_retries),
        base_seconds=_first(job.retry_backoff_base, of_type.retry_backoff_base, usual.retry_backoff_base),
        max_seconds=job.retry_backoff_max or MAX_BACKOFF_SECONDS,
    )


def spread(run_id: UUID) -> float:
    """Returns a number in [0, 1), always the same for a run: the last bits of a UUIDv7 are random."""
    return (run_id.int & 0xFFFF) / 0x10000


def _first(own: Number | None, of_type: Number | None, usual: Number) -> Number:
    if own is not None:
        return own
    return usual if of_type is None else of_type
