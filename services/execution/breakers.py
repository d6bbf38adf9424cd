"""Watch how calls to destinations end, and open and close their breakers.

An engine keeps the last calls of each destination in memory, and writes only when a breaker opens, or when a call that
an open breaker allowed has ended. Like all limits, open breakers are applied in the claim and where held runs are given
room: there it is decided which runs are held, and that only one probe is sent at a time.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

import structlog

from core import breakers as rules
from core import built_in_apps, limit_keys
from core.auditing import Thing
from core.errors import AbortReason, DatabaseUnavailable, NotFound
from core.principals import Principal
from core.scopes import Scope
from models import apps, breakers, database, held_keys
from models.pauses import Gate
from models.tables import App
from services.access import visible_apps
from services.execution.work import Failed, HandedIn, Result, Stopped, Work
from services.runtime import events
from services.system import System

Destination = tuple[UUID, str]

_MAX_WATCHED = 1_000
_KNOWN_SECONDS = 1.0
_IDLE = timedelta(minutes=20)

log = structlog.get_logger()


class LastCalls:
    """The last calls of the destinations that one process calls."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._lock = threading.Lock()  # the engine and its recorder both record calls
        self._calls: OrderedDict[Destination, deque[bool]] = OrderedDict()
        self._of_apps: Mapping[UUID, bool] = {}
        self._open: frozenset[Destination] = frozenset()
        self._opening: set[Destination] = set()
        self._known_until: float | None = None

    def record(self, ended: Iterable[HandedIn]) -> list[Destination]:
        """Record how calls have ended. Returns the destinations whose breakers are to open: see `open`."""
        calls = [(work, is_failed) for work, result in ended if (is_failed := failed(result)) is not None]
        if not calls:
            return []
        with self._lock:
            if not self._any_is_enabled():
                return []
            return [found for work, is_failed in calls if (found := self._note(work, is_failed=is_failed)) is not None]

    def open(self, tripped: Sequence[Destination]) -> None:
        """Open the breakers of these destinations; if that fails, it is tried again with the next call that fails."""
        try:
            open_new(self._system, tripped)
            with self._lock:
                for destination in tripped:
                    self._calls.pop(destination, None)  # what comes after it closes counts again
        finally:
            with self._lock:
                self._opening.difference_update(tripped)

    def _note(self, work: Work, *, is_failed: bool) -> Destination | None:
        host = host_of(work)
        if host is None or not self._of_apps.get(work.app_id, self._system.settings.destination_breaker):
            return None
        destination = work.app_id, host
        if destination in self._open:
            return None
        last = self._calls.setdefault(destination, deque(maxlen=rules.CALLS))
        self._calls.move_to_end(destination)
        if len(self._calls) > _MAX_WATCHED:
            self._calls.popitem(last=False)
        last.append(is_failed)
        if not (is_failed and rules.trips(last)) or destination in self._opening:
            return None
        self._opening.add(destination)
        return destination

    def _any_is_enabled(self) -> bool:
        now = self._system.clock.monotonic()
        if self._known_until is None or now >= self._known_until:
            with suppress(DatabaseUnavailable):  # what was known before holds until it answers
                self._look(now)
        is_known = self._known_until is not None
        return is_known and (self._system.settings.destination_breaker or any(self._of_apps.values()))

    def _look(self, now: float) -> None:
        with database.reading():
            self._of_apps, self._open = breakers.wanted_by_apps(), breakers.open_destinations()
        for destination in self._open:  # another process may have opened it: what was before counts no more
            self._calls.pop(destination, None)
        self._known_until = now + _KNOWN_SECONDS


def failed(result: Result) -> bool | None:
    """Whether a call failed without an answer or with a 5xx; None where none was made, or it was broken off."""
    if isinstance(result, Stopped):
        return True if result.reason is AbortReason.TIME_LIMIT else None
    if not isinstance(result, Failed):
        return False
    status = result.error.status_code
    if not result.error.was_called or (result.error.permanent and status is None):
        return None
    return not result.error.permanent and (status is None or status >= 500)  # noqa: PLR2004  HTTP's


def host_of(work: Work) -> str | None:
    """Returns the host that an attempt calls."""
    key = None if work.target.url is None else limit_keys.of_host(work.target.url)
    return None if key is None else key.removeprefix("host:")


def open_new(system: System, destinations: Sequence[Destination]) -> None:
    """Open the breakers of these destinations, where they are closed; none in the apps that all users share."""
    if not destinations:
        return
    with system.transaction(Gate.UNUSED) as unit:
        names = apps.names_of({app_id for app_id, _ in destinations})
        for app_id, host in sorted(destinations):  # in one order, so that no two wait for each other
            if names[app_id] in built_in_apps.NAMES:
                continue  # any user could keep the others from a host
            key = limit_keys.of_destination(names[app_id], host)
            if breakers.open_new(key, app_id, host, rules.opened(unit.now), unit.now):
                _emit_opened(names[app_id], host)


def move(system: System, ended: Sequence[HandedIn]) -> None:
    """Move the breakers that let these calls go, now that the calls have ended."""
    for work, result in ended:
        is_failed = failed(result)
        for key in work.places:
            if is_failed is not None and limit_keys.is_of_destination(key):
                _move_surely(system, key, is_failed=is_failed)


def _move_surely(system: System, key: str, *, is_failed: bool) -> None:
    try:
        while not _move(system, key, is_failed=is_failed):
            pass  # another call has ended meanwhile
    except Exception:  # the others are moved all the same
        log.exception("breaker_not_moved", key=key)


def _move(system: System, key: str, *, is_failed: bool) -> bool:
    with system.transaction(Gate.UNUSED) as unit:
        row = breakers.by_key(key)
        if row is None:
            return True
        former = breakers.state(row)
        new = rules.after_failure(former, unit.now) if is_failed else rules.after_success(former, unit.now)
        if not breakers.replace(key, former, new):
            return False
        held_keys.recheck_at(key, unit.now)
        if new is None:
            _tell_closed(apps.names_of([row.app_id])[row.app_id], row.host)
    return True


def forget_idle(now: datetime) -> None:
    """Close breakers that hold no run and wait for no probe, in the caller's transaction."""
    for row in breakers.delete_idle(now - _IDLE):
        _tell_closed(apps.names_of([row.app_id])[row.app_id], row.host)


def close(principal: Principal, system: System, key: str, reason: str | None = None) -> None:
    """Close a breaker by hand; what it holds goes on. Raises `NotFound`, and as `visible_apps.found` does."""
    with system.transaction(Gate.UNUSED) as unit:
        row = breakers.by_key(key)
        if row is None or principal.account_id is not None:  # as in the list: its existence is not revealed either
            raise NotFound("breaker", key)
        app = _app(principal, row.app_id, key)
        breakers.delete(key)
        held_keys.recheck_at(key, unit.now)
        unit.audit(principal, "breaker.closed", Thing("breaker", key, app.id), reason=reason)
        _tell_closed(app.name, row.host)


def _app(principal: Principal, app_id: UUID, key: str) -> App:
    name = apps.names_of([app_id])[app_id]
    try:
        return visible_apps.found(principal, name, Scope.OPERATE)
    except NotFound:
        raise NotFound("breaker", key) from None


def _emit_opened(app: str, host: str) -> None:
    database.after_commit(partial(events.emit, "breaker.opened", app=app, host=host))


def _tell_closed(app: str, host: str) -> None:
    database.after_commit(partial(events.emit, "breaker.closed", app=app, host=host))
