"""Pages that change where they stand, in a real browser over a real port."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from core import schedules
from core.principals import LOCAL
from local import chromium
from local.serving import served
from services.jobs import creating, editing, lifecycle
from tests.factories import GivenSystem, first_run, new_job
from tests.integration.pages.conftest import site
from tests.waiting import LONGEST

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("chromium")]

WEEKDAYS = schedules.Cron("0 9 * * mon-fri")
LONGER_THAN_A_WINDOW = 40
PAUSE = "Pause: Weekday digest on its page"
expect.set_options(timeout=LONGEST * 1000)


@pytest.fixture
def address(system: GivenSystem) -> Iterator[str]:
    with served(site(system)) as url:
        yield url


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium.opened() as one:
        yield one


@pytest.fixture
def tab(browser: Browser) -> Iterator[Page]:
    with browser.new_context(viewport={"width": 1000, "height": 600}) as context:
        context.set_default_timeout(LONGEST * 1000)
        yield context.new_page()


def made(system: GivenSystem, name: str) -> UUID:
    return creating.create(LOCAL, system, new_job(WEEKDAYS, name=name))


def test_a_page_follows_what_happens_and_leaves_menus_text_and_focus_to_the_reader(
    tab: Page, address: str, system: GivenSystem
) -> None:
    job_id = made(system, "Digest")
    tab.goto(f"{address}/dashboard/jobs/{job_id}")
    tab.locator("#ask-cancel > summary").click()
    why = tab.locator("#ask-cancel input[name=reason]")
    why.fill("Nobody reads it")
    key = tab.locator("#job-head input[name=key]").input_value()
    lifecycle.pause(LOCAL, system, job_id, reason="Lunch")
    expect(tab.locator("#why-so")).to_contain_text("Lunch")
    expect(tab.locator("#job-head .status")).to_have_text("paused")
    expect(tab.locator("#ask-cancel")).to_have_attribute("open", "")
    expect(why).to_be_focused()
    expect(why).to_have_value("Nobody reads it")
    lifecycle.resume(LOCAL, system, job_id)
    expect(tab.locator("#job-head input[name=key]")).to_have_value(key)


def test_the_palette_goes_to_a_job_by_its_name_or_id_and_opens_what_asks_why(
    tab: Page, address: str, system: GivenSystem
) -> None:
    job_id = made(system, "Weekday digest")
    tab.goto(f"{address}/dashboard/")
    tab.keyboard.press("Control+k")
    tab.keyboard.type("day dig")
    choices = tab.locator("#choices li")
    expect(choices).to_have_text(["Weekday digest job", "Run now: Weekday digest on its page", PAUSE, find("day dig")])
    tab.keyboard.press("ArrowUp")  # the last of them
    tab.keyboard.press("ArrowUp")
    tab.keyboard.press("Enter")
    tab.wait_for_url(f"**/dashboard/jobs/{job_id}#do-pause")
    expect(tab.locator("#ask-pause input[name=reason]")).to_be_focused()
    tab.goto(f"{address}/dashboard/")
    tab.keyboard.press("Control+k")
    tab.keyboard.type("day dig")
    expect(choices).to_have_count(4)
    tab.keyboard.press("Enter")
    tab.wait_for_url(f"**/dashboard/jobs/{job_id}")
    tab.keyboard.press("Control+k")
    tab.keyboard.type("pause")
    expect(choices.first).to_have_text("Pause… this page")
    tab.keyboard.press("Enter")
    expect(tab.locator("#ask-pause input[name=reason]")).to_be_focused()
    tab.locator("h1").click()
    tab.keyboard.press("?")
    expect(tab.locator("#help")).to_contain_text("find a job")
    tab.keyboard.press("Escape")
    tab.keyboard.press("Control+k")
    tab.keyboard.insert_text(str(job_id))
    expect(choices).to_have_text([f"{job_id} job", find(str(job_id))])


def test_the_palette_offers_nothing_of_words_that_were_typed_before(
    tab: Page, address: str, system: GivenSystem
) -> None:
    made(system, "Weekday digest")
    held: list[Route] = []
    tab.route("**/dashboard/jobs?search=*", lambda route: held.append(route))  # noqa: PLW0108  playwright marks it
    tab.clock.install()
    tab.goto(f"{address}/dashboard/")
    tab.keyboard.press("Control+k")
    tab.keyboard.type("day")
    with tab.expect_request("**/dashboard/jobs?search=day"):
        tab.clock.run_for(1_000)
    tab.keyboard.type(" dig")  # the next search waits for the clock, which stands
    with tab.expect_response("**/dashboard/jobs?search=day") as answered:
        held[0].continue_()
    answered.value.finished()
    tab.evaluate("() => fetch('/dashboard/jobs').then((answer) => answer.text())")  # what came before it is handled
    expect(tab.locator("#choices li")).to_have_text([find("day dig")])


def test_the_palette_says_that_nothing_fits_and_finds_accounts_and_hosts_as_the_search_field_does(
    tab: Page, address: str, system: GivenSystem
) -> None:
    made(system, "Weekday digest")
    tab.goto(f"{address}/dashboard/")
    tab.keyboard.press("Control+k")
    tab.keyboard.type("digest")
    nothing = tab.locator("#nothing-fits")
    expect(tab.locator("#choices li").first).to_have_text("Weekday digest job")
    expect(nothing).to_be_hidden()
    tab.keyboard.press("Control+a")
    tab.keyboard.type("acc1")
    expect(nothing).to_have_text("No page, job or button fits.")
    expect(tab.locator("#choices li")).to_have_text([find("acc1")])
    tab.keyboard.press("Enter")
    tab.wait_for_url("**/dashboard/accounts/of?*account_id=acc1*")
    expect(tab.locator("main")).to_contain_text("an account of app_a")


def test_on_a_phone_the_navigation_shows_the_page_that_is_open(tab: Page, address: str) -> None:
    tab.set_viewport_size({"width": 390, "height": 800})
    tab.goto(f"{address}/dashboard/audit")
    expect(tab.locator(".top nav [aria-current]")).to_be_in_viewport(ratio=1)
    tab.goto(f"{address}/dashboard/")
    expect(tab.locator(".top nav [aria-current]")).to_be_in_viewport(ratio=1)


def test_on_a_phone_charts_are_as_wide_as_the_screen(tab: Page, address: str, system: GivenSystem) -> None:
    run_id = first_run(system).id
    creating.create(LOCAL, system, new_job(schedules.DelayFromNow(600)))
    system.clock.advance(5)
    tab.set_viewport_size({"width": 390, "height": 800})
    for path, chart in ((f"runs/{run_id}", ".spans"), ("upcoming", ".hours")):
        tab.goto(f"{address}/dashboard/{path}")
        box = tab.locator(chart).bounding_box()
        assert box is not None
        assert 300 < box["width"] <= 390
        assert tab.evaluate("document.documentElement.scrollWidth") == 390


def find(words: str) -> str:
    return f"Find \u201c{words}\u201d a job, run, account or host"


def test_a_page_says_since_when_it_is_not_up_to_date_and_goes_on_by_itself(
    tab: Page, address: str, system: GivenSystem
) -> None:
    job_id = made(system, "Digest")
    tab.goto(f"{address}/dashboard/jobs/{job_id}")
    lost = tab.locator("#lost")
    expect(lost).to_be_hidden()
    tab.route("**/dashboard/jobs/*", lambda route: route.abort())
    lifecycle.pause(LOCAL, system, job_id)
    expect(lost).to_contain_text("Not up to date: the server has not answered since")
    tab.unroute("**/dashboard/jobs/*")
    expect(tab.locator("#job-head .status")).to_have_text("paused")
    expect(lost).to_be_hidden()
    editing.delete(LOCAL, system, job_id)
    expect(lost).to_contain_text("what this page shows no longer exists")


def test_a_new_job_is_told_as_it_is_typed(tab: Page, address: str) -> None:
    tab.goto(f"{address}/dashboard/new")
    tab.locator("[name=task_type]").fill("greet")
    tab.locator("[name='schedule.type'][value=cron]").check()
    tab.locator("[name='schedule.cron.expression']").fill("0 2 * * *")
    shown = tab.locator("#preview")
    expect(shown.locator("li")).to_have_count(10)
    tab.get_by_text("The same as YAML").click()
    tab.locator("[name='schedule.cron.expression']").fill("0 25 * * *")
    expect(shown).to_contain_text("Expression")
    tab.locator("[name='schedule.cron.expression']").fill("0 3 * * *")
    expect(shown.locator("pre").first).to_contain_text("0 3 * * *")


def test_new_rows_wait_while_the_reader_is_further_down_and_come_when_asked_for(
    tab: Page, address: str, system: GivenSystem
) -> None:
    for number in range(LONGER_THAN_A_WINDOW):
        made(system, f"Job {number}")
    tab.goto(f"{address}/dashboard/jobs")
    first, news = tab.locator("#rows-of-jobs tr").first, tab.locator("#news")
    made(system, "Seen at once")
    expect(first).to_contain_text("Seen at once")
    tab.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    made(system, "Waiting")
    expect(news).to_have_text("1 new, show")
    expect(first).to_contain_text("Seen at once")
    news.click()  # refused by Playwright if anything lies above it
    expect(first).to_contain_text("Waiting")
    expect(news).to_be_hidden()
    assert tab.evaluate("window.scrollY") == 0
