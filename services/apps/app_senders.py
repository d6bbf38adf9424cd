"""The addresses that an app's e-mails may come from, besides EMAIL_FROM: administrators say which."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from core import etags
from core.auditing import Thing
from core.etags import Expected
from core.principals import Principal
from core.scopes import Scope
from models import database, senders
from models.pauses import Gate
from services.access import visible_apps
from services.system import System


def listed(principal: Principal, app_name: str) -> list[str]:
    """Returns the senders that an app may name. Raises as `visible_apps.found` does."""
    with database.reading():
        return senders.of_app(visible_apps.found(principal, app_name, Scope.READ).id)


def etag(listed: Sequence[str]) -> str:
    """Returns the ETag of the senders of an app, as they are listed."""
    return etags.of(listed)


def put(
    principal: Principal, system: System, app_name: str, wanted: Collection[str], expected: Expected = None
) -> list[str]:
    """Replace the senders that an app may name. Returns them.

    Raises `Forbidden` unless for administrators, and `PreconditionFailed` as `etags.expect` does.

    They are addresses, and domains with the @ before them, as `core.senders.canonical` writes them.
    """
    principal.expect_administration()
    with system.transaction(Gate.UNUSED) as unit:
        app = visible_apps.locked(principal, app_name, Scope.APP)
        former, new = senders.of_app(app.id), sorted(set(wanted))
        etags.expect(f"list of senders of the app {app.name}", etag(former), expected)
        if new != former:
            senders.replace(app, new)
            unit.audit(principal, "app.changed", Thing.app(app), before={"senders": former}, after={"senders": new})
    return new


def allowed(app_id: UUID) -> list[str]:
    """Returns the senders that an app may name."""
    with database.reading():
        return senders.of_app(app_id)
