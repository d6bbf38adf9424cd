"""Keys of apps: what each scope opens, for how long, and that nothing of another app is ever seen with one."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from models import database
from models.tables import AppKey, db
from services.access.known_keys import REMEMBERED_SECONDS
from tests.factories import NOON, GivenSystem, given_system, runs_of
from tests.integration.access.tenants import MINE, THEIRS, Headers, made_app, made_job, made_key
from tests.integration.api.client import NO_JOB, PRINTED, Client, refusal, served
from tests.integration.api.people import HIDDEN, SECRET

ALL = ("read", "operate", "jobs", "app")


@pytest.fixture
def app(client: Client, anna: Headers) -> str:
    return made_app(client, anna, MINE)


def keys_of(client: Client, who: Headers, app: str) -> Any:
    result = client.simulate_get(f"/api/apps/{app}/keys", headers=who)
    assert result.status_code == 200, result.text
    return result.json["results"]


def test_a_key_is_shown_once_and_kept_as_a_hash_alone(client: Client, app: str, anna: Headers) -> None:
    key = made_key(client, anna, app, "read")["Authorization"].removeprefix("Bearer ")
    prefix, secret = "_".join(key.split("_")[:2]), key.split("_", 2)[2]
    [shown] = keys_of(client, anna, app)
    assert (shown["prefix"], shown["created_by"], shown["scopes"]) == (prefix, "anna", ["read"])
    assert key.startswith("crl_")
    assert len(secret) == 43  # 256 bits
    with database.reading():
        kept = [str(value) for row in db.execute_sql("SELECT * FROM app_keys").fetchall() for value in row]
    assert not any(secret in value for value in kept)
    assert hashlib.sha256(key.encode()).hexdigest() in kept
    assert secret not in client.simulate_get(f"/api/apps/{app}/keys", headers=anna).text


IN_SCOPE: dict[str, tuple[str, str, Any]] = {
    "read": ("GET", "/api/jobs/{job}", None),
    "operate": ("POST", "/api/jobs/{job}/pause", None),
    "jobs": ("POST", "/api/jobs/create", {**PRINTED, "app_name": MINE}),
    "app": ("PATCH", "/api/apps/mine", {}),
}


@pytest.mark.parametrize("scope", ALL)
def test_a_key_opens_what_its_scope_is_for_and_nothing_else(
    client: Client, app: str, anna: Headers, scope: str
) -> None:
    job = made_job(client, anna, app)
    key = made_key(client, anna, app, scope)
    for other, (method, path, body) in IN_SCOPE.items():
        result = client.simulate_request(method, path.replace("{job}", job), headers=key, json=body)
        assert (result.status_code < 300) if other == scope else (result.status_code == 403), (other, result.text)
    assert client.simulate_get("/api/me", headers=key).json["scopes"] == [scope]
    for path in ("/api/workers", "/api/installation", "/api/stats/series"):
        assert client.simulate_get(path, headers=key).status_code == 403


def test_a_key_sees_its_app_alone(client: Client, app: str, anna: Headers, berta: Headers) -> None:
    made_app(client, berta, THEIRS)
    mine, theirs = made_job(client, anna, app), made_job(client, berta, THEIRS)
    key = made_key(client, anna, app, *ALL)
    assert [one["id"] for one in client.simulate_get("/api/jobs", headers=key).json["results"]] == [mine]
    assert {one["job_id"] for one in client.simulate_get("/api/runs", headers=key).json["results"]} == {mine}
    for path in ("/api/jobs/{}", "/api/jobs/{}/runs"):
        foreign = client.simulate_get(path.format(theirs), headers=key)
        missing = client.simulate_get(path.format(NO_JOB), headers=key)
        assert foreign.status_code == missing.status_code == 404
        assert foreign.json["detail"].replace(theirs, NO_JOB) == missing.json["detail"]
    for name in (THEIRS, "none", "default"):
        job = {**PRINTED, "app_name": name}
        assert client.simulate_post("/api/jobs/create", headers=key, json=job).status_code == 404
        assert client.simulate_get(f"/api/apps/{name}", headers=key).status_code == 404
    assert client.simulate_get("/api/jobs", headers=HIDDEN).json["count"] == 2


def test_a_key_makes_no_app(client: Client, app: str, anna: Headers) -> None:
    key = made_key(client, anna, app, *ALL)
    assert client.simulate_post("/api/apps", headers=key, json={"name": "other"}).status_code == 403


def test_a_key_of_an_account_sees_and_makes_jobs_of_that_account_alone(client: Client, app: str, anna: Headers) -> None:
    hers, others = made_job(client, anna, app), made_job(client, anna, app, account_id="acc2")
    key = made_key(client, anna, app, "read", "operate", "jobs", account_id="acc1")
    assert [one["id"] for one in client.simulate_get("/api/jobs", headers=key).json["results"]] == [hers]
    assert client.simulate_get(f"/api/jobs/{others}", headers=key).status_code == 404
    assert client.simulate_get(f"/api/runs/{runs_of(UUID(others))[0].id}", headers=key).status_code == 404
    made_job(client, key, app)
    job = {**PRINTED, "app_name": app, "account_id": "acc2"}
    refused = client.simulate_post("/api/jobs/create", headers=key, json=job)
    assert "acc1" in refusal(refused)["account_id"]
    assert client.simulate_post(f"/api/apps/{app}/pause", headers=key).status_code == 403
    assert client.simulate_get("/api/jobs", headers=HIDDEN).json["count"] == 3


def test_a_job_of_an_account_cannot_be_moved_out_of_sight(client: Client, app: str, anna: Headers) -> None:
    key = made_key(client, anna, app, "read", "jobs", account_id="acc1")
    job = made_job(client, key, app)
    result = client.simulate_patch(f"/api/jobs/{job}", headers=key, json={"account_id": "acc2"})
    assert set(refusal(result)) == {"account_id"}
    assert client.simulate_get(f"/api/jobs/{job}", headers=key).json["account_id"] == "acc1"


def test_a_revoked_key_opens_nothing_after_five_seconds_wherever_it_was_used(
    client: Client, guarded: GivenSystem, app: str, anna: Headers
) -> None:
    elsewhere = Client(served(guarded))  # another process, which remembers keys by itself
    key = made_key(client, anna, app, "read")
    assert elsewhere.simulate_get("/api/jobs", headers=key).status_code == 200
    [shown] = keys_of(client, anna, app)
    assert client.simulate_delete(f"/api/apps/{app}/keys/{shown['id']}", headers=anna).status_code == 204
    guarded.clock.advance(REMEMBERED_SECONDS)
    assert elsewhere.simulate_get("/api/jobs", headers=key).status_code == 401
    assert client.simulate_delete(f"/api/apps/{app}/keys/{shown['id']}", headers=anna).status_code == 404
    assert REMEMBERED_SECONDS < 5


def test_an_expired_key_opens_nothing_from_that_instant_on(
    client: Client, guarded: GivenSystem, app: str, anna: Headers
) -> None:
    key = made_key(client, anna, app, "read", expires_at=(NOON + timedelta(seconds=2)).isoformat())
    assert client.simulate_get("/api/jobs", headers=key).status_code == 200
    guarded.clock.advance(2)
    refused = client.simulate_get("/api/jobs", headers=key)
    assert (refused.status_code, "expired" in refused.json["detail"]) == (401, True)


def test_a_key_is_known_by_the_minute_in_which_it_was_last_used(
    client: Client, guarded: GivenSystem, app: str, anna: Headers
) -> None:
    key = made_key(client, anna, app, "read")
    assert keys_of(client, anna, app)[0]["used_at"] is None
    for seconds, told in ((0, 0), (30, 0), (40, 70)):
        guarded.clock.advance(seconds)
        client.simulate_get("/api/jobs", headers=key)
        assert keys_of(client, anna, app)[0]["used_at"].startswith((NOON + timedelta(seconds=told)).isoformat()[:19])


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"scopes": ["admin"]}, "scopes.0"),
        ({"scopes": []}, "scopes"),
        ({"name": ""}, "name"),
        ({"expires_at": NOON.isoformat()}, "expires_at"),
        ({"expires_at": "soon"}, "expires_at"),
        ({"scopes": ["app"], "account_id": "acc1"}, "scopes"),
        ({"prefix": "mine"}, "prefix"),
    ],
)
def test_a_wrong_key_is_refused_and_none_is_stored(
    client: Client, app: str, anna: Headers, wrong: dict[str, Any], field: str
) -> None:
    body = {"name": "a key", "scopes": ["read"], **wrong}
    assert set(refusal(client.simulate_post(f"/api/apps/{app}/keys", headers=anna, json=body))) == {field}
    with database.reading():
        assert AppKey.select().count() == 0


def test_a_key_gives_away_no_scope_that_it_has_not(client: Client, app: str, anna: Headers) -> None:
    key = made_key(client, anna, app, "app")
    body = {"name": "more", "scopes": ["app", "jobs"]}
    assert "jobs" in refusal(client.simulate_post(f"/api/apps/{app}/keys", headers=key, json=body))["scopes"]


@pytest.mark.parametrize("shown", ["Bearer crl_00000000_x", "Token crl_00000000_x", "Bearer crl_", "Bearer carillon_x"])
def test_what_only_looks_like_a_key_is_a_401(client: Client, shown: str) -> None:
    assert client.simulate_get("/api/jobs", headers={"Authorization": shown}).status_code == 401


def test_a_users_token_may_be_shown_as_a_bearer_too(client: Client, anna: Headers) -> None:
    bearer = {"Authorization": anna["Authorization"].replace("Token", "Bearer")}
    assert client.simulate_get("/api/me", headers=bearer).json["name"] == "anna"


def test_a_bearer_of_another_kind_changes_nothing_where_no_secret_is_set(store: str) -> None:
    client = Client(served(given_system()))
    assert client.simulate_get("/api/jobs", headers={"Authorization": "Bearer x"}).status_code == 200


def test_an_idempotency_key_is_each_keys_own(client: Client, app: str, anna: Headers) -> None:
    keys = [made_key(client, anna, app, "read", "jobs") for _ in range(2)]
    job = {**PRINTED, "app_name": app}
    ids = {
        client.simulate_post("/api/jobs/create", headers={**key, "Idempotency-Key": "1"}, json=job).json["id"]
        for key in (*keys, *keys)
    }
    assert len(ids) == 2


def test_the_keys_of_an_app_are_bounded_and_go_with_it(
    client: Client, app: str, anna: Headers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.access.app_keys.MAX_KEYS", 1)
    made_key(client, anna, app, "read")
    body = {"name": "one more", "scopes": ["read"]}
    assert client.simulate_post(f"/api/apps/{app}/keys", headers=anna, json=body).status_code == 409
    assert client.simulate_delete(f"/api/apps/{app}", headers=anna).status_code == 204
    with database.reading():
        assert AppKey.select().count() == 0


def test_the_shared_apps_have_no_keys(client: Client) -> None:
    client.simulate_put("/api/apps/default", headers=HIDDEN, json={})
    body = {"name": "a key", "scopes": ["read"]}
    assert client.simulate_post("/api/apps/default/keys", headers=HIDDEN, json=body).status_code == 409
    assert SECRET not in client.simulate_get("/api/apps/default/keys", headers=HIDDEN).text


def test_an_app_shows_its_key_as_its_own_internal_secret(client: Client, anna: Headers) -> None:
    app = made_app(client, anna, MINE)
    key = made_key(client, anna, app, "read")["Authorization"].removeprefix("Bearer ")
    shown = {"X-Internal-Secret": key}
    me = client.simulate_get("/api/me", headers=shown).json
    assert (me["kind"], client.simulate_get("/api/jobs", headers=shown).status_code) == ("key", 200)
    assert client.simulate_get("/api/users", headers=shown).status_code == 403
    assert client.simulate_post("/api/jobs/create", headers=shown, json=PRINTED).status_code == 403
    for wrong in (f"{key}x", "crl_00000000_wrong", "another secret"):
        assert client.simulate_get("/api/me", headers={"X-Internal-Secret": wrong}).status_code == 401


def test_a_secret_of_the_server_that_looks_like_a_key_still_opens_all(sqlite: str) -> None:
    client = Client(served(given_system(internal_secret="crl_looks_like_a_key")))  # noqa: S106
    shown = {"X-Internal-Secret": "crl_looks_like_a_key"}
    assert client.simulate_get("/api/users", headers=shown).status_code == 200
