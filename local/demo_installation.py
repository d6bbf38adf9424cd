"""Fills the database of the kept demo by the real services: a company's week, its busy day and its last minutes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from core import limit_keys, schedules
from core.breakers import opened
from core.figures import MINUTE, minutes_between, whole_minute
from core.limits import Limit
from core.principals import LOCAL, Principal, PrincipalKind
from core.rates import Rate
from core.scopes import Role
from local import demo_jobs
from local.demo_receivers import DOWN_MINUTES, Past
from local.simulation import Simulation, minutes_of
from migrations import runner
from models import breakers, database, users
from models import statistics as stored
from models.tables import Minute
from services.apps import apps, members
from services.apps.app_views import AppDefinition
from services.execution import limit_changes
from services.jobs import creating, editing, lifecycle
from services.jobs.definition import Definition, NewJob
from services.reading.statistics import minute_statistics
from services.reading.views import JobView
from services.scheduling import pauses
from settings import Settings

PEOPLE = ("mara", "jonas", "ines")
_LAST_MINUTES = 18
_STOCK_MINUTES = 60
_IMAGES_A_MINUTE = 0.25
_FAILING_BEFORE_IT_OPENS = timedelta(minutes=2)
_APPS = ("billing", "crm", "shop", "reports", "newsletter")
_ACCOUNTS = ("acme", "globex", "initech", "umbrella", "hooli")
_RATE = Limit(rate=Rate(calls=6, seconds=60))
_WINDOW = timedelta(minutes=9)
_STORED_AT_ONCE = 500


@dataclass(frozen=True)
class History:
    """How far back it reaches: with the nightly jobs, and with those that run every few minutes."""

    days: int = 7
    busy_hours: float = 12


_WHOLE = History()


@dataclass(frozen=True)
class Filled:
    """What a guide names: jobs by name, and the instant at which the nightly one did not run."""

    jobs: Mapping[str, UUID]
    not_run_at: datetime


def fill_new(folder: Path, now: datetime, receiver: str, crm: str) -> Filled:
    """Fill a new SQLite database in a folder, as `fill` does."""
    database.connect(f"sqlite:///{folder / 'carillon.db'}", "demo")
    try:
        runner.upgrade()
        return fill(Settings(data_dir=folder), now, receiver, crm)
    finally:
        database.disconnect()


def fill(settings: Settings, now: datetime, receiver: str, crm: str, history: History = _WHOLE) -> Filled:
    """Fill the connected, empty database with a history until `now`.

    `receiver` is the address that all apps call but the CRM, whose receiver at `crm` is down.
    """
    return _Installation(settings, now, receiver, crm, history).fill()


class _Installation:
    """Fills, once."""

    def __init__(self, settings: Settings, now: datetime, receiver: str, crm: str, history: History) -> None:
        self._now = now
        self._begin = whole_minute(now - timedelta(days=history.days))
        self._busy_from = whole_minute(now - timedelta(hours=history.busy_hours))
        self._urls = {name: crm if name == "crm" else receiver for name in _APPS}
        self._simulation = Simulation(settings, self._begin, Past(now, crm).behave)
        self._system = self._simulation.system
        self._jobs: dict[str, UUID] = {}
        self._night = _last_night(now)
        self._breaks_at = now - timedelta(minutes=DOWN_MINUTES) + _FAILING_BEFORE_IT_OPENS
        self._people: dict[str, Principal] = {}
        self._acts = self._acts_of_the_night()

    def fill(self) -> Filled:
        with database.transaction():
            self._make_people_and_apps()
        self._simulation.start_workers()
        self._create(demo_jobs.of_the_week(self._now))
        self._live_through_the_week()
        self._live_through_the_day()
        self._live_through_the_last_minutes()
        self._simulation.stop_workers()
        return Filled(self._jobs, self._night)

    def _make_people_and_apps(self) -> None:
        for name in PEOPLE:
            user = users.insert(name, f"{name}@example.com", "", self._begin, is_admin=name == "mara")
            assert user is not None  # noqa: S101  the database is new
            self._people[name] = Principal(PrincipalKind.USER, user.id, name, is_admin=True, credential="session")
        for name, url in self._urls.items():
            apps.create(LOCAL, self._system, name, AppDefinition(url, destination_breaker=name == "crm"))
            for person in PEOPLE:
                role = Role.OWNER if person == "mara" else Role.OPERATOR
                members.put(LOCAL, self._system, name, person, role)

    def _create(self, wanted: list[NewJob]) -> None:
        with database.transaction():
            for job in wanted:
                made = creating.create(LOCAL, self._system, job)
                if job.name is not None:
                    self._jobs[job.name] = made

    def _live_through_the_week(self) -> None:
        """Stop at each instant at which something is due or somebody acts."""
        until = self._busy_from
        busy = {at for at in (*self._acts, *self._due_before(until)) if self._begin < at < until}
        for at in sorted(busy):
            self._simulation.pass_until(at - timedelta(seconds=1))
            self._simulation.pass_until(at)
            self._act(at)
            self._simulation.pass_until(min(at + _WINDOW, until))
        self._simulation.pass_until(until)
        self._sum_up_week(busy, until)

    def _acts_of_the_night(self) -> dict[datetime, Callable[[], object]]:
        """What people did about the nightly invoices, and when."""

        def pause() -> None:
            reason = "the new VAT rates are not checked yet"
            lifecycle.pause(self._people["jonas"], self._system, self._jobs[demo_jobs.NIGHTLY], reason=reason)

        def resume() -> None:
            lifecycle.resume(self._people["jonas"], self._system, self._jobs[demo_jobs.NIGHTLY])

        return {self._night - timedelta(hours=2): pause, self._night + timedelta(minutes=25): resume}

    def _act(self, at: datetime) -> None:
        if at in self._acts:
            self._acts[at]()

    def _live_through_the_day(self) -> None:
        """Live from minute to minute, with the jobs that run often; one begins to poll late in the day."""
        self._create(demo_jobs.of_the_day(self._now))
        until, lots = self._now - timedelta(minutes=_LAST_MINUTES), self._simulation.lots
        polls_from = whole_minute(self._now - timedelta(minutes=_STOCK_MINUTES))
        for minute in minutes_of(self._busy_from, until):
            if minute == polls_from:
                self._create([demo_jobs.stock()])
            if lots.random() < _IMAGES_A_MINUTE:
                self._add_image(minute)
            self._simulation.sum_up_minutes()
            self._simulation.pass_until(minute)
            self._act(minute)

    def _add_image(self, minute: datetime) -> None:
        lots = self._simulation.lots
        at = minute + timedelta(seconds=lots.randrange(50))
        self._create([demo_jobs.image(lots.randrange(100, 999), lots.choice(_ACCOUNTS), at)])

    def _due_before(self, until: datetime) -> set[datetime]:
        due: set[datetime] = set()
        for job in demo_jobs.of_the_week(self._now):
            for at in job.schedule.upcoming(self._begin):
                if at >= until:
                    break
                due.add(at)
        return due

    def _sum_up_week(self, busy: set[datetime], end: datetime) -> None:
        """Store the figures of all minutes: those in which nothing was due are empty."""
        with database.transaction():
            told = {whole_minute(at + after) for at in busy for after in (timedelta(0), MINUTE)}
            for minute in sorted(told):
                figures = minute_statistics.of_minute(minute)
                stored.add_minute(_row(figures), figures.held)
            rows = [_row(minute_statistics.MinuteFigures(minute)) for minute in minutes_between(self._begin, end)]
            for first in range(0, len(rows), _STORED_AT_ONCE):
                Minute.insert_many(rows[first : first + _STORED_AT_ONCE]).on_conflict_ignore().execute()

    def _live_through_the_last_minutes(self) -> None:
        begin = self._simulation.clock.now()
        limit_changes.put(self._people["mara"], self._system, "account:billing/globex", _RATE)
        self._change()
        minute = begin
        for until in minutes_of(begin, self._now):
            self._add_image(minute)
            if until == self._now:
                self._create(demo_jobs.exports(minute))
            self._simulation.sum_up_minutes()
            self._simulation.pass_until(until)
            if minute < self._breaks_at <= until:
                self._open_breaker()
            minute = until

    def _change(self) -> None:
        """What people did lately: a job and an app are paused, a schedule was edited."""
        system, ines = self._system, self._people["ines"]
        reason = "the wording is with the lawyers until Thursday"
        lifecycle.pause(ines, system, self._jobs[demo_jobs.DUNNING], reason=reason)
        pauses.pause_app(self._people["jonas"], system, "newsletter", "the provider is being moved, back this evening")
        editing.edit(ines, system, self._jobs[demo_jobs.REPRICE], _more_often, reason=demo_jobs.WHY_MORE_OFTEN)

    def _open_breaker(self) -> None:
        """Open the breaker of the CRM, some calls after its receivers went down."""
        host = limit_keys.of_host(self._urls["crm"])
        assert host is not None  # noqa: S101  an address of our own
        crm = apps.get(LOCAL, "crm")
        name, now = host.removeprefix("host:"), self._simulation.clock.now()
        breakers.open_new(limit_keys.of_destination("crm", name), crm.id, name, opened(now), now)


def _more_often(job: JobView) -> Definition:
    """Returns a job edited to run each fourth minute."""
    kept = {
        one.name: getattr(job, one.name) for one in fields(Definition) if one.name not in ("deadline_at", "schedule")
    }
    return Definition(**kept, schedule=schedules.Cron("*/4 * * * *", timezone=demo_jobs.ZONE))


def _last_night(now: datetime) -> datetime:
    """Returns the last 02:00 of the company's clocks that lies a while back."""
    zone = ZoneInfo(demo_jobs.ZONE)
    day = (now - timedelta(hours=2)).astimezone(zone)
    night = datetime.combine(day.date(), time(2), zone)
    night = night if night <= day else datetime.combine(day.date() - timedelta(days=1), time(2), zone)
    return night.astimezone(UTC)


def _row(figures: minute_statistics.MinuteFigures) -> dict[str, Any]:
    """Returns the figures of a minute as they are stored."""
    row = asdict(figures)
    row.pop("held")
    return row
