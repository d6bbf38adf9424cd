"""`carillon login`, `apps`, `members`, `keys`, `audit`: what an owner of an app types."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from services.access import registering
from services.access.login_throttle import Throttle
from services.access.registering import NewUser
from tests.factories import GivenSystem, given_system
from tests.integration.command_line.terminal import Terminal, listening

SECRET = "a secret of this test's own"  # noqa: S105
PASSWORD = "a long password"  # noqa: S105


@pytest.fixture
def system(sqlite: str) -> GivenSystem:
    return given_system(internal_secret=SECRET)


@pytest.fixture
def url(system: GivenSystem) -> Iterator[str]:
    throttle = Throttle(system.clock)
    for name in ("anna", "berta"):
        registering.register(
            system, NewUser(name, f"{name}@example.com", PASSWORD), "127.0.0.1", throttle, trusted=False
        )
    with listening(system) as url:
        yield url


@pytest.fixture
def anna(url: str) -> Terminal:
    """Someone who has logged in."""
    result = Terminal(url).run("login", "anna", answers=f"{PASSWORD}\n")
    assert result.exit_code == 0, result.output
    return Terminal(url, token=result.stdout.strip())


def test_a_wrong_password_gives_no_token(url: str) -> None:
    result = Terminal(url).run("login", "anna", answers="wrong\n")
    assert (result.exit_code, result.stdout.strip()) == (1, "")
    assert "Invalid credentials" in result.stderr


def test_an_owner_makes_an_app_with_members(anna: Terminal) -> None:
    assert anna.ok("apps", "create", "mine", "--callback-base-url", "http://127.0.0.1:9") == "The app mine is made.\n"
    assert anna.ok("members", "set", "mine", "berta", "viewer") == "berta is viewer of mine.\n"
    shown = anna.json("members", "list", "mine")
    assert [(one["username"], one["role"]) for one in shown] == [("anna", "owner"), ("berta", "viewer")]
    assert "berta" in anna.ok("members", "list", "mine")
    anna.ok("members", "remove", "mine", "berta")
    assert [one["name"] for one in anna.json("apps", "list")] == ["mine"]
    assert "http://127.0.0.1:9" in anna.ok("apps", "show", "mine")
    anna.ok("apps", "delete", "mine", "--reason", "a mistake")
    assert "There is no app mine" in anna.refused("apps", "show", "mine")


def test_a_key_opens_its_app_until_it_is_revoked(anna: Terminal, url: str, system: GivenSystem) -> None:
    anna.ok("apps", "create", "mine")
    made = anna.json("keys", "create", "mine", "--name", "nightly", "--scope", "read", "--scope", "operate")
    program = Terminal(url, secret="wrong", token=made["key"])  # noqa: S106
    assert program.json("jobs", "list") == []
    assert "scope jobs" in program.refused("jobs", "create", "--app", "mine", *NEEDED, "--now")
    assert "read operate" in anna.ok("keys", "list", "mine")
    anna.ok("keys", "revoke", "mine", made["id"])
    system.clock.advance(5)
    assert "revoked" in program.refused("jobs", "list")


NEEDED = ("--account", "acc1", "--user", "user1", "--task-type", "greet")


def test_an_owner_reads_what_was_changed(anna: Terminal) -> None:
    anna.ok("apps", "create", "mine")
    anna.ok("members", "set", "mine", "berta", "viewer")
    found = anna.json("audit", "--app", "mine", "--principal", "anna")
    assert [one["action"] for one in found] == ["member.added", "app.created"]
    assert "member.added" in anna.ok("audit", "--thing", "member")


def test_a_wrong_role_is_told(anna: Terminal) -> None:
    anna.ok("apps", "create", "mine")
    assert "role" in anna.refused("members", "set", "mine", "berta", "king")
