"""For how long a run usually keeps a thread: measured by job and by kind, a few jobs at each look, and kept.

A run whose receiver answers 202 and reports later keeps none while it is waited for.
"""

from __future__ import annotations

from collections.abc import Collection
from itertools import islice
from typing import TypeVar
from uuid import UUID

from core.figures import percentile
from models import thread_times
from models.upcoming import ComingJob
from services.runtime.clock import Clock

UNKNOWN_SECONDS = 1.0
MAX_MEASURED = 100  # jobs at each look
KEPT_SECONDS = 600.0
_MAX_RUNS = 20
_MAX_ENDED = 1_000
_MAX_KEPT = 20_000
_MIDDLE = 0.5

Key = TypeVar("Key")
Value = TypeVar("Value")


class ThreadTimes:
    """What one process has measured."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._jobs: dict[UUID, tuple[float, float | None]] = {}  # with when it was measured
        self._kinds: dict[tuple[str, str], float] = {}

    def look(self, jobs: Collection[ComingJob]) -> None:
        """Measure those of the jobs that are not known yet, then those measured long ago, at most 100.

        Called while the database is read.
        """
        for kind in thread_times.of_kinds(_MAX_ENDED):
            _keep(self._kinds, (kind.app_name, kind.task_type), kind.seconds)
        now = self._clock.monotonic()
        begun = [one.id for one in jobs if one.runs_started > 0]
        new = (job_id for job_id in begun if job_id not in self._jobs)
        old = (job_id for job_id in begun if job_id in self._jobs and now - self._jobs[job_id][0] >= KEPT_SECONDS)
        measured = [*islice(new, MAX_MEASURED)]
        measured += islice(old, MAX_MEASURED - len(measured))
        found: dict[UUID, list[float]] = {}
        for job_id, seconds in thread_times.of_jobs(measured, _MAX_RUNS):
            found.setdefault(job_id, []).append(seconds)
        for job_id in measured:
            _keep(self._jobs, job_id, (now, percentile(found.get(job_id, ()), _MIDDLE)))

    def of(self, job: ComingJob) -> float:
        """Returns the median of the job's newest 20 ended runs; if it has none, or was not measured yet, an estimate.

        That is the average of its app and task type lately, or a second.
        """
        _, own = self._jobs.get(job.id, (0.0, None))
        return self._kinds.get((job.app_name, job.task_type), UNKNOWN_SECONDS) if own is None else own


def _keep(kept: dict[Key, Value], key: Key, value: Value) -> None:
    """Keep a value as the newest, and drop the oldest if there are too many."""
    kept.pop(key, None)
    kept[key] = value
    if len(kept) > _MAX_KEPT:
        del kept[next(iter(kept))]
