"""One job: its schedule in words and instants, its runs, its definition, and what can be done with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from falcon.asgi import Request, Response

from core import forecasts
from core.auditing import AuditFilter
from core.errors import NotFound
from core.forecasts import Point
from core.listing import NEWEST_FIRST, Stretch
from core.schedules import Polling, Recurring
from core.states import ENDED, REPLAYABLE, JobStatus, RunStatus
from pages import clocks, examples, instants_typed, job_form, job_troubles, policy_words, progress, rights, run_rows
from pages.page_request import Asked
from pages.resources import backfill
from pages.resources.audit import rows_of
from pages.site import Site, if_allowed
from services.access import audit
from services.access.audit import AuditView
from services.files import uploads
from services.files.uploads import UploadView
from services.jobs import polling_states
from services.jobs.polling_states import PollingStateView
from services.messaging import broker as brokers
from services.reading import listing, records
from services.reading.explaining import explanations
from services.reading.explaining.explanations import Explanation
from services.reading.failures import replays
from services.reading.occurrences import calendar, past_occurrences
from services.reading.pauses import latest_pauses, pauses_in_force
from services.reading.statistics import durations
from services.reading.statistics.run_times import RunTimes
from services.reading.views import JobView, LastRun, Occurrence, Page, RunView
from services.task_types import registry, upload_file

COMING, PAST = 10, 100
RUNS = 20
ENTRIES = 10
_LABELS = {"retry": "Replay"}
_POLLS = (JobStatus.PENDING, JobStatus.QUEUED, JobStatus.RUNNING)
_GOING = (RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.RETRYING)
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

    async def show(self, req: Request, resp: Response, job_id: UUID) -> None:
        """Show a job."""
        await self._site.show(req, resp, "job.html", lambda who: self.load(who, job_id))

    async def download(self, req: Request, resp: Response, job_id: UUID) -> None:
        """Lead to the job's file."""
        await self._site.lead_away(
            req, resp, lambda who: uploads.download_url(who.principal, self._site.system, job_id)
        )

    def load(self, who: Asked, job_id: UUID) -> dict[str, Any]:
        """Returns what the page shows of a job."""
        view = records.job(who.principal, job_id)
        return {
            **self._about(who, view),
            **self._schedule(who, view),
            **self._runs(who, view),
            **self._as_code(view),
        }

    def _about(self, who: Asked, view: JobView) -> dict[str, Any]:
        """What the job is, what keeps it from starting, what the reader may do with it, and who changed what."""
        is_over = str(view.status) in _ENDED
        is_paused = view.status == JobStatus.PAUSED
        return {
            "job": view,
            "calls_over_http": registry.queue_of(view.task_type) == brokers.RUNS_HTTP,
            "may": rights.on_job(who.principal, view),
            "file": _file(view),
            "job_pause": latest_pauses.of_job(who.principal, view.id) if is_paused else None,
            "holding": [] if is_over else pauses_in_force.of_job(who.principal, view.id),
            "may_resume_app": rights.on_app(who.principal, view.app_id).operate,
            "is_over": is_over,
            "is_failed": view.status is JobStatus.FAILED,
            "rows": if_allowed(lambda: rows_of(_entries(who, view.id))),
            "entry_links": self._site.entry_links(who),
        }

    def _schedule(self, who: Asked, view: JobView) -> dict[str, Any]:
        """When it ran and will run, the answer to why it did or did not, and the states of its polling."""
        principal, system = who.principal, self._site.system
        why = self._why(who, view)
        return {
            "recurs": isinstance(view.schedule, Recurring),
            "has_several_runs": isinstance(view.schedule, (Recurring, Polling)),
            "zone": clocks.of_job(view) or who.zone,
            "clock": _clock(who, view),
            "coming": _coming(view, records.occurrences(principal, view.id, COMING)),
            "days": calendar.of_job(principal, system, view.id, who.zone),
            "past": past_occurrences.newest(principal, system, view.id, PAST),
            "why": why,
            "backfill": backfill.path_for(view, rights.on_job(principal, view), why),
            "states": _states(who, view),
        }

    def _runs(self, who: Asked, view: JobView) -> dict[str, Any]:
        """A page of its runs, and what the runs on it say: durations, troubles, progress."""
        cursor = who.params.get("cursor")
        page, following = self._page_of_runs(who, view.id, cursor)
        beside = run_rows.beside(self._site.system, who.now, page.items)
        return {
            **beside,
            "usual": durations.of_job(who.principal, view.id),
            "newest_seconds": _seconds(view.last_run, page.items, beside["times"]),
            "troubles": job_troubles.of(who, self._site.failing_hosts, view, page.items, beside["next_calls"]),
            "runs": _latest_first(page.items),
            "going": next((run for run in page.items if run.status in _GOING), None),
            "replays": replays.of_runs(who.principal, [run.id for run in page.items if run.status in REPLAYABLE]),
            "count": page.count,
            "paged": cursor is not None,
            "next": following and f"/dashboard/jobs/{view.id}?{urlencode({'cursor': following})}#runs",
            "asked_at": _asked_at(who, view, page.items),
            "progress": next(filter(None, map(progress.of, page.items)), None),
            "done_at": _done_at(view, page.items, who.now) if cursor is None else None,
        }

    def _page_of_runs(self, who: Asked, job_id: UUID, cursor: str | None) -> tuple[Page, str | None]:
        """Returns a page of the runs that were not only planned, and the cursor of the page after it."""
        asked_for = self._site.readers.run_list({"job_id": str(job_id), **({"cursor": cursor} if cursor else {})})
        stretch = Stretch(limit=RUNS, after=asked_for.stretch.after)
        page = listing.runs_of_job(who.principal, self._site.counts, job_id, stretch, but=RunStatus.PENDING)
        return page, None if page.last is None else self._site.readers.cursor(page.last, NEWEST_FIRST, asked_for.of)

    def _as_code(self, view: JobView) -> dict[str, Any]:
        """The definition as programs and files have it, the form that makes another, and the commands of a shell."""
        definition = self._site.readers.job_as_asked(view)
        return {
            "definition": definition,
            "policies": policy_words.unusual(view),
            "clone": self._clone(view),
            "written": {
                "YAML": examples.as_yaml(definition),
                "Python": examples.as_python(self._site.system.settings, definition),
            },
            "commands": self._commands(view, definition),
        }

    def _clone(self, view: JobView) -> str | None:
        """The path of a form filled with what a job is; None where its kind of task has no form."""
        if registry.find(view.task_type) is None:
            return f"/dashboard/new?like={view.id}"
        has_form = any(one.key == view.task_type for one in job_form.kinds(self._site.system.settings))
        return f"/dashboard/new?{urlencode({'like': view.id, 'kind': view.task_type})}" if has_form else None

    def _why(self, who: Asked, view: JobView) -> Explanation | None:
        """The answer to the question why the job did or did not run at an instant, if that is asked."""
        asked_at = who.params.get("at")
        if not asked_at:
            return None
        at = instants_typed.expected("at", asked_at, _clock(who, view))
        return explanations.explain(who.principal, self._site.system, view.id, at)

    def _commands(self, view: JobView, definition: dict[str, Any]) -> dict[str, str]:
        settings, path = self._site.system.settings, f"/api/jobs/{view.id}"
        of_failed = ("retry",) if view.status is JobStatus.FAILED else ()
        actions = of_failed if str(view.status) in _ENDED else ("trigger", "pause", "resume", "cancel")
        return {
            "Read it": examples.get(settings, path),
            "Make another like it": examples.create(settings, definition),
            **{_LABELS.get(one, one.capitalize()): examples.post(settings, f"{path}/{one}") for one in actions},
        }


