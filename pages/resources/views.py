"""Saved views of the lists of jobs and runs: saved from a list that is filtered, and deleted."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode
from uuid import UUID

from falcon.asgi import Request, Response

from core.errors import NotFound
from core.principals import Principal
from pages.forms import Form
from pages.page_request import Asked
from pages.site import Site
from services.access import saved_views
from services.access.saved_views import ViewedList

_NOT_FILTERS = ("view_name", "list")


@dataclass(frozen=True)
class ShownView:
    """A saved view as a list offers it."""

    id: UUID
    name: str
    path: str


def offered(principal: Principal, of_list: ViewedList) -> list[ShownView]:
    """Returns the views that a reader has of a list."""
    found = saved_views.listed(principal, of_list)
    return [ShownView(one.id, one.name, f"/dashboard/{of_list}?{urlencode(dict(one.query))}") for one in found]


class ViewsPage:
    """`/dashboard/views`."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def save(self, req: Request, resp: Response) -> None:
        """Save the filter of a list, and lead back to it."""

        def do(who: Asked, form: Form) -> str:
            query = {name: value for name, value in form.items() if name not in _NOT_FILTERS and value}
            given = self._site.readers.view(
                {"list": form.get("list", ""), "name": form.get("view_name", ""), "query": query}
            )
            saved = saved_views.put(who.principal, self._site.system, *given)
            return f"/dashboard/{saved.list}?{urlencode({**saved.query, 'done': 'view_saved'})}"

        await self._site.act(req, resp, do)

    async def delete(self, req: Request, resp: Response) -> None:
        """Delete a view, and lead back to its list."""

        def do(who: Asked, form: Form) -> str:
            saved_views.delete(who.principal, self._site.system, _id(form))
            of_list = ViewedList.RUNS if form.get("list") == ViewedList.RUNS else ViewedList.JOBS
            return f"/dashboard/{of_list}?done=deleted"

        await self._site.act(req, resp, do)


def _id(form: Form) -> UUID:
    given = form.get("id", "")
    try:
        return UUID(given)
    except ValueError:
        raise NotFound("view of yours", ascii(given)) from None
