"""Which pauses of the job, its app or everything keep runs from starting, now or at a past instant.

Everybody who sees a job may know that it is paused and until when. Who paused its app, and why, is only shown to those
who may see the app; who paused everything, and why, to administrators.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.pauses import Paused
from core.principals import Principal
from core.scopes import Scope
from core.states import JobState, JobStatus
from models import database, jobs, pause_ends, pauses
from models.tables import App
from services.access import visible_apps
from services.reading import visibility
from services.reading.pauses import latest_pauses
from services.reading.pauses.latest_pauses import PauseView
from services.reading.views import JobView

_OVER = (JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED)


@dataclass(frozen=True)
class PauseInForce:
    """A pause that keeps runs from starting.

    `since` is None if it is not on record, `until` if the pause has no end. `by` is None if nobody requested the pause,
    or the reader may not know who did. `app_id` and `app_name` are those of a paused app; `is_seen` is whether the
    reader may see that app.
    """

    paused: Paused
    since: datetime | None = None
    until: datetime | None = None
    by: PauseView | None = None
    app_id: UUID | None = None
    app_name: str | None = None
    is_seen: bool = True

    @property
    def subject(self) -> str:
        """Returns what is paused, in words."""
        match self.paused:
            case Paused.JOB:
                return "the job"
            case Paused.APP:
                return f"the app {self.app_name}"
            case Paused.EVERYTHING:
                return "everything"


@dataclass(frozen=True)
class PausedApps:
    """The most recently paused apps, and how many are paused in total."""

    newest: Sequence[PauseInForce] = ()
    count: int = 0


NO_APPS = PausedApps()


def of_job(principal: Principal, job_id: UUID) -> list[PauseInForce]:
    """Returns the pauses that keep a job's runs from starting: its own, its app's and that of everything.

    Raises `NotFound`.
    """
    with database.reading():
        job = visibility.expected(principal, jobs.by_id(job_id), job_id)
        found = [_of_job(principal, job.id)] if job.state is JobState.PAUSED else []
        found += _of_apps(principal, pauses.paused_apps([job.app_id]))
        of_all = of_everything(principal)
        return found if of_all is None else [*found, of_all]


def of_everything(principal: Principal) -> PauseInForce | None:
    """Returns the pause of everything: since and until when; by whom and why only for administrators."""
    with database.reading():
        since = pauses.everything_paused_at()
        if since is None:
            return None
        until = pause_ends.of([pause_ends.EVERYTHING]).get(pause_ends.EVERYTHING)
        by = latest_pauses.of_everything(principal) if principal.sees_all else None
        return PauseInForce(Paused.EVERYTHING, since, until, by)


def widest(views: Sequence[JobView]) -> dict[UUID, Paused]:
    """Returns the jobs that are paused with their app or with everything, each with the wider of the two pauses.

    The caller has already checked that the principal may see these jobs. Ended jobs are left out, since they start no
    runs.
    """
    with database.reading():
        is_all = pauses.everything_paused_at() is not None
        of_apps = {app.id for app in pauses.paused_apps({job.app_id for job in views})}
    going = [job for job in views if job.status not in _OVER]
    return {job.id: Paused.EVERYTHING if is_all else Paused.APP for job in going if is_all or job.app_id in of_apps}


def of_apps(principal: Principal, most: int) -> PausedApps:
    """Returns the pauses of those apps in which the principal may have jobs."""
    with database.reading():
        seen = [app for app in pauses.paused_apps(None) if visible_apps.may_have_jobs(principal, app.name)]
        return PausedApps(_of_apps(principal, seen[:most]), len(seen))


def _of_job(principal: Principal, job_id: UUID) -> PauseInForce:
    by = latest_pauses.of_job(principal, job_id)
    until = pause_ends.of([job_id]).get(job_id)
    return PauseInForce(Paused.JOB, None if by is None else by.at, until, by)


def _of_apps(principal: Principal, paused: Sequence[App]) -> list[PauseInForce]:
    seen = {app.id: visible_apps.may(principal, app.id, Scope.READ) for app in paused}
    by = latest_pauses.of_apps(principal, [app.name for app in paused if seen[app.id]])
    ends = pause_ends.of(seen.keys())
    return [
        PauseInForce(Paused.APP, app.paused_at, ends.get(app.id), by.get(app.name), app.id, app.name, seen[app.id])
        for app in paused
    ]
