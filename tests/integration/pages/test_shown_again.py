"""Forms that are refused: the page comes again, with what was typed and with what is wrong beside its field."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from core import schedules
from core.principals import LOCAL
from core.rates import Rate
from services.apps import apps
from services.jobs import creating
from services.reading import limits
from tests.factories import NOON, GivenSystem, claim, new_job, record, refused
from tests.integration.execution.limiting import create, put
from tests.integration.pages.browser import Browser, Page
from tests.integration.pages.making import wrong_beside

KEY = "account:app_a/acc1"
LIVE_SCRIPT = "live."
NO_NAME, NEVER_SHOWN = "no name", "mine-and-long"


def follows(page: Page) -> bool:
    """Whether a page fetches itself again to stay up to date."""
    scripts = [str(given.get("src")) for tag, given in page.elements if tag == "script"]
    return any(LIVE_SCRIPT in src for src in scripts)


def made(system: GivenSystem) -> UUID:
    return creating.create(LOCAL, system, new_job(schedules.Cron("0 9 * * *")))


def test_a_limit_ends_on_the_readers_clocks(browser: Browser, system: GivenSystem) -> None:
    create(system)
    browser.cookies["carillon_zone"] = "Europe/Berlin"
    page = browser.load("/dashboard/limits")
    assert "Until (optional, Europe/Berlin)" in page.text
    page = browser.submit(page.form("Limit"), limited=KEY, concurrency="3", until="2026-11-20T15:30:00")
    assert limits.get(LOCAL, system, KEY).expires_at == NOON + timedelta(hours=2, minutes=30)
    assert page.form("Limit").fields["until"] == "2026-11-20T15:30:00"
    assert "until Fri 20 Nov 2026 15:30:00" in page.text


def test_an_end_that_is_not_changed_stays_to_the_microsecond(browser: Browser, system: GivenSystem) -> None:
    create(system)
    end = NOON + timedelta(hours=1, microseconds=17)
    put(system, KEY, 3, expires_at=end)
    form = browser.load(f"/dashboard/limits/of?key={KEY}").form("Limit")
    browser.submit(form, concurrency="4", until=form.fields["until"].removesuffix(":00"))
    assert limits.get(LOCAL, system, KEY).expires_at == end


def test_a_limit_with_an_end_says_what_holds_after_it(browser: Browser, system: GivenSystem) -> None:
    create(system)
    form = browser.load("/dashboard/limits").form("Limit")
    assert "that one does not come back" in browser.load("/dashboard/limits").text
    browser.submit(form, limited=KEY, calls="6", per_seconds="60")
    page = browser.submit(form, limited=KEY, calls="60", per_seconds="60", until="2026-11-20T15:30:00")
    assert "15:30:00 , then no limit" in page.text
    system.clock.advance(4 * 3600)
    assert browser.load(f"/dashboard/limits/of?key={KEY}").status == 404, "the former limit does not come back"


def test_a_refused_limit_keeps_what_was_typed(browser: Browser, system: GivenSystem) -> None:
    create(system)
    typed = {"limited": KEY, "concurrency": "3", "calls": "6", "per_seconds": "60", "until": "tomorrow 6:00"}
    page = browser.submit(browser.load("/dashboard/limits").form("Limit"), **typed)
    assert page.status == 400
    assert typed.items() <= page.form("Limit").fields.items()
    assert wrong_beside(page) == {"until"}
    assert "expires_at" not in page.text
    assert not follows(page), "its address answers no GET"
    assert "Limited." in browser.submit(page.form("Limit"), until="").text
    assert limits.get(LOCAL, system, KEY).rate == Rate(6, 60)


@pytest.mark.parametrize("path", ["/dashboard/jobs?status=odd", "/dashboard/runs?status=odd"])
def test_a_refused_filter_does_not_fetch_itself_again(browser: Browser, path: str) -> None:
    page = browser.load(path)
    assert page.status == 400
    assert not follows(page)
    assert follows(browser.load(path.partition("?")[0]))


def test_data_that_is_no_json_stays_in_the_form_of_the_job(browser: Browser, system: GivenSystem) -> None:
    page = browser.load(f"/dashboard/jobs/{made(system)}")
    wrong = browser.submit(page.form("Run with this"), data='{"a": ')
    assert wrong.status == 400
    assert wrong.form("Run with this").fields["data"].strip() == '{"a":'
    assert wrong_beside(wrong) == {"data"}
    assert not follows(wrong)
    assert "A run was created." in browser.submit(wrong.form("Run with this"), data='{"a": 1}').text


def test_data_that_is_no_json_stays_in_the_form_of_the_run(browser: Browser, system: GivenSystem) -> None:
    creating.create(LOCAL, system, new_job())
    [work] = claim(system)
    record(system, work, refused(422))
    wrong = browser.submit(browser.load(f"/dashboard/runs/{work.run_id}").form("Replay with this"), data="[1]")
    assert wrong.status == 400
    assert wrong.form("Replay with this").fields["data"].strip() == "[1]"
    assert wrong_beside(wrong) == {"data"}


def test_a_pause_until_an_instant_that_has_passed_keeps_its_reason(browser: Browser, system: GivenSystem) -> None:
    page = browser.load(f"/dashboard/jobs/{made(system)}")
    wrong = browser.submit(page.form("Pause"), until="2020-01-01T00:00:00", reason="It moves")
    assert wrong.status == 400
    assert wrong.form("Pause").fields["reason"] == "It moves"
    assert wrong_beside(wrong) == {"until"}


def test_a_test_call_with_wrong_data_comes_back_to_the_app(browser: Browser, system: GivenSystem) -> None:
    apps.ensure(LOCAL, system, "shop")
    form = browser.load("/dashboard/apps/shop").form("Send a test call")
    wrong = browser.submit(form, task_type="send", data="{")
    assert wrong.status == 400
    assert wrong_beside(wrong) == {"data"}
    assert wrong.form("Send a test call").fields["task_type"] == "send"


def test_a_refused_secret_keeps_its_name_and_never_its_value(browser: Browser, system: GivenSystem) -> None:
    apps.ensure(LOCAL, system, "shop")
    form = browser.load("/dashboard/apps/shop").form("Store")
    wrong = browser.submit(form, secret=NO_NAME, value=NEVER_SHOWN)
    assert wrong.status == 400
    assert wrong_beside(wrong) == {"secret"}
    assert wrong.form("Store").fields["secret"] == NO_NAME
    assert NEVER_SHOWN not in wrong.html
