"""One's own sessions and tokens on a page: seen, ended, made."""

from __future__ import annotations

import pytest

from tests.factories import GivenSystem, given_system
from tests.integration.pages.browser import Browser, Page
from tests.integration.pages.test_accounts import OF_OPERATORS, log_in, register


@pytest.fixture
def system(sqlite: str) -> GivenSystem:
    return given_system(internal_secret=OF_OPERATORS)


@pytest.fixture
def page(browser: Browser) -> Page:
    """The page of a user with a session."""
    register(browser)
    log_in(browser)
    return browser.load(browser.load("/dashboard/").links["ada"])


def test_this_session_is_told_from_others_which_can_be_ended(page: Page, browser: Browser) -> None:
    assert "session of a login this one" in page.text
    elsewhere = Browser(browser.app)
    log_in(elsewhere)
    seen = browser.load("/dashboard/mine")
    assert seen.text.count("session of a login") == 2
    assert "Ended: it is no longer accepted." in browser.submit(seen.form("End")).text
    assert elsewhere.load("/dashboard/jobs").has_button("Log in")
    log_in(elsewhere)
    browser.submit(seen.form("End my other sessions"))
    assert elsewhere.load("/dashboard/jobs").has_button("Log in")
    assert browser.load("/dashboard/mine").status == 200


def test_a_token_is_shown_once_and_does_what_its_scopes_allow(page: Page, browser: Browser) -> None:
    form = page.form("Make a token")
    [token] = browser.submit(form, name="report").texts_of("pre")
    assert browser.submit(form, name="report").texts_of("pre") == []
    seen = browser.load("/dashboard/mine")
    assert "report" in seen.text
    assert token not in seen.html
    program = Browser(browser.app)
    bearer = {"Authorization": f"Bearer {token}"}
    assert program.request("GET", "/api/jobs", **bearer).status_code == 200
    browser.submit(seen.form("End"))
    assert program.request("GET", "/api/jobs", **bearer).status_code == 401


def test_a_token_without_a_scope_is_refused_in_place(page: Page, browser: Browser) -> None:
    form = page.form("Make a token")
    del form.fields["scope.read"]
    refused = browser.submit(form, name="report")
    assert refused.status == 400
    assert "scopes" in refused.text


def test_the_page_of_others_is_none(page: Page, browser: Browser) -> None:
    bob = Browser(browser.app)
    register(bob, "bob")
    log_in(bob, name="bob")
    seen = bob.load("/dashboard/mine")
    assert seen.text.count("session of a login") == 1
    [made] = [form for form in page.forms if form.action.endswith("/tokens")]
    token = browser.submit(made, name="of ada").texts_of("pre")
    assert token
    of_ada = browser.load("/dashboard/mine").form("End").fields["id"]
    ours = bob.submit(seen.form("Make a token"), name="of bob").texts_of("pre")
    assert ours
    form = bob.load("/dashboard/mine").form("End")
    assert bob.submit(form, id=of_ada).status == 404
    assert "of ada" in browser.load("/dashboard/mine").text
