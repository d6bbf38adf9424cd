"""Finds the key that a request was sent with, and caches it for some seconds, since applications send many requests."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.principals import Membership, Principal, PrincipalKind
from core.scopes import Role
from core.token_hashes import hashed
from models import app_keys, database, quotas
from models.pauses import Gate
from models.tables import AppKey
from services.access.app_keys import scopes_of
from services.system import System

REMEMBERED_SECONDS = 4.0  # a revoked key opens nothing after five, which leaves one for a slow request
MAX_REMEMBERED = 10_000
_USED_AGAIN_AFTER = timedelta(minutes=1)


@dataclass(frozen=True)
class _Known:
    principal: Principal
    expires_at: datetime | None
    read_at: float  # monotonic


class KnownKeys:
    """The keys that one process has seen lately."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._lock = threading.Lock()

    def remembered(self, key: str) -> Principal | None:
        """Returns the principal of a key that was looked up some seconds ago; None if it is to be looked up."""
        with self._lock:
            known = self._known.get(hashed(key))
        is_fresh = known is not None and self._system.clock.monotonic() - known.read_at < REMEMBERED_SECONDS
        return known.principal if known is not None and is_fresh and self._is_valid(known.expires_at) else None

    def looked_up(self, key: str) -> Principal | None:
        """Returns the principal of a key; None if there is no such key, or it has expired."""
        read_at, now = self._system.clock.monotonic(), self._system.clock.now()
        with database.reading():
            found = app_keys.by_hash(hashed(key))
            per_minute = None if found is None else _requests_per_minute(found)
        if found is None or not self._is_valid(found.expires_at):
            return None
        if found.used_at is None or now - found.used_at >= _USED_AGAIN_AFTER:
            with self._system.transaction(Gate.UNUSED):
                app_keys.mark_used(found, now)
        principal = _principal(found, per_minute)
        self._remember(hashed(key), _Known(principal, found.expires_at, read_at))
        return principal

    def _remember(self, hashed_key: str, known: _Known) -> None:
        with self._lock:
            self._known[hashed_key] = known
            self._known.move_to_end(hashed_key)
            while len(self._known) > MAX_REMEMBERED:
                self._known.popitem(last=False)

    def _is_valid(self, expires_at: datetime | None) -> bool:
        return expires_at is None or self._system.clock.now() < expires_at


def _requests_per_minute(key: AppKey) -> int | None:
    """Returns how many requests all keys of a key's app may send, in the caller's transaction."""
    found = quotas.of_apps([key.app_id]).get(key.app_id)
    return None if found is None else found.requests_per_minute


def _principal(key: AppKey, app_requests_per_minute: int | None) -> Principal:
    return Principal(
        PrincipalKind.KEY,
        name=key.prefix,
        memberships=(Membership(key.app_id, key.app.name, Role.OWNER),),
        scopes=scopes_of(key),
        key_id=key.id,
        maker_id=key.maker_id,
        account_id=key.account_id,
        app_requests_per_minute=app_requests_per_minute,
        expires_at=key.expires_at,
        credential=key.prefix,
    )
