"""What failed for good, grouped; each group is replayed or dismissed as a whole."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from falcon.asgi import Request, Response

from core import failure_groups, instants
from core.errors import InvalidInput
from core.filters import RunFilter
from pages import instants_typed, receiver_words, rights
from pages.page_request import Asked
from pages.site import Site
from services.reading.failures import failed_runs, retries

TODAY = "today"
RANGES = {"24h": ("24 hours", 24), "7d": ("7 days", 168), "30d": ("30 days", 720)}
_HOUR_SECONDS = 3_600


class FailuresPage:
    """`/dashboard/failures`."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def show(self, req: Request, resp: Response) -> None:
        """Show what failed."""
        await self._site.show(req, resp, "failures.html", self._load)

    def _load(self, who: Asked) -> dict[str, Any]:
        since, before = _since(who), _until(who)
        if before is not None and before <= since:
            raise InvalidInput.at("until", "must be after the instant since which failures are shown.")
        hours = (who.now - since).total_seconds() / _HOUR_SECONDS
        found = failed_runs.grouped(who.principal, self._site.system, hours, before=before)
        return {
            "failures": found,
            "no_host": failure_groups.NO_HOST,
            "said": {run_id: receiver_words.said(answer) for run_id, answer in failed_runs.answers(found).items()},
            "handled": failed_runs.handled(who.principal, RunFilter(finished_from=found.since, finished_before=before)),
            "given_up": self._site.given_up.of(who.principal, hours, before=before),
            "hosts": self._site.failing_hosts.of(who.principal),
            "retries": retries.grouped(who.principal, self._site.system),
            "ended": _ended(found.since, before),
            "until": before,
            "typed": {name: who.params.get(name, "") for name in ("since", "until")},
            "range": "" if who.params.get("since") or before else who.params.get("range", "24h"),
            "ranges": RANGES,
            "may_act_in": {one.app_name for one in found.groups if rights.operates_in(who.principal, one.app_name)},
        }


def _since(who: Asked) -> datetime:
    """Returns the instant from which on failures are shown: one that is typed, or what a range says."""
    if typed := who.params.get("since"):
        return instants_typed.expected("since", typed, who.zone)
    chosen = who.params.get("range", "24h")
    if chosen == TODAY:
        return who.now.astimezone(who.zone).replace(hour=0, minute=0, second=0, microsecond=0)
    if chosen not in RANGES:
        raise InvalidInput.at("range", f"must be one of {', '.join([TODAY, *RANGES])}.")
    return who.now - timedelta(hours=RANGES[chosen][1])


def _until(who: Asked) -> datetime | None:
    """Returns the instant before which failures are shown, if one is typed."""
    typed = who.params.get("until")
    return instants_typed.expected("until", typed, who.zone) if typed else None


def _ended(since: datetime, before: datetime | None) -> dict[str, str]:
    """Returns the same span as a filter of runs, for links to them and for what is done with them."""
    bounds = {"finished_from": since, "finished_before": before}
    return {name: instants.shown(at) for name, at in bounds.items() if at is not None}
