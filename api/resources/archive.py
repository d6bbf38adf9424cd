"""The archive: the days that it has, the runs of a day, one run.

A run is sent as its line has it, since an earlier release may have stored it.
"""

from __future__ import annotations

from datetime import date
from uuid import UUID

from falcon.asgi import Request, Response

from api import access, answers, lists, validation
from api.answers import Answer
from api.lists import Listed
from api.openapi import documented
from api.operations import Required
from api.schemas.archive import (
    ArchivedDay,
    ArchivedDays,
    ArchivedRun,
    ArchivedRunQuery,
    ArchivedRuns,
    ArchivedRunsQuery,
    ArchiveQuery,
    read_day,
    written,
)
from api.threads import Threads
from core import json_text
from core.errors import InvalidInput
from core.scopes import Scope
from services.archive import reading
from services.system import System

MAX_AT_ONCE = 2  # readers: a bucket that is slow or away holds up nothing else


class Archive:
    """`/api/archive`."""

    def __init__(self, system: System, threads: Threads) -> None:
        self._system = system
        self._threads = threads

    @documented(
        "listArchive",
        "archive",
        {200: ArchivedDays},
        access=Required.ADMINISTRATION,
        scope=Scope.READ,
        query=ArchiveQuery,
    )
    async def on_get(self, req: Request, resp: Response) -> None:
        """List the days (UTC) of which runs are archived, newest first, with how many runs of which apps."""
        lists.send(resp, await self._threads.run(self._list, req))

    def _list(self, req: Request) -> Listed:
        query = validation.query(ArchiveQuery, req.params)
        found, before = reading.days(
            access.principal(req),
            self._system,
            first=query.first_day,
            last=query.last_day,
            app_name=query.app_name,
            limit=query.limit,
        )
        links = lists.by_day(req, before)
        results = [ArchivedDay.model_validate(one) for one in found]
        return lists.listed(ArchivedDays(next=links.get("next"), results=results), links)


class ArchivedRunsOfDay:
    """`/api/archive/{day}`."""

    def __init__(self, system: System, threads: Threads) -> None:
        self._system = system
        self._threads = threads

    @documented(
        "listArchivedRuns",
        "archive",
        {200: ArchivedRuns},
        access=Required.ADMINISTRATION,
        scope=Scope.READ,
        query=ArchivedRunsQuery,
    )
    async def on_get(self, req: Request, resp: Response, day: str) -> None:
        """List the archived runs that ended on a day (UTC), by app, then in the order of their ends."""
        lists.send(resp, await self._threads.run(self._list, req, day))

    def _list(self, req: Request, given_day: str) -> Listed:
        query = validation.query(ArchivedRunsQuery, req.params)
        found, last = reading.runs(
            access.principal(req),
            self._system,
            _day(given_day),
            app_name=query.app_name,
            after=query.after,
            limit=query.limit,
        )
        links = lists.by_name(req, None if last is None else written(last))
        return Listed(json_text.compact({"next": links.get("next"), "results": found}), links)


class OneArchivedRun:
    """`/api/archive/runs/{run_id}`."""

    def __init__(self, system: System, threads: Threads) -> None:
        self._system = system
        self._threads = threads

    @documented(
        "getArchivedRun",
        "archive",
        {200: ArchivedRun},
        access=Required.ADMINISTRATION,
        scope=Scope.READ,
        query=ArchivedRunQuery,
        problems=(404,),
    )
    async def on_get(self, req: Request, resp: Response, run_id: UUID) -> None:
        """Show an archived run. It is searched for from the day it was created, in up to 31 days that have runs."""
        query = validation.query(ArchivedRunQuery, req.params)
        found = await self._threads.run(reading.run, access.principal(req), self._system, run_id, query.since)
        answers.give(resp, Answer(200, json_text.compact(found).decode()))


def _day(given: str) -> date:
    try:
        return read_day(given)
    except ValueError as error:
        raise InvalidInput.at("day", str(error)) from None
