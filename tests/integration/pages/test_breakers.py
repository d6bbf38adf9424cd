"""Circuit breakers on the dashboard: switched, shown with what they hold, and closed."""

from __future__ import annotations

from core.principals import LOCAL
from core.states import Hold
from models.tables import Run
from pages import naming
from services.apps import apps as app_service
from services.jobs import creating
from tests.factories import GivenSystem, claim, failed, new_job, record, runs_of
from tests.integration.pages.browser import Browser
from tests.integration.pages.conftest import site
from tests.integration.pages.states import opened


def test_the_page_of_an_app_switches_its_breaker(browser: Browser, system: GivenSystem) -> None:
    creating.create(LOCAL, system, new_job())
    page = browser.load("/dashboard/apps/app_a")
    assert "server default (no)" in page.text
    [form] = [form for form in page.forms if form.action.endswith("/change")]
    browser.submit(form, destination_breaker="on")
    assert app_service.get(LOCAL, "app_a").destination_breaker is True
    address = app_service.get(LOCAL, "app_a").callback_base_url
    [form] = [form for form in browser.load("/dashboard/apps/app_a").forms if form.action.endswith("/change")]
    browser.submit(form, destination_breaker="")
    assert app_service.get(LOCAL, "app_a").destination_breaker is None
    assert app_service.get(LOCAL, "app_a").callback_base_url == address


def test_receivers_that_are_left_alone_are_shown_and_called_again(system: GivenSystem) -> None:
    browser = Browser(site(system))
    assert "None, and breakers are off" in browser.load("/dashboard/queues").text
    creating.create(LOCAL, system, new_job())
    opened(system)
    page = browser.load("/dashboard/queues")
    assert "app.example.com app_a now" in page.text
    page = browser.submit(page.form("Close the breaker"), reason="It is mended")
    assert "The breaker is closed" in page.text
    assert "app.example.com" not in page.text


def test_the_page_of_a_breaker_shows_its_runs_the_next_call_and_the_last_failure(
    browser: Browser, system: GivenSystem
) -> None:
    creating.create(LOCAL, system, new_job(title="Contacts", callback_url="https://app.example.com/x", max_retries=2))
    [work] = claim(system)
    record(system, work, failed())
    held = runs_of(creating.create(LOCAL, system, new_job(title="Invoices")))[0].id
    key = opened(system)
    with system.transaction():
        Run.update(held_by=Hold.DESTINATION, held_key=key).where(Run.id == held).execute()
    told = browser.load("/dashboard/")
    assert "Most calls of app_a to app.example.com fail: “The receiver is down.”." in told.text
    assert told.links["This receiver"] == naming.key_path(key)
    page = browser.load(browser.load("/dashboard/queues").links[key])
    assert page.status == 200
    assert "Circuit breaker of app.example.com" in page.text
    assert "Open since now" in page.text
    assert "Next call in" in page.text
    assert "The receiver is down." in page.links
    assert "Contacts" in page.links
    assert f"/dashboard/runs/{held}" in page.links.values()
    assert key in browser.load(f"/dashboard/runs/{held}").links
    closed = browser.submit(page.form("Close the breaker"))
    assert "The breaker is closed" in closed.text
    assert "Closed: calls of app_a to this host are not held." in browser.load(naming.key_path(key)).text
    assert browser.load(naming.key_path("destination:none/app.example.com")).status == 404
    assert browser.load(f"{naming.BREAKER_PATH}?key=account:app_a/acc1").status == 400
