"""The secrets that an app's requests name: put, listed by name, deleted; opened for a call, never shown."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core import built_in_apps, secret_references
from core.auditing import Thing
from core.errors import Conflict, InvalidInput, Misconfigured, NotFound, PermanentFailure, TransientFailure
from core.principals import Principal
from core.scopes import Scope
from models import app_secrets, database, signing_secrets
from models.pauses import Gate
from services.access import visible_apps
from services.runtime.recent_values import RecentValues
from services.secrets import sealing
from services.system import System

MAX_BYTES = 64 * 1024
MAX_OF_APP = 200
KNOWN_SECONDS = 5.0
_MAX_KEPT = 256

_recent: RecentValues[tuple[UUID, str], str] = RecentValues(KNOWN_SECONDS, _MAX_KEPT)


@dataclass(frozen=True)
class SecretView:
    """A secret as it is shown: that it is there, and since when."""

    name: str
    created_at: datetime
    updated_at: datetime


def of_app(principal: Principal, app_name: str) -> list[SecretView]:
    """Returns an app's secrets, by name. Raises `NotFound` and `Forbidden` as `visible_apps.found`."""
    with database.reading():
        rows = app_secrets.of_app(visible_apps.found(principal, app_name, Scope.APP).id)
    return [SecretView(row.name, row.created_at, row.updated_at) for row in rows]


def put(principal: Principal, system: System, app_name: str, name: str, value: str) -> bool:
    """Store a secret, in place of one of the same name. Returns whether there was none.

    Raises `InvalidInput` for a name or a value that cannot be one, `NotFound`, `Conflict` when the app has too many or
    may keep none, and `Forbidden` but to those who may change the app, and where no key can seal it.
    """
    if not system.settings.anonymous:
        _refuse_shared(app_name)
    _check(name, value)
    sealed = sealing.seal(system.settings, value.encode())
    with system.transaction(Gate.UNUSED) as unit:
        app = visible_apps.found(principal, app_name, Scope.APP)
        signing_secrets.lock(app.id)
        is_new = app_secrets.put(app.id, name, sealed, unit.now)
        if is_new and len(app_secrets.of_app(app.id)) > MAX_OF_APP:
            raise Conflict(f"The app {app.name} has {MAX_OF_APP} secrets, the most there may be; delete one.")
        unit.audit(principal, "secret.created" if is_new else "secret.changed", Thing("secret", name, app.id))
    return is_new


def delete(principal: Principal, system: System, app_name: str, name: str) -> None:
    """Delete a secret. Raises `NotFound` and `Forbidden` as `visible_apps.found`."""
    with system.transaction(Gate.UNUSED) as unit:
        app = visible_apps.found(principal, app_name, Scope.APP)
        if not app_secrets.delete(app.id, name):
            raise NotFound("secret", ascii(name))
        unit.audit(principal, "secret.deleted", Thing("secret", name, app.id))


def opened(system: System, app_id: UUID, names: Collection[str]) -> dict[str, str]:
    """Returns an app's secrets of these names, as they were a few seconds ago at most.

    Raises `PermanentFailure` naming those that the app does not have, and `TransientFailure` where one cannot be
    opened.
    """
    keys = [(app_id, name) for name in sorted(names)]
    found = _recent.of(keys, system.clock.monotonic(), lambda missing: _read(system, app_id, missing))
    if unknown := [name for _, name in keys if (app_id, name) not in found]:
        raise PermanentFailure(
            f"The request asks for the secret {', '.join(unknown)}, which the app does not have; "
            "PUT it below /api/apps/{name}/secrets/, or correct the name."
        )
    return {name: value for (_, name), value in found.items()}


def _read(system: System, app_id: UUID, keys: Collection[tuple[UUID, str]]) -> dict[tuple[UUID, str], str]:
    """Reads these secrets. Missing ones are left out, and so not remembered: they may be put the next moment."""
    with database.reading():
        sealed = app_secrets.sealed(app_id, [name for _, name in keys])
    return {(app_id, name): _unsealed(system, name, text) for name, text in sealed.items()}


def _unsealed(system: System, name: str, sealed: str) -> str:
    try:
        return sealing.unseal(system.settings, sealed).decode()
    except Misconfigured as error:
        raise TransientFailure(f"The secret {name} cannot be opened: {error}", was_called=False) from None


def _refuse_shared(app_name: str) -> None:
    """Raises `Conflict` for an app in which every user makes jobs, any of whom could send its secrets anywhere."""
    if built_in_apps.canonical(app_name) in built_in_apps.NAMES:
        raise Conflict(f"The app {app_name} is shared by all users, so it keeps no secret; use an app of your own.")


def _check(name: str, value: str) -> None:
    if fault := secret_references.fault_of_name(name):
        raise InvalidInput.at("name", fault)
    if not value:
        raise InvalidInput.at("value", "is empty; give the secret, or delete the one that is stored.")
    if len(value.encode()) > MAX_BYTES:
        raise InvalidInput.at("value", f"has {len(value.encode())} bytes; a secret has {MAX_BYTES} at most.")
