"""Accounts on pages: which uses most, which is held back and by what, and the view of one with its limit and runs."""

from __future__ import annotations

import pytest

from core.principals import LOCAL
from core.rates import Rate
from core.scopes import Role
from services.apps import apps, members
from services.reading.statistics import account_usage, ended_runs
from tests.factories import GivenSystem, claim, given_system, record, refused, succeeded
from tests.integration.execution.limiting import create, put
from tests.integration.pages.browser import Browser
from tests.integration.pages.conftest import site
from tests.integration.pages.people import OF_OPERATORS, log_in, register

PATH = "/dashboard/accounts"
KEY = "account:app_a/acme"
LIMIT = "/dashboard/limits/of?key=account%3Aapp_a%2Facme"
ACME = f"{PATH}/of?app_name=app_a&account_id=acme"


def used_and_held(system: GivenSystem) -> None:
    """The rate of acme holds two of its three runs; globex had two, of which one failed."""
    put(system, KEY, rate=Rate(1, 60))
    create(system, 3, account_id="acme")
    failing, _ = create(system, 2, account_id="globex", title="Sync", max_retries=0)
    for work in claim(system):
        record(system, work, refused() if work.job_id == failing else succeeded())


def test_whoever_uses_most_comes_first_and_whoever_is_held_back_is_told(browser: Browser, system: GivenSystem) -> None:
    used_and_held(system)
    page = browser.load(browser.load("/dashboard/").links["Accounts"])
    assert page.links["1 account is held back"] == f"{PATH}?order=held"
    assert page.text.index("globex") < page.text.index("acme")
    assert "2 until its rate allows another call: 2 runs at 1 a minute: about 2 min" in page.text
    assert (
        page.links["1 call within 1 min 0 s" if "1 call within 1 min 0 s" in page.links else "1 call within 1 min"]
        == LIMIT
    )
    held = browser.load(page.links["1 account is held back"])
    assert held.text.index("acme") < held.text.index("globex")
    assert held.links["acme"] == ACME


def test_the_view_of_an_account_says_what_it_used_what_waits_why_and_its_limit(
    browser: Browser, system: GivenSystem
) -> None:
    used_and_held(system)
    page = browser.load(ACME)
    assert "What waits, and why 2" in page.text
    assert "2 runs at 1 a minute: about 2 min" in page.text
    assert "room for 0, again in 1 min" in page.text
    assert LIMIT in page.links.values()
    assert "Nothing of it failed for good" in page.text
    listed = browser.load(page.links["Its runs"])
    assert "3 runs that fit" in listed.text
    assert ACME in browser.load(LIMIT).links.values()
    assert ACME in browser.load("/dashboard/queues").links.values()
    failed = browser.load(f"{PATH}/of?account_id=globex")
    assert "Sync" in failed.links
    assert "No limit." in failed.text
    assert "1 run that fit" in browser.load(failed.links["All its failed runs"]).text


def test_whom_a_crowd_holds_back_is_told_by_what_runs_and_how_long_others_wait(
    browser: Browser, system: GivenSystem
) -> None:
    create(system, account_id="alone")
    system.clock.advance(60)
    crowd = create(system, 5, account_id="crowd", priority=9)
    assert {one.job_id for one in claim(system, 2)} <= set(crowd)
    page = browser.load(browser.load("/dashboard/queues").links["by account, with what runs meanwhile"])
    first, second = page.html.split('id="account-')[1:]
    assert [name in first for name in ("alone", "crowd")] == [True, False]
    assert 'data-label="Run now">2<' in second
    assert 'data-label="Wait now">3<' in second
    assert "1 min ago" in page.text
    most = browser.load(f"{PATH}?order=waiting")
    assert most.text.index("crowd") < most.text.index("alone")
    system.clock.advance(10)
    overview = browser.load("/dashboard/")
    assert overview.links["Whose runs wait"] == f"{PATH}?order=waited"


def test_an_account_of_two_apps_is_shown_in_both_or_in_one(browser: Browser, system: GivenSystem) -> None:
    create(system, account_id="acme")
    create(system, account_id="acme", app_name="app_b")
    both = browser.load(f"{PATH}/of?account_id=acme")
    assert {"app_a", "app_b"} <= both.links.keys()
    one = browser.load(
        both.links["app_b"] if "accounts" in both.links["app_b"] else f"{PATH}/of?account_id=acme&app_name=app_b"
    )
    assert "app_a" not in one.links
    assert one.links["in all apps"] == f"{PATH}/of?account_id=acme"


def test_before_anything_has_run_the_pages_say_so(browser: Browser, system: GivenSystem) -> None:
    page = browser.load(PATH)
    assert "No run ended in the last hour, and none runs or waits." in page.text
    assert "No run ended in 24 hours" in browser.load(page.links["The last 24 hours"]).text
    assert browser.load(f"{PATH}/of?account_id=acme").status == 404
    used_and_held(system)
    system.clock.advance(7_200)
    assert "globex" not in browser.load(PATH).links
    assert "globex" in browser.load(f"{PATH}?range=24h").links
    assert "No run of it ended in the last hour" in browser.load(f"{PATH}/of?account_id=globex").text


def test_what_is_left_out_is_said(browser: Browser, system: GivenSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    used_and_held(system)
    monkeypatch.setattr(ended_runs, "MAX_ENDED", 1)
    monkeypatch.setattr(account_usage, "MAX_WAITING", 1)
    text = browser.load(PATH).text
    assert "of the newest 1 runs that ended, since" in text
    assert "more runs wait than are counted here" in text


@pytest.mark.parametrize(
    ("query", "field"),
    [("?range=1y", "range"), ("?order=name", "order"), ("/of", "account_id"), ("/of?range=1", "range")],
)
def test_a_view_that_cannot_be_is_refused_in_words(browser: Browser, query: str, field: str) -> None:
    page = browser.load(f"{PATH}{query}")
    assert page.status == 400
    assert field in page.text


def test_a_viewer_sees_the_accounts_of_their_app_alone(sqlite: str) -> None:
    system = given_system(internal_secret=OF_OPERATORS)
    used_and_held(system)
    apps.ensure(LOCAL, system, "app_b")
    create(system, account_id="theirs", app_name="app_b")
    browser = Browser(site(system))
    register(browser)
    members.put(LOCAL, system, "app_a", "ada", Role.OWNER)
    register(browser, "bob")
    members.put(LOCAL, system, "app_a", "bob", Role.VIEWER)
    log_in(browser, name="bob")
    page = browser.load(PATH)
    assert {"acme", "globex"} <= page.links.keys()
    assert "theirs" not in page.text
    assert browser.load(f"{PATH}/of?account_id=theirs").status == 404
    assert "1 call within" in browser.load(ACME).text
