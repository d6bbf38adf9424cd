"""Administrators see who there is, disable and enable users, make administrators, and offer links to new passwords."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from core import names
from core.errors import Forbidden
from core.principals import LOCAL, Principal, PrincipalKind
from core.scopes import Role
from models import database, users
from models.tables import User
from services.access import people
from services.access import users as accounts
from services.access.people import Change
from tests.factories import GivenSystem, given_system
from tests.integration.access.people import change, me
from tests.integration.access.tenants import MINE, SETTINGS, Headers, joined, made_app, made_job, made_key
from tests.integration.api.client import NO_JOB, Client, served
from tests.integration.api.people import HIDDEN, PASSWORD, token_of


@pytest.fixture
def guarded(sqlite: str) -> GivenSystem:
    return given_system(**SETTINGS)


def log_in(client: Client, username: str, password: str = PASSWORD) -> Any:
    return client.simulate_post("/api/login", json={"username": username, "password": password})


def listed(client: Client, who: Headers = HIDDEN, **wanted: str) -> Any:
    return client.simulate_get("/api/users", headers=who, params=wanted).json


def test_who_is_disabled_is_out_at_once_and_their_jobs_and_keys_go_on(client: Client, anna: Headers) -> None:
    made_app(client, anna, MINE)
    job, key = made_job(client, anna, MINE), made_key(client, anna, MINE, "read")
    changed = change(client, "anna", disabled=True)
    assert changed.status_code == 200
    assert changed.json["disabled_at"] is not None
    assert me(client, anna) == 401
    refused = log_in(client, "anna")
    assert (refused.status_code, "is disabled" in refused.json["detail"]) == (403, True)
    assert log_in(client, "anna", "another one").status_code == 400, "who does not know the password learns nothing"
    assert client.simulate_get(f"/api/jobs/{job}", headers=key).status_code == 200
    assert change(client, "anna", disabled=False).json["disabled_at"] is None
    assert log_in(client, "anna").status_code == 200
    entries = client.simulate_get("/api/audit", headers=HIDDEN, params={"thing": "user", "limit": "2"}).json["results"]
    assert [one["after"] for one in entries] == [{"disabled": False}, {"disabled": True}]
    assert {one["reason"] for one in entries} == {"a reason"}


def test_a_token_that_was_left_opens_nothing_while_its_user_is_disabled(
    client: Client, anna: Headers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.tokens.remove_all", lambda _user_id: 0)  # as if one was made meanwhile
    change(client, "anna", disabled=True)
    assert me(client, anna) == 401


def test_administration_is_given_and_taken_back(client: Client, anna: Headers, berta: Headers) -> None:
    assert change(client, "anna", administrator=True).json["is_admin"] is True
    assert client.simulate_get("/api/users", headers=anna).status_code == 200
    assert change(client, "berta", anna, administrator=True).status_code == 200
    assert change(client, "anna", berta, administrator=False).json["is_admin"] is False
    assert client.simulate_get("/api/users", headers=anna).status_code == 403


def test_what_would_leave_nobody_or_contradicts_the_setting_is_refused(client: Client, anna: Headers) -> None:
    root = token_of(client, "root")
    assert change(client, "root", root, disabled=True).status_code == 409
    assert change(client, "root", administrator=False).status_code == 409
    assert change(client, "nobody", disabled=True).status_code == 404
    assert change(client, "anna", disabled="yes").status_code == 400
    assert change(client, "anna", odd=True).status_code == 400
    assert change(client, "anna", anna, disabled=True).status_code == 403


def test_who_was_disabled_or_demoted_meanwhile_changes_nobody(guarded: GivenSystem, client: Client) -> None:
    token_of(client, "root")
    token_of(client, "berta")
    with database.reading():
        root = users.by_username("root")
    assert root is not None
    asking = Principal(PrincipalKind.USER, root.id, "root", is_admin=True)
    people.change(asking, guarded, "berta", Change(administrator=True))
    people.change(LOCAL, guarded, "root", Change(disabled=True))  # while their request was on its way
    for late in (partial(people.change, wanted=Change(disabled=True)), people.reset):
        with pytest.raises(Forbidden, match="no longer an administrator"):
            late(asking, guarded, "berta")


def test_an_administrator_offers_no_link_to_themselves(client: Client) -> None:
    answer = client.simulate_post("/api/users/root/reset", headers=token_of(client, "root"))
    assert (answer.status_code, "yourself" in answer.json["detail"]) == (409, True)


def test_an_administrator_who_is_disabled_is_none(guarded: GivenSystem, client: Client) -> None:
    token_of(client, "root")
    token_of(client, "anna")
    change(client, "anna", administrator=True)
    for name, is_left in (("root", True), ("anna", False)):
        change(client, name, disabled=True)
        with database.reading():
            assert accounts.is_any_active_administrator(guarded) is is_left


def test_users_are_listed_by_name_with_their_apps_and_when_they_were_seen(store: str) -> None:
    client = Client(served(given_system(**SETTINGS)))
    anna = token_of(client, "anna")
    made_app(client, anna, MINE)
    joined(client, anna, MINE, "clara", Role.VIEWER)
    token_of(client, "berta")
    found = listed(client)["results"]
    assert [one["username"] for one in found] == ["anna", "berta", "clara"]
    assert found[2]["apps"] == [{"app_name": MINE, "role": "viewer"}]
    assert found[0]["seen_at"].startswith("2026-11-20T12:00:00")
    first = listed(client, limit="2")
    assert (first["more"], len(first["results"])) == (True, 2)
    rest = listed(client, limit="2", after="berta")
    assert [one["username"] for one in rest["results"]] == ["clara"]
    assert [one["username"] for one in listed(client, search="BERT")["results"]] == ["berta"]
    assert client.simulate_get("/api/users", headers=HIDDEN, params={"limit": "0"}).status_code == 400


def test_a_user_whose_key_is_of_the_old_form_is_listed_once(guarded: GivenSystem, client: Client) -> None:
    for name in ("anna", "berta", "clara"):
        token_of(client, name)
    with database.transaction():
        User.update(username_key=names.old_key("berta", "berta")).where(User.username == "berta").execute()
    rest = listed(client, limit="1", after="berta")
    assert [one["username"] for one in rest["results"]] == ["clara"]


def test_a_link_to_a_new_password_opens_once_and_ends_what_was_open(client: Client, anna: Headers) -> None:
    former, link = [
        client.simulate_post("/api/users/anna/reset", headers=HIDDEN).json["link"].partition("?token=")[2]
        for _ in range(2)
    ]
    wanted = {"new_password": "another long password"}
    reset = [
        client.simulate_post("/api/password/reset", json={"token": token, **wanted}).status_code
        for token in (former, link, link)
    ]
    assert reset == [400, 204, 400]
    assert me(client, anna) == 401
    assert log_in(client, "anna", wanted["new_password"]).status_code == 200


def test_no_link_is_made_for_who_is_disabled_or_not_there(client: Client, anna: Headers) -> None:
    offered = "/api/users/{}/reset"
    assert client.simulate_post(offered.format("anna"), headers=anna).status_code == 403
    assert client.simulate_post(offered.format(NO_JOB), headers=HIDDEN).status_code == 404
    change(client, "anna", disabled=True)
    assert client.simulate_post(offered.format("anna"), headers=HIDDEN).status_code == 409
