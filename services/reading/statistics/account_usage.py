"""What each account uses: the runs that ended for it within a span, those that run or wait, and what holds it back."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from functools import partial

from core.filters import JobFilter
from core.limit_keys import of_account
from core.limits import Limit
from core.principals import Principal, VisibleJobs
from core.states import Hold
from models import account_usage, apps, database, held_keys, waiting, waiting_parties
from models.ended_runs import Ended
from models.waiting import Wait
from models.waiting_parties import WaitingParty
from services.messaging import broker as brokers
from services.reading import limits
from services.reading.statistics.ended_runs import KEPT_SECONDS, EndedRuns, as_spelled
from services.reading.visibility import visible
from services.reading.waiting import MAX_COUNTED as MAX_WAITING
from services.runtime.timed_cache import TimedCache
from services.system import System

MAX_HELD = 200
MAX_PARTIES, MAX_OF_PARTY = 500, 50
_MAX_KEPT = 100

_BY_LIMITS = (Hold.RATE_LIMIT, Hold.CONCURRENCY)
_Account = tuple[str, str]


class UsageOrder(StrEnum):
    """By what accounts are ranked, most first; `WAITED` by how long one of their runs has waited."""

    RUNS = "runs"
    FAILED = "failed"
    ATTEMPTS = "attempts"
    WAITING = "waiting"
    HELD = "held"
    WAITED = "waited"


@dataclass(frozen=True)
class HeldRuns:
    """So many runs of an account wait for one reason; None: for a free worker. `held_until`: when it is looked at.

    `oldest_due_at` is None if more wait than were read one by one.
    """

    held_by: Hold | None
    held_key: str | None
    count: int
    held_until: datetime | None
    oldest_due_at: datetime | None = None


@dataclass(frozen=True)
class UsageView:
    """What an account of an app used: runs that ended, how many of them failed, and the attempts that they took.

    `waiting` counts its runs that are due and have not begun, by reason in `waits`, most first; `running` those under
    way. `limit` is what its key allows, None if nothing limits it or the caller may not see the limits of the app.
    """

    app_name: str
    account_id: str
    runs: int = 0
    failed: int = 0
    attempts: int = 0
    running: int = 0
    waits: Sequence[HeldRuns] = ()
    limit: Limit | None = None

    @property
    def key(self) -> str:
        """Returns the key of its limit."""
        return of_account(self.app_name, self.account_id)

    @property
    def waiting(self) -> int:
        """Returns how many of its runs wait."""
        return sum(one.count for one in self.waits)

    @property
    def oldest_due_at(self) -> datetime | None:
        """Returns since when its run waits that has waited longest; None if none does."""
        return min((one.oldest_due_at for one in self.waits if one.oldest_due_at is not None), default=None)

    @property
    def held(self) -> int:
        """Returns how many of its runs a limit holds: its own, or another that they share."""
        return sum(one.count for one in self.waits if one.held_by in _BY_LIMITS)


@dataclass(frozen=True)
class Usage:
    """The accounts that used most, of `count`; of these, limits hold runs of `held_back`, the listed ones or not.

    `counted_since` is later than asked for if `runs_are_cut`; not all that ended at that instant are counted then.
    `waiting_is_cut` if more runs wait than were counted.
    """

    accounts: Sequence[UsageView]
    count: int
    held_back: int
    runs: int
    counted_since: datetime
    runs_are_cut: bool
    waiting_is_cut: bool


@dataclass(frozen=True)
class WantedUsage:
    """Which accounts are asked for, over how many minutes, in which order, and how many at most.

    Of `jobs`, the app and the account count, and nothing else.
    """

    jobs: JobFilter = field(default_factory=JobFilter)
    minutes: int = 60
    order: UsageOrder = UsageOrder.RUNS
    limit: int = 50


class AccountUsage:
    """What accounts use; where many runs must be read for it, whosever they are, they are read every five seconds."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._ended = EndedRuns(system)
        self._waits = TimedCache[_Waits](system.clock, KEPT_SECONDS, _MAX_KEPT)

    def of(self, principal: Principal, wanted: WantedUsage) -> Usage:
        """Returns the matching accounts of jobs that the principal may see, those that used most first."""
        fitting = as_spelled(visible(principal, wanted.jobs))
        ended = self._ended.within(fitting, wanted.minutes)
        waits = self._waiting(fitting)
        by_account = _by_account(ended.ended)
        found = {
            account: UsageView(*account, used.runs, used.failed, used.attempts) for account, used in by_account.items()
        }
        reasons = _reasons(waits.groups, waits.others)
        for account in [*reasons, *(one for one in waits.running if one not in reasons)]:
            one, running = found.get(account) or UsageView(*account), waits.running.get(account, 0)
            found[account] = replace(one, waits=reasons.get(account, []), running=running)
        first = sorted(found.values(), key=lambda one: _rank(one, wanted.order))[: wanted.limit]
        with database.reading():
            shown = _with_limits(self._system, fitting.visible, first)
        runs = sum(one.runs for one in by_account.values())
        held_back = sum(one.held > 0 for one in found.values())
        return Usage(shown, len(found), held_back, runs, ended.counted_since, ended.is_cut, waits.are_cut)

    def _waiting(self, fitting: JobFilter) -> _Waits:
        """What waits of all that the caller may see answers for an app and an account, too, unless it is cut."""
        all_seen = self._read_waits(JobFilter(visible=fitting.visible))
        return self._read_waits(fitting) if all_seen.are_cut else all_seen.of(fitting)

    def _read_waits(self, fitting: JobFilter) -> _Waits:
        return self._waits.of(fitting, partial(_read_waits, fitting), lambda found: found.are_among_many)


