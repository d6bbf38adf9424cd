"""Limits as they are shown: what a key allows, how much is used, how many runs wait, and when there is room again."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from core import etags, forecasts, instants, limit_keys
from core.errors import Forbidden, InvalidInput, NotFound
from core.limit_keys import LimitKey, LimitKind
from core.limits import Limit, Standing
from core.principals import Principal
from core.rates import Rate
from core.scopes import Scope
from models import database, held_keys, jobs, limits, lists, pauses
from models.tables import Limit as Row
from services.access import visible_apps
from services.reading import visibility
from services.reading.views import RunView, run_view
from services.system import System

MAX_COUNTED = 1_000
MAX_SHOWN = 20
_MAX_HOLDERS = 5


@dataclass(frozen=True)
class OwnedKey:
    """A key in its stored spelling, and the app or job that it is on."""

    key: LimitKey
    app_id: UUID | None = None
    job_id: UUID | None = None


@dataclass(frozen=True)
class LimitView:
    """A key and its state; `is_default` if a setting limits it, `waiting` counts the runs it holds, up to 1,000.

    `weight_put_by` is the administrator who put a weight below 1, which owners cannot change.

    `room` is how many more calls may begin, None if the key only has a weight; while it is 0, `next_room_at` says when
    a rate has room again. `drained_in_seconds` is about how long until the last of the waiting runs begins, at least so
    long if more than 1,000 wait; None where that cannot be said (`core.forecasts`), or a pause holds them.
    """

    key: str
    concurrency: int | None
    rate: Rate | None
    weight: float | None
    weight_put_by: str | None
    expires_at: datetime | None
    is_default: bool
    running: int
    ended: int
    room: int | None
    next_room_at: datetime | None
    waiting: int
    drained_in_seconds: float | None

    @property
    def etag(self) -> str:
        """The ETag of what the key allows, whatever is used of it."""
        rate = None if self.rate is None else [self.rate.calls, self.rate.seconds]
        until = None if self.expires_at is None else instants.shown(self.expires_at)
        allowed = [self.concurrency, rate, self.weight, self.weight_put_by, until, self.is_default]
        return etags.of([self.key, *allowed])


def get(principal: Principal, system: System, text: str) -> LimitView:
    """Returns the state of a limited key.

    Raises `InvalidInput` for an invalid key, `NotFound` for a key that is not limited or not the principal's.
    """
    with database.reading():
        key = owned(principal, text, Scope.READ).key.text
        if principal.account_id is not None and key not in _of_account(principal):
            raise NotFound("limit", key)
        return expected_view(system, key, system.clock.now())


def listed(principal: Principal, system: System, after: str, limit: int) -> tuple[list[LimitView], bool]:
    """Returns keys that are limited or hold runs and that the principal may see, by name, and whether more follow."""
    principal.expect_scope(Scope.READ)
    with database.reading():
        found = _keys(principal, after, limit + 1)
        return _views(system, found[:limit]), len(found) > limit


def of_keys(principal: Principal, system: System, keys: Collection[str]) -> dict[str, LimitView]:
    """Returns the states of those of these keys that are limited and that the principal may see."""
    with database.reading():
        return {one.key: one for one in _views(system, [key for key in keys if may_see(principal, key)])}


def in_force(system: System, keys: Collection[str]) -> dict[str, Limit]:
    """Returns what limits those of these keys that are limited now. Read in the caller's transaction."""
    rows, now = limits.by_keys(keys), system.clock.now()
    found = {key: _limit(system, key, rows.get(key), now) for key in keys}
    return {key: limit for key, limit in found.items() if limit is not None and limit.limits_something}


def may_see(principal: Principal, key: str) -> bool:
    """Whether the principal may see the state of a key. Call it in a transaction."""
    try:
        owned(principal, key, Scope.READ)
    except (Forbidden, InvalidInput, NotFound):
        return False
    return principal.account_id is None or key in _of_account(principal)


def owned(principal: Principal, text: str, scope: Scope) -> OwnedKey:
    """Parse a key on which the principal has this scope. Call it in a transaction.

    Raises `InvalidInput` for an invalid key; `NotFound` for a key of an app or a job that the principal may not see,
    and `Forbidden` without the scope: keys of hosts and of the installation are for administrators.
    """
    key = _read(text)
    if key.kind in (LimitKind.INSTALLATION, LimitKind.HOST):
        principal.expect_scope(scope)
        principal.expect_administration()
        return OwnedKey(key)
    if key.kind is LimitKind.JOB:
        job_id = UUID(key.name)
        job = visibility.expected(principal, jobs.by_id(job_id), job_id, scope)
        return OwnedKey(key, visible_apps.found(principal, job.app.name, scope).id, job_id)
    app = visible_apps.found(principal, key.app_name, scope)
    return OwnedKey(LimitKey(key.kind, app.name, key.name), app.id)


def may_change(principal: Principal, text: str) -> bool:
    """Whether the principal may put and delete the limit of a key."""
    try:
        with database.reading():
            owned(principal, text, Scope.APP)
    except (Forbidden, NotFound):
        return False
    return True


