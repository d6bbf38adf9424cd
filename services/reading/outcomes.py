"""How the newest runs of jobs ended: what a list of jobs shows beside each."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.principals import Principal
from core.states import RunStatus
from models import database, outcomes

SHOWN = 20


@dataclass(frozen=True)
class OutcomeView:
    """A run that is over, in short."""

    run_id: UUID
    status: RunStatus
    due_at: datetime


def newest(principal: Principal, job_ids: Collection[UUID]) -> Mapping[UUID, list[OutcomeView]]:
    """Returns the newest 20 ended runs of each job, including skipped and missed ones, oldest first.

    The caller has already checked that the principal may see these jobs.
    """
    with database.reading():
        found = outcomes.newest(list(job_ids), SHOWN, principal.account_id)
    views: dict[UUID, list[OutcomeView]] = {job_id: [] for job_id in job_ids}
    for one in sorted(found, key=lambda outcome: outcome.run_id):
        views[one.job_id].append(OutcomeView(one.run_id, one.status, one.due_at))
    return views
