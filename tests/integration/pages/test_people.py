"""The page of users and invitations, for administrators; one's own password."""

from __future__ import annotations

import pytest

from tests.factories import GivenSystem, given_system
from tests.integration.pages.browser import Browser, Page
from tests.integration.pages.people import OF_OPERATORS, PASSWORD, log_in, register

NEW = " a new long password "


@pytest.fixture
def system(sqlite: str) -> GivenSystem:
    return given_system(internal_secret=OF_OPERATORS, admin_usernames="ada")


@pytest.fixture
def bob(browser: Browser) -> Browser:
    other = Browser(browser.app)
    register(other, "bob")
    log_in(other, name="bob")
    return other


@pytest.fixture
def page(browser: Browser, bob: Browser) -> Page:
    """The page as an administrator sees it."""
    register(browser, **{"X-Internal-Secret": OF_OPERATORS})
    log_in(browser)
    return browser.load("/dashboard/people")


def test_a_user_is_disabled_and_enabled(page: Page, browser: Browser, bob: Browser) -> None:
    assert "bob bob@example.com" in page.text
    after = browser.submit(page.form("Disable"))
    assert "cannot log in. Their jobs continue to run." in after.text
    assert bob.load("/dashboard/jobs").has_button("Log in")
    assert "may log in again" in browser.submit(after.form("Enable")).text


def test_an_administrator_is_made_and_sees_the_page(page: Page, browser: Browser, bob: Browser) -> None:
    assert "People" not in bob.load("/dashboard/jobs").links
    assert bob.load("/dashboard/people").status == 403
    browser.submit(page.form("Make administrator"))
    assert "People" in bob.load("/dashboard/jobs").links
    browser.submit(browser.load("/dashboard/people").form("Remove administrator"))
    assert bob.load("/dashboard/people").status == 403


def test_a_user_is_logged_out_everywhere(page: Page, browser: Browser, bob: Browser) -> None:
    browser.submit(page.form("Log out everywhere"))
    assert bob.load("/dashboard/jobs").has_button("Log in")


def test_links_are_shown_once(page: Page, browser: Browser, bob: Browser) -> None:
    form = page.form("New password…")
    [link] = browser.submit(form).texts_of("pre")
    assert "/reset/?token=" in link
    assert browser.submit(form).texts_of("pre") == []
    [link] = browser.submit(page.form("Invite"), email="carol@example.com").texts_of("pre")
    assert "/register/?invitation=" in link
    seen = browser.load("/dashboard/people")
    assert "carol@example.com" in seen.text
    browser.submit(seen.form("Withdraw"))
    assert "No invitation is open." in browser.load("/dashboard/people").text


def test_what_is_wrong_is_said_on_the_page(page: Page, browser: Browser, bob: Browser) -> None:
    assert browser.submit(page.form("Invite"), email="no address").status == 400
    assert browser.submit(page.form("Disable"), do="odd").status == 400
    refused = browser.submit(page.form("Disable"), username="ada")
    assert refused.status == 409
    assert "That would be yourself" in refused.text
    assert browser.submit(page.form("Disable"), username="nobody").status == 404
    assert "Nobody has registered with this" in browser.load("/dashboard/people?search=nobody").text


def test_ones_password_is_changed_as_it_is_typed(page: Page, browser: Browser) -> None:
    elsewhere = Browser(browser.app)
    log_in(elsewhere)
    form = browser.load("/dashboard/mine").form("Change the password")
    typed = {"current_password": PASSWORD, "new_password": NEW}
    assert browser.submit(form, **{**typed, "again": NEW.strip()}).status == 400
    wrong = browser.submit(form, **{**typed, "current_password": "wrong", "again": NEW})
    assert "Current password is wrong" in wrong.text
    assert browser.submit(form, **{**typed, "new_password": "short", "again": "short"}).status == 400
    assert "The password is changed." in browser.submit(form, **typed, again=NEW).text
    assert elsewhere.load("/dashboard/jobs").has_button("Log in")
    fresh = Browser(browser.app)
    login = fresh.load("/login/").form("Log in")
    assert fresh.submit(login, username="ada", password=NEW.strip()).status == 400
    assert fresh.submit(login, username="ada", password=NEW).has_button("Log out")


def test_owners_see_the_members_of_their_apps_in_one_look(page: Page, browser: Browser, bob: Browser) -> None:
    bob.submit(bob.load("/dashboard/apps").form("Make the app"), name="bobs")
    assert "bob (owner)" in bob.load("/dashboard/apps").text
    assert "bob (owner)" in browser.load("/dashboard/apps").text


def test_guesses_at_ones_password_count_with_those_at_the_login(
    page: Page, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = browser.load("/dashboard/mine").form("Change the password")
    monkeypatch.setattr("services.access.guesses.MAX_OF_ACCOUNT", 1)
    typed = {"current_password": "wrong", "new_password": NEW, "again": NEW}
    assert browser.submit(form, **typed).status == 400
    refused = browser.request("POST", "/api/login", body="username=ada&password=wrong")
    assert refused.status_code == 429
