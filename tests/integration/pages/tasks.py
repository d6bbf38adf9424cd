"""Tasks that are made by their form."""

from __future__ import annotations

from tests.integration.pages.browser import Browser, Page

MAKE = "Make the task"
COMMAND = "echo <hello>"


def make(browser: Browser, **typed: str) -> Page:
    form = browser.load("/task/create/").form(MAKE)
    return browser.submit(form, **{"command": COMMAND, **typed})
