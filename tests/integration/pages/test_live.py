"""Pages that change where they stand, in a real browser over a real port."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import pytest
import uvicorn

from api.app import App
from core import schedules
from core.principals import LOCAL
from services.jobs import lifecycle
from tests.factories import GivenSystem, new_job
from tests.integration.pages import chromium
from tests.integration.pages.chromium import Tab
from tests.integration.pages.conftest import site

pytestmark = pytest.mark.skipif(chromium.PROGRAM is None, reason="Chromium is not installed")

WEEKDAYS = schedules.Cron("0 9 * * mon-fri")
FIRST = "document.querySelector('#rows-of-jobs tr').innerText"
LONGER_THAN_A_WINDOW = 40


@contextmanager
def served(app: App) -> Iterator[str]:
    """The address of an app that is served on a port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=1))
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture
def address(system: GivenSystem) -> Iterator[str]:
    with served(site(system)) as url:
        yield url


@pytest.fixture
def tab(tmp_path: Path) -> Iterator[Tab]:
    with chromium.opened(tmp_path) as one:
        yield one


def made(system: GivenSystem, name: str) -> UUID:
    return lifecycle.create(LOCAL, system, new_job(WEEKDAYS, name=name))


def test_a_page_follows_what_happens_and_leaves_menus_text_and_focus_to_the_reader(
    tab: Tab, address: str, system: GivenSystem
) -> None:
    job_id = made(system, "Digest")
    tab.load(f"{address}/dashboard/jobs/{job_id}")
    tab.run("document.querySelector('#ask-cancel').open = true")
    tab.run("document.querySelector('#ask-cancel input[name=reason]').focus()")
    tab.run("document.activeElement.value = 'Nobody reads it'")
    tab.run("window.key = document.querySelector('#job-head input[name=key]').value")
    lifecycle.pause(LOCAL, system, job_id, reason="Lunch")
    tab.until("document.querySelector('#why-so').innerText.includes('Lunch')")
    assert tab.run("document.querySelector('#job-head .status').innerText") == "paused"
    assert tab.run("document.querySelector('#ask-cancel').open")
    assert tab.run("document.activeElement.value") == "Nobody reads it"
    assert tab.run("document.querySelector('#job-head input[name=key]').value === window.key")


def test_new_rows_wait_while_the_reader_is_further_down_and_come_when_asked_for(
    tab: Tab, address: str, system: GivenSystem
) -> None:
    for number in range(LONGER_THAN_A_WINDOW):
        made(system, f"Job {number}")
    tab.load(f"{address}/dashboard/jobs")
    made(system, "Seen at once")
    tab.until(f"{FIRST}.includes('Seen at once')")
    tab.run("window.scrollTo(0, document.body.scrollHeight)")
    made(system, "Waiting")
    tab.until("!document.getElementById('news').hidden")
    assert tab.run("document.getElementById('news').textContent") == "1 new, show"
    assert tab.run("document.elementFromPoint(innerWidth / 2, innerHeight - 24)?.id") == "news"
    assert "Seen at once" in tab.run(FIRST)
    tab.run("document.getElementById('news').click()")
    tab.until(f"{FIRST}.includes('Waiting')")
    assert tab.run("document.getElementById('news').hidden")
    assert tab.run("window.scrollY") == 0
