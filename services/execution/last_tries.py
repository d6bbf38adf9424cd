"""Keep runs apart that may have killed their workers.

When a worker dies, nobody can tell which of its runs killed it. All of them are retried, and may be in one process
again. So a process executes one run at a time of those that are lost for good if another worker is lost with them: then
a job that kills its worker each time fails alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from core.retry import APART_SECONDS, LAST_LOSSES
from models import claims
from models.hot.rows import StartedRun, Terms


def apart(started: Sequence[StartedRun], terms: Terms) -> list[StartedRun]:
    """Put back those of the runs just claimed that must wait for another one in this process. Returns the others."""
    if all(run.attempt_count <= LAST_LOSSES for run in started):
        return list(started)
    on_last_try = claims.often_lost(terms.worker_id, LAST_LOSSES)
    claimed = [run.id for run in started if run.id in on_last_try]
    waiting = claimed if len(claimed) < len(on_last_try) else claimed[1:]
    if waiting:
        claims.put_back(waiting, terms.now + timedelta(seconds=APART_SECONDS))
    return [run for run in started if run.id not in waiting]
