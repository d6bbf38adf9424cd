"""The audit log: who did what to which thing, when and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from falcon.asgi import Request, Response

from core.errors import InvalidInput
from core.listing import NEWEST_FIRST, Mark
from pages import audit_links, list_filters
from pages.list_filters import TypedFilter, Wrong
from pages.page_request import Asked
from pages.site import Site
from services.access import audit
from services.access.audit import AuditView

FILTERS = ("app_name", "principal", "thing", "thing_id", "since", "before")


class AuditPage:
    """`/dashboard/audit`."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def show(self, req: Request, resp: Response) -> None:
        """Show the entries that fit; where the filter is wrong, its form, with what is wrong beside each field."""
        try:
            await self._site.show(req, resp, "audit.html", self._load)
        except InvalidInput as refusal:
            wrong = list_filters.wrong(refusal, FILTERS)
            resp.status = 400
            await self._site.show(req, resp, "audit.html", lambda who: self._refused(who, wrong))

    def _load(self, who: Asked) -> dict[str, Any]:
        typed = list_filters.read(who, FILTERS)
        asked_for = self._site.readers.audit(typed.given)
        entries, more = audit.listed(who.principal, asked_for.wanted, asked_for.after, asked_for.limit)
        kept = _kept(typed)
        cursor = self._site.readers.cursor(Mark(entries[-1].id), NEWEST_FIRST, asked_for.of) if more else None
        return {
            **_form(typed),
            "rows": rows_of(entries),
            "entry_links": self._site.entry_links(who),
            "paged": list_filters.CURSOR in typed.given,
            "next": cursor and audit_links.entries_of(**kept, cursor=cursor),
        }

    def _refused(self, who: Asked, wrong: Wrong) -> dict[str, Any]:
        return {**_form(list_filters.read(who, FILTERS)), "rows": [], "paged": False, "next": None, "wrong": wrong}


@dataclass(frozen=True)
class Row:
    """An entry, and those that stand for the same action of the same request on other things."""

    first: AuditView
    others: Sequence[AuditView] = ()


def rows_of(entries: Sequence[AuditView]) -> list[Row]:
    """Returns a row for each action: what one request did to many things is one."""
    alike = groupby(entries, lambda one: (one.request_id or one.id, one.action, one.reason))
    return [Row(first, others) for first, *others in (list(some) for _, some in alike)]


def _form(typed: TypedFilter) -> dict[str, Any]:
    kept = _kept(typed)
    first = audit_links.entries_of(**kept) if kept else audit_links.PATH
    return {"given": typed.fields, "filtered": bool(kept), "first": first, "wrong": Wrong()}


def _kept(typed: TypedFilter) -> dict[str, str]:
    return {name: typed.given[name] for name in FILTERS if name in typed.given}
