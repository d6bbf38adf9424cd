"""The pages at the foot of all others: the settings in force, and the outbox."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.email import outbox
from tests.factories import GivenSystem, given_system
from tests.integration.api.client import NO_JOB
from tests.integration.pages.browser import Browser

LETTER = (
    b"Date: Fri, 20 Nov 2026 12:00:00 +0000\r\nFrom: carillon@example.com\r\nTo: ada@example.com\r\n"
    b"Subject: <b>It failed</b>\r\n\r\n<script>alert(1)</script> failed.\r\n"
)


@pytest.fixture
def system(sqlite: str, tmp_path: Path) -> GivenSystem:
    return given_system(data_dir=tmp_path, email_host_user=None)


def test_the_settings_in_force_are_shown_and_the_readers_own_are_kept_beside_them(browser: Browser) -> None:
    page = browser.load("/dashboard/jobs")
    page = browser.load(page.links["Settings"])
    assert "WORKER_THREADS 16 the default" in page.text
    assert "CALLBACK_BASE_URL http://127.0.0.1:9 the environment" in page.text
    assert "Your settings are kept" not in page.text
    assert browser.submit(page.form("Save"), zone="Asia/Tokyo", theme="dark").status == 200


def test_an_email_that_was_kept_is_read_and_stays_text(browser: Browser, system: GivenSystem) -> None:
    page = browser.load(browser.load("/dashboard/jobs").links["Outbox"])
    assert "appear here until EMAIL_HOST names a mail server" in page.text
    outbox.keep(system.settings, LETTER)
    page = browser.load("/dashboard/outbox")
    assert "ada@example.com" in page.text
    page = browser.load(page.links["<b>It failed</b>"])
    assert "<script>alert(1)</script> failed." in page.text
    assert not [given for tag, given in page.elements if tag == "script" and not given.get("src")]
    assert browser.load(f"/dashboard/outbox/{NO_JOB}").status == 404
