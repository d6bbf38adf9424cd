"""What goes wrong is told in plain lines, for people: with exit code 1, or 2 for what the user gave."""

from __future__ import annotations

from uuid import uuid4

import pytest

from tests.factories import given_system
from tests.integration.command_line.terminal import Terminal, listening

NEEDED = ("--app", "app_a", "--account", "acc1", "--user", "user1", "--task-type", "greet")
SECRET = "a secret of this test's own"  # noqa: S105


def test_a_problem_is_told_field_by_field(terminal: Terminal) -> None:
    told = terminal.refused("jobs", "create", *NEEDED, "--cron", "61 * * * *", "--priority", "11", "--json")
    title, *faults = told.splitlines()
    assert title == "Some fields are wrong (400)."
    assert [fault.split()[0] for fault in faults] == ["schedule.expression", "priority"]


def test_what_is_not_there_is_told(terminal: Terminal) -> None:
    job_id = str(uuid4())
    assert terminal.refused("jobs", "cancel", job_id) == f"Not found (404).\nThere is no job {job_id}.\n"


@pytest.mark.parametrize("words", [("jobs", "list"), ("runs", "list", "--json"), ("export",)])
def test_a_server_that_is_away_is_told_in_a_line_with_the_remedy(words: tuple[str, ...]) -> None:
    told = Terminal("http://127.0.0.1:9").refused(*words)
    assert len(told.splitlines()) == 1
    assert "No server answers at http://127.0.0.1:9 " in told
    assert "--url" in told


def test_the_option_names_another_server_than_the_environment(url: str) -> None:
    nowhere = Terminal("http://127.0.0.1:9")
    assert nowhere.json("jobs", "list", "--url", f"{url}/") == []


@pytest.mark.parametrize("address", ["127.0.0.1:8000", "nonsense", "ftp://127.0.0.1", "http://"])
def test_an_address_that_is_none_is_told(address: str) -> None:
    assert "write for example http://" in Terminal(address).refused("jobs", "list", code=2)


def test_a_proxy_is_not_asked_for_this_machine(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert Terminal(url).json("jobs", "list") == []


def test_the_secret_of_the_environment_opens(sqlite: str) -> None:
    with listening(given_system(internal_secret=SECRET)) as url:
        assert Terminal(url, SECRET).json("jobs", "list") == []
        assert "INTERNAL_SECRET" in Terminal(url).refused("jobs", "list")
