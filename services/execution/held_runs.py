"""Release held runs: the most urgent become claimable again, as far as all their keys have room for them."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from core import limits as rules
from core.errors import LockTimeout
from core.limit_keys import INSTALLATION, is_of_destination, needs_job
from core.limits import Limit, Standing
from core.rates import Rate
from models import database, held_keys, jobs, limits, locks, pauses
from models.hot.rows import Candidate
from models.pauses import Gate
from models.tables import Job
from services.execution import breakers, run_keys
from services.execution.limits import KNOWN_SECONDS, held_key, ring_next
from services.runtime.batching import one_by_one
from services.system import System

REPAIR_SECONDS = 10.0
RECHECK_SECONDS = 60.0

_KEYS = 200
_ACCOUNTS = 100  # at random, so that with more than that, each has its turn
_RUNS = 100
_MAX_PASSES = 10
_MAX_LIMITS = 100
_MAX_RUNNING = 10_000
_USES_PRUNED = 10_000  # in one pass
_EXPIRED_KEPT = timedelta(days=1)
_NEWS = timedelta(seconds=5 * KNOWN_SECONDS)


def release_due_keys(system: System) -> int:
    """Release the held runs of keys that are due for a recheck, as far as they have room. Returns how many.

    Keys that others have locked are waited for when all others are done; at last, and briefly, one of the jobs whose
    runs were left out.
    """
    with database.reading():
        keys = held_keys.due_for_recheck(system.clock.now(), _KEYS)
    locked: list[str] = []
    passed_over: dict[str, set[UUID]] = defaultdict(set)

    def release_key(key: str, *, briefly: bool = False) -> int:
        return _release_all(system, key, passed_over[key], briefly=briefly)

    def briefly(key: str) -> int:
        try:
            return release_key(key, briefly=True)
        except LockTimeout:
            locked.append(key)
            return 0

    released = one_by_one(briefly, keys) + one_by_one(release_key, locked)
    return released + _release_one_passed_over(system, passed_over)


def release_after(system: System, keys: Collection[str]) -> None:
    """Release held runs after runs ended that took places under these keys; a key is listed once for each place."""
    ring_next(system, sum(key == INSTALLATION for key in keys), is_limited=True)
    with database.reading():
        holding = held_keys.of_keys(set(keys) - {INSTALLATION})
    for key in holding:
        _release_all(system, key, set())


def count_calls_of_new_limits(system: System) -> None:
    """Count the calls under way for new limits: processes that did not know a limit yet may have begun some."""
    with database.reading():
        keys = limits.changed_since(system.clock.now() - _NEWS, _MAX_LIMITS)
    if keys:
        with system.transaction(Gate.UNUSED):
            count_running(system, keys)


def count_running(system: System, keys: Collection[str]) -> None:
    """Count the calls that are under way as uses of these keys, in the caller's transaction."""
    running = limits.lock_running(_MAX_RUNNING, needs_job=any(map(needs_job, keys)))
    of_runs = run_keys.of(system, [run for run, _ in running])
    limits.adopt((key, run.id, fence) for run, fence in running for key in of_runs[run.id] if key in keys)


def recheck_accounts(system: System) -> int:
    """Release soon the held runs of accounts that have room under `ACCOUNT_RATE` earlier than expected.

    A restart may have raised or removed the rate since these runs were held. Checks a bounded number of accounts that
    would be rechecked in more than a minute. Returns how many have room.
    """
    now = system.clock.now()
    with database.reading():
        keys = held_keys.some_accounts(now, now + timedelta(seconds=RECHECK_SECONDS), _ACCOUNTS)
        keys = _with_room(keys, system.settings.account_rate, now)
    if keys:
        with system.transaction(Gate.UNUSED):
            held_keys.recheck_sooner(keys, now)
    return len(keys)


def _with_room(keys: Collection[str], rate: Rate | None, now: datetime) -> list[str]:
    """Returns those of these keys that have room by a rate; without one, all."""
    if rate is None:
        return list(keys)
    used = limits.used_by_key(keys, now - rate.span)
    return [key for key in keys if Standing(Limit(rate=rate), ended=used.get(key, 0)).room > 0]


def repair(system: System) -> int:
    """Repair leftovers: uses whose run has ended, keys that hold runs without being recorded. Then prune.

    Returns how many uses were ended.
    """
    with system.transaction(Gate.UNUSED) as unit:
        stray = limits.end_stray_uses(unit.now)
        for key in held_keys.unrecorded():
            for run in held_keys.first_held(key, 1, needs_job=False):
                held_keys.put(held_key(key, run, Standing(Limit()), unit.now))
    _prune(system)
    return stray


def _prune(system: System) -> None:
    """Prune limits that expired, breakers that nothing needs, and in passes the uses that no rate counts any more.

    Each is a transaction of its own, so that a prune that fails does not roll back a repair.
    """
    rate = system.settings.account_rate
    with system.transaction(Gate.UNUSED) as unit:
        breakers.forget_idle(unit.now)
        limits.prune_expired(unit.now - _EXPIRED_KEPT)
        longest = max(limits.longest_span(), 0 if rate is None else rate.seconds)
        counted_since = unit.now - timedelta(seconds=longest)
    for _ in range(_MAX_PASSES):
        with system.transaction(Gate.UNUSED):
            pruned = limits.prune_uses(counted_since, _USES_PRUNED)
        if pruned < _USES_PRUNED:
            return


