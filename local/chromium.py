"""Chromium without a window, led by Playwright: for the tests of the pages, and for the pictures of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

from local import install

_BEGUN_WITHIN_SECONDS = 180  # on a machine that is slow and busy


@contextmanager
def opened() -> Iterator[Browser]:
    """Yields Debian's Chromium, installed where that is allowed."""
    program = install.ensure("chromium") / "chromium"
    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=program, chromium_sandbox=False, timeout=_BEGUN_WITHIN_SECONDS * 1000
        )
        try:
            yield browser
        finally:
            browser.close()
