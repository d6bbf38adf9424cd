"""A job's last days, and its newest occurrences one by one."""

from __future__ import annotations

from uuid import UUID
from zoneinfo import ZoneInfo

from falcon.asgi import Request, Response

from api import access, answers, validation
from api.openapi import documented
from api.operations import Required
from api.schemas.calendar import (
    Calendar,
    CalendarQuery,
    DayOfJob,
    OccurrencesQuery,
    PastOccurrence,
    PastOccurrences,
)
from api.threads import Threads
from core.scopes import Scope
from services.reading.occurrences import calendar, past_occurrences
from services.system import System


class CalendarOfJob:
    """`/api/jobs/{job_id}/calendar`."""

    def __init__(self, system: System, threads: Threads) -> None:
        self._system = system
        self._threads = threads

    @documented(
        "getCalendar",
        "jobs",
        {200: Calendar},
        access=Required.JOB,
        scope=Scope.READ,
        query=CalendarQuery,
        problems=(404,),
    )
    async def on_get(self, req: Request, resp: Response, job_id: UUID) -> None:
        """Show how a job's occurrences went on each of its last days, today last, over its newest 20,000 runs."""
        query = validation.query(CalendarQuery, req.params)
        zone = ZoneInfo(query.timezone)
        principal = access.principal(req)
        found = await self._threads.run(calendar.of_job, principal, self._system, job_id, zone, query.days)
        answers.send(resp, Calendar(results=[DayOfJob.model_validate(one) for one in found]))


class OccurrencesOfJob:
    """`/api/jobs/{job_id}/occurrences`."""

    def __init__(self, system: System, threads: Threads) -> None:
        self._system = system
        self._threads = threads

    @documented(
        "listPastOccurrences",
        "jobs",
        {200: PastOccurrences},
        access=Required.JOB,
        scope=Scope.READ,
        query=OccurrencesQuery,
        problems=(404,),
    )
    async def on_get(self, req: Request, resp: Response, job_id: UUID) -> None:
        """List the newest occurrences of a job that have come, and what became of each; `why` answers for one."""
        query = validation.query(OccurrencesQuery, req.params)
        principal = access.principal(req)
        found = await self._threads.run(past_occurrences.newest, principal, self._system, job_id, query.limit)
        answers.send(resp, PastOccurrences(results=[PastOccurrence.model_validate(one) for one in found]))
