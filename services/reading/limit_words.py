"""Says in words why a limit holds a run: which key, what it allows, until when, and up to five runs under way."""

from __future__ import annotations

from core.instants import shown
from core.principals import Principal
from models.tables import Run
from services.reading import limits
from services.reading.limits import LimitView
from services.system import System


def of_held(principal: Principal, system: System, run: Run) -> str:
    """Returns why a held run waits; read in the caller's transaction."""
    key = run.held_key or ""
    view = limits.view(system, key, system.clock.now())
    return f"held: {_allowed(key, view)}; looked at again {shown(run.held_until)}{_under_way(principal, key)}."


def _allowed(key: str, view: LimitView | None) -> str:
    if view is None or view.room is None:
        return f"{key} is not limited any more, so it goes on"
    by = "ACCOUNT_RATE" if view.is_default else "its limit"
    if view.rate is not None and view.next_room_at is not None:
        return f"{key} has had its {view.rate.calls} calls within {view.rate.seconds} s ({by})"
    if view.concurrency is not None:
        return f"{key} may have {view.concurrency} runs at once ({by}), and others are before it"
    return f"{key} is limited ({by}), and others are before it"


def _under_way(principal: Principal, key: str) -> str:
    found = limits.holders(principal, key)
    return f"; under way: {', '.join(map(str, found))}" if found else ""
