"""Who paused a job, an app or everything, when and why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.auditing import INSTALLATION, Thing
from core.principals import Principal, PrincipalKind
from core.scopes import Scope
from models import audit, database, pause_ends
from services.access import visible_apps
from services.reading import visibility

_OF_JOBS = ("job.paused", "job.resumed", "job.retried")
_OF_APPS = ("app.paused", "app.resumed")
_OF_EVERYTHING = ("installation.paused", "installation.resumed")
ACTIONS = (*_OF_JOBS, *_OF_APPS, *_OF_EVERYTHING)
"""What begins and ends pauses; `..paused` begins one."""


@dataclass(frozen=True)
class PauseView:
    """The latest pause, as it was requested; `until` is when it ends by itself, if it does."""

    at: datetime
    kind: PrincipalKind
    principal: str
    reason: str | None
    until: datetime | None = None


def of_job(principal: Principal, job_id: UUID) -> PauseView | None:
    """Returns the pause of a job; None if nobody requested it: Carillon pauses jobs, too. Raises `NotFound`."""
    with database.reading():
        visibility.expect(principal, job_id)
        return _latest([job_id], _jobs([job_id]), _OF_JOBS).get(job_id)


def of_jobs(job_ids: Iterable[UUID]) -> dict[UUID, PauseView]:
    """Returns the pauses of those of these jobs that somebody paused.

    The caller has already checked that the principal may see these jobs.
    """
    with database.reading():
        ids = list(job_ids)
        return _latest(ids, _jobs(ids), _OF_JOBS)


def of_apps(principal: Principal, names: Iterable[str]) -> dict[str, PauseView]:
    """Returns the pauses of those of these apps that are paused. Raises `NotFound`."""
    with database.reading():
        apps = {name: visible_apps.found(principal, name, Scope.READ) for name in names}
        found = _latest([app.id for app in apps.values()], [Thing.app(app) for app in apps.values()], _OF_APPS)
    return {name: found[app.id] for name, app in apps.items() if app.id in found}


def of_everything(principal: Principal) -> PauseView | None:
    """Returns the pause of everything. Raises `Forbidden`."""
    principal.expect_administration()
    with database.reading():
        return _latest([pause_ends.EVERYTHING], [INSTALLATION], _OF_EVERYTHING).get(pause_ends.EVERYTHING)


def _jobs(ids: Iterable[UUID]) -> list[Thing]:
    return [Thing("job", str(job_id)) for job_id in ids]


def _latest(paused: Sequence[UUID], things: Sequence[Thing], actions: tuple[str, ...]) -> dict[UUID, PauseView]:
    """Returns, by id, the pauses of those of these things whose latest action is the first of the given ones.

    The other actions end the pause that the first one began.
    """
    newest = audit.newest(things, actions)
    began = {one: newest[thing.id] for one, thing in zip(paused, things, strict=True) if thing.id in newest}
    began = {one: entry for one, entry in began.items() if entry.action == actions[0]}
    ends = pause_ends.of(began.keys())
    return {
        one: PauseView(entry.at, entry.kind, entry.principal, entry.reason, ends.get(one))
        for one, entry in began.items()
    }
