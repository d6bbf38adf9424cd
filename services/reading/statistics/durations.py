"""The usual duration of jobs' runs, which distinguishes a slow run from one that is just long.

A run took what the attempt took that ended it: what earlier ones took, and the waits between, says nothing of the work.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from uuid import UUID

from core import usual
from core.principals import Principal
from core.usual import Taken, Usual
from models import durations as stored


def of_job(principal: Principal, job_id: UUID) -> Usual | None:
    """Returns the usual duration of a job, as `of_jobs`; None if too few of its runs have completed."""
    return of_jobs(principal, [job_id]).get(job_id)


def of_jobs(principal: Principal, job_ids: Collection[UUID]) -> Mapping[UUID, Usual]:
    """Returns the usual duration of each job, from its newest 120 completed runs; jobs with too few are left out.

    The caller has already checked that the principal may see these jobs.
    """
    most, looked_through = stored.MAX_COMPLETED, stored.MAX_LOOKED_THROUGH
    found = stored.newest(list(job_ids), most, looked_through, principal.account_id)
    taken: dict[UUID, list[Taken]] = {}
    for one in found:
        taken.setdefault(one.job_id, []).append(
            Taken(one.started_at, (one.finished_at - one.started_at).total_seconds())
        )
    known = {job_id: usual.of(seconds) for job_id, seconds in taken.items()}
    return {job_id: one for job_id, one in known.items() if one is not None}