def _release_all(system: System, key: str, passed_over: set[UUID], *, briefly: bool = False) -> int:
    """Release held runs of a key for which it has room, in passes. Returns how many.

    Jobs that others have locked are added to `passed_over`, and their runs left out. If `briefly`, it waits no longer
    than a moment for the key's own lock, and for those of the runs' other keys.
    """
    released = 0
    for _ in range(_MAX_PASSES):
        count, has_more = _release_some(system, key, passed_over, briefly=briefly)
        released += count
        if not has_more:
            break
    return released


def _release_one_passed_over(system: System, passed_over: Mapping[str, Collection[UUID]]) -> int:
    """Wait briefly for one of the jobs that each key passed over, and release what its key then has room for.

    It is chosen at random, so that a job that is seldom free has its place in the line for its lock.
    """
    one_of = [(key, job_id) for key, job_ids in passed_over.items() for job_id in job_ids]
    if not one_of:
        return 0
    key, job_id = random.choice(one_of)  # noqa: S311  no secret
    try:
        return _release_some(system, key, {*passed_over[key]} - {job_id}, briefly=True, waits_for=job_id)[0]
    except LockTimeout:
        return 0


def _release_some(
    system: System, key: str, passed_over: set[UUID], *, briefly: bool, waits_for: UUID | None = None
) -> tuple[int, bool]:
    """Release those of a key's most urgent held runs for which there is room under all their keys.

    Jobs that others have locked are added to `passed_over`, whose runs are left out; only one may be waited for.
    Returns how many, and whether it is worth trying again at once.
    """
    with system.transaction() as unit:
        if briefly:
            locks.wait_briefly()
        if waits_for is not None:
            jobs.lock([waits_for])  # before all others, which are locked only if they are free
        waiting = held_keys.first_held(key, _RUNS, needs_job=limits.any_needs_job(), without=passed_over)
        locked = jobs.lock((run.job_id for run in waiting), skip_locked=True)  # before the keys: a claim waits for none
        passed_over |= {run.job_id for run in waiting} - locked.keys()
        free = [run for run in waiting if run.job_id in locked]
        going = _in_turn(key, _without_paused(free, locked, unit.now))
        keys = run_keys.of(system, going)
        found = _less_given(key, run_keys.standings(system, going, keys, unit.now))
        calls = [(run, run_keys.applied(run, keys, found)) for run in going]
        allowed, refused = rules.within(calls, found)
        given = Counter(one for run in allowed for one in run_keys.applied(run, keys, found))
        found = {one: rules.after_giving(standing, given[one]) for one, standing in found.items()}
        unit.ring(held_keys.release([run.id for run in allowed], None, unit.now))
        _move(key, refused, found, unit.now)
        has_more = _schedule_recheck(key, found.get(key), unit.now)
    return len(allowed), has_more and (bool(allowed) or len(going) < len(waiting))


def _in_turn(key: str, waiting: Sequence[Candidate]) -> Sequence[Candidate]:
    """Returns runs in the order in which they get room: the most urgent first; for a destination, in random order.

    The most urgent run may be the one that makes its host fail, and would otherwise be every probe.
    """
    return random.sample(waiting, len(waiting)) if is_of_destination(key) else waiting


def _without_paused(waiting: Sequence[Candidate], locked: Mapping[UUID, Job], now: datetime) -> list[Candidate]:
    """Release the runs of paused or restored jobs to that hold, so that they take no room. Returns the others."""
    holds = pauses.holds(locked.values())
    for hold in set(holds.values()):
        held_keys.release([run.id for run in waiting if holds.get(run.job_id) is hold], hold, now)
    return [run for run in waiting if run.job_id not in holds]


def _less_given(key: str, found: Mapping[str, Standing]) -> dict[str, Standing]:
    """Returns how keys stand, with the room of `key` reduced by the runs that it released and that have not begun."""
    given = held_keys.given(key)
    return {one: replace(standing, given=given if one == key else 0) for one, standing in found.items()}


def _move(key: str, refused: Mapping[str, Sequence[Candidate]], found: Mapping[str, Standing], now: datetime) -> None:
    """Record, for runs that another of their keys refuses, that key as the one that holds them."""
    for other in refused.keys() - {key, INSTALLATION}:
        runs = refused[other]
        held_keys.move([run.id for run in runs], held_key(other, runs[0], found[other], now), now)


def _schedule_recheck(key: str, standing: Standing | None, now: datetime) -> bool:
    """Record when to recheck the key, if it still holds runs. Returns whether it has room for more now."""
    if not held_keys.waiting(key, 1):
        held_keys.hold_no_more(key, now)
        return False
    has_room = standing is None or standing.room > 0
    held_keys.recheck_at(key, now if standing is None or has_room else standing.recheck_at(now))
    return has_room
