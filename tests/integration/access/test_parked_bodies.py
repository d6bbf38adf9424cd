"""A request that was begun while its caller had access does nothing if its body ends when they have it no more."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from api import incoming
from core.scopes import Role
from tests.factories import GivenSystem, given_system
from tests.integration.access.tenants import MINE, SETTINGS, joined, made_app, made_key
from tests.integration.api.client import PRINTED, Client, served
from tests.integration.api.parking import Headers, Parked, in_pieces
from tests.integration.api.people import PASSWORD, SECRET, token_of
from tests.integration.files.uploading import PATH as UPLOADS
from tests.integration.files.uploading import form, spooled
from tests.integration.pages.browser import FORM
from tests.integration.pages.conftest import site

OPERATOR = {"X-Internal-Secret": SECRET}


def begun(method: str, path: str, who: Headers, body: Any) -> Parked:
    return Parked(method, path, {"Content-Type": "application/json", **who}, json.dumps(body).encode())


def then(system: GivenSystem, act: Callable[[], Any], seconds: float = 6) -> Callable[[], None]:
    """Something that is done while a body is awaited, and so many seconds that pass afterwards."""

    def meanwhile() -> None:
        assert act().status_code < 300
        system.clock.advance(seconds)

    return meanwhile


def test_a_key_that_was_revoked_makes_no_job_and_no_key(client: Client, guarded: GivenSystem, anna: Headers) -> None:
    made_app(client, anna, MINE)
    key = made_key(client, anna, MINE, "jobs", "app")

    def revoke() -> Any:
        [shown, *_] = client.simulate_get(f"/api/apps/{MINE}/keys", headers=anna).json["results"]
        return client.simulate_delete(f"/api/apps/{MINE}/keys/{shown['id']}", headers=anna)

    job = {**PRINTED, "app_name": MINE}
    refused = begun("POST", "/api/jobs/create", key, job).ended_after(client.app, then(guarded, revoke))
    assert (refused.status, client.simulate_get("/api/jobs", headers=anna).json["count"]) == (401, 0)
    key = made_key(client, anna, MINE, "app")
    more = {"name": "after", "scopes": ["app"]}
    assert (
        begun("POST", f"/api/apps/{MINE}/keys", key, more).ended_after(client.app, then(guarded, revoke)).status == 401
    )
    assert client.simulate_get(f"/api/apps/{MINE}/keys", headers=anna).json["results"] == []


def test_an_owner_who_was_removed_does_not_put_themselves_back(
    client: Client, guarded: GivenSystem, anna: Headers
) -> None:
    made_app(client, anna, MINE)
    carol = joined(client, anna, MINE, "carol", Role.OWNER)
    path = f"/api/apps/{MINE}/members/carol"
    remove = then(guarded, lambda: client.simulate_delete(path, headers=anna))
    assert begun("PUT", path, carol, {"role": "owner"}).ended_after(client.app, remove).status == 404
    assert client.simulate_get(f"/api/apps/{MINE}", headers=carol).status_code == 404


def test_an_administrator_who_was_demoted_makes_no_other(client: Client, guarded: GivenSystem, anna: Headers) -> None:
    def demote(administrator: bool) -> Any:
        return client.simulate_patch("/api/users/anna", headers=OPERATOR, json={"administrator": administrator})

    assert demote(True).status_code == 200
    wanted = {"administrator": True}
    refused = begun("POST", "/api/invitations", anna, wanted).ended_after(
        client.app, then(guarded, lambda: demote(False))
    )
    assert refused.status == 403
    assert client.simulate_get("/api/invitations", headers=OPERATOR).json["results"] == []


def test_a_session_that_was_ended_posts_no_form(guarded: GivenSystem) -> None:
    client = Client(site(guarded))
    token_of(client, "anna")
    login = client.simulate_post(
        "/login", body=f"username=anna&password={PASSWORD}", content_type=FORM, headers={"Origin": "http://127.0.0.1"}
    )
    cookie = {"Cookie": f"carillon_session={login.cookies['carillon_session'].value}"}
    assert client.simulate_get("/dashboard/apps", headers=cookie).status_code == 200
    end = then(guarded, lambda: client.simulate_delete("/api/users/anna/tokens", headers=OPERATOR))
    headers = {**cookie, "Content-Type": FORM, "Origin": "http://127.0.0.1"}
    answer = Parked("POST", "/dashboard/apps", headers, b"name=later").ended_after(client.app, end)
    assert (answer.status, answer.headers["location"]) == (303, "/login/")


def test_a_file_of_a_user_who_was_disabled_becomes_no_job(guarded: GivenSystem, client: Client, anna: Headers) -> None:
    request, before = form(b"x"), spooled(guarded)

    def disable() -> Any:
        return client.simulate_patch("/api/users/anna", headers=OPERATOR, json={"disabled": True})

    headers = {**request["headers"], **anna}
    assert (
        Parked("POST", UPLOADS, headers, request["body"]).ended_after(client.app, then(guarded, disable)).status == 401
    )
    assert spooled(guarded) == before
    assert client.simulate_get("/api/jobs", headers=OPERATOR).json["count"] == 0


def test_whoever_still_has_access_is_answered_however_long_the_body_took(
    client: Client, guarded: GivenSystem, anna: Headers
) -> None:
    made_app(client, anna, MINE)
    job = {**PRINTED, "app_name": MINE}
    wait = then(guarded, lambda: client.simulate_get("/healthz"), seconds=20)
    for who in (anna, made_key(client, anna, MINE, "jobs"), OPERATOR):
        assert begun("POST", "/api/jobs/create", who, job).ended_after(client.app, wait).status == 201


@pytest.mark.parametrize("path", ["/api/jobs/create", "/api/login", UPLOADS])
def test_a_body_that_does_not_come_in_time_is_refused_and_its_connection_closed(
    sqlite: str, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr(incoming, "LONGEST_SECONDS", 0.0)
    client = Client(served(given_system(**SETTINGS, max_upload_bytes=1)))

    async def pieces(number: int) -> dict[str, Any]:
        if number:
            await asyncio.Event().wait()
        return {"type": "http.request", "body": b"{", "more_body": True}

    content_type = form(b"")["headers"]["Content-Type"] if path == UPLOADS else "application/json"
    headers = {**OPERATOR, "Content-Type": content_type, "Content-Length": "100"}
    answer = in_pieces(client.app, "POST", path, headers, pieces)
    assert (answer.status, answer.json["status"], answer.headers["connection"]) == (408, 408, "close")
