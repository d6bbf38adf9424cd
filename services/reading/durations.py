"""How long the runs of jobs usually take: what tells a slow one from one that is just long."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from uuid import UUID

from core import usual
from core.usual import Usual
from models import database, outcomes

MOST_COMPLETED = 20
MOST_LOOKED_THROUGH = 200


def of_jobs(job_ids: Collection[UUID]) -> Mapping[UUID, Usual]:
    """Returns how long the newest completed runs of each job took; a job with too few of them is left out.

    The jobs are those that the caller has shown to somebody before: who may see them is not asked again.
    """
    with database.reading():
        found = outcomes.durations(list(job_ids), MOST_COMPLETED, MOST_LOOKED_THROUGH)
    taken: dict[UUID, list[float]] = {}
    for one in found:
        taken.setdefault(one.job_id, []).append((one.finished_at - one.started_at).total_seconds())
    known = {job_id: usual.of(seconds) for job_id, seconds in taken.items()}
    return {job_id: one for job_id, one in known.items() if one is not None}
