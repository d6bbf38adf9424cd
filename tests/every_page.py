"""Every page of a site, as `pages/routes.py` declares them: for tests that go over all of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from pages import routes
from pages.resources.overview import Signs
from pages.route import Route
from pages.site import Site
from processes import page_readers
from services.system import System

NO_PAGES = {"/dashboard/static/{name}", "/admin", "/dashboard/find", "/dashboard/jobs/{job_id:uuid}/file"}
"""Files, and what leads elsewhere."""
_ASKED = {
    "/reset": "token={reset_token}",
    "/dashboard/jobs/actions": "action=pause&which=all",
    "/dashboard/runs/actions": "action=replay&which=all",
    "/dashboard/queues/breaker": "key={breaker}",
    "/dashboard/limits/of": "key={limit}",
    "/dashboard/accounts/of": "account_id={account_id}",
}
"""What some pages must be asked for besides their path."""


def all_routes(system: System) -> list[Route]:
    """The routes of a site that answers nothing."""

    async def run(*_: object) -> None:
        """Nothing is asked here."""

    async def answer(**_: object) -> None:
        """Nothing is posted here."""

    async def change(*_: object) -> None:
        """No password is changed here."""

    uploads: Any = None  # nothing is uploaded here
    readers: Any = page_readers.readers(system)
    shown = Site(system, run, readers, lambda *_: True, call=run, act_on_many=run)  # type: ignore[arg-type]  # it only lists its pages
    return routes.of_site(shown, Signs(lambda: True, tuple), lambda _path: answer, change, uploads)


def addresses(system: System, about: Mapping[str, object]) -> dict[str, str]:
    """The address of every page that answers GET, by its route.

    `about` has a thing of each kind that a page is about, `task_id` being the job that pages of tasks show. A page
    about something else fails here until `about` has it, and one that needs a query is refused until `_ASKED` has that.
    """
    paths = [route.path for route in all_routes(system) if route.get is not None and route.path not in NO_PAGES]
    quoted = {name: quote(str(thing), safe="") for name, thing in about.items()}
    return {path: _address(path, quoted) for path in paths}


def _address(path: str, about: Mapping[str, str]) -> str:
    names = {**about, "job_id": about["task_id"]} if path.startswith("/task/") else about
    query = _ASKED.get(path, "").format_map(names)
    filled = re.sub(r"\{(\w+)[^}]*\}", lambda found: names[found[1]], path)
    return f"{filled}?{query}" if query else filled
