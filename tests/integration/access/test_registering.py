"""Who may register: anybody, who was invited, or nobody; and links by which administrators become such."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from models import links
from models.tables import User
from processes import welcome
from services.access import first_administrator
from tests.factories import NOON, GivenSystem, given_system
from tests.integration.access.people import register
from tests.integration.access.tenants import SETTINGS
from tests.integration.api.client import NO_JOB, Client, refusal, served
from tests.integration.api.people import HIDDEN, PASSWORD

INVITATIONS = "/api/invitations"


@pytest.fixture
def guarded(store: str) -> GivenSystem:
    return given_system(**SETTINGS, registration="invite", public_url="https://jobs.example.com")


def invited(client: Client, **wanted: Any) -> str:
    """The token of a new invitation's link."""
    result = client.simulate_post(INVITATIONS, headers=HIDDEN, json=wanted)
    assert result.status_code == 201, result.text
    address, _, token = result.json["link"].partition("?invitation=")
    assert address == "https://jobs.example.com/register/"
    return str(token)


def test_an_invitation_admits_one_user(client: Client) -> None:
    assert set(refusal(register(client))) == {"invitation"}
    token = invited(client)
    assert register(client, invitation=token).status_code == 201
    assert set(refusal(register(client, "berta", invitation=token))) == {"invitation"}


def test_a_registration_that_fails_leaves_its_invitation(client: Client) -> None:
    first, second = invited(client), invited(client)
    register(client, invitation=first)
    assert set(refusal(register(client, invitation=second))) == {"username"}
    assert register(client, "berta", invitation=second).status_code == 201


def test_an_invitation_for_an_address_admits_that_one_alone(client: Client) -> None:
    token = invited(client, email="Anna@example.com")
    assert set(refusal(register(client, "berta", invitation=token))) == {"email"}
    assert register(client, invitation=token).status_code == 201


def test_an_invitation_opens_for_a_week(client: Client, guarded: GivenSystem) -> None:
    token = invited(client)
    guarded.clock.advance(7 * 86_400)
    assert set(refusal(register(client, invitation=token))) == {"invitation"}


def test_an_invitation_that_is_used_while_it_is_withdrawn_is_not_withdrawn(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    invited(client)
    [kept] = client.simulate_get(INVITATIONS, headers=HIDDEN).json["results"]
    monkeypatch.setattr(links, "spend", lambda _link: False)  # its user's registration came in between
    assert client.simulate_delete(f"{INVITATIONS}/{kept['id']}", headers=HIDDEN).status_code == 404


def test_a_withdrawn_invitation_opens_nothing(client: Client) -> None:
    token = invited(client, email="anna@example.com")
    [shown] = client.simulate_get(INVITATIONS, headers=HIDDEN).json["results"]
    assert shown.pop("id")
    assert shown == {
        "email": "anna@example.com",
        "administrator": False,
        "created_by": "operator",
        "created_at": NOON.isoformat().replace("+00:00", "Z"),
        "expires_at": (NOON + timedelta(days=7)).isoformat().replace("+00:00", "Z"),
    }
    [kept] = client.simulate_get(INVITATIONS, headers=HIDDEN).json["results"]
    assert client.simulate_delete(f"{INVITATIONS}/{kept['id']}", headers=HIDDEN).status_code == 204
    assert set(refusal(register(client, invitation=token))) == {"invitation"}
    assert client.simulate_delete(f"{INVITATIONS}/{NO_JOB}", headers=HIDDEN).status_code == 404


def test_the_link_of_an_administrator_makes_one_by_whatever_name(client: Client) -> None:
    assert register(client, invitation=invited(client, administrator=True)).status_code == 201
    token = client.simulate_post("/api/login", json={"username": "anna", "password": PASSWORD}).json["token"]
    me = client.simulate_get("/api/me", headers={"Authorization": f"Bearer {token}"}).json
    assert me["is_administrator"]
    assert register(client, "root", invitation=invited(client)).status_code == 400
    assert register(client, "root", invitation=invited(client, administrator=True)).status_code == 201


def first_link(system: GivenSystem) -> str | None:
    """The token of the link that a start gives, if it gives one."""
    link = first_administrator.link(system)
    return None if link is None else link.partition("?invitation=")[2]


def test_the_first_start_gives_one_link_that_makes_an_administrator_once(store: str) -> None:
    system = given_system(**SETTINGS, registration="closed", host="0.0.0.0")  # noqa: S104  what is off loopback
    client = Client(served(system))
    token = first_link(system)
    assert first_link(system) is None, "another process of the same start"
    system.clock.advance(120)
    newer = first_link(system)
    assert set(refusal(register(client, invitation=token))) == {"invitation"}
    assert register(client, invitation=newer).status_code == 201
    assert set(refusal(register(client, "berta", invitation=newer))) == {"invitation"}
    system.clock.advance(120)
    assert first_link(system) is None
    assert User.get().is_admin
    [entry] = client.simulate_get("/api/audit", headers=HIDDEN, params={"thing": "user"}).json["results"]
    assert (entry["action"], entry["principal"], entry["credential"]) == ("user.registered", "anna", "link")
    assert entry["after"] == {"invited_by": "first start", "administrator": True}


def test_each_start_gives_a_link_until_somebody_is_an_administrator(store: str) -> None:
    system = given_system(**SETTINGS, host="0.0.0.0")  # noqa: S104  what is off loopback
    client = Client(served(system))
    register(client)
    assert first_link(system) is not None, "anna administers nothing"
    system.clock.advance(120)
    register(client, "root", headers=HIDDEN)
    assert first_link(system) is None, "root is named by ADMIN_USERNAMES"


def test_on_loopback_and_where_nobody_is_asked_who_they_are_no_start_gives_a_link(store: str) -> None:
    assert first_link(given_system(**SETTINGS)) is None
    assert first_link(given_system()) is None


def test_a_start_says_the_link_to_whoever_looks_and_to_no_log(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    system = given_system(**SETTINGS, host="::")
    with capture_logs() as logged:
        welcome.greet(system)
        welcome.greet(system)
    said = capsys.readouterr()
    assert (said.err.count("/register/?invitation="), said.out) == (1, "")
    assert "invitation" not in str(logged)


def test_only_administrators_invite(client: Client) -> None:
    register(client, headers=HIDDEN)
    token = client.simulate_post("/api/login", json={"username": "anna", "password": PASSWORD}).json["token"]
    who = {"Authorization": f"Bearer {token}"}
    assert client.simulate_post(INVITATIONS, headers=who, json={}).status_code == 403
    assert client.simulate_get(INVITATIONS, headers=who).status_code == 403


def test_a_closed_registration_is_closed_to_the_invited_too(store: str) -> None:
    system = given_system(**SETTINGS, registration="closed", public_url="https://jobs.example.com")
    client = Client(served(system))
    assert "REGISTRATION" in register(client).json["detail"]
    assert register(client).status_code == 403
    assert set(refusal(register(client, invitation=invited(client)))) == {"invitation"}
    assert register(client, invitation=invited(client, administrator=True)).status_code == 201
    assert register(client, "berta", headers=HIDDEN).status_code == 201


@pytest.mark.parametrize(("wrong", "field"), [({"email": "nobody"}, "email"), ({"administrator": 1}, "administrator")])
def test_a_wrong_invitation_is_refused(client: Client, wrong: dict[str, Any], field: str) -> None:
    assert set(refusal(client.simulate_post(INVITATIONS, headers=HIDDEN, json=wrong))) == {field}
    assert client.simulate_get(INVITATIONS, headers=HIDDEN).json["results"] == []
