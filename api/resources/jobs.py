"""Jobs: list, see how one is doing, cancel, pause, resume."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from falcon.asgi import Request, Response

from api import access, answers, bodies, keys, lists, validation
from api.answers import Answer
from api.lists import Listed
from api.openapi import documented
from api.schemas.jobs import Job, JobPage, LogEntry, NextOccurrences, Occurrence, StatusOfJob
from api.schemas.paging import CountQuery, JobsQuery
from api.sources import words
from api.sources.typed_jobs import resource as typed_jobs
from api.sources.typed_jobs.schema import AnyNewJob
from api.threads import Threads
from core import schedules
from core.listing import Ordering
from services.reading import listing, records
from services.reading.counting import Counts
from services.reading.views import JobView
from services.system import System


class Jobs:
    """`/api/jobs`."""

    def __init__(self, system: System, threads: Threads, counts: Counts) -> None:
        self._system = system
        self._threads = threads
        self._counts = counts

    @documented("listJobs", "jobs", {200: JobPage}, query=JobsQuery, problems=(404,))
    async def on_get(self, req: Request, resp: Response) -> None:
        """List jobs, newest first unless asked otherwise; by a cursor, or by numbered pages."""
        lists.send(resp, await self._threads.run(self._list, req))

    @documented("createAnyJob", "jobs", {201: Job}, body=AnyNewJob, problems=(403, 404), takes_key=True)
    async def on_post(self, req: Request, resp: Response) -> None:
        """Create a job, in our spelling (`task_type`) or in that of section 001 (`job_type`)."""
        await typed_jobs.create_any(self._system, self._threads, req, resp)

    def _list(self, req: Request) -> Listed:
        query = validation.query(JobsQuery, req.params)
        ordering = Ordering.of(query.ordering)
        page = listing.jobs(access.principal(req), self._counts, query.wanted(), ordering, query.stretch())
        if query.page is None:
            links = lists.by_cursor(req, page.last, ordering)
        else:
            links = lists.by_number(req, query.page, more=page.last is not None)
        results = lists.readable(Job.model_validate, page.items)
        shown = JobPage(count=page.count, next=links.get("next"), previous=links.get("prev"), results=results)
        return lists.listed(shown, links)


class JobStatuses:
    """`/api/jobs/{job_id}/status`."""

    def __init__(self, threads: Threads) -> None:
        self._threads = threads

    @documented("getJobStatus", "jobs", {200: StatusOfJob}, problems=(404,))
    async def on_get(self, _req: Request, resp: Response, job_id: UUID) -> None:
        """See how a job is doing, with the newest 20 events of its life."""
        found = await self._threads.run(records.job_with_log, job_id)
        view = found.job
        status = StatusOfJob(
            job_id=view.id,
            status=words.callback_status(found),
            task_type=view.task_type,
            created_at=view.created_at,
            scheduled_at=_scheduled_at(view),
            logs=[LogEntry.model_validate(entry) for entry in found.entries],
        )
        answers.send(resp, status)


class NextOfJob:
    """`/api/jobs/{job_id}/next`."""

    def __init__(self, threads: Threads) -> None:
        self._threads = threads

    @documented("listNextOccurrences", "jobs", {200: NextOccurrences}, query=CountQuery, problems=(404,))
    async def on_get(self, req: Request, resp: Response, job_id: UUID) -> None:
        """See a job's next occurrences, each with its nominal and its due instant."""
        query = validation.query(CountQuery, req.params)
        found = await self._threads.run(records.occurrences, job_id, query.count)
        answers.send(resp, NextOccurrences(next=[Occurrence.model_validate(one) for one in found]))


class JobAction:
    """`/api/jobs/{job_id}/cancel`, `/pause` and `/resume`."""

    def __init__(self, system: System, threads: Threads, action: Callable[[System, UUID], None]) -> None:
        self._system = system
        self._threads = threads
        self._action = action

    async def _act(self, req: Request, resp: Response, job_id: UUID) -> None:
        content = await bodies.raw(req, self._system.settings.max_body_bytes)
        await keys.answer_once(
            self._system, self._threads, req, resp, content=content, act=lambda: self._changed(job_id)
        )

    def _changed(self, job_id: UUID) -> Answer:
        self._action(self._system, job_id)
        return answers.answer(Job.model_validate(records.job(job_id)))


class Cancel(JobAction):
    """`/api/jobs/{job_id}/cancel`."""

    @documented("cancelJob", "jobs", {200: Job}, problems=(404,), takes_key=True)
    async def on_post(self, req: Request, resp: Response, job_id: UUID) -> None:
        """End a job: what has not started never will, what runs is stopped."""
        await self._act(req, resp, job_id)


class Pause(JobAction):
    """`/api/jobs/{job_id}/pause`."""

    @documented("pauseJob", "jobs", {200: Job}, problems=(404,), takes_key=True)
    async def on_post(self, req: Request, resp: Response, job_id: UUID) -> None:
        """Let nothing of a job start until it is resumed."""
        await self._act(req, resp, job_id)


class Resume(JobAction):
    """`/api/jobs/{job_id}/resume`."""

    @documented("resumeJob", "jobs", {200: Job}, problems=(404,), takes_key=True)
    async def on_post(self, req: Request, resp: Response, job_id: UUID) -> None:
        """Let a paused job go on."""
        await self._act(req, resp, job_id)


def _scheduled_at(view: JobView) -> datetime | None:
    """The next or only instant that the schedule names; None where it names none."""
    match view.schedule:
        case schedules.RunAt():
            return view.schedule.at
        case schedules.DelayFromNow():
            return view.next_run_at or view.created_at + timedelta(seconds=view.schedule.duration_seconds)
        case schedules.Cron() | schedules.Interval():
            return view.next_run_at
        case _:
            return None
