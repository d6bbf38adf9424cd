"""What each account uses: the runs that ended for it within a span, what waits, and what holds it back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial

from core.filters import JobFilter
from core.limit_keys import of_account
from core.limits import Limit
from core.principals import Principal, VisibleJobs
from core.states import Hold
from models import account_usage, apps, database, held_keys, waiting
from models.account_usage import HeldAccount
from models.waiting import Wait
from services.reading import limits
from services.reading.kept import Kept
from services.reading.visibility import visible
from services.reading.waiting import MOST_COUNTED as MOST_WAITING
from services.system import System

MOST_ENDED = 100_000
MOST_HELD = 200
MANY = 1_000
KEPT_SECONDS = 5
_MOST_KEPT = 100

_BY_LIMITS = (Hold.RATE_LIMIT, Hold.CONCURRENCY)
_Account = tuple[str, str]


class UsageOrder(StrEnum):
    """By what accounts are ranked, most first."""

    RUNS = "runs"
    FAILED = "failed"
    ATTEMPTS = "attempts"
    WAITING = "waiting"
    HELD = "held"


@dataclass(frozen=True)
class HeldRuns:
    """So many runs of an account wait for one reason; None: for a free worker. `held_until`: when it is looked at."""

    held_by: Hold | None
    held_key: str | None
    count: int
    held_until: datetime | None


@dataclass(frozen=True)
class UsageView:
    """What an account of an app used: runs that ended, how many of them failed, and the attempts that they took.

    `waiting` counts its runs that are due and have not begun, by reason in `waits`, most first. `limit` is what its
    key allows, None if nothing limits it or the caller may not see the limits of the app.
    """

    app_name: str
    account_id: str
    runs: int = 0
    failed: int = 0
    attempts: int = 0
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
    """Which accounts are asked for, over how many minutes, in which order, and how many at most."""

    jobs: JobFilter = field(default_factory=JobFilter)
    minutes: int = 60
    order: UsageOrder = UsageOrder.RUNS
    limit: int = 50


class AccountUsage:
    """What accounts use; where many runs must be read for it, the result is cached for some seconds."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._kept = Kept[Usage](system.clock, KEPT_SECONDS, _MOST_KEPT)

    def of(self, principal: Principal, wanted: WantedUsage) -> Usage:
        """Returns the matching accounts of jobs that the principal may see, those that used most first."""
        fitting = replace(wanted, jobs=visible(principal, wanted.jobs))
        return self._kept.of(fitting, partial(_read, self._system, fitting), _is_dear)


def _is_dear(found: Usage) -> bool:
    """Whether many runs were read for it: those that ended, or those that wait, as they do without workers."""
    return found.runs >= MANY or found.waiting_is_cut


def _read(system: System, wanted: WantedUsage) -> Usage:
    since = system.clock.now() - timedelta(minutes=wanted.minutes)
    with database.reading():
        cut = account_usage.cut_at(since, MOST_ENDED)
        used = account_usage.ended(wanted.jobs, since, MOST_ENDED)
        waits = waiting.grouped(wanted.jobs, MOST_WAITING + 1)
        waits_are_cut = sum(one.count for one in waits) > MOST_WAITING
        held = _held(wanted.jobs) if waits_are_cut else []
        found = {(one.app_name, one.account_id): UsageView(*one) for one in used}
        for account, reasons in _reasons(waits, held).items():
            found[account] = replace(found.get(account) or UsageView(*account), waits=reasons)
        first = sorted(found.values(), key=lambda one: _rank(one, wanted.order))[: wanted.limit]
        shown = _with_limits(system, wanted.jobs.visible, first)
    runs = sum(one.runs for one in used)
    held_back = sum(one.held > 0 for one in found.values())
    counted_since = since if cut is None else cut
    return Usage(shown, len(found), held_back, runs, counted_since, cut is not None, waits_are_cut)


def _rank(one: UsageView, order: UsageOrder) -> tuple[int, int, int, str, str]:
    return (-getattr(one, order.value), -one.runs, -one.waiting, one.app_name, one.account_id)


def _held(wanted: JobFilter) -> list[tuple[HeldAccount, int]]:
    """Accounts that their own limits hold, each with how many runs: more wait than are counted one by one."""
    seen = wanted.visible
    found = account_usage.held(wanted, None if seen is None else seen.app_ids, MOST_HELD)
    counts = held_keys.waiting_by_key([one.key for one in found], limits.MOST_COUNTED)
    return [(one, counts[one.key]) for one in found if counts[one.key]]


def _reasons(waits: Iterable[Wait], held: Iterable[tuple[HeldAccount, int]]) -> dict[_Account, list[HeldRuns]]:
    """Returns for each account why its runs wait, and how many for each reason, the most first."""
    found: dict[_Account, dict[tuple[Hold | None, str | None], HeldRuns]] = {}
    for one in waits:
        is_held = one.held_by is not None  # what was released keeps its key
        key, until = (one.held_key, one.held_until) if is_held else (None, None)
        reasons = found.setdefault((one.app_name, one.account_id), {})
        before = reasons.get((one.held_by, key))
        count = one.count + (0 if before is None else before.count)
        reasons[one.held_by, key] = HeldRuns(one.held_by, key, count, until)
    for account, count in held:
        reasons = found.setdefault((account.app_name, account.account_id), {})
        before = reasons.get((account.held_by, account.key))
        if before is None or before.count < count:
            reasons[account.held_by, account.key] = HeldRuns(account.held_by, account.key, count, account.until)
    return {account: sorted(reasons.values(), key=lambda one: -one.count) for account, reasons in found.items()}


def _with_limits(system: System, seen: VisibleJobs | None, found: Sequence[UsageView]) -> list[UsageView]:
    """Returns the accounts with what their keys allow, where the caller may see the limits of the app."""
    if seen is not None:
        ids = {name: app.id for name, app in apps.by_names({one.app_name for one in found}).items()}
        visible_names = {name for name, app_id in ids.items() if app_id in seen.app_ids}
        allowed = limits.in_force(system, [one.key for one in found if one.app_name in visible_names])
    else:
        allowed = limits.in_force(system, [one.key for one in found])
    return [replace(one, limit=allowed.get(one.key)) for one in found]
