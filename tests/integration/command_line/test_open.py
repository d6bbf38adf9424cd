"""`carillon open`: the address of a page is told, and a browser shows it."""

from __future__ import annotations

import webbrowser

import pytest

from tests.integration.api.client import NO_JOB
from tests.integration.command_line.terminal import Terminal


def test_the_dashboard_or_a_job_is_opened_in_a_browser(
    terminal: Terminal, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []

    def show(page: str) -> bool:
        opened.append(page)
        return True

    monkeypatch.setattr(webbrowser, "open", show)
    assert terminal.ok("open").strip() == f"{url}/dashboard/"
    terminal.ok("open", NO_JOB)
    assert opened == [f"{url}/dashboard/", f"{url}/dashboard/jobs/{NO_JOB}"]


def test_where_there_is_no_browser_the_address_is_told(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webbrowser, "open", lambda _page: False)
    result = terminal.run("open")
    assert result.exit_code == 1
    assert "/dashboard/" in result.stdout
    assert "open the address above" in result.stderr


def test_a_server_that_is_away_is_told_of_and_nothing_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webbrowser, "open", lambda page: pytest.fail(f"opened {page}"))
    assert "127.0.0.1:9" in Terminal("http://127.0.0.1:9").refused("open")
