"""The list of runs of all jobs: filters in the address, a page at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from falcon.asgi import Request, Response

from core.errors import InvalidInput
from core.filters import RunFilter
from core.listing import NEWEST_FIRST
from core.states import REPLAYABLE, RunStatus
from pages import list_filters, rights, run_rows
from pages.list_filters import TypedFilter, Wrong
from pages.page_request import Asked
from pages.resources import views
from pages.site import Site
from services.access.saved_views import ViewedList
from services.reading import listing
from services.reading.failures import failed_runs, replays
from services.reading.views import RunView

PATH = "/dashboard/runs"
FILTERS = (
    "status",
    "status_not",
    "trigger",
    "task_type",
    "app_name",
    "account_id",
    "job_id",
    "due_from",
    "due_before",
    "scheduled_from",
    "scheduled_before",
    "finished_from",
    "finished_before",
    "created_from",
    "created_before",
    "retry_of",
    "held_by",
    "held_key",
    "failure",
    "host",
)
_WHATEVER_WHEN = ("trigger", "task_type", "app_name", "account_id", "job_id", "cursor", "limit")
"""Filters that do not say when; beside them, the list begins with what has come."""
_WHEN, _ALL = "when", "all"


class RunsPage:
    """`/dashboard/runs`."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def show(self, req: Request, resp: Response) -> None:
        """Show the runs that fit; where the filter is wrong, its form, with what is wrong beside each field."""
        try:
            await self._site.show(req, resp, "runs.html", self._load)
        except InvalidInput as refusal:
            wrong = list_filters.wrong(refusal, FILTERS)
            resp.status = 400
            await self._site.show(req, resp, "runs.html", lambda who: self._refused(who, wrong))

    def _load(self, who: Asked) -> dict[str, Any]:
        typed = list_filters.read(who, FILTERS)
        given, of_default = _with_default(typed.given)
        asked_for = self._site.readers.run_list(given)
        listed = failed_runs.listed(who.principal, self._site.system, asked_for.wanted)
        page = listing.runs(who.principal, self._site.counts, listed.wanted, asked_for.stretch)
        kept = {name: value for name, value in given.items() if name in FILTERS}
        cursor = None if page.last is None else self._site.readers.cursor(page.last, NEWEST_FIRST, asked_for.of)
        all_of_them = {_WHEN: _ALL} if who.params.get(_WHEN) == _ALL else {}
        return {
            **self._form(who, typed, kept),
            "runs": _latest_first(page.items) if of_default else page.items,
            "replays": replays.of_runs(who.principal, [run.id for run in page.items if run.status in REPLAYABLE]),
            **run_rows.beside(self._site.system, who.now, page.items),
            "statuses": self._statuses(who, listed.wanted),
            "count": page.count,
            "handled": self._handled(who, listed.wanted, page.count),
            "is_cut": listed.is_cut,
            "of_default": of_default,
            "paged": "cursor" in given,
            "first": _path({**kept, **all_of_them}),
            "next": cursor and _path({**kept, **all_of_them, "cursor": cursor}),
            "may_act_on": {run.id for run in page.items if rights.operates_in(who.principal, run.app_name)},
        }

    def _handled(self, who: Asked, wanted: RunFilter, count: int | None) -> Any:
        """How many failed runs in a list of them are no failures any more; none are in the list of a group."""
        is_of_failed = wanted.status is RunStatus.FAILED and wanted.ids is None
        return (
            failed_runs.handled(who.principal, wanted)
            if is_of_failed and count is not None
            else failed_runs.NONE_HANDLED
        )

    def _refused(self, who: Asked, wrong: Wrong) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "runs": [],
            "replays": {},
            **run_rows.beside(self._site.system, who.now),
            "statuses": {},
            "count": None,
            "handled": failed_runs.NONE_HANDLED,
            "is_cut": False,
            "of_default": False,
            "may_act_on": set(),
        }
        typed = list_filters.read(who, FILTERS)
        kept = {name: value for name, value in typed.given.items() if name in FILTERS}
        return {
            **self._form(who, typed, kept),
            **shown,
            "wrong": wrong,
            "paged": False,
            "first": _path(kept),
            "next": None,
        }

    def _form(self, who: Asked, typed: TypedFilter, kept: Mapping[str, str]) -> dict[str, Any]:
        return {
            "given": typed.fields,
            "filtered": any(typed.fields.values()),
            "when": who.params.get(_WHEN, ""),
            "kept": kept,
            "wrong": Wrong(),
            "views": views.offered(who.principal, ViewedList.RUNS),
        }

    def _statuses(self, who: Asked, wanted: RunFilter) -> dict[str, int]:
        """How many of the runs that an action made, or that replay one run, have each status; of other lists, none."""
        if wanted.created_from is None and wanted.retry_of is None:
            return {}
        found = replays.statuses(who.principal, wanted)
        return {status: found[status] for status in RunStatus if found.get(status)}


def _with_default(given: Mapping[str, str]) -> tuple[dict[str, str], bool]:
    """Returns what is asked for: unless a filter says when, what has come, without what is only planned."""
    asked_for = {name: value for name, value in given.items() if name != _WHEN}
    if given.get(_WHEN) == _ALL or any(name not in _WHATEVER_WHEN for name in asked_for):
        return asked_for, given.get(_WHEN) != _ALL and asked_for.get("status_not") == RunStatus.PENDING
    return {**asked_for, "status_not": RunStatus.PENDING.value}, True


def _latest_first(runs: Sequence[RunView]) -> list[RunView]:
    """Returns the runs of a page, which are the last that were made, in the order of the instants they were due at."""
    return sorted(runs, key=lambda run: (run.due_at, run.id), reverse=True)


def _path(params: dict[str, str]) -> str:
    return f"{PATH}?{urlencode(params)}" if params else PATH
