"""The audit log: each change is on record with who, with what, from where and why; nothing changes it afterwards."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

import peewee
import pytest

from core.auditing import Thing
from core.principals import LOCAL
from core.scopes import Role
from models import database
from models.tables import AuditEntry
from tests.factories import GivenSystem, runs_of, succeeded
from tests.integration.access.audited import ACTS, Scene, actions
from tests.integration.access.tenants import MINE, THEIRS, Headers, joined, made_app, made_job, made_key
from tests.integration.api.client import Client, refusal, served
from tests.integration.api.keyed import ON_SQLITE
from tests.integration.api.people import HIDDEN, token_of

WITH_A_REASON: dict[str, tuple[str, str, Any]] = {
    "job.resumed": ("POST", "/api/jobs/{job}/resume", None),
    "job.cancelled": ("POST", "/api/jobs/{job}/cancel", None),
    "job.edited": ("PATCH", "/api/jobs/{job}", {"priority": 9}),
    "job.deleted": ("DELETE", "/api/jobs/{job}", None),
    "run.cancelled": ("POST", "/api/runs/{run}/cancel", None),
}


@pytest.fixture
def app(client: Client, anna: Headers) -> str:
    return made_app(client, anna, MINE)


def entries(client: Client, who: Headers, **wanted: str) -> list[dict[str, Any]]:
    result = client.simulate_get("/api/audit", headers=who, params=wanted)
    assert result.status_code == 200, result.text
    found: list[dict[str, Any]] = result.json["results"]
    return found


def newest(client: Client, who: Headers) -> dict[str, Any]:
    return entries(client, who, limit="1")[0]


def test_an_entry_tells_who_did_what_with_what_from_where_and_why(client: Client, app: str, anna: Headers) -> None:
    job = made_job(client, anna, app)
    headers = {**anna, "X-Request-Id": "request-1"}
    client.simulate_post(f"/api/jobs/{job}/pause", headers=headers, params={"reason": "the receiver moves"})
    entry = newest(client, anna)
    assert entry.pop("id")
    assert entry.pop("at").startswith("2026-11-20T12:00:00")
    assert entry == {
        "kind": "user",
        "principal": "anna",
        "credential": "token",
        "address": "127.0.0.1",
        "request_id": "request-1",
        "action": "job.paused",
        "app_name": MINE,
        "thing": "job",
        "thing_id": job,
        "title": "polling_task",
        "before": {"state": "active"},
        "after": {"state": "paused"},
        "reason": "the receiver moves",
    }


def test_a_key_and_the_operator_are_told_apart(client: Client, app: str, anna: Headers) -> None:
    job, key = made_job(client, anna, app), made_key(client, anna, app, "operate")
    for who in (key, HIDDEN):
        client.simulate_post(f"/api/jobs/{job}/trigger", headers=who, json={})
    by_operator, by_key = entries(client, anna, limit="2")
    prefix = key["Authorization"].removeprefix("Bearer ")[:12]
    assert (by_key["kind"], by_key["principal"], by_key["credential"]) == ("key", prefix, prefix)
    told = (by_operator["kind"], by_operator["principal"], by_operator["credential"])
    assert told == ("operator", "operator", "secret")


@pytest.fixture
def scene(client: Client, guarded: GivenSystem, app: str, anna: Headers) -> Scene:
    system = replace(guarded, perform_call=lambda *_: succeeded())
    return Scene(system, Client(served(system)), anna)


def test_every_action_that_is_recorded_has_a_test() -> None:
    assert ACTS.keys() == actions()


@ON_SQLITE
@pytest.mark.parametrize("action", ACTS)
def test_each_kind_of_change_is_on_record(scene: Scene, action: str) -> None:
    before = entries(scene.client, HIDDEN)
    ACTS[action](scene)
    entry = newest(scene.client, HIDDEN)
    assert entry not in before
    assert entry["action"] == action


def test_what_failed_or_changed_nothing_is_not_on_record(client: Client, app: str, anna: Headers) -> None:
    job = made_job(client, anna, app)
    before = entries(client, anna)
    client.simulate_patch(f"/api/jobs/{job}", headers=anna, json={"priority": 99})
    client.simulate_patch(f"/api/jobs/{job}", headers=anna, json={})
    client.simulate_post(f"/api/jobs/{job}/resume", headers=anna)
    actions = {"action": "cancel", "all": True, "dry_run": True}
    assert client.simulate_post("/api/jobs/actions", headers=anna, json=actions).json["changed"] == 1
    assert entries(client, anna) == before


def test_a_change_that_is_taken_back_takes_its_entry_along(guarded: GivenSystem) -> None:
    def fail() -> None:
        with guarded.transaction() as unit:
            unit.audit(LOCAL, "job.paused", Thing("job", "1"))
            unit.write()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with database.reading():
        assert AuditEntry.select().count() == 0


def test_an_action_on_many_records_each_with_the_reason(client: Client, app: str, anna: Headers) -> None:
    jobs = {made_job(client, anna, app) for _ in range(3)}
    body = {"action": "pause", "all": True, "reason": "maintenance"}
    client.simulate_post("/api/jobs/actions", headers=anna, json=body)
    found = entries(client, anna, thing="job")
    assert {one["thing_id"] for one in found} == jobs
    assert {one["reason"] for one in found} == {"maintenance"}


@pytest.mark.parametrize("action", WITH_A_REASON)
def test_the_reason_that_is_given_for_a_change_is_kept(client: Client, app: str, anna: Headers, action: str) -> None:
    method, path, body = WITH_A_REASON[action]
    job = made_job(client, anna, app)
    client.simulate_post(f"/api/jobs/{job}/pause", headers=anna)
    filled = path.format(job=job, run=runs_of(UUID(job))[0].id)
    why = {"reason": "the customer has left"}
    answer = client.simulate_request(method, filled, headers=anna, json=body, params=why)
    assert answer.status_code < 300, answer.text
    entry = newest(client, anna)
    assert (entry["action"], entry["reason"]) == (action, why["reason"])


def test_secrets_are_masked_and_only_what_differs_is_kept(client: Client, app: str, anna: Headers) -> None:
    request = {"url": "https://example.com/", "headers": {"Authorization": "Bearer canary", "X-A": "1"}}
    job = made_job(client, anna, app, task_type="http", data=request)
    changed = {**request, "headers": {"Authorization": "Bearer canary-2", "X-A": "2"}}
    result = client.simulate_patch(f"/api/jobs/{job}", headers=anna, json={"data": changed})
    assert result.status_code == 200, result.text
    entry = newest(client, anna)
    assert set(entry["before"]) == set(entry["after"]) == {"data"}
    assert entry["after"]["data"]["headers"] == {"Authorization": "***", "X-A": "2"}
    assert "canary" not in client.simulate_get("/api/audit", headers=anna).text


def test_owners_see_the_changes_of_their_apps_and_administrators_all(
    client: Client, app: str, anna: Headers, berta: Headers
) -> None:
    made_app(client, berta, THEIRS)
    developer = joined(client, anna, app, "clara", Role.DEVELOPER)
    assert {one["app_name"] for one in entries(client, anna)} == {MINE}
    assert {one["app_name"] for one in entries(client, berta)} == {THEIRS}
    assert entries(client, developer) == []
    assert entries(client, anna, app_name=THEIRS) == []
    for administrator in (HIDDEN, token_of(client, "root")):
        assert {one["app_name"] for one in entries(client, administrator)} == {MINE, THEIRS}
    key = made_key(client, anna, app, "read", "operate", "jobs")
    assert client.simulate_get("/api/audit", headers=key).status_code == 403


def test_entries_are_found_by_app_principal_thing_and_time(
    client: Client, guarded: GivenSystem, app: str, anna: Headers
) -> None:
    clara = joined(client, anna, app, "clara", Role.OPERATOR)
    job = made_job(client, anna, app)
    guarded.clock.advance(60)
    client.simulate_post(f"/api/jobs/{job}/pause", headers=clara)
    for wanted in (
        {"principal": "clara"},
        {"thing": "job"},
        {"thing_id": job},
        {"since": "2026-11-20T12:00:30Z"},
        {"app_name": MINE, "principal": "clara"},
    ):
        assert [one["action"] for one in entries(client, anna, **wanted)] == ["job.paused"], wanted
    earlier = entries(client, anna, before="2026-11-20T12:00:30Z")
    assert [one["action"] for one in earlier] == ["member.added", "app.created"]
    assert set(refusal(client.simulate_get("/api/audit", headers=anna, params={"since": "soon"}))) == {"since"}


def test_the_log_is_listed_in_pages(client: Client, app: str, anna: Headers) -> None:
    joined(client, anna, app, "clara", Role.OPERATOR)
    first = client.simulate_get("/api/audit", headers=anna, params={"limit": "1"}).json
    rest = client.simulate_get(first["next"], headers=anna).json
    assert [one["action"] for one in first["results"] + rest["results"]] == ["member.added", "app.created"]
    assert rest["next"] is None


def test_the_database_itself_refuses_to_change_an_entry(client: Client, app: str) -> None:
    with pytest.raises(peewee.IntegrityError, match="never changed"), database.transaction():
        AuditEntry.update(principal="nobody").execute()


def test_the_database_itself_refuses_to_delete_an_entry(client: Client, app: str) -> None:
    before = AuditEntry.select().count()
    with pytest.raises(peewee.IntegrityError, match="never deleted"), database.transaction():
        AuditEntry.delete().execute()
    assert AuditEntry.select().count() == before > 0


@pytest.mark.parametrize("reason", ["", "x" * 501])
def test_a_reason_is_one_to_500_characters(client: Client, app: str, anna: Headers, reason: str) -> None:
    job = made_job(client, anna, app)
    for method, path in (("POST", "/pause"), ("POST", "/cancel"), ("DELETE", ""), ("PATCH", "")):
        result = client.simulate_request(
            method, f"/api/jobs/{job}{path}?reason={reason}", headers=anna, json={} if method == "PATCH" else None
        )
        assert "reason" in refusal(result)
    assert client.simulate_get(f"/api/jobs/{job}", headers=anna).json["status"] == "pending"
