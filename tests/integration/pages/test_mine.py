"""One's own sessions and tokens on a page: seen, ended, made."""

from __future__ import annotations

import pytest

from tests.factories import GivenSystem, given_system
from tests.integration.pages.browser import Browser, Page
from tests.integration.pages.making import wrong_beside
from tests.integration.pages.people import OF_OPERATORS, log_in, register


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


def expiries(browser: Browser) -> set[str]:
    answer = browser.request("GET", "/api/me/tokens").json
    return {one["expires_at"] for one in answer["results"] if one["name"] == "report"}


def test_a_token_lasts_until_the_instant_that_is_chosen_on_the_readers_clocks(browser: Browser, page: Page) -> None:
    browser.cookies["carillon_zone"] = "Europe/Berlin"
    form = browser.load("/dashboard/mine").form("Make a token")
    browser.submit(form, name="report", expires_at="2027-11-20T10:00")
    assert expiries(browser) == {"2027-11-20T09:00:00Z"}


def test_a_token_for_which_no_end_is_chosen_lasts_thirty_days(browser: Browser, page: Page) -> None:
    browser.submit(page.form("Make a token"), name="report")
    assert expiries(browser) == {"2026-12-20T12:00:00Z"}


@pytest.mark.parametrize("until", ["2026-11-20T11:00", "2027-11-22T12:00", "soon"])
def test_an_end_that_no_token_can_have_is_refused_beside_its_field(browser: Browser, page: Page, until: str) -> None:
    refused = browser.submit(page.form("Make a token"), name="report", expires_at=until)
    assert (refused.status, wrong_beside(refused)) == (400, {"expires_at"})
    assert refused.form("Make a token").fields["expires_at"] == until, "what was typed stays"
    assert expiries(browser) == set()


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