def runs_holding(principal: Principal, key: str) -> list[RunView]:
    """Returns the first 20 runs with calls under way under a key, of those that the principal may see."""
    with database.reading():
        runs = lists.runs_by_ids(holders(principal, key, MAX_SHOWN))
    return [run_view(one) for one in runs]


def holders(principal: Principal, key: str, most: int = _MAX_HOLDERS) -> list[UUID]:
    """Returns some runs with calls under way under a key, if the principal may see them."""
    return visible_runs(principal, limits.holders(key, most))


def visible_runs(principal: Principal, run_ids: Collection[UUID]) -> list[UUID]:
    """Returns those of these runs that the principal may see. Call it in a transaction."""
    seen = limits.jobs_of_runs(run_ids, principal.account_id)
    return [run_id for run_id in run_ids if run_id in seen and visibility.sees(principal, seen[run_id])]


def _read(text: str) -> LimitKey:
    try:
        return limit_keys.read(text)
    except ValueError as error:
        raise InvalidInput.at("key", str(error)) from None


def _keys(principal: Principal, after: str, limit: int) -> list[str]:
    only = None if principal.account_id is None else _of_account(principal)
    return limits.keys_page(principal.app_ids(Scope.READ), after, limit, only)


def _of_account(principal: Principal) -> Collection[str]:
    """The keys visible to a principal who is bound to one account of their app."""
    return [limit_keys.of_account(one.app_name, principal.account_id or "") for one in principal.memberships]


def _views(system: System, keys: Collection[str]) -> list[LimitView]:
    rows, waiting = limits.by_keys(keys), held_keys.waiting_by_key(keys, MAX_COUNTED)
    now, in_force = system.clock.now(), _pauses()
    views = [_view(system, key, rows.get(key), waiting[key], now, in_force=in_force) for key in keys]
    return [one for one in views if one is not None]


def expected_view(system: System, key: str, now: datetime) -> LimitView:
    """Returns as `view` does. Raises `NotFound` if nothing limits the key."""
    standing = view(system, key, now)
    if standing is None:
        raise NotFound("limit", key)
    return standing


def view(system: System, key: str, now: datetime) -> LimitView | None:
    """Returns the state of a key; None if nothing limits it. Read in the caller's transaction."""
    return _view(system, key, limits.by_key(key), held_keys.waiting(key, MAX_COUNTED), now, in_force=_pauses())


@dataclass(frozen=True)
class _Pauses:
    """The pauses in force of everything and of apps; those of jobs are not considered."""

    of_all: bool
    app_ids: frozenset[UUID]
    app_names: frozenset[str]

    def hold(self, key: str, row: Row | None) -> bool:
        """Whether they hold the runs of a key. A job's key does not name its app, but always has a row."""
        if row is not None:
            return self.of_all or row.app_id in self.app_ids
        return self.of_all or limit_keys.read(key).app_name in self.app_names


def _pauses() -> _Pauses:
    apps = pauses.paused_apps(None)
    of_all = pauses.everything_paused_at() is not None
    return _Pauses(of_all, frozenset(app.id for app in apps), frozenset(app.name for app in apps))


def _view(
    system: System, key: str, row: Row | None, waiting: int, now: datetime, *, in_force: _Pauses
) -> LimitView | None:
    limit = _limit(system, key, row, now)
    if limit is None:
        return None
    span = None if limit.rate is None else limit.rate.span
    standing = Standing(limit, *limits.used(key, now if span is None else now - span))
    drained = None if in_force.hold(key, row) else forecasts.drain_seconds(waiting, limit, standing.room, now)
    return LimitView(
        key,
        limit.concurrency,
        limit.rate,
        limit.weight,
        None if limit.weight is None or row is None else administrator_of(row),
        limit.expires_at,
        limit.is_default,
        standing.running,
        standing.ended,
        standing.room if limit.limits_something else None,
        standing.recheck_at(now) if standing.is_at_its_rate else None,
        waiting,
        drained,
    )


def administrator_of(row: Row) -> str | None:
    """Returns who put the weight of a limit below 1, if an administrator did.

    A process of the previous release changes a weight but leaves the name of whoever set the weight before.
    """
    return row.weight_put_by if row.weight is not None and row.weight < 1 else None


def _limit(system: System, key: str, row: Row | None, now: datetime) -> Limit | None:
    """Returns what limits a key: its own limit, else the rate of accounts; None if nothing does now."""
    default = system.settings.account_rate if key.startswith("account:") else None
    by_default = None if default is None else Limit(rate=default, is_default=True)
    if row is None or (row.expires_at is not None and row.expires_at <= now):
        return by_default
    rate = None if row.calls is None or row.per_seconds is None else Rate(row.calls, row.per_seconds)
    own = Limit(row.concurrency, rate, row.expires_at, weight=row.weight)
    if own.limits_something or by_default is None:
        return own
    return replace(by_default, weight=own.weight, expires_at=own.expires_at)
