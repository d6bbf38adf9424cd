"""Chromium without a window, led by Playwright: for the tests of the pages, and for the pictures of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

from local import install


@contextmanager
def opened() -> Iterator[Browser]:
    """Yields Debian's Chromium, installed where that is allowed."""
    program = install.ensure("chromium") / "chromium"
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, chromium_sandbox=False)
        try:
            yield browser
        finally:
            browser.close()
