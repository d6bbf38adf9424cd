"""What holds for every page: what it can do the API can do, and it is for those who may do that."""

from __future__ import annotations

import re
from urllib.parse import quote

from pages.route import FOR_EVERYONE
from tests.every_page import all_routes
from tests.factories import GivenSystem, given_system
from tests.integration.api.client import NO_JOB
from tests.integration.api.people import SECRET
from tests.integration.pages.browser import Browser
from tests.integration.pages.conftest import site

ACCOUNT_PATHS = {"/login", "/register", "/forgot", "/reset", "/logout"}
OPEN_PAGES = {"GET /dashboard/static/{name}", "GET /admin", *(f"GET {path}" for path in ACCOUNT_PATHS)}
OPEN_FORMS = {f"POST {path}" for path in ACCOUNT_PATHS}


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
