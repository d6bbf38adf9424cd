"""What is done with all that fit goes on by itself in the browser in which it was begun, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.acceptance.pages.conftest import new_context

pytestmark = pytest.mark.xdist_group("chromium")
SITE = "http://carillon.example"
SCRIPT = Path(__file__).parents[3] / "pages/static/page.js"
HTML = '<!doctype html><body><script type="module" src="/page.js"></script>{}'
FIRST = '<form method="post" action="/act"><input type="hidden" name="going" value="k1"><button>Pause 2</button></form>'
REST = (
    '<p>On the way</p><form method="post" action="/act" data-going="k1">'
    '<input type="hidden" name="going" value="k1"><button>Pause the next 2</button></form>'
    '<a href="/bare">Stop here</a>'
)
BEGUN = "() => sessionStorage.setItem('carillon_going', 'k1')"


class Steps:
    """The pages of an action of three steps, with the script of the real ones."""

    def __init__(self) -> None:
        self.taken = 0

    def answer(self, route: Route) -> None:
        match route.request.url.removeprefix(SITE):
            case "/page.js":
                route.fulfill(body=SCRIPT.read_text(), content_type="text/javascript")
            case "/act":
                self.taken += 1
                route.fulfill(body=HTML.format(REST if self.taken < 3 else "<p>Done</p>"), content_type="text/html")
            case "/bare":
                route.fulfill(body="<!doctype html><p>Without a script</p>", content_type="text/html")
            case path:
                body = {"/first": FIRST, "/rest": REST}.get(path, "<p>A list</p>")
                route.fulfill(body=HTML.format(body), content_type="text/html")


@pytest.fixture
def steps() -> Steps:
    return Steps()


@pytest.fixture
def page(browser: Browser, steps: Steps) -> Iterator[Page]:
    with new_context(browser) as context:
        page = context.new_page()
        page.route("**/*", steps.answer)
        yield page


def test_what_a_reader_has_begun_goes_on_to_its_end(page: Page, steps: Steps) -> None:
    page.goto(f"{SITE}/first")
    page.get_by_role("button", name="Pause 2").click()
    expect(page.locator("p")).to_have_text("Done")
    assert steps.taken == 3


def expect_nothing_begun(page: Page, steps: Steps) -> None:
    page.goto(f"{SITE}/rest")
    page.wait_for_load_state("networkidle")
    page.evaluate("() => new Promise((done) => setTimeout(done))")  # whatever the script began, it has begun by then
    expect(page.locator("p")).to_have_text("On the way")
    assert steps.taken == 0


def test_an_address_alone_does_nothing(page: Page, steps: Steps) -> None:
    expect_nothing_begun(page, steps)


def test_who_has_left_it_and_comes_back_does_not_begin_it_again(page: Page, steps: Steps) -> None:
    page.goto(f"{SITE}/rest")
    page.evaluate(BEGUN)
    page.goto(f"{SITE}/list")
    expect_nothing_begun(page, steps)


def test_who_stops_it_and_comes_back_does_not_begin_it_again(page: Page, steps: Steps) -> None:
    page.goto(f"{SITE}/rest")
    page.evaluate(BEGUN)
    page.get_by_role("link", name="Stop here").click()
    expect(page.locator("p")).to_have_text("Without a script")
    expect_nothing_begun(page, steps)
