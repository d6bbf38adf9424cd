"""The jobs that runs execute, each in the version from which its run was made: no edit changes a run under way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import structlog

from models import jobs, versions
from models.hot.rows import Candidate, EndingRun, ExecutedJob, StartedRun
from models.tables import Job
from services.jobs import definition as definitions
from services.scheduling import stored_schedule

log = structlog.get_logger()


def begun(started: Sequence[StartedRun]) -> dict[UUID, ExecutedJob]:
    """Returns, for those of these runs that began under an earlier version of their job, the job in that version.

    An edit moves the runs that have not begun to the new version, under their locks. So a run that was just started
    has another version than its job only if it began earlier, or if the edit came after the claim; either way, the
    edit stored the run's version. The job must be read before the versions.
    """
    behind = [run for run in started if run.job_version != run.job.version]
    return to_execute(behind) if behind else {}


def to_execute(runs: Sequence[Candidate | StartedRun | EndingRun]) -> dict[UUID, ExecutedJob]:
    """Returns, for each of these runs, its job in the run's version."""
    current = jobs.to_execute(run.job_id for run in runs)
    behind = {(run.job_id, run.job_version) for run in runs if run.job_version != current[run.job_id].version}
    kept = versions.kept(behind)
    return {run.id: _as_begun(current[run.job_id], kept.get((run.job_id, run.job_version))) for run in runs}


def _as_begun(job: Job, definition: dict[str, Any] | None) -> ExecutedJob:
    if definition is None:
        return versions.executed(job)
    try:
        columns = definitions.columns(definitions.restore(definition))
    except stored_schedule.UNREADABLE:  # one unreadable row must not keep other runs of the queue from being claimed
        log.exception("version_unreadable", job_id=str(job.id))
        return versions.executed(job)
    return versions.executed(versions.as_begun(job, columns))
