"""Describes in words why a limit or a breaker holds a run: the key, until when, and up to five runs under way."""

from __future__ import annotations

from core.instants import shown
from core.limit_keys import INSTALLATION, is_of_destination
from core.principals import Principal
from models import breakers
from models.tables import Breaker, Run
from services.reading import limits
from services.reading.limits import LimitView
from services.system import System


def of_held(principal: Principal, system: System, run: Run) -> str:
    """Returns why a held run waits; read in the caller's transaction."""
    key = run.held_key or ""
    if is_of_destination(key):
        return f"held: {_left_alone(breakers.by_key(key), key)}{_under_way(principal, key)}."
    view = limits.view(system, key, system.clock.now())
    allowed = _allowed(key, view) if limits.may_see(principal, key) else _of_others(key, view)
    return f"held: {allowed}{_under_way(principal, key)}."


def of_installation(principal: Principal, system: System) -> str:
    """Returns why runs that nothing holds wait, if the installation's own limit, which holds none, leaves no room.

    Read in the caller's transaction.
    """
    view = limits.view(system, INSTALLATION, system.clock.now())
    if view is None or view.room != 0:
        return ""
    may_see = limits.may_see(principal, INSTALLATION)
    allowed = (
        _allowed(INSTALLATION, view) if may_see else "the limit of the whole installation leaves no room at present"
    )
    return f"waits: {allowed}{_under_way(principal, INSTALLATION)}."


def _left_alone(breaker: Breaker | None, key: str) -> str:
    if breaker is None:
        return f"the breaker of {key} is closed, so it goes on"
    since = f"most of the last calls to {breaker.host} failed, so since {shown(breaker.opened_at)} no run may call it"
    if breaker.places == 0:
        return f"{since} (breaker {key}); one call is tried from {shown(breaker.probe_at)} on"
    return f"{since} (breaker {key}); it answers again, and {breaker.places} calls may go at once"


def _allowed(key: str, view: LimitView | None) -> str:
    if view is None or view.room is None:
        return f"{key} is not limited any more, so it goes on"
    by = "ACCOUNT_RATE" if view.is_default else "its limit"
    if view.rate is not None and view.next_room_at is not None:
        had = f"{key} has had its {view.rate.calls} calls within {view.rate.seconds} s ({by})"
        return f"{had}, and has room again from {shown(view.next_room_at)} on"
    if view.concurrency is not None:
        return f"{key} may have {view.concurrency} runs at once ({by}), and others are before it"
    return f"{key} is limited ({by}), and others are before it"


def _of_others(key: str, view: LimitView | None) -> str:
    """Words without values for a limit that is not for the caller to see: they would reveal what others do."""
    if view is None or view.room is None:
        return f"{key} is not limited any more, so it goes on"
    return f"{key} is limited, by a limit that you may not see"


def _under_way(principal: Principal, key: str) -> str:
    found = limits.holders(principal, key)
    return f"; under way: {', '.join(map(str, found))}" if found else ""
