"""Describes in words why a limit or a breaker holds a run: the key, until when, and up to five runs under way."""

from __future__ import annotations

from core.instants import shown
from core.limit_keys import is_of_destination
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
    return f"held: {_allowed(key, view)}{_under_way(principal, key)}."


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


def _under_way(principal: Principal, key: str) -> str:
    found = limits.holders(principal, key)
    return f"; under way: {', '.join(map(str, found))}" if found else ""