@dataclass(frozen=True)
class _UsedRuns:
    """The runs that ended for an account of an app: how many, how many of them failed, and their attempts."""

    runs: int = 0
    failed: int = 0
    attempts: int = 0

    def plus(self, more: Ended) -> _UsedRuns:
        """Returns the sum of these and more runs."""
        return _UsedRuns(self.runs + more.runs, self.failed + more.failed, self.attempts + more.attempts)


@dataclass(frozen=True)
class _Waits:
    """What waits, what runs meanwhile, and what `others` wait, if not all was read.

    `are_among_many` that had to be looked through for it.
    """

    groups: Sequence[Wait]
    running: Mapping[_Account, int]
    others: Mapping[_Account, Sequence[HeldRuns]]
    are_cut: bool
    are_among_many: bool

    def of(self, wanted: JobFilter) -> _Waits:
        """Returns those of these that an app and an account have."""

        def is_wanted(app_name: str, account_id: str) -> bool:
            return wanted.app_name in (None, app_name) and wanted.account_id in (None, account_id)

        groups = [one for one in self.groups if is_wanted(one.app_name, one.account_id)]
        running = {account: count for account, count in self.running.items() if is_wanted(*account)}
        return replace(self, groups=groups, running=running)


def _by_account(ended: Iterable[Ended]) -> dict[_Account, _UsedRuns]:
    found: dict[_Account, _UsedRuns] = {}
    for one in ended:
        account = (one.app_name, one.account_id)
        found[account] = found.get(account, _UsedRuns()).plus(one)
    return found


def _read_waits(wanted: JobFilter) -> _Waits:
    with database.reading():
        groups = waiting.grouped(wanted, MAX_WAITING + 1)
        are_cut = sum(one.count for one in groups) > MAX_WAITING
        others = _others(wanted) if are_cut else {}
        running = waiting.running(wanted, MAX_WAITING)
        return _Waits(groups, running, others, are_cut, waiting.are_more_than(MAX_WAITING))


def _rank(one: UsageView, order: UsageOrder) -> tuple[float, int, int, str, str]:
    first = _waited(one) if order is UsageOrder.WAITED else -getattr(one, order.value)
    return (first, -one.runs, -one.waiting, one.app_name, one.account_id)


def _waited(one: UsageView) -> float:
    return math.inf if one.oldest_due_at is None else one.oldest_due_at.timestamp()


def _others(wanted: JobFilter) -> dict[_Account, list[HeldRuns]]:
    """Accounts that wait, where more runs wait than are counted one by one: so that a crowd hides none of the others.

    These are accounts that their own limits hold, and accounts that wait for a free worker, each with how many runs.
    """
    found: dict[_Account, list[HeldRuns]] = {}
    seen = wanted.visible
    held = account_usage.held(wanted, None if seen is None else seen.app_ids, MAX_HELD)
    counts = held_keys.waiting_by_key([one.key for one in held], limits.MAX_COUNTED)
    for one in held:
        if counts[one.key]:
            runs = HeldRuns(one.held_by, one.key, counts[one.key], one.until)
            found.setdefault((one.app_name, one.account_id), []).append(runs)
    parties: dict[_Account, list[WaitingParty]] = {}
    for party in waiting_parties.some(brokers.RUNS, wanted, MAX_PARTIES, MAX_OF_PARTY):
        parties.setdefault((party.app_name, party.account_id), []).append(party)
    for account, of_it in parties.items():
        oldest = min(one.oldest_due_at for one in of_it)
        runs = HeldRuns(None, None, sum(one.runs for one in of_it), None, oldest)
        found.setdefault(account, []).append(runs)
    return found


def _reasons(waits: Iterable[Wait], others: Mapping[_Account, Iterable[HeldRuns]]) -> dict[_Account, list[HeldRuns]]:
    """Returns for each account why its runs wait, and how many for each reason, the most first."""
    found: dict[_Account, dict[tuple[Hold | None, str | None], HeldRuns]] = {}
    for one in waits:
        is_held = one.held_by is not None  # what was released keeps its key
        key, until = (one.held_key, one.held_until) if is_held else (None, None)
        _count(found.setdefault((one.app_name, one.account_id), {}), one, key, until)
    for account, held in others.items():
        reasons = found.setdefault(account, {})
        for runs in held:
            before = reasons.get((runs.held_by, runs.held_key))
            if before is None or before.count < runs.count:
                oldest = None if before is None else before.oldest_due_at
                reasons[runs.held_by, runs.held_key] = replace(runs, oldest_due_at=runs.oldest_due_at or oldest)
    return {account: sorted(reasons.values(), key=lambda one: -one.count) for account, reasons in found.items()}


def _count(
    reasons: dict[tuple[Hold | None, str | None], HeldRuns], one: Wait, key: str | None, until: datetime | None
) -> None:
    before = reasons.get((one.held_by, key))
    count, oldest = one.count, one.oldest_due_at
    if before is not None:
        count, oldest = count + before.count, min(oldest, before.oldest_due_at or oldest)
    reasons[one.held_by, key] = HeldRuns(one.held_by, key, count, until, oldest)


def _with_limits(system: System, seen: VisibleJobs | None, found: Sequence[UsageView]) -> list[UsageView]:
    """Returns the accounts with what their keys allow, where the caller may see the limits of the app."""
    if seen is not None:
        ids = {name: app.id for name, app in apps.by_names({one.app_name for one in found}).items()}
        visible_names = {name for name, app_id in ids.items() if app_id in seen.app_ids}
        allowed = limits.in_force(system, [one.key for one in found if one.app_name in visible_names])
    else:
        allowed = limits.in_force(system, [one.key for one in found])
    return [replace(one, limit=allowed.get(one.key)) for one in found]
