"""When a run that is held, or waits for a retry, is called next: what all pages and explanations say of it.

A run that is due for a retry is held if its receiver's breaker is open by then, and a held one goes on once its key has
room: the later instant counts. The instant at which a key is rechecked is no promise of a call, so it is not shown
where that of its room is known.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from core import limit_keys
from core.states import RunStatus
from models import breakers, database, failing_calls
from services.messaging import broker as brokers
from services.reading import limits
from services.reading.failures import failing_hosts
from services.system import System

MAX_KEYS = 20


class Called(Protocol):
    """A run that may be called again."""

    @property
    def id(self) -> UUID: ...
    @property
    def app_name(self) -> str: ...
    @property
    def status(self) -> RunStatus: ...
    @property
    def due_at(self) -> datetime: ...
    @property
    def held_key(self) -> str | None: ...


def of_keys(system: System, keys: Collection[str]) -> dict[str, datetime]:
    """Returns when each key of a limit or a breaker lets the next call begin; those that let one begin are left out."""
    with database.reading():
        return {key: at for key in keys if (at := _of_key(system, key)) is not None}


def of_runs(system: System, runs: Sequence[Called]) -> dict[UUID, datetime]:
    """Returns when each run that waits for a retry, or is held by a key, is called next, where that is known.

    It is never in the past: what could begin already begins now. At most 20 keys are looked at.
    """
    now = system.clock.now()
    waiting = [one for one in runs if one.status is RunStatus.RETRYING]
    held = [one for one in runs if one.status is RunStatus.QUEUED and one.held_key is not None]
    with database.reading():
        keys = _destinations(system, waiting) | {one.id: one.held_key or "" for one in held}
        room_at = of_keys(system, list(dict.fromkeys(keys.values()))[:MAX_KEYS])
    known = [*waiting, *(one for one in held if one.held_key in room_at)]
    return {one.id: max(now, one.due_at, room_at.get(keys.get(one.id, ""), now)) for one in known}


def _of_key(system: System, key: str) -> datetime | None:
    if limit_keys.is_of_destination(key):
        breaker = breakers.by_key(key)
        return None if breaker is None or breaker.places else breaker.probe_at
    view = limits.view(system, key, system.clock.now())
    return None if view is None else view.next_room_at


def _destinations(system: System, runs: Sequence[Called]) -> dict[UUID, str]:
    """Returns the key of the receiver that each run called last, as far as known; nothing without open breakers."""
    if not runs or not breakers.any_is_open():
        return {}
    calls = [one for one in failing_calls.of_runs([run.id for run in runs]) if one.queue == brokers.RUNS_HTTP]
    called = zip(calls, failing_hosts.of_calls(system, calls), strict=True)
    return {
        one.run_id: limit_keys.of_destination(one.app_name, host)
        for one, host in reversed([*called])
        if host is not None
    }
