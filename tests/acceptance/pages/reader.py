"""Somebody who reads the dashboard in a browser, and takes note of whatever goes beyond its rules."""

from __future__ import annotations

import re
from collections.abc import Iterable

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import ConsoleMessage, Locator, Page, Request, ViewportSize, expect

PASSWORD = "correct horse battery"  # noqa: S105  of the users of these tests
_PHONE: ViewportSize = {"width": 390, "height": 844}
# What axe, which is on the page by then, finds: of one rule alone, and of all others.
_CONTRAST = "axe.run({runOnly: ['color-contrast'], resultTypes: ['violations']})"
_ALL_BUT_CONTRAST = "axe.run({rules: {'color-contrast': {enabled: false}}, resultTypes: ['violations']})"
_SERIOUS = ("serious", "critical")
_ID = re.compile(r"/(?:dashboard/jobs|dashboard/runs|task)/([0-9a-f-]{36})")


class Reader:
    """One tab of one reader; `url` is where the dashboard is served, with its prefix."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.faults: list[str] = []
        self._url = url
        page.on("request", self._note_request)
        page.on("console", self._note_message)
        page.on("pageerror", lambda error: self.faults.append(f"a script failed: {error}"))

    def open(self, path: str, status: int = 200) -> None:
        """Load a page that answers with this status."""
        answer = self.page.goto(self._url + path)
        assert answer is not None
        assert answer.status == status, f"{path}: {answer.status}"

    def register(self, name: str) -> None:
        """Make an account by the form, and log in by the form that follows."""
        self.open("/register/")
        self.fill(username=name, email=f"{name}@example.com", password=PASSWORD)
        self.press("Register")
        self.page.wait_for_url("**/login/")
        self.log_in(name)

    def begin(self, name: str) -> str:
        """Register, log in and make an app, by forms; the app's name."""
        self.register(name)
        self.open("/dashboard/apps")
        self.fill(name=f"shop-of-{name}")
        self.press("Make the app")
        expect(self.done).to_contain_text("The app is made.")
        return f"shop-of-{name}"

    def log_in(self, name: str) -> None:
        """Log in by the form that is shown."""
        self.fill(username=name, password=PASSWORD)
        self.press("Log in")
        self.page.wait_for_url("**/dashboard/**")

    def fill(self, **typed: str) -> None:
        """Type into fields, which are named with `__` in place of dots."""
        for name, text in typed.items():
            field = self.page.locator(f"main [name='{name.replace('__', '.')}']").first
            if field.evaluate("one => one.tagName") == "SELECT":
                field.select_option(text)
            else:
                field.fill(text)

    def press(self, label: str, within: str = "main") -> None:
        """Press the button of this label. Return when the page that follows has loaded and its scripts have run."""
        with self.page.expect_navigation():
            self.page.locator(within).get_by_role("button", name=label, exact=True).first.click()

    def follow(self, label: str) -> None:
        """Follow the link of this label."""
        self.page.locator("main").get_by_role("link", name=label, exact=True).first.click()

    def do_for_a_reason(self, what: str, reason: str) -> None:
        """Open the menu of a button that asks why, and press it with a reason. Return when the next page has loaded."""
        menu = self.page.locator(f"#ask-{what}")
        menu.locator("summary").click()
        menu.locator("input[name=reason]").fill(reason)
        with self.page.expect_navigation():
            menu.locator("button").click()

    def make_job(self, task_type: str, schedule: str = "immediate", **typed: str) -> str:
        """Make a call of an application by the form; the job's id."""
        self.open("/dashboard/new")
        self.page.locator(f"input[name='schedule.type'][value={schedule}]").check()
        if "max_retries" in typed:
            self.page.locator("summary", has_text="Policies").click()
        self.fill(task_type=task_type, **typed)
        self.press("Make the job")
        self.page.wait_for_url("**/dashboard/jobs/*")
        return self.shown_id()

    def shown_id(self) -> str:
        """The id of the job, run or task whose page is shown."""
        found = _ID.search(self.page.url)
        assert found is not None, self.page.url
        return found[1]

    @property
    def done(self) -> Locator:
        """The line that says what was done."""
        return self.page.locator("main > .note.ok")

    @property
    def status(self) -> Locator:
        """The status of the job or run that is shown."""
        return self.page.locator(".head .status").first

    def barriers(self) -> list[str]:
        """What axe finds that keeps somebody from reading the page: all its rules in light, contrast in dark, too.

        And whatever the phone's layout changes, which is all but the colours.
        """
        desk = self.page.viewport_size
        assert desk is not None
        self.page.emulate_media(color_scheme="light")
        found = Axe().run(self.page).response["violations"]
        self.page.emulate_media(color_scheme="dark")
        found += self.page.evaluate(_CONTRAST)["violations"]
        self.page.set_viewport_size(_PHONE)
        found += self.page.evaluate(_ALL_BUT_CONTRAST)["violations"]
        self.page.set_viewport_size(desk)
        return [
            f"{self.page.url}: {one['help']}: {one['nodes'][0]['html'][:200]}"
            for one in found
            if one["impact"] in _SERIOUS
        ]

    def _note_request(self, request: Request) -> None:
        if not request.url.startswith((self._url, "data:")):
            self.faults.append(f"{self.page.url} asks for {request.url}")

    def _note_message(self, message: ConsoleMessage) -> None:
        if message.type == "error" and "Content Security Policy" in message.text:
            self.faults.append(message.text)


def pages_of(one: Reader) -> list[str]:
    """The path of every page that the head, the foot and the text of a page lead to."""
    links = one.page.locator(":is(header, main, footer) a[href*='/dashboard/']").all()
    paths = {"/dashboard/" + str(link.get_attribute("href")).partition("/dashboard/")[2] for link in links}
    return sorted({path.partition("#")[0] for path in paths})


def too_wide(one: Reader, paths: Iterable[str], width: int) -> list[str]:
    """The pages that are wider than their window."""
    found = []
    for path in paths:
        one.open(path)
        wide = one.page.evaluate("document.documentElement.scrollWidth")
        if wide > width:
            found.append(f"{path} is {wide} px wide")
    return found
