"""No page and no form shows or changes anything of another tenant, whatever ids and names are put into it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from falcon.testing import TestClient

from api.posted_forms import FORM
from pages.forms import TOKEN
from pages.page_request import form_token
from tests.every_page import all_routes
from tests.factories import GivenSystem, given_system
from tests.integration.access.foreign import Foreign
from tests.integration.access.tenants import MINE, SETTINGS, made_app, made_job
from tests.integration.api.client import Client
from tests.integration.api.people import session_of
from tests.integration.pages.conftest import site

ABOUT_ONE = ("{job_id", "{run_id", "{name", "{username")


@pytest.fixture
def system(sqlite: str) -> GivenSystem:
    return given_system(**SETTINGS)


def addresses(system: GivenSystem, theirs: dict[str, str]) -> Iterator[tuple[str, str, bool]]:
    """Method and address of each page, with what is the other tenant's in it; whether it is about one such thing."""
    values = {**theirs, "version": "1", "other": "1"}
    for route in all_routes(system):
        path = re.sub(r"\{(\w+)[^}]*\}", lambda found: quote(values.get(found[1], "1"), safe=""), route.path)
        is_of_one = route.path.startswith(("/dashboard/", "/task/")) and any(one in route.path for one in ABOUT_ONE)
        for method, answer in route.answers().items():
            if answer.like is not None and not route.path.startswith(("/log", "/register", "/forgot", "/reset")):
                yield method, path, is_of_one


def test_nothing_of_another_tenant_is_on_any_page_or_changed_by_any_form(system: GivenSystem) -> None:
    app: Any = site(system)
    client = Client(app)
    foreign = Foreign(client, system)
    session = session_of(client, "anna")
    made_app(client, session, MINE)
    made_job(client, session, MINE)
    theirs = foreign.values()
    fields = {**theirs, "id": theirs["job_id"], "version": "1", "scopes": "read", "role": "owner", "action": "cancel"}
    form = {TOKEN: form_token(session["Cookie"].partition("=")[2]), **fields}
    browser = TestClient(app, headers={**session, "Host": "127.0.0.1"})
    asked = 0
    for method, path, is_of_one in addresses(system, theirs):
        query = "" if method == "POST" else f"?{urlencode(fields)}"
        content = {"body": urlencode(form), "headers": {"Content-Type": FORM}} if method == "POST" else {}
        answer = browser.simulate_request(method, path + query, **content)
        told = (method, path, answer.status_code, answer.text[:500])
        assert answer.status_code < 500, told
        assert answer.status_code != 401, told
        assert answer.status_code == 404 or not is_of_one, told
        assert not foreign.told_by(answer, path + urlencode(form)), told
        asked += 1
    assert asked > 50
    foreign.expect_untouched()
