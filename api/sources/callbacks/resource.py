"""000: show a job's status."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from falcon.asgi import Request, Response

from api import access, answers
from api.openapi import documented
from api.operations import Required
from api.sources import translating
from api.sources.callbacks import words
from api.sources.callbacks.schema import LogEntry, StatusOfJob
from api.threads import Threads
from core import schedules
from core.scopes import Scope
from services.reading import records
from services.reading.views import JobHead, JobView


class JobStatuses:
    """`/api/jobs/{job_id}/status`."""

    def __init__(self, threads: Threads) -> None:
        self._threads = threads

    @documented("getJobStatus", "jobs", {200: StatusOfJob}, access=Required.JOB, scope=Scope.READ, problems=(404,))
    async def on_get(self, req: Request, resp: Response, job_id: UUID) -> None:
        """Show a job's status, with the newest 20 events of its history."""
        found = await self._threads.run(records.job_with_log, access.principal(req), job_id)
        view = found.job
        status = StatusOfJob(
            job_id=view.id,
            status=words.status_word(found),
            task_type=view.task_type,
            created_at=view.created_at,
            scheduled_at=_scheduled_at(view),
            logs=[LogEntry.model_validate(entry) for entry in found.entries],
        )
        answers.send(resp, status)


def _scheduled_at(view: JobHead | JobView) -> datetime | None:
    """Returns the next or only instant that the schedule names; None if it names none."""
    match view.schedule:
        case schedules.RunAt():
            return view.schedule.at
        case schedules.DelayFromNow():
            return translating.delay_ends_at(view, view.schedule)
        case schedules.Recurring():
            return view.next_run_at
        case _:
            return None
