"""The overview: a verdict, charts of what was and comes or one's own figures, what runs, failed, comes, all parts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from falcon.asgi import Request, Response

from core.errors import InvalidInput
from core.figures import whole_minute
from core.filters import JobFilter, RunFilter
from core.listing import Stretch
from core.principals import Principal
from core.states import RunStatus
from pages import own_figures, progress, verdict
from pages.own_figures import OwnFigures
from pages.page_request import Asked
from pages.series import RANGES, Range, series
from pages.site import Site, if_allowed
from pages.verdict import Facts
from services.reading import listing, visibility, waiting
from services.reading.failures import breakers, failed_runs, open_alerts
from services.reading.failures.failed_runs import Failures
from services.reading.failures.open_alerts import OpenAlerts
from services.reading.installation import process_health
from services.reading.installation.process_health import PartView
from services.reading.occurrences import not_fired
from services.reading.occurrences.not_fired import NotFiredLately
from services.reading.pauses import pauses_in_force
from services.reading.statistics import columns, durations, ended_runs, job_statistics, minute_statistics
from services.reading.statistics.columns import ColumnFigures
from services.reading.statistics.job_statistics import JobStatistics
from services.reading.statistics.run_figures import RunFigures
from services.reading.upcoming import upcoming_runs
from services.reading.upcoming.upcoming_minutes import ComingMinutes
from services.reading.upcoming.upcoming_runs import UpcomingView
from services.reading.waiting import Waiting
from services.runtime.timed_cache import TimedCache
from services.runtime.troubles import Trouble

HOUR_MINUTES = 60
COMING = 20
_MINUTE_SECONDS = 60
_HOUR_SECONDS = 3_600
_DAY_SECONDS = 86_400
_MAX_DRAWN = 3_000
_RUNNING = 20
_GROUPS = 5
_MANY = 1_000  # to count them takes long, so the count is kept for a while
KEPT_SECONDS = 5
_FAILED_WITHIN_HOURS = 24
_NOT_FIRED_WITHIN = "24h"  # at least: an hour would not show what was due at night
_MAX_KEPT = 100

Value = TypeVar("Value")


@dataclass(frozen=True)
class Signs:
    """What this process knows of the installation besides the database."""

    broker_is_up: Callable[[], bool]
    troubles: Callable[[], Sequence[Trouble]]


class Overview:
    """`/dashboard/`."""

    def __init__(self, site: Site, signs: Signs) -> None:
        self._site = site
        self._signs = signs
        self._minutes = ComingMinutes(site.system, _HOUR_SECONDS, _MAX_DRAWN)
        self._jobs = TimedCache[JobStatistics](site.system.clock, KEPT_SECONDS, _MAX_KEPT)
        self._alerts = TimedCache[OpenAlerts](site.system.clock, KEPT_SECONDS, _MAX_KEPT)
        self._columns = TimedCache[Sequence[ColumnFigures]](site.system.clock, _MINUTE_SECONDS, len(RANGES))
        self._not_fired = TimedCache[NotFiredLately](site.system.clock, KEPT_SECONDS, _MAX_KEPT)
        self._figures = RunFigures(site.system)
        self._waiting = TimedCache[Waiting](site.system.clock, KEPT_SECONDS, _MAX_KEPT)
        self._failures = TimedCache[Failures](site.system.clock, KEPT_SECONDS, _MAX_KEPT)
        self._coming = TimedCache[Sequence[UpcomingView]](site.system.clock, KEPT_SECONDS, _MAX_KEPT)

    async def show(self, req: Request, resp: Response) -> None:
        """Show how it stands."""
        await self._site.show(req, resp, "overview.html", self._load)

    def _load(self, who: Asked) -> dict[str, Any]:
        chosen = who.params.get("range", "1h")
        if chosen not in RANGES:
            raise InvalidInput.at("range", f"must be one of {', '.join(RANGES)}.")
        system, principal = self._site.system, who.principal
        known = self._parts()
        figures = if_allowed(lambda: minute_statistics.series(principal, system, HOUR_MINUTES))
        drawn = if_allowed(lambda: self._columns_of(principal, chosen))
        alerts = self._kept(self._alerts, principal, lambda: open_alerts.listed(principal))
        running = if_allowed(lambda: listing.runs(principal, self._site.counts, _GOING, Stretch(limit=_RUNNING)))
        ahead = self._minutes.of(principal, JobFilter()).counts
        return {
            "jobs": self._jobs_of(principal),
            "alerts": alerts,
            "slow": self._site.slow_jobs.of(principal),
            "verdict": verdict.of(self._facts(who, known, figures, alerts)),
            "parts": known,
            "range": chosen,
            "refetch_seconds": KEPT_SECONDS + 1,
            "ranges": RANGES,
            "series": None if drawn is None else series(RANGES[chosen], drawn, ahead, who.now, who.zone),
            "own": self._own_figures(who, chosen) if drawn is None else None,
            "most_read": ended_runs.MAX_ENDED,
            "running": running,
            "usual": durations.of_jobs(principal, {run.job_id for run in running.items} if running else ()),
            "progress_of": progress.of,
            "failures": self._kept(
                self._failures, principal, lambda: failed_runs.grouped(principal, system, _FAILED_WITHIN_HOURS)
            ),
            "given_up": self._site.given_up.of(principal, _FAILED_WITHIN_HOURS),
            "groups": _GROUPS,
            "coming": self._kept(
                self._coming, principal, lambda: upcoming_runs.next_of_each(principal, system, _DAY_SECONDS, COMING)
            ),
        }

    def _own_figures(self, who: Asked, chosen: str) -> OwnFigures:
        given = {name: who.params[name] for name in ("app_name",) if who.params.get(name)}
        jobs = self._site.readers.job_list(given).wanted
        return own_figures.of(self._figures, who.principal, chosen, jobs)

    def _jobs_of(self, principal: Principal) -> JobStatistics:
        key = visibility.visible(principal, JobFilter())
        return self._jobs.of(
            key, lambda: job_statistics.of_jobs(principal, JobFilter()), lambda one: one.total >= _MANY
        )

    def _waiting_of(self, principal: Principal) -> Waiting:
        key = visibility.visible(principal, JobFilter())
        return self._waiting.of(key, lambda: waiting.grouped(principal), lambda one: one.count >= _MANY)

    def _kept(self, cache: TimedCache[Value], principal: Principal, read: Callable[[], Value]) -> Value:
        """What was read at most some seconds ago, where there are many jobs; elsewhere what is read now."""
        are_many = self._jobs_of(principal).total >= _MANY
        return cache.of(visibility.visible(principal, JobFilter()), read, lambda _: are_many)

    def _columns_of(self, principal: Principal, chosen: str) -> Sequence[ColumnFigures]:
        """The columns of a range; those of long ones are read once a minute, for all who look."""
        principal.expect_administration()
        wanted, system = RANGES[chosen], self._site.system
        return self._columns.of(
            (chosen, whole_minute(system.clock.now())),
            lambda: columns.of_minutes(principal, system, wanted.minutes, wanted.step),
            lambda _: wanted.minutes > HOUR_MINUTES,
        )

    def _parts(self) -> list[PartView]:
        return process_health.known(
            self._site.system, broker=self._signs.broker_is_up(), troubles=self._signs.troubles()
        )

    def _facts(
        self,
        who: Asked,
        known: Sequence[PartView],
        figures: Sequence[minute_statistics.MinuteFigures] | None,
        alerts: OpenAlerts,
    ) -> Facts:
        of_all = pauses_in_force.of_everything(who.principal)
        since, until = (None, None) if of_all is None else (of_all.since, of_all.until)
        waits = self._waiting_of(who.principal)
        now = if_allowed(lambda: minute_statistics.current(who.principal, self._site.system))
        minutes = None if figures is None or now is None else [*figures, now]
        paused_apps = pauses_in_force.of_apps(who.principal, verdict.NAMED_APPS)
        breaking = if_allowed(lambda: breakers.listed(who.principal)) or []
        failing = self._site.failing_hosts.of(who.principal) if breaking else []
        span = _not_fired_in(who)
        return Facts(
            who.now,
            who.zone,
            since,
            known,
            waits,
            minutes,
            until,
            alerts,
            paused_apps,
            breaking,
            failing,
            paused_jobs=self._jobs_of(who.principal).paused,
            not_fired=self._not_fired_of(who.principal, span),
            not_fired_in=span.label,
        )

    def _not_fired_of(self, principal: Principal, span: Range) -> NotFiredLately:
        key = (span, visibility.visible(principal, JobFilter()))
        read = partial(not_fired.lately, principal, self._site.system, span.minutes)
        return self._not_fired.of(key, read, lambda one: one.read >= _MANY)


def _not_fired_in(who: Asked) -> Range:
    """The span that is shown, or a day if that is less."""
    chosen, least = RANGES[who.params.get("range", _NOT_FIRED_WITHIN)], RANGES[_NOT_FIRED_WITHIN]
    return max(chosen, least, key=lambda one: one.minutes)


_GOING = RunFilter(status=RunStatus.RUNNING)
