"""Keep runs apart that may have killed their workers.

When a worker dies, nobody can tell which of its runs killed it. All of them are retried, and may be in one process
again. So a process executes one at a time of those that are lost for good if another worker dies with them: then a job
that kills its worker each time fails alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter
from uuid import UUID

from core.retry import APART_SECONDS, LAST_LOSSES
from models import claims
from models.claims import Loss
from models.hot.rows import StartedRun, Terms
from services.execution.putting_back import put_back


def apart(started: Sequence[StartedRun], terms: Terms) -> list[StartedRun]:
    """Put back those of the runs just claimed that must wait for another one in this process. Returns the others."""
    if all(run.attempt_count <= LAST_LOSSES for run in started):
        return list(started)
    suspected = _suspected(terms)
    claimed = [run.id for run in started if run.id in suspected]
    waiting = claimed if len(claimed) < len(suspected) else claimed[1:]
    put_back(waiting, APART_SECONDS, terms.now)
    return [run for run in started if run.id not in waiting]


def _suspected(terms: Terms) -> set[UUID]:
    """Returns the runs in this process that may kill it as they may have killed others before."""
    found = sorted(claims.losses(terms.worker_id, LAST_LOSSES), key=attrgetter("run_id"))
    by_run = ((run_id, list(losses)) for run_id, losses in groupby(found, attrgetter("run_id")))
    return {run_id for run_id, losses in by_run if _may_kill(losses, terms.now)}


def _may_kill(losses: Sequence[Loss], now: datetime) -> bool:
    """Whether a run may kill its worker.

    That is so if `LAST_LOSSES` workers died during its attempts, and the present attempt has not outlasted the longest
    of those. A worker that lives has beaten since it lost the run: it was frozen, or the database was away.
    """
    deaths = [one for one in losses if one.beat_at is None or one.beat_at < one.lost_at]
    longest = max((one.lost_at - one.began_at for one in deaths), default=timedelta())
    return len(deaths) >= LAST_LOSSES and now - losses[0].claimed_at <= longest
