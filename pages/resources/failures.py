"""What failed for good, grouped, and the way to repeat all of a group: tried first, then done."""

from __future__ import annotations

from typing import Any

from falcon.asgi import Request, Response

from core.errors import InvalidInput
from core.filters import RunFilter
from core.scopes import Scope
from core.states import RunStatus
from pages.asked import Asked
from pages.forms import Form
from pages.site import Site
from services.jobs import bulk_actions
from services.reading import failures

RANGES = {"24h": ("24 hours", 24), "7d": ("7 days", 168), "30d": ("30 days", 720)}
MOST_REPLAYED = 1_000


class FailuresPage:
    """`/dashboard/failures`."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def show(self, req: Request, resp: Response) -> None:
        """Show what failed."""
        await self._site.show(req, resp, "failures.html", self._load)

    async def ask(self, req: Request, resp: Response) -> None:
        """Show what would be repeated, by a dry run."""
        await self._site.show(req, resp, "replay.html", self._try)

    async def replay(self, req: Request, resp: Response) -> None:
        """Repeat what failed of one kind of task of one app."""
        await self._site.act(req, resp, self._replay)

    def _load(self, who: Asked) -> dict[str, Any]:
        chosen = who.params.get("range", "24h")
        if chosen not in RANGES:
            raise InvalidInput.at("range", f"must be one of {', '.join(RANGES)}.")
        found = failures.grouped(who.principal, self._site.system, RANGES[chosen][1])
        return {
            "failures": found,
            "range": chosen,
            "ranges": RANGES,
            "may_replay": Scope.OPERATE in who.principal.scopes,
        }

    def _try(self, who: Asked) -> dict[str, Any]:
        wanted = _wanted(who.params)
        outcome = bulk_actions.replay(who.principal, self._site.system, wanted, MOST_REPLAYED, dry_run=True)
        return {"wanted": wanted, "outcome": outcome, "most": MOST_REPLAYED}

    def _replay(self, who: Asked, form: Form) -> str:
        bulk_actions.replay(who.principal, self._site.system, _wanted(form), MOST_REPLAYED, dry_run=False)
        return "/dashboard/failures?done=all_replayed"


def _wanted(given: Form) -> RunFilter:
    missing = [name for name in ("app_name", "task_type") if not given.get(name)]
    if missing:
        raise InvalidInput.at(missing[0], "is required; begin at the page of failures.")
    return RunFilter(app_name=given["app_name"], task_type=given["task_type"], status=RunStatus.FAILED)
