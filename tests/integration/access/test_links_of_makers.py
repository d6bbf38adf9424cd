"""What an administrator's links open ends with the rights of who made them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from models import database
from models.tables import User
from tests.integration.access.people import change, register
from tests.integration.access.tenants import Headers
from tests.integration.api.client import Client, refusal
from tests.integration.api.people import HIDDEN, PASSWORD

Act = Callable[[Client, Headers], Any]


def demote(client: Client, _maker: Headers) -> Any:
    return change(client, "anna", administrator=False)


def disable(client: Client, _maker: Headers) -> Any:
    return change(client, "anna", disabled=True)


def end_access(client: Client, _maker: Headers) -> Any:
    return client.simulate_delete("/api/users/anna/tokens", headers=HIDDEN)


def change_password(client: Client, maker: Headers) -> Any:
    body = {"current_password": PASSWORD, "new_password": "another long password"}
    return client.simulate_put("/api/me/password", headers=maker, json=body)


def demote_behind_the_back(_client: Client, _maker: Headers) -> None:
    """As a change of ADMIN_USERNAMES does, which deletes no link."""
    with database.transaction():
        User.update(is_admin=False).where(User.username == "anna").execute()


@pytest.fixture
def maker(client: Client, anna: Headers) -> Headers:
    """An administrator whom no setting names."""
    assert change(client, "anna", administrator=True).status_code == 200
    return anna


def link_to_password(client: Client, who: Headers) -> str:
    link = client.simulate_post("/api/users/berta/reset", headers=who).json["link"]
    return str(link.partition("?token=")[2])


def invitation(client: Client, who: Headers) -> str:
    link = client.simulate_post("/api/invitations", headers=who, json={"administrator": True}).json["link"]
    return str(link.partition("?invitation=")[2])


def reset(client: Client, token: str) -> Any:
    return client.simulate_post("/api/password/reset", json={"token": token, "new_password": "a password of berta"})


@pytest.mark.parametrize("act", [demote, disable, end_access, change_password, demote_behind_the_back])
def test_links_open_nothing_once_their_maker_has_lost_the_right(
    client: Client, maker: Headers, berta: Headers, act: Act
) -> None:
    to_password, to_administration = link_to_password(client, maker), invitation(client, maker)
    act(client, maker)
    refused = reset(client, to_password), register(client, "clara", invitation=to_administration)
    assert [set(refusal(one)) for one in refused] == [{"token"}, {"invitation"}]
    assert client.simulate_get("/api/me", headers=berta).status_code == 200


def test_links_of_the_operator_and_a_demoted_users_own_stay(client: Client, maker: Headers, berta: Headers) -> None:
    of_operator = link_to_password(client, HIDDEN)
    own = client.simulate_post("/api/users/anna/reset", headers=HIDDEN).json["link"].partition("?token=")[2]
    demote(client, maker)
    assert [reset(client, token).status_code for token in (of_operator, own)] == [204, 204]


def test_a_right_that_was_given_again_opens_no_former_link(client: Client, maker: Headers, berta: Headers) -> None:
    token = link_to_password(client, maker)
    demote(client, maker)
    change(client, "anna", administrator=True)
    assert reset(client, token).status_code == 400
