"""What accounts use, as callers get it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from api.schemas.figures import DAY_MINUTES, ScopeQuery
from api.schemas.limits import ShownRate
from api.schemas.paging import Limit as PageLimit
from api.schemas.values import Shown
from core import limits
from core.states import Hold
from services.reading.statistics.account_usage import Usage, UsageOrder, UsageView, WantedUsage

UsageOrdering = Literal["-runs", "-failed", "-attempts", "-waiting", "-held", "-waited"]


class UsageQuery(ScopeQuery):
    """Which accounts, over how many of the last minutes, in which order, and how many at most.

    `-held` is by the runs that a limit holds: the account's own, or another that they share. `-waited` is by how long
    a run of the account has waited.
    """

    minutes: Annotated[int, Field(ge=1, le=DAY_MINUTES)] = 60
    ordering: UsageOrdering = "-runs"
    limit: PageLimit = 50

    def asked(self) -> WantedUsage:
        """Returns this as the services take it."""
        return WantedUsage(self.wanted(), self.minutes, UsageOrder(self.ordering.removeprefix("-")), self.limit)


class HeldRuns(Shown):
    """How many runs of the account one reason holds, the key if a limit holds them, and when they are checked again."""

    held_by: Hold
    held_key: str | None
    held_until: datetime | None
    count: int


class AllowedAccount(Shown):
    """What the key of an account allows. `is_default`: by ACCOUNT_RATE. `GET /api/limits/{key}` shows its use."""

    key: str
    concurrency: int | None
    rate: ShownRate | None
    expires_at: datetime | None
    is_default: bool


class UsageOfAccount(Shown):
    """An account of an app: its runs that ended, how many of them `failed`, and the `attempts` that they took.

    Runs that were skipped or missed do not count. `running` of its runs are under way. `waiting` is how many are due
    and have not begun, since `oldest_due_at` at the longest: of these, `held` has what holds them; the others wait for
    a free worker. `limit` is null if nothing limits the account, or its app is not the caller's.
    """

    app_name: str
    account_id: str
    runs: int
    failed: int
    attempts: int
    running: int
    waiting: int
    oldest_due_at: datetime | None
    held: list[HeldRuns]
    limit: AllowedAccount | None


class UsageOfAccounts(Shown):
    """The accounts that used most, of `count`, by the runs that are kept, without those of deleted jobs.

    Of `held_back` accounts, listed or not, runs are held by a limit.

    Of the span, only the newest 100,000 ended runs of the installation are read: if there are more, `runs_are_cut` is
    true and `counted_since` says from when on they are counted (of those of that very instant, not all are). At most
    10,000 waiting runs are read, and 10,000 that are under way: if `waiting_is_cut`, more wait, and only these are sure
    to be listed: what an account's own limit holds (of up to 200 accounts, up to 1,000 runs each), and what waits for a
    free worker (of up to 500 accounts, up to 50 runs each). Figures may be 5 seconds old where 1,000 runs or more
    of the installation ended in the hour, or in the day, or where more of them wait than are read.
    """

    counted_since: datetime
    runs_are_cut: bool
    waiting_is_cut: bool
    count: int
    held_back: int
    results: list[UsageOfAccount]


def show(found: Usage) -> UsageOfAccounts:
    """Returns what accounts use as callers get it."""
    return UsageOfAccounts(
        counted_since=found.counted_since,
        runs_are_cut=found.runs_are_cut,
        waiting_is_cut=found.waiting_is_cut,
        count=found.count,
        held_back=found.held_back,
        results=[_of_account(one) for one in found.accounts],
    )


def _of_account(one: UsageView) -> UsageOfAccount:
    return UsageOfAccount(
        app_name=one.app_name,
        account_id=one.account_id,
        runs=one.runs,
        failed=one.failed,
        attempts=one.attempts,
        running=one.running,
        waiting=one.waiting,
        oldest_due_at=one.oldest_due_at,
        held=[HeldRuns.model_validate(wait) for wait in one.waits if wait.held_by is not None],
        limit=None if one.limit is None else _allowed(one.key, one.limit),
    )


def _allowed(key: str, limit: limits.Limit) -> AllowedAccount:
    rate = None if limit.rate is None else ShownRate(calls=limit.rate.calls, per_seconds=limit.rate.seconds)
    return AllowedAccount(
        key=key,
        concurrency=limit.concurrency,
        rate=rate,
        expires_at=limit.expires_at,
        is_default=limit.is_default,
    )
