"""Apply the limits when runs are claimed: how many run at once, and how often receivers are called.

A run that finds no room under one of its keys is held, so that it does not block others; `services.execution.held_runs`
puts held runs back into the claim as room becomes free. The installation's own limits hold no runs: they bound how many
runs a claim may take.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from core import limits as rules
from core.errors import DatabaseUnavailable
from core.limit_keys import INSTALLATION, is_of_app, is_of_destination
from core.limits import Standing
from core.states import Hold
from models import claims, database, held_keys, limits
from models.hot import claims as hot_claims
from models.hot.rows import Candidate, StartedRun, Terms
from models.pauses import Gate
from models.tables import HeldKey
from services.execution import run_keys
from services.execution.rotation import Rotation
from services.messaging import broker as brokers
from services.messaging.doorbell import Ring
from services.scheduling.dispatching import MAX_RINGS
from services.system import System
from settings import Settings

KNOWN_SECONDS = 1.0
"""How long a process may believe that nobody has limited anything."""

_FRONT = 500


@dataclass(frozen=True)
class Claimed:
    """The runs that were claimed, and whether others were held instead, so that it is worth claiming again.

    `places` has the keys with a concurrency limit under which each run takes a place.
    """

    runs: list[StartedRun]
    held_others: bool = False
    places: Mapping[UUID, tuple[str, ...]] = field(default_factory=dict)


class LimitCache:
    """Whether there are limits, read again after a second."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._stored = False
        self._until: float | None = None

    def may_apply(self, queue: str) -> bool:
        """Whether a claim from a queue may have to wait for other claims, so that nothing may be locked before it."""
        return _is_limited_by_settings(self._system.settings, queue) or self._any_is_stored()

    def _any_is_stored(self) -> bool:
        now = self._system.clock.monotonic()
        if self._until is None or now >= self._until:
            try:
                with database.reading():
                    self._stored = limits.are_on()
            except DatabaseUnavailable:
                return True
            self._until = now + KNOWN_SECONDS
        return self._stored


def claim(system: System, queue: str, limit: int, terms: Terms, rotation: Rotation) -> Claimed:
    """Claim the most urgent runs of a queue that the limits allow, within the caller's transaction."""
    room = _claim_room(system.settings, limit)
    candidates = hot_claims.candidates(queue, room, terms.now, rotation.after(queue)) if room > 0 else []
    if not candidates:
        return Claimed([])
    keys = run_keys.of(system, candidates)
    found = run_keys.standings(system, candidates, keys, terms.now)
    calls = [(run, run_keys.applied(run, keys, found)) for run in candidates]
    allowed, refused = rules.within(calls, found)
    uses = [(key, run.id) for run in allowed for key in run_keys.applied(run, keys, found)]
    started = hot_claims.start([run.id for run in allowed], terms, uses)
    rotation.advance(queue, [(run.priority, run.party) for run in allowed])
    refused.pop(INSTALLATION, None)
    if refused:  # after the claim: the runs that may start have then left the front of the queue
        _hold(system, queue, refused, _after(found, uses), terms.now)
    return Claimed(started, held_others=bool(refused), places=_places(uses, found))


def claim_freely(queue: str, limit: int, terms: Terms, rotation: Rotation) -> Claimed:
    """Claim the most urgent runs of a queue without limits, within the caller's transaction."""
    started, picked = hot_claims.claim(queue, limit, terms, rotation.after(queue))
    rotation.advance(queue, picked)
    return Claimed(started)


def most_rings(system: System) -> int:
    """Returns how many rings a queue can use: at most as many as runs may start now under the installation's limits."""
    most = system.settings.max_concurrent_runs
    with database.reading():
        room = MAX_RINGS if most is None else min(MAX_RINGS, _room(most))
        is_limited = limits.by_key(INSTALLATION) is not None
    if not is_limited:
        return room
    with system.transaction(Gate.UNUSED) as unit:
        found = hot_claims.limited([INSTALLATION], [], None, unit.now)
    return min([room, *(standing.room for standing in found.values())])


def ring_next(system: System, freed: int, *, is_limited: bool = False) -> None:
    """Ring for the runs that may start after `freed` runs have ended, if the installation's runs are limited."""
    if not freed or not (is_limited or system.settings.max_concurrent_runs is not None):
        return
    with database.reading():
        following = [Ring(run_id, queue) for queue in brokers.RUNS for run_id in claims.claimable(queue, freed)]
    system.doorbell.ring(following)


def _is_limited_by_settings(settings: Settings, queue: str) -> bool:
    """Whether the settings limit the runs of a queue."""
    return settings.max_concurrent_runs is not None or (
        queue == brokers.RUNS_HTTP and settings.account_rate is not None
    )


def _claim_room(settings: Settings, limit: int) -> int:
    """Returns how many runs may start, at most `limit`; locks out other claims until the transaction ends."""
    if settings.max_concurrent_runs is None:
        return limit
    limits.lock_concurrency()
    return min(limit, _room(settings.max_concurrent_runs))


def _room(most: int) -> int:
    return max(0, most - limits.at_work(most))


def _after(found: Mapping[str, Standing], uses: Sequence[tuple[str, UUID]]) -> dict[str, Standing]:
    """Returns how the keys stand now that these uses have begun."""
    begun = Counter(key for key, _ in uses)
    return {key: rules.after(standing, begun[key]) for key, standing in found.items()}


def _places(uses: Sequence[tuple[str, UUID]], found: Mapping[str, Standing]) -> dict[UUID, tuple[str, ...]]:
    """Returns the keys with a concurrency limit under which each run takes a place."""
    places: dict[UUID, tuple[str, ...]] = {}
    for key, run_id in uses:
        if found[key].limit.concurrency is not None:
            places[run_id] = (*places.get(run_id, ()), key)
    return places


def _hold(
    system: System, queue: str, refused: Mapping[str, list[Candidate]], found: Mapping[str, Standing], now: datetime
) -> None:
    """Hold these runs, and others of their keys that would be next, so that no claim looks at them again."""
    front: dict[str, list[UUID]] = {}
    lines = {(run.priority, run.party) for runs in refused.values() for run in runs}
    # All runs of a host with an open breaker would be next, so it pays to look at their jobs.
    next_ones = held_keys.front_of(queue, lines, _FRONT, needs_job=any(map(is_of_destination, refused)))
    keys = run_keys.of(system, next_ones)
    for run in next_ones:
        for key in keys[run.id]:
            front.setdefault(key, []).append(run.id)
    by_keys = [
        (held_key(key, runs[0], found[key], now), {*(run.id for run in runs), *front.get(key, ())})
        for key, runs in refused.items()
    ]
    held_keys.hold(by_keys, now)


def held_key(key: str, run: Candidate, standing: Standing, now: datetime) -> HeldKey:
    """Returns what is recorded for a key that holds a run: the reason, and when to recheck it."""
    app_id = run.app_id if is_of_app(key) else None
    held_by = Hold.DESTINATION if is_of_destination(key) else standing.held_by
    return HeldKey(key=key, app_id=app_id, held_by=held_by, until=standing.recheck_at(now))
