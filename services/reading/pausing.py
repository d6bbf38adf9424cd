"""Who paused a job, an app or everything, when and why: for all who may see that it is paused."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.auditing import INSTALLATION
from core.principals import Principal, PrincipalKind
from core.scopes import Scope
from models import audit, database, jobs
from services.access import visible_apps
from services.reading import visibility

_OF_JOBS = ("job.paused", "job.resumed", "job.retried")
_OF_APPS = ("app.paused", "app.resumed")
_OF_EVERYTHING = ("installation.paused", "installation.resumed")


@dataclass(frozen=True)
class PauseView:
    """The latest pause, as it was asked for."""

    at: datetime
    kind: PrincipalKind
    principal: str
    reason: str | None


def of_job(principal: Principal, job_id: UUID) -> PauseView | None:
    """Returns the pause of a job; None if nobody asked for one: Carillon pauses jobs, too. Raises `NotFound`."""
    with database.reading():
        visibility.expected(principal, jobs.by_id(job_id), job_id)
        return _latest("job", str(job_id), _OF_JOBS)


def of_apps(principal: Principal, names: Iterable[str]) -> dict[str, PauseView]:
    """Returns the pauses of those of these apps that are paused. Raises `NotFound`."""
    with database.reading():
        found = {name: _latest("app", visible_apps.found(principal, name, Scope.READ).name, _OF_APPS) for name in names}
    return {name: pause for name, pause in found.items() if pause is not None}


def of_everything(principal: Principal) -> PauseView | None:
    """Returns the pause of everything. Raises `Forbidden`."""
    principal.expect_administration()
    with database.reading():
        return _latest(INSTALLATION.kind, INSTALLATION.id, _OF_EVERYTHING)


def _latest(thing: str, thing_id: str, actions: tuple[str, ...]) -> PauseView | None:
    """The latest of these actions, if it is the first of them: the others end what it began."""
    found = audit.newest(thing, thing_id, actions)
    if found is None or found.action != actions[0]:
        return None
    return PauseView(found.at, found.kind, found.principal, found.reason)
