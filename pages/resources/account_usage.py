"""Accounts: which uses most and which is held back; of one, what it used, what waits and why, and what failed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from falcon.asgi import Request, Response

from core import failure_groups
from core.errors import InvalidInput, NotFound
from core.filters import JobFilter, RunFilter
from core.listing import NEWEST_FIRST, Stretch
from core.scopes import Scope
from core.states import RunStatus
from pages import naming, rights, run_rows
from pages.page_request import Asked
from pages.site import Site
from services.reading import limits, listing, waiting
from services.reading.failures import failed_runs
from services.reading.limits import LimitView
from services.reading.statistics import ended_runs
from services.reading.statistics.account_usage import AccountUsage, UsageOrder, UsageView, WantedUsage
from services.reading.upcoming import next_calls

PATH = naming.ACCOUNTS_PATH
SPANS = {"1h": ("the last hour", 60), "24h": ("24 hours", 1_440)}
ORDERS = {
    UsageOrder.RUNS: "most runs",
    UsageOrder.FAILED: "most failures",
    UsageOrder.WAITING: "most waiting",
    UsageOrder.WAITED: "waiting longest",
    UsageOrder.HELD: "held back",
}
SHOWN = 100
NEWEST = 20
MAX_APPS = 20
MAX_HELD = 50
_HOURS = 24


class AccountsPage:
    """`/dashboard/accounts`, and `/dashboard/accounts/of` with an account, and an app if it has several."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._usage = AccountUsage(site.system)

    async def show(self, req: Request, resp: Response) -> None:
        """Show the accounts that used most."""
        await self._site.show(req, resp, "accounts.html", self._load)

    async def show_one(self, req: Request, resp: Response) -> None:
        """Show one account."""
        await self._site.show(req, resp, "account.html", self._load_one)

    def _load(self, who: Asked) -> dict[str, Any]:
        span, order = _chosen("range", who, SPANS, "1h"), UsageOrder(_chosen("order", who, ORDERS, UsageOrder.RUNS))
        wanted = WantedUsage(self._filter(who), SPANS[span][1], order, SHOWN)
        found = self._usage.of(who.principal, wanted)
        return {
            **_of_span(who, span),
            "usage": found,
            "order": order,
            "orders": ORDERS,
            "app_name": wanted.jobs.app_name or "",
            "limits": self._limits(who, [one.key for one in found.accounts if one.waits and one.limit]),
            "most_counted": limits.MAX_COUNTED,
            "most_read": ended_runs.MAX_ENDED,
            "refetch_seconds": ended_runs.KEPT_SECONDS + 1,
        }

    def _load_one(self, who: Asked) -> dict[str, Any]:
        span, wanted = _chosen("range", who, SPANS, "1h"), self._filter(who)
        if wanted.account_id is None:
            raise InvalidInput.at("account_id", "is missing: name the account that is to be shown.")
        usage = self._usage.of(who.principal, WantedUsage(wanted, SPANS[span][1], limit=MAX_APPS))
        of_runs = RunFilter(app_name=wanted.app_name, account_id=wanted.account_id, but=RunStatus.PENDING)
        runs = listing.runs(who.principal, self._site.counts, of_runs, Stretch(limit=NEWEST)).items
        apps = self._apps(who, wanted, usage.accounts)
        if not apps and not runs:
            raise NotFound("account", wanted.account_id)
        waits = waiting.grouped(who.principal, wanted)
        held = list(dict.fromkeys(one.held_key for one in waits.groups if one.held_key is not None))
        keys = [UsageView(app_name, wanted.account_id).key for app_name in apps]
        return {
            **_of_span(who, span),
            "account_id": wanted.account_id,
            "app_name": wanted.app_name or "",
            "usage": usage,
            "apps": dict(zip(apps, keys, strict=True)),
            "limits": self._limits(who, keys),
            "may_limit": rights.has_somewhere(who.principal, Scope.APP),
            "waiting": waits,
            "next_at": next_calls.of_keys(self._site.system, held[:MAX_HELD]),
            "failures": failed_runs.grouped(who.principal, self._site.system, _HOURS, wanted),
            "no_host": failure_groups.NO_HOST,
            "runs": runs,
            **run_rows.beside(self._site.system, who.now, runs),
            "most_counted": limits.MAX_COUNTED,
            "most_read": ended_runs.MAX_ENDED,
            "refetch_seconds": ended_runs.KEPT_SECONDS + 1,
        }

    def _filter(self, who: Asked) -> JobFilter:
        """The app and the account that the address names, as the API takes them."""
        given = {name: who.params[name] for name in ("app_name", "account_id") if who.params.get(name)}
        return self._site.readers.job_list(given).wanted

    def _apps(self, who: Asked, wanted: JobFilter, used: Sequence[UsageView]) -> list[str]:
        """The apps in which the account used something, or has jobs; the newest jobs are looked at."""
        some = listing.jobs(who.principal, self._site.counts, wanted, NEWEST_FIRST, Stretch(limit=MAX_APPS))
        return list(dict.fromkeys([*(one.app_name for one in used), *(job.app_name for job in some.items)]))

    def _limits(self, who: Asked, keys: Sequence[str]) -> dict[str, LimitView]:
        """How those of these keys stand that limit something."""
        return limits.of_keys(who.principal, self._site.system, keys[:MAX_APPS])


def _chosen(name: str, who: Asked, among: Any, usual: str) -> str:
    chosen = who.params.get(name) or usual
    if chosen not in among:
        raise InvalidInput.at(name, f"must be one of {', '.join(among)}.")
    return chosen


def _of_span(who: Asked, span: str) -> dict[str, Any]:
    """Which span is chosen, and where the same page shows another, or other accounts."""
    kept = {name: value for name, value in who.params.items() if value and name in ("range", "order", "app_name")}

    def with_(path: str = PATH, **changed: str) -> str:
        given = {name: value for name, value in {**kept, **changed}.items() if value}
        return f"{path}?{urlencode(given)}" if given else path

    return {"span": span, "spans": SPANS, "path_with": with_}
