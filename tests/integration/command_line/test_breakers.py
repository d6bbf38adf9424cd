"""`carillon breakers`: what somebody types whose receiver was away, and is back."""

from __future__ import annotations

from core import breakers as rules
from core.principals import LOCAL
from models import breakers, database
from models.tables import App
from services.apps import apps
from tests.factories import NOON, GivenSystem
from tests.integration.command_line.terminal import Terminal

HOST = "api.example.com"


def opened(system: GivenSystem, *names: str) -> None:
    """Apps that leave the host alone."""
    for name in names:
        apps.ensure(LOCAL, system, name)
        with database.transaction():
            app_id = App.get(App.name == name).id
            breakers.open_new(f"destination:{name}/{HOST}", app_id, HOST, rules.opened(NOON), NOON)


def test_a_breaker_is_listed_and_closed_by_its_host(terminal: Terminal, system: GivenSystem) -> None:
    opened(system, "app_a")
    [one] = terminal.json("breakers", "list")
    assert (one["host"], one["app_name"], one["places"]) == (HOST, "app_a", 0)
    assert HOST in terminal.ok("breakers", "list")
    closed = terminal.ok("breakers", "close", HOST.upper(), "--reason", "mended")
    assert closed.endswith(f"The breaker of {HOST} is closed.\n")
    assert terminal.json("breakers", "list") == []
    [entry] = terminal.json("audit", "--limit", "1")
    assert (entry["action"], entry["reason"]) == ("breaker.closed", "mended")
    assert f"No breaker of {HOST} is open" in terminal.refused("breakers", "close", HOST)


def test_a_host_that_several_apps_leave_alone_needs_the_app(terminal: Terminal, system: GivenSystem) -> None:
    opened(system, "app_a", "app_b")
    assert "(app_a, app_b)" in terminal.refused("breakers", "close", HOST)
    assert "as app_c calls it" in terminal.refused("breakers", "close", HOST, "--app", "app_c")
    terminal.ok("breakers", "close", HOST, "--app", "app_b")
    assert [one["app_name"] for one in terminal.json("breakers", "list")] == ["app_a"]
