"""Keys of apps: made, listed, revoked. A key is shown once; only its hash is kept."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from core import built_in_apps
from core.auditing import Thing
from core.errors import Conflict, InvalidInput, NotFound
from core.instants import shown
from core.principals import KEY_MARK, Principal
from core.scopes import Scope
from core.token_hashes import hashed
from models import app_keys, apps, database
from models.pauses import Gate
from models.tables import App, AppKey
from services.access import visible_apps
from services.system import System

MARK = KEY_MARK  # by which secret scanners recognise a leaked one
MAX_KEYS = 100
_PREFIX_BYTES, _SECRET_BYTES = 4, 32


@dataclass(frozen=True)
class NewKey:
    """A key to make."""

    name: str
    scopes: frozenset[Scope]
    account_id: str | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True)
class KeyView:
    """A key as it is shown: `prefix` is its beginning, which identifies it but does not authenticate."""

    id: UUID
    name: str
    prefix: str
    scopes: tuple[Scope, ...]
    account_id: str | None
    created_by: str
    created_at: datetime
    expires_at: datetime | None
    used_at: datetime | None


def listed(principal: Principal, app_name: str) -> list[KeyView]:
    """Returns an app's keys, newest first. Raises as `visible_apps.found` does."""
    with database.reading():
        return [_view(key) for key in app_keys.of_app(visible_apps.found(principal, app_name, Scope.APP))]


def create(principal: Principal, system: System, app_name: str, new: NewKey) -> tuple[str, KeyView]:
    """Create a key. Returns the key, which is never shown again, and its view.

    The new key expires no later than the key or named token used to create it. Raises `InvalidInput` for values that a
    key cannot have or scopes that the caller does not have, `Conflict` if the app is shared or has too many keys.
    """
    with system.transaction(Gate.UNUSED) as unit:
        app = visible_apps.found(principal, app_name, Scope.APP)
        _refuse(principal, new, unit.now)
        apps.lock(app)
        _refuse_more(app)
        prefix = MARK + secrets.token_hex(_PREFIX_BYTES)
        key = f"{prefix}_{secrets.token_urlsafe(_SECRET_BYTES)}"
        stored = app_keys.insert(
            app,
            unit.now,
            name=new.name,
            prefix=prefix,
            hash=hashed(key),
            scopes=[scope.value for scope in Scope if scope in new.scopes],
            account_id=new.account_id,
            created_by=principal.label,
            maker_id=principal.user_id or principal.maker_id,
            expires_at=new.expires_at or principal.expires_at,
        )
        view = _view(stored)
        unit.audit(principal, "key.created", Thing("key", prefix, app.id), after=_recorded(view))
        return key, view


def revoke(principal: Principal, system: System, app_name: str, key_id: UUID) -> None:
    """Delete a key; within five seconds it opens nothing more, in any process. Raises `NotFound`."""
    with system.transaction(Gate.UNUSED) as unit:
        app = visible_apps.found(principal, app_name, Scope.APP)
        key = app_keys.remove(app, key_id)
        if key is None:
            raise NotFound(f"key of {app.name}", key_id)
        unit.audit(principal, "key.revoked", Thing("key", key.prefix, app.id), before=_recorded(_view(key)))


def scopes_of(key: AppKey) -> frozenset[Scope]:
    """Returns the scopes of a stored key."""
    return frozenset(map(Scope, key.scopes))


def _refuse(principal: Principal, new: NewKey, now: datetime) -> None:
    """Raises `InvalidInput` for a new key with values that it cannot have."""
    beyond = sorted(new.scopes - principal.scopes)
    if beyond:
        raise InvalidInput.at("scopes", f"has {', '.join(beyond)}, which you do not have; leave it out.")
    if new.account_id is not None and Scope.APP in new.scopes:
        raise InvalidInput.at("scopes", "has app, which is not for a key of one account; leave out one of the two.")
    if new.expires_at is not None and new.expires_at <= now:
        fault = f"is {shown(new.expires_at)}, which has passed; give a later instant, or leave it out."
        raise InvalidInput.at("expires_at", fault)
    latest = principal.expires_at
    if new.expires_at is not None and latest is not None and new.expires_at > latest:
        raise InvalidInput.at("expires_at", f"must be no later than {shown(latest)}, when your own token expires.")


def _refuse_more(app: App) -> None:
    if app.name in built_in_apps.NAMES:
        raise Conflict(f"The app {app.name} is shared: users show their own tokens there. Make another app for keys.")
    if app_keys.count(app) >= MAX_KEYS:
        raise Conflict(f"The app {app.name} has {MAX_KEYS} keys already; revoke those that are no longer used.")


def _recorded(view: KeyView) -> dict[str, Any]:
    expires_at = None if view.expires_at is None else view.expires_at.isoformat()
    return {"name": view.name, "scopes": view.scopes, "account_id": view.account_id, "expires_at": expires_at}


def _view(key: AppKey) -> KeyView:
    return KeyView(
        key.id,
        key.name,
        key.prefix,
        tuple(scope for scope in Scope if scope in scopes_of(key)),
        key.account_id,
        key.created_by,
        key.created_at,
        key.expires_at,
        key.used_at,
    )
