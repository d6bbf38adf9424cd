"""Limits by key: how each stands; of one, who holds it and who waits; put and deleted by those who may."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any
from urllib.parse import urlencode

from falcon.asgi import Request, Response

from core.filters import RunFilter
from core.listing import Stretch
from core.scopes import Scope
from pages import instants_typed, rights, run_rows, shown_again
from pages.forms import UNTIL, Form, seen, typed_number
from pages.page_request import Asked
from pages.site import Site
from services.execution import limit_changes
from services.reading import limit_uses, limits, listing
from services.reading.limits import LimitView

PATH = "/dashboard/limits"
SHOWN = 50
WAITING = 20
_OF_ACCOUNTS = "account:"
_VERSION = "limit_version"
"""What a key's own page says of the limit that it shows; the form of a new limit says nothing."""
_NAMES = {
    "key": "limited",
    "concurrency": "concurrency",
    "rate.calls": "calls",
    "rate.per_seconds": "per_seconds",
    "expires_at": "until",
}


def limit_path(key: str, done: str = "") -> str:
    """Returns the path of a key's page, which says what was done."""
    return f"{PATH}/of?{urlencode({'key': key, 'done': done} if done else {'key': key})}"


class LimitsPage:
    """`/dashboard/limits`, and `/dashboard/limits/of` with a key."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def show(self, req: Request, resp: Response) -> None:
        """Show the limited keys, by name."""
        await self._site.show(req, resp, "limits.html", self._load)

    async def show_one(self, req: Request, resp: Response) -> None:
        """Show a key with those who hold it and those who wait."""
        await self._site.show(req, resp, "limit.html", lambda who: self._load_one(who, who.params.get("key", "")))

    async def put(self, req: Request, resp: Response) -> None:
        """Limit a key, or show the list again with what is wrong."""
        form = await self._site.form(req)

        def do(who: Asked, given: Form) -> str:
            wanted = self._site.readers.limit(_as_json(who, given))
            key, expected = given.get("limited", ""), seen(given, _VERSION) if _VERSION in given else None
            view, _is_new = limit_changes.put(who.principal, self._site.system, key, wanted, expected)
            return limit_path(view.key, "limited")

        def act() -> Awaitable[None]:
            return self._site.carry_out(req, resp, form, do)

        await shown_again.or_again(
            self._site, req, resp, act, template="limits.html", load=self._load, form=form, names=_NAMES
        )

    async def delete(self, req: Request, resp: Response) -> None:
        """Delete the limit of a key."""

        def do(who: Asked, form: Form) -> str:
            reason = self._site.reason(form)
            key, expected = form.get("limited", ""), seen(form, _VERSION)
            limit_changes.delete(who.principal, self._site.system, key, reason, expected)
            return f"{PATH}?done=unlimited"

        await self._site.act(req, resp, do)

    def _load(self, who: Asked) -> dict[str, Any]:
        found, more = limits.listed(who.principal, self._site.system, who.params.get("after", ""), SHOWN)
        settings = self._site.system.settings
        return {
            "limits": found,
            "path_of": limit_path,
            "paged": "after" in who.params,
            "next": f"{PATH}?{urlencode({'after': found[-1].key})}" if more else None,
            "may_put": rights.has_somewhere(who.principal, Scope.APP),
            "rate": settings.account_rate,
            "most_at_once": settings.max_concurrent_runs,
        }

    def _load_one(self, who: Asked, key: str) -> dict[str, Any]:
        found, uses = limit_uses.of_key(who.principal, self._site.system, key)
        holders = [one.run for one in uses.under_way]
        waiting = listing.runs(who.principal, self._site.counts, RunFilter(held_key=found.key), Stretch(limit=WAITING))
        return {
            "limit": found,
            "holders": holders,
            "ends_by": {one.run.id: one.ends_by for one in uses.under_way},
            "still_counted": uses.still_counted,
            **run_rows.beside(self._site.system, who.now, waiting.items, holders),
            "most_counted": limits.MAX_COUNTED,
            "waiting": waiting.items,
            "all_waiting": f"/dashboard/runs?{urlencode({'held_key': found.key})}",
            "may_change": limits.may_change(who.principal, found.key),
            "may_delete": who.principal.sees_all or found.weight_put_by is None,
            "by_default": self._site.system.settings.account_rate if found.key.startswith(_OF_ACCOUNTS) else None,
            "values": _as_typed(who, found),
        }


def _as_typed(who: Asked, limit: LimitView) -> dict[str, Any]:
    """Returns what one would type into the form for a limit."""
    rate = limit.rate
    return {
        "concurrency": limit.concurrency or "",
        "calls": "" if rate is None else rate.calls,
        "per_seconds": "" if rate is None else rate.seconds,
        "until": "" if limit.expires_at is None else instants_typed.shown(limit.expires_at, who.zone),
    }


def _as_json(who: Asked, form: Form) -> dict[str, Any]:
    """Returns what the API takes for what is typed; numbers that are none are refused there."""
    given: dict[str, Any] = {name: typed_number(form[name]) for name in ("concurrency",) if form.get(name)}
    if form.get("calls") or form.get("per_seconds"):
        given["rate"] = {name: typed_number(form.get(name, "")) for name in ("calls", "per_seconds")}
    until = form.get(UNTIL)
    return {**given, "expires_at": instants_typed.kept(until, form.get("expires_at"), who.zone)} if until else given
