"""Which pauses of a job, its app or everything were in force at a past instant, according to the audit log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from core.auditing import INSTALLATION, Thing
from core.pauses import Paused
from core.principals import Principal
from core.scopes import Scope
from models import audit
from models.tables import AuditEntry, Job
from services.access import visible_apps
from services.reading.pauses import latest_pauses
from services.reading.pauses.latest_pauses import PauseView
from services.reading.pauses.pauses_in_force import PauseInForce

MAX_LOOKED_THROUGH = 1_000
_KINDS = {"job": Paused.JOB, "app": Paused.APP, INSTALLATION.kind: Paused.EVERYTHING}
_BEGINS = {"job.paused", "app.paused", f"{INSTALLATION.kind}.paused"}


@dataclass(frozen=True)
class PastPauses:
    """The pauses of a job, its app and everything up to an instant: entries that began and ended them, newest first."""

    principal: Principal
    job: Job
    entries: Sequence[AuditEntry]

    def at(self, instant: datetime) -> list[PauseInForce]:
        """Returns the pauses that were in force at an instant, as far as they are on record."""
        newest: dict[str, AuditEntry] = {}
        for entry in self.entries:
            if entry.at <= instant:
                newest.setdefault(entry.thing, entry)
        return [self._shown(kind, newest[kind]) for kind in _KINDS if kind in newest and _begins(newest[kind])]

    def _shown(self, kind: str, entry: AuditEntry) -> PauseInForce:
        app = self.job.app if kind == "app" else None
        by = PauseView(entry.at, entry.kind, entry.principal, entry.reason) if self._may_know(kind) else None
        app_id, name = (None, None) if app is None else (app.id, app.name)
        return PauseInForce(_KINDS[kind], entry.at, by=by, app_id=app_id, app_name=name)

    def _may_know(self, kind: str) -> bool:
        """Whether the principal, who sees the job, may know who paused something, and why."""
        match _KINDS[kind]:
            case Paused.JOB:
                return True
            case Paused.APP:
                return visible_apps.may(self.principal, self.job.app.id, Scope.READ)
            case Paused.EVERYTHING:
                return self.principal.sees_all


def up_to(principal: Principal, job: Job, until: datetime) -> PastPauses:
    """Returns the pauses of a job that the principal sees, up to an instant; read in the caller's transaction."""
    things = [Thing("job", str(job.id)), Thing.app(job.app), INSTALLATION]  # an app's name may have been another's
    return PastPauses(principal, job, audit.before(things, latest_pauses.ACTIONS, until, MAX_LOOKED_THROUGH))


def _begins(entry: AuditEntry) -> bool:
    return entry.action in _BEGINS
