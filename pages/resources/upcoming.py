"""What comes within a day: a strip of its minutes, where jobs meet, and a list; or what comes in one minute."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from falcon.asgi import Request, Response

from core import instants
from core.errors import InvalidInput
from core.filters import JobFilter
from pages import instants_typed
from pages.page_request import Asked
from pages.site import Site
from pages.upcoming import hours, meetings
from services.reading.upcoming import upcoming_runs
from services.reading.upcoming.upcoming_day import DayAhead, DaysAhead

PATH = "/dashboard/upcoming"
LISTED = 100
TODAY, TOMORROW = "today", "tomorrow"
_A_DAY = timedelta(days=1)
_FURTHEST = timedelta(days=400)
_MAX_NAMED = 1_000


class UpcomingPage:
    """`/dashboard/upcoming`."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._days = DaysAhead(site.system)

    async def show(self, req: Request, resp: Response) -> None:
        """Show what comes."""
        await self._site.show(req, resp, "upcoming.html", self._load)

    def _load(self, who: Asked) -> dict[str, Any]:
        app_name = who.params.get("app_name") or None
        day = who.params.get("day", "")
        wanted = JobFilter(app_name=app_name)
        start, end = _span(day, who)
        ahead = self._days.of(who.principal, wanted, start, end)
        known_until = ahead.until or end
        minute = _minute(who)
        first, last = (minute, minute + timedelta(minutes=1)) if minute else (start, end)
        seconds = (last - first - timedelta.resolution).total_seconds()  # what is due at `last` belongs to the next
        listed = wanted if minute else _but_frequent(wanted, ahead)
        coming = upcoming_runs.coming(who.principal, self._site.system, listed, seconds, LISTED, start=first)
        frequent = {one.job.job_id for one in ahead.frequent}
        return {
            "app_name": app_name or "",
            "day": day,
            "days": {"": "24 hours", TODAY: "today", TOMORROW: "tomorrow"},
            "date": start.astimezone(who.zone).date().isoformat(),
            "path": _paths(day, app_name),
            "paused_path": _paused(app_name),
            "minute": minute,
            "coming": coming,
            "listed": LISTED,
            "of_frequent": sum(one.job_id in frequent for one in coming),
            "counted": sum(ahead.minutes.get(first, {}).values()),
            "ahead": ahead,
            "hours": hours(ahead.minutes, start, known_until),
            "meetings": meetings(ahead.minutes, known_until),
        }


def _but_frequent(wanted: JobFilter, ahead: DayAhead) -> JobFilter:
    """Returns a filter for what the list of a day shows: without frequent jobs, which would fill it."""
    if not ahead.frequent or not 0 < len(ahead.jobs) <= _MAX_NAMED:
        return wanted
    return replace(wanted, ids=tuple(ahead.jobs))


def _paths(day: str, app_name: str | None) -> Callable[..., str]:
    """Returns what makes the path of this page with other parameters."""

    def path(*, at: datetime | None = None, day: str = day) -> str:
        given = {"day": day, "app_name": app_name, "minute": None if at is None else instants.shown(at)}
        params = {name: value for name, value in given.items() if value}
        return f"{PATH}?{urlencode(params)}" if params else PATH

    return path


def _paused(app_name: str | None) -> str:
    """Returns the path of the list of paused jobs, which this page leaves out."""
    return f"/dashboard/jobs?{urlencode({'paused': 'true', **({'app_name': app_name} if app_name else {})})}"


def _minute(who: Asked) -> datetime | None:
    typed = who.params.get("minute")
    if not typed:
        return None
    at = instants_typed.expected("minute", typed, who.zone)
    if abs(at - who.now) > _FURTHEST:
        raise InvalidInput.at("minute", f"must be at most {_FURTHEST.days} days away.")
    return at.replace(second=0, microsecond=0)


def _span(day: str, who: Asked) -> tuple[datetime, datetime]:
    """Returns from when to when a day lasts on the reader's clocks, from now on; without one, the coming 24 hours."""
    if not day:
        return who.now, who.now + _A_DAY
    today = who.now.astimezone(who.zone).date()
    wanted = {TODAY: today, TOMORROW: today + _A_DAY}.get(day) or _date(day)
    if not today <= wanted <= today + _FURTHEST:
        raise InvalidInput.at("day", f"must be from today to {_FURTHEST.days} days ahead.")
    start, end = (datetime.combine(one, time(), who.zone).astimezone(UTC) for one in (wanted, wanted + _A_DAY))
    return max(start, who.now), end


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidInput.at("day", f"{text!a} is no date; write for example 2026-03-01.") from None
