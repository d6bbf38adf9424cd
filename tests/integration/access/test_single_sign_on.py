"""Single sign-on: whom the provider lets in is a user here, with the roles of their groups, and nobody else is."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
from joserfc.jwk import RSAKey

from api.resources.single_sign_on import COOKIE
from api.sites import COOKIE as SESSION
from core.scopes import Role
from models import identities, users
from models.tables import User
from tests.factories import NOON, GivenSystem, given_system
from tests.integration.access.browsing import Browser, browser, guarded, provider
from tests.integration.access.own_tokens import TOKENS, bearer
from tests.integration.access.tenants import MINE, SETTINGS, THEIRS, Headers, made_app
from tests.integration.api.client import Client, refusal, served
from tests.integration.api.people import HIDDEN, PASSWORD, register, token_of
from tests.provider import Provider

known = identities.user


def me(client: Client, who: Headers) -> Any:
    result = client.simulate_get("/api/me", headers=who)
    assert result.status_code == 200, result.text
    return result.json


__all__ = ["browser", "guarded", "provider"]  # fixtures


def test_whom_the_provider_lets_in_is_a_user_though_registration_is_closed(client: Client, browser: Browser) -> None:
    first = me(client, browser.log_in())
    assert (first["name"], first["is_administrator"], first["apps"]) == ("ada", False, [])
    assert me(client, browser.log_in())["user_id"] == first["user_id"]


def test_who_logs_in_for_the_first_time_in_two_windows_at_once_is_one_user(
    client: Client, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = me(client, browser.log_in())
    found = [None]  # as it is before the other login is committed
    monkeypatch.setattr(identities, "user", lambda *one: found.pop() if found else known(*one))
    assert me(client, browser.log_in())["user_id"] == first["user_id"]
    assert found == []


def test_who_is_disabled_here_is_refused_whatever_the_provider_says(client: Client, browser: Browser) -> None:
    session = browser.log_in()
    client.simulate_patch("/api/users/ada", headers=token_of_root(client), json={"disabled": True})
    assert client.simulate_get("/api/me", headers=session).status_code == 401
    refused = browser.come_back(browser.go())
    assert refused.status_code == 403
    assert "is disabled" in refused.json["detail"]


def test_a_name_that_changes_at_the_provider_is_the_same_user(
    client: Client, browser: Browser, provider: Provider
) -> None:
    first = me(client, browser.log_in())
    provider.claims |= {"preferred_username": "lovelace", "email": "lovelace@example.com"}
    assert me(client, browser.log_in()) == first


def test_groups_give_roles_and_take_them_at_the_next_login(
    client: Client, browser: Browser, provider: Provider
) -> None:
    owner = owner_of_both(client)
    for groups, roles, is_administrator in (
        (["dev", "ops", "other"], {MINE: "developer", THEIRS: "viewer"}, False),
        (["ops"], {MINE: "operator", THEIRS: "viewer"}, False),
        (["admins"], {}, True),
        ([], {}, False),
    ):
        provider.claims["groups"] = groups
        shown = me(client, browser.log_in())
        assert {one["app_name"]: one["role"] for one in shown["apps"]} == roles
        assert shown["is_administrator"] is is_administrator
    changes = client.simulate_get("/api/audit", headers=owner, params={"thing": "member", "app_name": MINE}).json
    told = [(one["action"], one["principal"], one["credential"]) for one in changes["results"]][:3]
    assert told == [(f"member.{what}", "ada", "single sign-on") for what in ("removed", "changed", "added")]


def test_administration_that_another_gave_a_moment_before_is_taken_back(
    client: Client, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = browser.log_in()
    lock = users.lock

    def overtaken(user_id: UUID) -> User | None:
        users.set_admin(user_id, is_admin=True)
        return lock(user_id)

    with monkeypatch.context() as patch:
        patch.setattr(users, "lock", overtaken)
        browser.log_in()
    assert me(client, session)["is_administrator"] is False


def test_a_role_that_no_group_gives_stays_where_the_table_names_the_app_not(client: Client, browser: Browser) -> None:
    owner = token_of_root(client)
    made_app(client, owner, "other")
    session = browser.log_in()
    client.simulate_put("/api/apps/other/members/ada", headers=owner, json={"role": Role.VIEWER.value})
    assert [one["app_name"] for one in me(client, session)["apps"]] == ["other"]
    assert [one["app_name"] for one in me(client, browser.log_in())["apps"]] == ["other"]


def test_a_token_ends_a_month_after_its_user_logged_in_at_the_provider(
    client: Client, browser: Browser, guarded: GivenSystem
) -> None:
    session = browser.log_in()
    in_a_month = NOON + timedelta(days=30)
    program = {"name": "a program", "scopes": ["app"]}
    late = {**program, "expires_at": (in_a_month + timedelta(seconds=1)).isoformat()}
    assert set(refusal(client.simulate_post(TOKENS, headers=session, json=late))) == {"expires_at"}
    first = client.simulate_post(TOKENS, headers=session, json=program).json
    guarded.clock.advance(86_400)
    assert set(refusal(client.simulate_post(TOKENS, headers=bearer(first), json=late))) == {"expires_at"}
    second = client.simulate_post(TOKENS, headers=bearer(first), json=program).json
    assert first["expires_at"] == second["expires_at"] == in_a_month.isoformat().replace("+00:00", "Z")


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://other.example"},
        {"aud": "other"},
        {"aud": None},
        {"nonce": "other"},
        {"nonce": None},
        {"exp": int(NOON.timestamp()) - 61},
        {"exp": None},
        {"sub": None},
        {"email_verified": False},
        {"email_verified": "true"},
        {"email_verified": None},
        {"email": None},
        {"preferred_username": "a b"},
        {"preferred_username": "anonymous"},
    ],
)
def test_an_id_token_that_cannot_be_believed_lets_nobody_in(
    browser: Browser, provider: Provider, changes: dict[str, Any]
) -> None:
    provider.changes = changes
    result = browser.come_back(browser.go())
    assert result.status_code == 403, result.text
    assert SESSION not in result.cookies


def test_a_token_that_another_key_signed_lets_nobody_in(browser: Browser, provider: Provider) -> None:
    provider.signs_with = RSAKey.generate_key(2048, {"kid": "first"})
    assert browser.come_back(browser.go()).status_code == 403


def test_a_provider_that_changes_its_keys_is_asked_for_them_again(browser: Browser, provider: Provider) -> None:
    browser.log_in()
    browser.log_in()
    assert provider.asked.count("/keys") == 1
    provider.key = RSAKey.generate_key(2048, {"kid": "second"})
    browser.log_in()
    assert provider.asked.count("/keys") == 2


def test_a_code_is_good_once_and_in_the_browser_that_began_alone(client: Client, browser: Browser) -> None:
    address = browser.go()
    stranger = Browser(client)
    assert stranger.come_back(address).status_code == 403
    stranger.go()
    assert stranger.come_back(address).status_code == 403, "the state is another's"
    assert browser.come_back(address, state="other").status_code == 403
    assert browser.come_back(address).status_code == 303
    assert browser.come_back(address).status_code == 403


def test_an_attempt_of_empty_parts_is_refused_before_the_provider_is_asked(
    browser: Browser, provider: Provider
) -> None:
    for kept in ("..", ".nonce.verifier", "state..verifier", "state.nonce."):
        browser.cookies = {COOKIE: kept}
        assert browser.come_back("/?code=a", state=kept.partition(".")[0]).status_code == 403
    assert provider.asked == []


def test_a_verifier_of_another_attempt_gets_no_token(browser: Browser) -> None:
    address = browser.go()
    state, nonce, _ = browser.cookies[COOKIE].split(".")
    browser.cookies[COOKIE] = f"{state}.{nonce}.{'x' * 43}"
    assert browser.come_back(address).status_code == 403


def test_whom_the_provider_does_not_let_in_is_told(browser: Browser) -> None:
    state = parse_qs(urlsplit(browser.go()).query)["state"][0]
    result = browser.come_back("/?error=access_denied", state=state)
    assert (result.status_code, "let nobody log in" in result.json["detail"]) == (403, True)


@pytest.mark.parametrize("taken", [{"preferred_username": "Anna"}, {"email": "ANNA@example.com"}])
def test_no_account_that_exists_is_taken_over(
    client: Client, browser: Browser, provider: Provider, taken: dict[str, str]
) -> None:
    register(client, "anna", **HIDDEN)
    provider.claims |= taken
    assert browser.come_back(browser.go()).status_code == 409


def test_an_administrators_name_is_for_whom_a_group_makes_one(
    client: Client, browser: Browser, provider: Provider
) -> None:
    provider.claims["preferred_username"] = "root"
    assert browser.come_back(browser.go()).status_code == 409
    provider.claims["groups"] = ["admins"]
    assert me(client, browser.log_in())["is_administrator"]


def test_who_logs_in_elsewhere_has_no_password_here(client: Client, browser: Browser) -> None:
    browser.log_in()
    for password in ("", PASSWORD):
        body = {"username": "ada", "password": password}
        assert client.simulate_post("/api/login", json=body).status_code == 400


def test_without_a_provider_there_is_no_single_sign_on(store: str) -> None:
    client = Client(served(given_system(**SETTINGS)))
    for path in ("/oidc/login", "/oidc/callback"):
        assert client.simulate_get(path).status_code == 404


def owner_of_both(client: Client) -> Headers:
    owner = token_of_root(client)
    for name in (MINE, THEIRS):
        made_app(client, owner, name)
    return owner


def token_of_root(client: Client) -> Headers:
    return token_of(client, "root")
