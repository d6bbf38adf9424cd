"""Apply the limits when runs are claimed: how many run at once, and how often an account's receivers are called.

A run that gets no permit is held, so that it does not block others; the coordinator puts held runs back into the
claim as permits become free.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core import rates
from core.rates import Rate
from core.states import Hold
from models import claims, database, jobs, pauses, permits
from models.hot import claims as hot_claims
from models.hot.rows import StartedRun, Terms
from models.tables import Job, Run
from services.messaging import broker as brokers
from services.messaging.doorbell import Ring
from services.scheduling.dispatching import MOST_RINGS
from services.system import System
from settings import Settings

_FRONT = 500
_ACCOUNTS = 200


@dataclass(frozen=True)
class Claimed:
    """The runs that were claimed; whether others were held instead, so that it is worth claiming again."""

    runs: list[StartedRun]
    held_others: bool = False


def rate_of(settings: Settings, queue: str) -> Rate | None:
    """Returns how often the runs of a queue may call the receivers of one account; None: without limit."""
    return settings.account_rate if queue == brokers.RUNS_HTTP else None


def are_on(settings: Settings, queue: str) -> bool:
    """Whether a claim from a queue may have to wait for others who claim, and so must lock nothing before it."""
    return settings.max_concurrent_runs is not None or rate_of(settings, queue) is not None


def claim(system: System, queue: str, limit: int, terms: Terms) -> Claimed:
    """Claim the most urgent runs of a queue that the limits allow, within the caller's transaction."""
    if not are_on(system.settings, queue):
        return Claimed(hot_claims.claim(queue, limit, terms))
    room = _claim_room(system.settings, limit)
    picked = hot_claims.pick(queue, room, terms.now) if room > 0 else []
    if not picked:
        return Claimed([])
    rate = rate_of(system.settings, queue)
    if rate is None:
        return Claimed(hot_claims.start([run.id for run in picked], terms))
    used = hot_claims.permits({run.account_id for run in picked}, terms.now, rate.span)
    allowed, refused = rates.within(rate, [(run.id, run.account_id) for run in picked], used)
    started = hot_claims.start(allowed, terms)
    if refused:  # only now: the runs that may start have left the front of the queue
        until = {account: rates.next_free(rate, used[account], terms.now) for account in refused}
        _hold(queue, refused, until, terms.now)
    return Claimed(started, held_others=bool(refused))


def most_rings(system: System) -> int:
    """Returns how many rings a queue can use: at most as many as runs may start now under the installation's limit."""
    if system.settings.max_concurrent_runs is None:
        return MOST_RINGS
    with database.reading():
        return min(MOST_RINGS, _room(system.settings.max_concurrent_runs))


def ring_next(system: System, freed: int) -> None:
    """Ring for runs that may start now that `freed` runs have ended, if the number of runs is limited."""
    if not freed or system.settings.max_concurrent_runs is None:
        return
    with database.reading():
        following = [Ring(run_id, queue) for queue in brokers.RUNS for run_id in claims.claimable(queue, freed)]
    system.doorbell.ring(following)


def give_permits(system: System) -> int:
    """Put as many held runs back into the claim as permits are free, and ring for them. Returns how many."""
    rate = system.settings.account_rate
    with database.reading():
        accounts = permits.may_go_on(system.clock.now(), _ACCOUNTS)
    return sum(_give_permits(system, rate, account_id) for account_id in accounts)


def _claim_room(settings: Settings, limit: int) -> int:
    """Returns how many runs may start, at most `limit`; locks others out until the transaction ends."""
    if settings.max_concurrent_runs is None:
        return limit
    permits.lock_concurrency()
    return min(limit, _room(settings.max_concurrent_runs))


def _room(most: int) -> int:
    return max(0, most - permits.at_work(most))


def _hold(queue: str, refused: dict[str, list[UUID]], until: dict[str, datetime], now: datetime) -> None:
    """Hold these runs, and others of their accounts at the front of the queue, so that no claim looks at them again."""
    front = permits.front_of(queue, refused, _FRONT)
    for account_id, run_ids in refused.items():
        in_front = [run_id for run_id, account in front if account == account_id]
        permits.hold({*run_ids, *in_front}, account_id, until[account_id], now)


def _give_permits(system: System, rate: Rate | None, account_id: str) -> int:
    """Give an account's free permits to its most urgent held runs; without a rate, release them all."""
    with system.transaction() as work:
        waiting = permits.first_held(account_id, _FRONT if rate is None else rate.calls)
        locked = jobs.lock(run.job_id for run in waiting)  # before the account: a claim never waits for a job
        permits.lock_accounts([account_id])
        given = _give(_free(system, rate, account_id, waiting), locked)
        _look_again(system, rate, account_id)
        work.ring(given)
    return len(given)


def _free(system: System, rate: Rate | None, account_id: str, waiting: list[Run]) -> list[Run]:
    """Returns the first of the waiting runs, as many as the account has permits left."""
    if rate is None:
        return waiting
    used = hot_claims.permits([account_id], system.clock.now(), rate.span)[account_id]
    return waiting[: max(0, rate.calls - used.permits - permits.given(account_id))]


def _give(chosen: Collection[Run], locked: dict[UUID, Job]) -> list[Run]:
    paused = pauses.paused(locked.values())
    permits.give([run.id for run in chosen if run.job_id in paused], Hold.PAUSED)
    return permits.give([run.id for run in chosen if run.job_id not in paused], None)


def _look_again(system: System, rate: Rate | None, account_id: str) -> None:
    """Store when a locked account's next permit may be free, if any of its runs still waits for one."""
    if not permits.first_held(account_id, 1):
        permits.wait_no_more(account_id)
    elif rate is not None:
        now = system.clock.now()
        used = hot_claims.permits([account_id], now, rate.span)[account_id]
        permits.wait_until(account_id, rates.next_free(rate, used, now))
