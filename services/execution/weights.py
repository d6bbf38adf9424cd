"""Decides which weight a caller may set with a limit: owners up to 1, administrators any.

An owner changes neither a weight below 1 that an administrator set, nor its expiry: a limit and its weight expire
together.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from core.errors import Forbidden
from core.instants import shown
from core.limits import Limit
from core.principals import Principal
from models.tables import Limit as LimitRow
from services.reading.limits import administrator_of

_REMEDY = "ask an administrator to change it"


@dataclass(frozen=True)
class Weight:
    """The weight of a key, the administrator who set it (if below 1), and when the limit expires."""

    value: float | None
    put_by: str | None
    expires_at: datetime | None


def judged(principal: Principal, wanted: Limit, former: LimitRow | None, now: datetime) -> Weight:
    """Returns the weight that a key gets with a limit: the given one, else the current one. Raises `Forbidden`."""
    kept = _standing(former, now)
    had, put_by = (None, None) if kept is None else (kept.weight, administrator_of(kept))
    value = had if wanted.weight is None else wanted.weight
    if principal.sees_all:
        if wanted.weight is not None:
            put_by = principal.label if wanted.weight < 1 else None
        return Weight(value, put_by, wanted.expires_at)
    if kept is not None and put_by is not None:
        _refuse_undoing(kept, wanted)
        return Weight(had, put_by, kept.expires_at)
    if (value or 0) > max(1.0, had or 1.0):  # at the cost of other tenants
        principal.expect_administration()
    if kept is not None and (value or 0) > 1:
        return Weight(value, None, _no_later(kept, wanted.expires_at))
    return Weight(value, None, wanted.expires_at)


def refuse_deleting(principal: Principal, former: LimitRow, now: datetime) -> None:
    """Raises `Forbidden` if the principal may not change the weight that would be deleted with a limit."""
    kept = _standing(former, now)
    if kept is not None and administrator_of(kept) is not None and not principal.sees_all:
        raise Forbidden(f"of {_as_put(kept)}, so this limit stays; {_REMEDY}.", "weight")


def _refuse_undoing(kept: LimitRow, wanted: Limit) -> None:
    if wanted.weight is not None and wanted.weight != kept.weight:
        raise Forbidden(f"is {wanted.weight:g}, in place of {_as_put(kept)}; leave it out, or {_REMEDY}.", "weight")
    ends_at = wanted.expires_at
    if ends_at is not None and ends_at != kept.expires_at:
        raise Forbidden(
            f"is {shown(ends_at)}, which would be the end of {_as_put(kept)}, too; leave it out, or {_REMEDY}.",
            "expires_at",
        )


def _no_later(kept: LimitRow, ends_at: datetime | None) -> datetime | None:
    """Returns the expiry of a limit whose weight is above 1. Raises `Forbidden` if it is after the administrator's."""
    if kept.expires_at is None or ends_at is None:
        return kept.expires_at or ends_at
    if ends_at > kept.expires_at:
        detail = f"is {shown(ends_at)}, but the weight {kept.weight:g} on {kept.key} ends at {shown(kept.expires_at)}"
        raise Forbidden(f"{detail}; leave it out, or {_REMEDY}.", "expires_at")
    return ends_at


def _as_put(kept: LimitRow) -> str:
    until = "" if kept.expires_at is None else f" until {shown(kept.expires_at)}"
    return f"the weight {kept.weight:g} that the administrator {kept.weight_put_by} put on {kept.key}{until}"


def _standing(row: LimitRow | None, now: datetime) -> LimitRow | None:
    is_over = row is None or (row.expires_at is not None and row.expires_at <= now)
    return None if is_over else row
