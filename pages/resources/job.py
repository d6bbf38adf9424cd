"""One job: its schedule in words and instants, its runs, its definition, and what can be done with it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from falcon.asgi import Request, Response

from core.auditing import AuditFilter
from core.listing import NEWEST_FIRST, Stretch
from core.schedules import Polling, Recurring
from core.states import ENDED, JobStatus, RunStatus
from pages import examples, instants_typed, job_form, progress, rights
from pages.asked import Asked
from pages.site import Site, if_allowed
from services.access import audit
from services.access.audit import AuditView
from services.jobs import polling_states
from services.messaging import broker as brokers
from services.reading import calendar, durations, explaining, listing, pausing, records
from services.reading.counting import Counts
from services.reading.explaining import Explanation
from services.reading.views import JobView, LastRun, Occurrence
from services.task_types import registry

COMING = 10
RUNS = 20
ENTRIES = 10
_ENDED = {str(state) for state in ENDED}


@dataclass(frozen=True)
class Coming:
    """A coming occurrence; `clocks` tells where the clocks of the schedule's zone change before it."""

    scheduled_for: datetime
    due_at: datetime
    clocks: str


class JobPage:
    """`/dashboard/jobs/{job_id}`."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._counts = Counts(site.system.clock)

    async def show(self, req: Request, resp: Response, job_id: UUID) -> None:
        """Show a job."""
        await self._site.show(req, resp, "job.html", lambda who: self._load(who, job_id))

    def _load(self, who: Asked, job_id: UUID) -> dict[str, Any]:
        view = records.job(who.principal, job_id)
        cursor = who.params.get("cursor")
        after = self._site.readers.run_list({"cursor": cursor}).stretch.after if cursor else None
        stretch = Stretch(limit=RUNS, after=after)
        page = listing.runs_of_job(who.principal, self._counts, job_id, stretch, but=RunStatus.PENDING)
        following = None if page.last is None else self._site.readers.cursor(page.last, NEWEST_FIRST)
        definition = self._site.readers.job_as_asked(view)
        return {
            "job": view,
            "calls_over_http": registry.queue_of(view.task_type) == brokers.RUNS_HTTP,
            "may": rights.on_job(who.principal, view),
            "job_pause": pausing.of_job(who.principal, job_id) if view.status == JobStatus.PAUSED else None,
            "entries": if_allowed(lambda: _entries(who, job_id)),
            "is_over": str(view.status) in _ENDED,
            "recurs": isinstance(view.schedule, Recurring),
            "is_failed": view.status is JobStatus.FAILED,
            "coming": _coming(view, records.occurrences(who.principal, job_id, COMING)),
            "days": calendar.of_job(who.principal, self._site.system, job_id, who.zone),
            "usual": durations.of_jobs([job_id]).get(job_id),
            "newest_seconds": _seconds(view.last_run, who.now),
            "runs": page.items,
            "count": page.count,
            "paged": cursor is not None,
            "next": following and f"/dashboard/jobs/{job_id}?{urlencode({'cursor': following})}#runs",
            "definition": definition,
            "clone": self._clone(view),
            "written": {
                "YAML": examples.as_yaml(definition),
                "Python": examples.as_python(self._site.system.settings, definition),
            },
            "commands": self._commands(job_id, definition),
            "why": self._why(who, job_id),
            "states": polling_states.history(who.principal, job_id) if isinstance(view.schedule, Polling) else [],
            "progress": next(filter(None, map(progress.of, page.items)), None),
        }

    def _clone(self, view: JobView) -> str | None:
        """The path of a form filled with what a job is; None where its kind of task has no form."""
        if registry.find(view.task_type) is None:
            return f"/dashboard/new?like={view.id}"
        has_form = any(one.key == view.task_type for one in job_form.kinds(self._site.system.settings))
        return f"/dashboard/new?{urlencode({'like': view.id, 'kind': view.task_type})}" if has_form else None

    def _why(self, who: Asked, job_id: UUID) -> Explanation | None:
        """The answer to the question why the job did or did not run at an instant, if that is asked."""
        asked_at = who.params.get("at")
        if not asked_at:
            return None
        at = instants_typed.expected("at", asked_at, who.zone)
        return explaining.explain(who.principal, self._site.system, job_id, at)

    def _commands(self, job_id: UUID, definition: dict[str, Any]) -> dict[str, str]:
        settings, path = self._site.system.settings, f"/api/jobs/{job_id}"
        actions = ("trigger", "pause", "resume", "retry", "cancel")
        return {
            "Read it": examples.get(settings, path),
            "Make another like it": examples.create(settings, definition),
            **{action.capitalize(): examples.post(settings, f"{path}/{action}") for action in actions},
        }


def _entries(who: Asked, job_id: UUID) -> list[AuditView]:
    found, _more = audit.listed(who.principal, AuditFilter(thing="job", thing_id=str(job_id)), None, ENTRIES)
    return found


def _seconds(run: LastRun | None, now: datetime) -> float | None:
    """How long the newest run that has begun took, or has taken up to now."""
    return None if run is None else ((run.finished_at or now) - run.started_at).total_seconds()


def _coming(view: JobView, found: list[Occurrence]) -> list[Coming]:
    """Coming occurrences, marked where the offset of the schedule's zone is another than before."""
    zone = ZoneInfo(getattr(view.schedule, "timezone", "UTC"))
    offsets = [one.scheduled_for.astimezone(zone).utcoffset() or timedelta() for one in found]
    return [
        Coming(one.scheduled_for, one.due_at, _change(before, offset))
        for one, before, offset in zip(found, [*offsets[:1], *offsets], offsets, strict=False)
    ]


def _change(before: timedelta, offset: timedelta) -> str:
    if before == offset:
        return ""
    return f"clocks {'forward' if offset > before else 'back'} before it"
