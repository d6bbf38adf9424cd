"""What holds for every page: hostile text stays text, and what a page can do the API can do."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest

from core import schedules
from core.errors import PermanentFailure
from core.principals import LOCAL
from pages import routes
from pages.resources.overview import Signs
from pages.route import FOR_EVERYONE, Route
from pages.site import Site
from pages.static_files import StaticFiles
from processes import page_readers
from services.execution.work import Failed
from services.jobs import creating, lifecycle
from tests.factories import GivenSystem, claim, given_system, new_job, record, runs_of
from tests.integration.api.client import NO_JOB
from tests.integration.api.test_accounts import SECRET
from tests.integration.pages.browser import Browser, Page
from tests.integration.pages.conftest import site

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'-alert(1)-'",
    "</title><svg/onload=alert(1)>",
    "{{ 7 * 7 }}{% raw %}",
    "javascript:alert(1)",
    "\u202etxt.exe<b>",
]
OURS = {StaticFiles().path(name) for name in ("page.js", "live.js", "palette.js", "preview.js")}
PAGES = (
    "/dashboard/",
    "/dashboard/jobs",
    "/dashboard/runs",
    "/dashboard/failures",
    "/dashboard/upcoming",
    "/dashboard/queues",
    "/dashboard/limits",
    "/dashboard/accounts",
    "/dashboard/people",
    "/dashboard/workers",
    "/dashboard/apps",
    "/dashboard/audit",
    "/dashboard/new",
    "/dashboard/settings",
    "/dashboard/outbox",
)
ACCOUNT_PATHS = {"/login", "/register", "/forgot", "/reset", "/logout"}
OPEN_PAGES = {"GET /dashboard/static/{name}", "GET /admin", *(f"GET {path}" for path in ACCOUNT_PATHS)}
OPEN_FORMS = {f"POST {path}" for path in ACCOUNT_PATHS}


@pytest.mark.parametrize("text", HOSTILE)
def test_names_data_and_errors_stay_text_on_every_page(browser: Browser, system: GivenSystem, text: str) -> None:
    hostile: dict[str, Any] = {
        "title": text,
        "account_id": text,
        "data": {text: text},
        "tags": (text,),
        "app_name": text.replace("/", ""),
    }
    failing = creating.create(LOCAL, system, new_job(max_retries=0, **hostile))
    [work] = claim(system)
    record(system, work, Failed(PermanentFailure(text, status_code=422)))
    creating.create(LOCAL, system, new_job(**hostile))
    claim(system)
    waiting = creating.create(
        LOCAL, system, new_job(schedules.RunAt(system.clock.now() + timedelta(hours=1)), **hostile)
    )
    creating.create(LOCAL, system, new_job(**hostile))
    breaker = quote(f"destination:{hostile['app_name']}/{text}", safe="")
    one_of_each = (
        f"/dashboard/jobs/{failing}",
        f"/dashboard/runs/{runs_of(failing)[0].id}",
        f"/dashboard/queues/breaker?key={breaker}",
        f"/dashboard/accounts/of?account_id={quote(text, safe='')}",
    )
    lifecycle.pause(LOCAL, system, waiting, reason=text)
    for path in (*PAGES, *one_of_each):
        page = browser.load(path)  # whose reader refuses elements that are not closed
        assert page.status == 200, path
        assert not [tag for tag, _ in page.elements if tag in ("img", "iframe", "svg/onload")], path
        assert not [given for _, given in page.elements if any(name.startswith("on") for name in given)], path
        assert scripts(page) <= OURS, path
        assert not [link for link in page.links.values() if not link.startswith(("/", "#"))], path
    assert text in browser.load(one_of_each[1]).text.replace("\xa0", " ")


@pytest.mark.parametrize("text", HOSTILE)
def test_what_stands_in_an_address_stays_text(browser: Browser, text: str) -> None:
    form = browser.load("/dashboard/jobs").form("Show")
    page = browser.submit(form, search=text)
    assert page.form("Show").fields["search"] == text
    assert scripts(page) <= OURS
    assert browser.submit(form, status=text).status == 400


def scripts(page: Page) -> set[str]:
    return {str(given.get("src")) for tag, given in page.elements if tag == "script"}


def test_each_page_names_an_operation_of_the_api(browser: Browser, system: GivenSystem) -> None:
    documented = browser.request("GET", "/openapi.json").json["paths"]
    operations = {f"{method.upper()} {path}" for path, methods in documented.items() for method in methods}
    for route in all_routes(system):
        for answer in route.answers().values():
            assert answer.like is None or re.sub(":(uuid|int|path)", "", answer.like) in operations, route


def test_pages_for_everyone_are_those_listed(sqlite: str) -> None:
    """The forms of accounts are answered by the operations of the API at their paths, which say who may send them."""
    system = given_system(internal_secret=SECRET)
    stranger = Browser(site(system))
    answers = {
        f"{method} {route.path}": answer for route in all_routes(system) for method, answer in route.answers().items()
    }
    assert {page for page, answer in answers.items() if answer.like is FOR_EVERYONE} == OPEN_PAGES
    assert {page for page, answer in answers.items() if answer.like == page} == OPEN_FORMS
    closed = answers.keys() - OPEN_PAGES - OPEN_FORMS
    assert len(closed) > 50
    for page in closed:
        method, path = page.split(" ", 1)
        address = re.sub(r"\{(\w+)[^}]*\}", lambda found: NO_JOB if found[1].endswith("_id") else "1", path)
        answer = stranger.request(method, address, body="" if method == "POST" else None)
        wanted = f"?next={quote(address, safe='')}" if method == "GET" else ""
        assert (answer.status_code, answer.headers.get("Location")) == (303, f"/login/{wanted}"), page
        assert answer.text == "", page


def all_routes(system: GivenSystem) -> list[Route]:
    async def run(*_: object) -> None:
        """Nothing is asked here."""

    async def answer(**_: object) -> None:
        """Nothing is posted here."""

    async def change(*_: object) -> None:
        """No password is changed here."""

    shown = Site(system, run, page_readers.readers(system), lambda *_: True, call=run, act_on_many=run)  # type: ignore[arg-type]  # it only lists its pages
    return routes.of_site(shown, Signs(lambda: True, tuple), lambda _path: answer, change)
