"""Put and delete limits by key. A limit is in force within a second; calls under way count against it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from core import built_in_apps, etags, fairness, instants
from core.auditing import Thing
from core.errors import Conflict, InvalidInput, NotFound
from core.etags import Expected
from core.limits import Limit
from core.principals import Principal
from core.scopes import Scope
from models import held_keys, limits
from models.pauses import Gate
from models.tables import Limit as LimitRow
from services.execution import held_runs, weights
from services.execution.weights import Weight
from services.reading import limits as reading
from services.reading.limits import LimitView, OwnedKey
from services.system import System

MAX_OF_APP = 1_000


def put(
    principal: Principal, system: System, text: str, wanted: Limit, expected: Expected = None
) -> tuple[LimitView, bool]:
    """Put the limit of a key, replacing the one that it has; if no weight is given, the former one is kept.

    If an administrator set the weight, a limit that an owner puts keeps the weight's expiry, too.

    Returns the state of the limit, and whether the key had none before.

    Raises `InvalidInput` for an invalid key, an expired limit, or a weight for a key that is not a party; `Conflict` if
    there are too many limits; and as `etags.expect`, `services.reading.limits.owned` and `weights.judged` do.
    """
    with system.transaction(Gate.UNUSED) as unit:
        owned = reading.owned(principal, text, Scope.APP)
        key = owned.key.text
        _refuse_weight(owned, wanted)
        if wanted.expires_at is not None and wanted.expires_at <= unit.now:
            raise InvalidInput.at(
                "expires_at", f"is {instants.shown(wanted.expires_at)}, which has passed; leave it out for no end."
            )
        limits.lock(key)
        _expect(system, key, expected, unit.now)
        former = limits.by_key(key)
        weight = weights.judged(principal, wanted, former, unit.now)
        if former is None:
            _refuse_more(owned)
        limits.put(_row(owned, wanted, weight, unit.now))
        if wanted.limits_something:
            held_runs.count_running(system, [key])
        held_keys.recheck_at(key, unit.now)
        action = "limit.created" if former is None else "limit.changed"
        unit.audit(principal, action, _thing(owned), before=_recorded(former), after=_recorded(limits.by_key(key)))
        return reading.expected_view(system, key, unit.now), former is None


def delete(
    principal: Principal, system: System, text: str, reason: str | None = None, expected: Expected = None
) -> None:
    """Delete the limit of a key; runs that it held become claimable. Raises `NotFound`, and as `put` does."""
    with system.transaction(Gate.UNUSED) as unit:
        owned = reading.owned(principal, text, Scope.APP)
        key = owned.key.text
        limits.lock(key)
        former = limits.by_key(key)
        if former is None:
            raise NotFound("limit", key)
        _expect(system, key, expected, unit.now)
        weights.refuse_deleting(principal, former, unit.now)
        limits.delete(key)
        held_keys.recheck_at(key, unit.now)
        unit.audit(principal, "limit.deleted", _thing(owned), before=_recorded(former), reason=reason)


def _expect(system: System, key: str, expected: Expected, now: datetime) -> None:
    """Raises `PreconditionFailed` if a locked key has none of the expected ETags."""
    view = None if expected is None else reading.view(system, key, now)
    etags.expect(f"limit {key}", None if view is None else view.etag, expected)


def _refuse_weight(owned: OwnedKey, wanted: Limit) -> None:
    if wanted.weight is not None and not fairness.is_party(owned.key):
        raise InvalidInput.at(
            "weight",
            f"is for those that share workers, and {owned.key.text} is none; put it on account:APP/ACCOUNT, or on "
            f"app:NAME for an app that all users share ({', '.join(sorted(built_in_apps.NAMES))}).",
        )


def _refuse_more(owned: OwnedKey) -> None:
    if limits.count_of(owned.app_id) >= MAX_OF_APP:
        of_what = "The installation" if owned.app_id is None else f"The app {owned.key.app_name}".rstrip()
        raise Conflict(f"{of_what} has {MAX_OF_APP} limits, the most there may be; delete one.")


def _row(owned: OwnedKey, wanted: Limit, weight: Weight, now: datetime) -> dict[str, Any]:
    return {
        "key": owned.key.text,
        "kind": owned.key.kind,
        "app_id": owned.app_id,
        "job_id": owned.job_id,
        "concurrency": wanted.concurrency,
        "calls": None if wanted.rate is None else wanted.rate.calls,
        "per_seconds": None if wanted.rate is None else wanted.rate.seconds,
        "weight": weight.value,
        "weight_put_by": weight.put_by,
        "expires_at": weight.expires_at,
        "created_at": now,
        "updated_at": now,
    }


def _thing(owned: OwnedKey) -> Thing:
    return Thing("limit", owned.key.text, owned.app_id)


def _recorded(row: LimitRow | None) -> dict[str, Any] | None:
    if row is None:
        return None
    rate = None if row.calls is None else {"calls": row.calls, "per_seconds": row.per_seconds}
    expires_at = None if row.expires_at is None else instants.shown(row.expires_at)
    return {"concurrency": row.concurrency, "rate": rate, "weight": row.weight, "expires_at": expires_at}
