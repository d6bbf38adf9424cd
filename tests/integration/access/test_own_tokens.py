"""Users' own tokens and sessions: made with scopes and an end, listed, revoked; what they are is shown once."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from core.errors import NotAuthenticated
from core.principals import Principal, PrincipalKind
from core.scopes import Scope
from models import database, tokens, users
from models.tables import Token, User, db
from services.access import own_tokens
from tests.factories import NOON, GivenSystem
from tests.integration.access.own_tokens import TOKENS, bearer, made
from tests.integration.access.tenants import MINE, Headers, made_app, made_job, made_key
from tests.integration.api.client import NO_JOB, PRINTED, Client, refusal
from tests.integration.api.people import HIDDEN, PASSWORD, session_of

ALL = ("read", "operate", "jobs", "app")


def listed(client: Client, who: Headers) -> list[dict[str, Any]]:
    result = client.simulate_get(TOKENS, headers=who)
    assert result.status_code == 200, result.text
    found: list[dict[str, Any]] = result.json["results"]
    return found


def test_a_token_is_shown_once_and_kept_as_a_hash_alone(client: Client, anna: Headers) -> None:
    token = made(client, anna, "read")
    prefix, secret = token["prefix"], token["token"].removeprefix(token["prefix"] + "_")
    assert (prefix.startswith("carillon_"), len(secret)) == (True, 43)  # 256 bits
    newest, login = listed(client, anna)
    assert (newest["prefix"], newest["scopes"], newest["is_current"]) == (prefix, ["read"], False)
    assert (login["name"], login["prefix"], login["scopes"], login["is_current"]) == (None, None, list(ALL), True)
    with database.reading():
        kept = [str(value) for row in db.execute_sql("SELECT * FROM tokens").fetchall() for value in row]
    assert not any(secret in value for value in kept)
    assert {hashlib.sha256(shown.encode()).hexdigest() for shown in (token["token"], anna["Authorization"][6:])} < {
        *kept
    }


def test_a_session_is_kept_as_a_hash_alone(client: Client) -> None:
    secret = session_of(client, "anna")["Cookie"].partition("=")[2]
    assert len(secret) >= 43  # 256 bits
    with database.reading():
        kept = [str(value) for row in db.execute_sql("SELECT * FROM tokens").fetchall() for value in row]
    assert not any(secret in value for value in kept)
    assert hashlib.sha256(secret.encode()).hexdigest() in kept


IN_SCOPE: dict[str, tuple[str, str, Any]] = {
    "read": ("GET", "/api/jobs/{job}", None),
    "operate": ("POST", "/api/jobs/{job}/pause", None),
    "jobs": ("POST", "/api/jobs/create", {**PRINTED, "app_name": MINE}),
    "app": ("PATCH", "/api/apps/mine", {}),
}


@pytest.mark.parametrize("scope", ALL)
def test_a_token_opens_what_its_scope_is_for_and_nothing_else(client: Client, anna: Headers, scope: str) -> None:
    job = made_job(client, anna, made_app(client, anna, MINE))
    token = bearer(made(client, anna, scope))
    for other, (method, path, body) in IN_SCOPE.items():
        result = client.simulate_request(method, path.replace("{job}", job), headers=token, json=body)
        assert (result.status_code < 300) if other == scope else (result.status_code == 403), (other, result.text)
    assert client.simulate_get("/api/me", headers=token).json["scopes"] == [scope]


def test_an_administrators_token_with_few_scopes_does_no_more_than_these(client: Client) -> None:
    account = {"username": "root", "password": PASSWORD, "email": "root@example.com"}
    client.simulate_post("/api/register", json=account, headers=HIDDEN)
    login = client.simulate_post("/api/login", json={"username": "root", "password": PASSWORD}).json["token"]
    token = bearer(made(client, {"Authorization": f"Bearer {login}"}, "read"))
    assert client.simulate_get("/api/workers", headers=token).status_code == 200
    assert client.simulate_post("/api/installation/pause", headers=token).status_code == 403
    assert client.simulate_put("/api/apps/other", headers=token, json={}).status_code == 403


def test_a_token_ends_at_its_instant(client: Client, guarded: GivenSystem, anna: Headers) -> None:
    token = bearer(made(client, anna, "read", expires_at=(NOON + timedelta(seconds=60)).isoformat()))
    guarded.clock.advance(59)
    assert client.simulate_get("/api/me", headers=token).status_code == 200
    guarded.clock.advance(1)
    refused = client.simulate_get("/api/me", headers=token)
    assert (refused.status_code, "expired" in refused.json["detail"]) == (401, True)
    assert len(listed(client, anna)) == 1


def test_when_a_token_was_last_used_is_known_to_the_minute(client: Client, guarded: GivenSystem, anna: Headers) -> None:
    token = bearer(made(client, anna, "read"))
    for seconds, told in ((30, 0), (40, 70)):
        guarded.clock.advance(seconds)
        client.simulate_get("/api/me", headers=token)
        assert listed(client, anna)[0]["used_at"].startswith((NOON + timedelta(seconds=told)).isoformat()[:19])


def test_a_revoked_token_opens_nothing_from_then_on(client: Client, anna: Headers, berta: Headers) -> None:
    token = made(client, anna, *ALL)
    path = f"{TOKENS}/{token['id']}"
    foreign = client.simulate_delete(path, headers=berta)
    missing = client.simulate_delete(f"{TOKENS}/{NO_JOB}", headers=berta)
    assert foreign.status_code == missing.status_code == 404
    assert foreign.json["detail"].replace(token["id"], NO_JOB) == missing.json["detail"]
    assert client.simulate_delete(path, headers=anna).status_code == 204
    assert client.simulate_get("/api/me", headers=bearer(token)).status_code == 401
    assert client.simulate_delete(path, headers=anna).status_code == 404


def test_a_token_that_was_ended_while_its_request_waited_makes_none(
    client: Client, guarded: GivenSystem, anna: Headers, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = users.lock

    def overtaken(user_id: UUID) -> User | None:
        locked = lock(user_id)
        tokens.remove_all(user_id)
        return locked

    monkeypatch.setattr("services.access.own_tokens.users.lock", overtaken)
    refused = client.simulate_post(TOKENS, headers=anna, json={"name": "a program", "scopes": ["read"]})
    assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, "Token")
    assert len(listed(client, anna)) == 1


def test_a_token_is_made_by_showing_one_of_ones_own_alone(
    guarded: GivenSystem, client: Client, anna: Headers, berta: Headers
) -> None:
    with database.reading():
        user = users.by_username("anna")
    assert user is not None
    shown = berta["Authorization"].removeprefix("Token ")
    new = own_tokens.NewToken("a program", frozenset({Scope.READ}))
    with pytest.raises(NotAuthenticated):
        own_tokens.create(Principal(PrincipalKind.USER, user.id, user.username), guarded, new, shown)
    assert len(listed(client, anna)) == 1


def test_each_sees_their_own_tokens_alone(client: Client, anna: Headers, berta: Headers) -> None:
    made(client, anna, "read")
    assert [one["is_current"] for one in listed(client, berta)] == [True]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"scopes": ["admin"]}, "scopes.0"),
        ({"scopes": []}, "scopes"),
        ({"name": ""}, "name"),
        ({"expires_at": NOON.isoformat()}, "expires_at"),
        ({"expires_at": (NOON + timedelta(days=367)).isoformat()}, "expires_at"),
        ({"prefix": "mine"}, "prefix"),
    ],
)
def test_a_wrong_token_is_refused_and_none_is_stored(
    client: Client, anna: Headers, wrong: dict[str, Any], field: str
) -> None:
    body = {"name": "a program", "scopes": ["read"], **wrong}
    assert set(refusal(client.simulate_post(TOKENS, headers=anna, json=body))) == {field}
    with database.reading():
        assert Token.select().count() == 1


def test_a_token_gives_away_no_scope_that_it_has_not(client: Client, anna: Headers) -> None:
    token = bearer(made(client, anna, "app"))
    body = {"name": "more", "scopes": ["app", "jobs"]}
    assert "jobs" in refusal(client.simulate_post(TOKENS, headers=token, json=body))["scopes"]


def test_a_users_tokens_are_bounded(client: Client, anna: Headers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.access.own_tokens.MAX_TOKENS", 1)
    made(client, anna, "read")
    body = {"name": "one more", "scopes": ["read"]}
    assert client.simulate_post(TOKENS, headers=anna, json=body).status_code == 409


def test_only_users_have_tokens(client: Client, anna: Headers) -> None:
    key = made_key(client, anna, made_app(client, anna, MINE), *ALL)
    for who in (key, HIDDEN):
        assert client.simulate_get(TOKENS, headers=who).status_code == 403


def test_who_ends_other_sessions_keeps_this_one_and_what_was_made_for_programs(client: Client) -> None:
    session = session_of(client, "anna")
    login = client.simulate_post("/api/login", json={"username": "anna", "password": PASSWORD}).json["token"]
    current = {"Authorization": f"Bearer {login}"}
    program = bearer(made(client, current, "read"))
    assert [one["kind"] for one in listed(client, current)].count("session") == 1
    assert client.simulate_delete("/api/me/sessions", headers=current).json == {"ended": 1}
    statuses = [client.simulate_get("/api/me", headers=who).status_code for who in (session, current, program)]
    assert statuses == [401, 200, 200]


def test_tokens_made_and_revoked_are_on_record_without_the_token(client: Client, anna: Headers) -> None:
    token = made(client, anna, "read")
    client.simulate_delete(f"{TOKENS}/{token['id']}", headers=anna)
    entries = client.simulate_get("/api/audit", headers=HIDDEN, params={"thing": "token"})
    told = [(one["action"], one["principal"], one["thing_id"]) for one in entries.json["results"]]
    assert told == [("token.revoked", "anna", token["prefix"]), ("token.created", "anna", token["prefix"])]
    assert token["token"] not in entries.text
