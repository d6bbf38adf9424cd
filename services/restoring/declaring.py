"""Show what is held since the database was taken back; declare a restore that the guard cannot notice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from core.auditing import INSTALLATION
from core.principals import Principal
from models import database, installation, restores
from models.pauses import Gate
from services.requests.idempotency import Request, once
from services.restoring import holding
from services.system import System


@dataclass(frozen=True)
class HeldAppView:
    """What is held of an app: runs that had begun before the backup, and runs that were due or came due since."""

    app_name: str
    begun: int
    not_begun: int
    oldest_due_at: datetime | None
    newest_due_at: datetime | None


@dataclass(frozen=True)
class RestoreView:
    """When the database was found to be taken back, to which instant, and what is held since; None if it was not."""

    restored_at: datetime | None
    restored_to: datetime | None
    apps: tuple[HeldAppView, ...]


def view(principal: Principal) -> RestoreView:
    """Returns what is held since the database was taken back, by app."""
    principal.expect_administration()
    with database.reading():
        found = installation.state()
        held = restores.held_apps()
    apps = (HeldAppView(one.app_name, one.begun, one.not_begun, one.oldest_due_at, one.newest_due_at) for one in held)
    return RestoreView(found.restored_at, found.restored_to, tuple(apps))


def declare(
    principal: Principal, system: System, reason: str | None = None, request: Request | None = None
) -> RestoreView:
    """Hold everything as after a restore that the guard cannot notice; the same request with a key declares it once.

    Once this is recorded nothing is claimed until all is held; if this process dies, others finish it.
    """
    principal.expect_administration()
    once(system, request and request.part("begin"), lambda: _begin(principal, system, reason))
    holding.go_on(system)
    return view(principal)


def _begin(principal: Principal, system: System, reason: str | None) -> None:
    with system.transaction(Gate.CLOSED) as unit:
        found = installation.lock()
        held = holding.begin(found, None, unit.now)
        unit.audit(principal, "restore.declared", INSTALLATION, after={"runs": held}, reason=reason)
