"""How a job's runs are retried: by its own policy, else its task type's, else the installation's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from core.retry import MAX_BACKOFF_SECONDS, RetryPolicy
from models.hot.rows import ExecutedJob
from services.system import System


def policy(system: System, job: ExecutedJob) -> RetryPolicy:
    """Returns the retry policy of a job that is executed."""
    sources = (job, job.policy, system.settings)
    return RetryPolicy(
        max_retries=_first(sources, "max_retries"),
        base_seconds=_first(sources, "retry_backoff_base"),
        max_seconds=job.retry_backoff_max or MAX_BACKOFF_SECONDS,
    )


def spread(run_id: UUID) -> float:
    """Returns a number in [0, 1), always the same for a run: the last bits of a UUIDv7 are random."""
    return (run_id.int & 0xFFFF) / 0x10000


def _first(sources: Sequence[Any], name: str) -> Any:
    values = (getattr(source, name) for source in sources)
    return next(value for value in values if value is not None)
