"""What a user who is no administrator sees on the overview in place of the charts: figures of their own runs."""

from __future__ import annotations

import pytest

from core.principals import LOCAL
from core.scopes import Role
from services.apps import apps, members
from services.reading.statistics import ended_runs
from tests.factories import GivenSystem, given_system
from tests.integration.pages.browser import Browser
from tests.integration.pages.conftest import site
from tests.integration.pages.people import OF_OPERATORS, log_in, register
from tests.integration.reading.durations import ran

PATH = "/dashboard/"


@pytest.fixture
def system(sqlite: str) -> GivenSystem:
    """A system where what others do is hidden from users."""
    return given_system(internal_secret=OF_OPERATORS)


@pytest.fixture
def browser(system: GivenSystem) -> Browser:
    """The browser of a user who views two of three apps."""
    browser = Browser(site(system))
    register(browser)
    for name, role in (("reports", Role.OWNER), ("sync", Role.VIEWER)):
        apps.ensure(LOCAL, system, name)
        members.put(LOCAL, system, name, "ada", role)
    apps.ensure(LOCAL, system, "theirs")
    log_in(browser)
    return browser


def figures(page: object) -> str:
    """The text of the panel."""
    return page.text.partition("Runs that ended")[2].partition("Running now")[0]  # type: ignore[attr-defined, no-any-return]  # a page


def test_the_apps_of_a_user_are_shown_with_how_their_runs_ended_and_how_long_they_took(
    browser: Browser, system: GivenSystem
) -> None:
    ran(system, 2, 4, failures=1, app_name="reports", task_type="build")
    ran(system, 3, app_name="sync", task_type="pull")
    ran(system, 7, app_name="theirs")
    page = browser.load(PATH)
    assert "by app" in figures(page)
    assert "reports 3 2 1 2.0 s 4.0 s sync 1 1 3.0 s 3.0 s" in figures(page)
    assert "theirs" not in page.text
    assert "svg" not in {tag for tag, given in page.elements if "chart" in str(given.get("class"))}
    one = browser.load(page.links["reports"])
    assert "in the app reports, by task type" in figures(one)
    assert "build 3 2 1 2.0 s 4.0 s" in figures(one)
    assert "pull" not in figures(one)
    assert "1 run that fit" in browser.load(one.links["1"]).text
    assert "1 job that fit" in browser.load(one.links["build"]).text
    assert browser.load(one.links["all apps"]).links.keys() >= {"reports", "sync"}


def test_what_runs_in_one_app_alone_is_shown_by_task_type(browser: Browser, system: GivenSystem) -> None:
    ran(system, 2, app_name="reports", task_type="build")
    ran(system, 2, app_name="reports", task_type="send")
    page = browser.load(PATH)
    assert "in the app reports, by task type" in figures(page)
    assert {"build", "send"} <= page.links.keys()
    assert "all apps" not in page.links


def test_a_day_is_shown_if_it_is_asked_for_and_that_nothing_ran_is_said(browser: Browser, system: GivenSystem) -> None:
    assert "No run ended within 1 hour." in browser.load(PATH).text
    ran(system, 2, app_name="reports", task_type="build")
    system.clock.advance(7_200)
    log_in(browser)
    page = browser.load(PATH)
    assert "build" not in page.links
    for path in (page.links["24 hours"], f"{PATH}?range=30d"):
        assert "build 1 1 2.0 s 2.0 s" in figures(browser.load(path))
    assert browser.load(f"{PATH}?range=1y").status == 400


def test_figures_of_an_app_that_a_user_may_not_see_are_empty(browser: Browser, system: GivenSystem) -> None:
    ran(system, 2, app_name="theirs", task_type="build")
    page = browser.load(f"{PATH}?app_name=theirs")
    assert (page.status, "build" in page.text) == (200, False)
    assert "No run ended" in figures(page)


def test_what_is_not_counted_is_said(browser: Browser, system: GivenSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ended_runs, "MAX_ENDED", 1)
    ran(system, 2, 2, app_name="reports")
    assert "of the newest 1 runs that ended, since" in figures(browser.load(PATH))


def test_an_administrator_sees_the_charts_instead(sqlite: str) -> None:
    page = Browser(site(given_system())).load(PATH)
    assert "Start delay" in page.text
    assert "Runs that ended" not in page.text
