"""Limits by key on pages: how each stands, who holds it and who waits, put in place and deleted."""

from __future__ import annotations

import pytest

from core.principals import LOCAL
from core.rates import Rate
from core.scopes import Role
from services.apps import apps, members
from services.reading import limits
from services.scheduling import pauses
from tests.factories import GivenSystem, claim, first_run, given_system, record, stored_run, succeeded
from tests.integration.execution.limiting import create, put
from tests.integration.pages.browser import Browser
from tests.integration.pages.conftest import site
from tests.integration.pages.people import OF_OPERATORS, log_in, register

KEY = "account:app_a/acc1"


def test_a_key_is_limited_seen_changed_and_deleted(browser: Browser, system: GivenSystem) -> None:
    create(system)
    page = browser.submit(browser.load("/dashboard/limits").form("Limit"), limited=KEY, concurrency="3")
    assert "in force within a second" in page.text
    assert "3 at once" in page.text
    page = browser.submit(page.form("Limit"), concurrency="", calls="90", per_seconds="60", until="2026-11-21T00:00")
    assert "90 calls within 1 min" in page.text
    assert page.form("Limit").fields["until"] == "2026-11-21T00:00:00"
    assert limits.get(LOCAL, system, KEY).rate == Rate(90, 60)
    assert KEY in browser.load("/dashboard/limits").links
    assert "The limit is deleted" in browser.submit(page.form("Delete the limit"), reason="Enough").text
    assert browser.load(f"/dashboard/limits/of?key={KEY}").status == 404


def test_a_key_that_has_a_weight_alone_is_shown(browser: Browser, system: GivenSystem) -> None:
    apps.ensure(LOCAL, system, "jobs")
    put(system, "app:jobs", weight=0.5)
    assert "weight 0.5" in browser.load("/dashboard/limits").text
    assert "weight 0.5" in browser.load("/dashboard/limits/of?key=app:jobs").text


def test_who_holds_a_key_and_who_waits_is_shown(browser: Browser, system: GivenSystem) -> None:
    put(system, KEY, 1)
    create(system, name="Export")
    [holder] = claim(system)
    waiting = first_run(system, name="Report")
    claim(system)
    assert stored_run(waiting.id).held_key == KEY
    page = browser.load(f"/dashboard/limits/of?key={KEY}")
    assert "1 call is under way; room for 0" in page.text
    assert f"/dashboard/runs/{holder.run_id}" in page.links.values()
    assert "Holding it now 1" in page.text
    assert "Waiting for it 1" in page.text
    listed = browser.load(page.links["All that wait"])
    assert "1 run that fit" in listed.text
    assert "Report" in listed.links
    assert "Export" not in listed.links
    assert KEY in browser.load(f"/dashboard/runs/{waiting.id}").links
    assert KEY in browser.load("/dashboard/queues").links
    held = browser.submit(browser.load("/dashboard/runs").form("Show"), held_by="concurrency")
    assert "1 run that fit" in held.text


def test_until_when_calls_that_have_ended_count_is_said(browser: Browser, system: GivenSystem) -> None:
    put(system, KEY, rate=Rate(3, 60))
    create(system, 2)
    one, other = claim(system)
    system.clock.advance(90)
    record(system, one, succeeded())
    page = browser.load(f"/dashboard/limits/of?key={KEY}")
    assert "1 call that has ended counts until 1 min after its end; room for 1" in page.text
    record(system, other, succeeded())
    page = browser.load(f"/dashboard/limits/of?key={KEY}")
    assert "2 calls that have ended count until 1 min after their end; room for 1" in page.text


def test_when_each_call_ends_and_when_each_permit_is_free_again_is_shown(browser: Browser, system: GivenSystem) -> None:
    put(system, KEY, rate=Rate(3, 600))
    create(system, time_limit_seconds=120.0, name="Export")
    create(system, name="Report")
    export, report = sorted(claim(system), key=lambda work: work.time_limit_seconds, reverse=True)
    system.clock.advance(30)
    record(system, report, succeeded())
    page = browser.load(f"/dashboard/limits/of?key={KEY}")
    assert "Ends by" in page.text
    assert "in 1 min 30 s" in page.text
    assert "Ended, and still counted 1" in page.text
    assert "in 10 min" in page.text
    shown = {given.get("href") for _, given in page.elements}
    assert {f"/dashboard/runs/{work.run_id}" for work in (export, report)} <= shown


def test_how_long_a_rate_needs_for_what_waits_is_shown(browser: Browser, system: GivenSystem) -> None:
    put(system, KEY, rate=Rate(1, 60))
    create(system, 4)
    claim(system)
    forecast = "3 runs at 1 a minute: about 3 min"
    assert forecast in browser.load("/dashboard/queues").text
    assert forecast in browser.load(f"/dashboard/limits/of?key={KEY}").text
    pauses.pause_everything(LOCAL, system, None)
    assert "a minute: about" not in browser.load("/dashboard/queues").text
    assert "a minute: about" not in browser.load(f"/dashboard/limits/of?key={KEY}").text


def test_how_much_waits_for_a_host_of_all_apps_is_shown_to_administrators_alone(sqlite: str) -> None:
    system = given_system(internal_secret=OF_OPERATORS, callback_base_url="https://hooks.example.com")
    put(system, "host:hooks.example.com", rate=Rate(1, 60))
    create(system, 2)
    claim(system)
    browser = Browser(site(system))
    register(browser)
    members.put(LOCAL, system, "app_a", "ada", Role.OWNER)
    log_in(browser)
    page = browser.load("/dashboard/queues")
    assert "host:hooks.example.com" in page.text
    assert "a minute: about" not in page.text


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({"limited": "odd:key", "concurrency": "1"}, "whose kind is not known"),
        ({"limited": KEY}, "limits nothing"),
        ({"limited": KEY, "concurrency": "many"}, "Maximum at once must be"),
        ({"limited": KEY, "calls": "5"}, "Within how many seconds"),
        ({"limited": KEY, "concurrency": "1", "until": "2020-01-01T00:00"}, "has passed"),
    ],
)
def test_what_is_no_limit_is_refused_in_words(
    browser: Browser, system: GivenSystem, typed: dict[str, str], told: str
) -> None:
    create(system)
    page = browser.submit(browser.load("/dashboard/limits").form("Limit"), **typed)
    assert page.status == 400
    assert told in page.text


def test_who_may_not_change_a_limit_is_shown_no_form(sqlite: str) -> None:
    system = given_system(internal_secret=OF_OPERATORS)
    put(system, KEY, 1)
    put(system, "installation", 9)
    browser = Browser(site(system))
    register(browser)
    log_in(browser)
    assert KEY not in browser.load("/dashboard/limits").links
    assert browser.load("/dashboard/limits/of?key=installation").status == 403


def test_a_viewer_of_the_app_sees_its_limits_and_no_form(sqlite: str) -> None:
    system = given_system(internal_secret=OF_OPERATORS)
    put(system, KEY, 1)
    browser = Browser(site(system))
    register(browser)
    members.put(LOCAL, system, "app_a", "ada", Role.OWNER)
    register(browser, "bob")
    members.put(LOCAL, system, "app_a", "bob", Role.VIEWER)
    log_in(browser, name="bob")
    page = browser.load(f"/dashboard/limits/of?key={KEY}")
    assert "1 at once" in page.text
    assert not page.has_button("Limit")
    assert not page.has_button("Delete the limit")