def _file(view: JobView) -> UploadView | None:
    """Returns the file that a job is about, if it has one that is stored."""
    if view.task_type != upload_file.KEY:
        return None
    try:
        found = uploads.of_job(view.id)
    except NotFound:
        return None
    return found if found.is_stored else None


def _latest_first(runs: Sequence[RunView]) -> list[RunView]:
    """Returns the runs of a page in the order of the instants that are shown of them; a replay is for an old one."""
    return sorted(runs, key=lambda run: (run.scheduled_for, run.id), reverse=True)


def _done_at(view: JobView, newest: Sequence[RunView], now: datetime) -> datetime | None:
    """Returns when a job that polls is done, at the pace of the progress that its newest polls reported."""
    if not isinstance(view.schedule, Polling) or view.status not in _POLLS:
        return None
    told = [(run.finished_at, progress.of(run)) for run in reversed(newest) if run.status is RunStatus.COMPLETED]
    points = [Point(at, shown.share) for at, shown in told if at is not None and shown is not None]
    return forecasts.done_at(points, now)


def _states(who: Asked, view: JobView) -> list[PollingStateView]:
    polls = isinstance(view.schedule, Polling)
    return polling_states.history(who.principal, view.id).states if polls else []


def _entries(who: Asked, job_id: UUID) -> list[AuditView]:
    found, _more = audit.listed(who.principal, AuditFilter(thing="job", thing_id=str(job_id)), None, ENTRIES)
    return found


def _seconds(last: LastRun | None, newest: Sequence[RunView], times: Mapping[UUID, RunTimes]) -> float | None:
    """Returns how long the newest run that has begun took, or has taken up to now, if it is among these."""
    found = (run for run in newest if last is not None and run.started_at == last.started_at)
    run = next(found, None)
    return None if run is None else times[run.id].took_seconds


def _clock(who: Asked, view: JobView) -> ZoneInfo:
    """Returns the zone on whose clocks an instant is asked about: the schedule's, unless the reader chooses theirs."""
    return who.zone if who.params.get("clock") == "mine" else clocks.of_job(view) or who.zone


def _asked_at(who: Asked, view: JobView, newest: Sequence[RunView]) -> str:
    """Returns the instant in the field that asks why: the one asked about, else that of the newest run."""
    asked_at = who.params.get("at")
    latest = max((run.scheduled_for for run in newest), default=None)
    at = instants_typed.expected("at", asked_at, _clock(who, view)) if asked_at else latest
    return "" if at is None else instants_typed.shown(at, _clock(who, view))


def _coming(view: JobView, found: list[Occurrence]) -> list[Coming]:
    """Coming occurrences, marked where the offset of the schedule's zone is another than before."""
    zone = clocks.of_job(view) or ZoneInfo("UTC")
    offsets = [one.scheduled_for.astimezone(zone).utcoffset() or timedelta() for one in found]
    return [
        Coming(one.scheduled_for, one.due_at, _change(before, offset))
        for one, before, offset in zip(found, [*offsets[:1], *offsets], offsets, strict=False)
    ]


def _change(before: timedelta, offset: timedelta) -> str:
    if before == offset:
        return ""
    return f"clocks {'forward' if offset > before else 'back'} before it"
