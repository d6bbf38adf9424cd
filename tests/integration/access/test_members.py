"""Members of apps: what each role may do, who gives it, and that an app keeps an owner."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from core.errors import Conflict
from core.principals import LOCAL
from core.scopes import Role
from services.apps import members
from tests.factories import GivenSystem, claim, in_threads, record, refused, runs_of
from tests.integration.access.tenants import ADDRESS, MINE, THEIRS, Headers, joined, made_app, made_job
from tests.integration.api.client import PRINTED, Client, refusal
from tests.integration.api.people import HIDDEN, token_of

EVERYONE = (Role.VIEWER, Role.OPERATOR, Role.DEVELOPER, Role.OWNER)


@pytest.fixture
def app(client: Client, anna: Headers) -> str:
    return made_app(client, anna, MINE)


def test_a_user_who_makes_an_app_owns_it(client: Client, app: str, anna: Headers, berta: Headers) -> None:
    assert client.simulate_get("/api/me", headers=anna).json["apps"] == [{"app_name": MINE, "role": "owner"}]
    assert [one["name"] for one in client.simulate_get("/api/apps", headers=anna).json["results"]] == [MINE]
    assert client.simulate_get("/api/apps", headers=berta).json["results"] == []
    assert [one["name"] for one in client.simulate_get("/api/apps", headers=HIDDEN).json["results"]] == [MINE]


@pytest.mark.parametrize("name", [MINE, "MINE", "default", "Tasks"])
def test_a_name_means_one_app(client: Client, app: str, berta: Headers, name: str) -> None:
    refused = client.simulate_post("/api/apps", headers=berta, json={"name": name})
    assert "name of an app already" in refusal(refused)["name"]


LAST_MINUTES = {"from": "2026-11-20T11:58:00Z", "to": "2026-11-20T12:00:00Z"}
ON_THE_APP: dict[str, tuple[str, str, Any, Role]] = {
    "look at the app": ("GET", "/api/apps/mine", None, Role.VIEWER),
    "look at a job": ("GET", "/api/jobs/{job}", None, Role.VIEWER),
    "look at a run": ("GET", "/api/runs/{run}", None, Role.VIEWER),
    "ask why": ("GET", "/api/jobs/{job}/why?at=2026-11-20T12:00:00Z", None, Role.VIEWER),
    "resume a job": ("POST", "/api/jobs/{job}/resume", None, Role.OPERATOR),
    "retry a job": ("POST", "/api/jobs/{failed}/retry", None, Role.OPERATOR),
    "replay a run": ("POST", "/api/runs/{dead}/replay", None, Role.OPERATOR),
    "backfill a job": ("POST", "/api/jobs/{job}/backfill", LAST_MINUTES, Role.OPERATOR),
    "pause a job": ("POST", "/api/jobs/{job}/pause", None, Role.OPERATOR),
    "trigger a job": ("POST", "/api/jobs/{job}/trigger", {}, Role.OPERATOR),
    "cancel a run": ("POST", "/api/runs/{run}/cancel", None, Role.OPERATOR),
    "pause the app": ("POST", "/api/apps/mine/pause", None, Role.OPERATOR),
    "create a job": ("POST", "/api/jobs/create", {**PRINTED, "app_name": MINE}, Role.DEVELOPER),
    "create a job at the other path": ("POST", "/api/jobs", {**PRINTED, "app_name": MINE}, Role.DEVELOPER),
    "edit a job": ("PATCH", "/api/jobs/{job}", {"tags": ["a"], "account_id": "b"}, Role.DEVELOPER),
    "delete a job": ("DELETE", "/api/jobs/{job}", None, Role.DEVELOPER),
    "change the app": ("PATCH", "/api/apps/mine", {"callback_base_url": None}, Role.OWNER),
    "replace the app": ("PUT", "/api/apps/mine", {"callback_base_url": ADDRESS}, Role.OWNER),
    "list the members": ("GET", "/api/apps/mine/members", None, Role.OWNER),
    "give a role": ("PUT", "/api/apps/mine/members/anna", {"role": "owner"}, Role.OWNER),
    "list the keys": ("GET", "/api/apps/mine/keys", None, Role.OWNER),
    "make a key": ("POST", "/api/apps/mine/keys", {"name": "a", "scopes": ["read"]}, Role.OWNER),
    "list the secrets": ("GET", "/api/apps/mine/secrets", None, Role.OWNER),
    "put a secret": ("PUT", "/api/apps/mine/secrets/API_KEY", {"value": "canary"}, Role.OWNER),
    "list the signing secrets": ("GET", "/api/apps/mine/signing-secrets", None, Role.OWNER),
    "make a signing secret": ("POST", "/api/apps/mine/signing-secrets", {}, Role.OWNER),
}


def test_each_role_may_do_what_it_is_for_and_no_more(
    client: Client, guarded: GivenSystem, app: str, anna: Headers
) -> None:
    of_role = {role: joined(client, anna, app, f"the_{role.value}", role) for role in EVERYONE}
    for what, (method, path, body, least) in ON_THE_APP.items():
        for rank, role in enumerate(EVERYONE):
            ends = "{failed}" in path or "{dead}" in path
            job = failed_job(client, guarded, anna, app) if ends else made_job(client, anna, app)
            run = str(runs_of(UUID(job))[0].id)
            filled = path.format(job=job, run=run, failed=job, dead=run)
            status = client.simulate_request(method, filled, headers=of_role[role], json=body).status_code
            allowed = rank >= EVERYONE.index(least)
            assert (status < 300) if allowed else (status == 403), (what, role, status)


def failed_job(client: Client, system: GivenSystem, who: Headers, app: str) -> str:
    """The id of a new job whose only run failed for good."""
    job = made_job(client, who, app, schedule={"type": "immediate"}, max_retries=0)
    for work in claim(system):
        record(system, work, refused())
    return job


def test_an_app_of_others_is_answered_as_one_that_is_not_there(client: Client, app: str, berta: Headers) -> None:
    for method, path, body in (
        ("GET", "/api/apps/{}", None),
        ("PUT", "/api/apps/{}", {}),
        ("PATCH", "/api/apps/{}", {}),
        ("DELETE", "/api/apps/{}", None),
        ("POST", "/api/apps/{}/pause", None),
        ("GET", "/api/apps/{}/members", None),
        ("PUT", "/api/apps/{}/members/berta", {"role": "owner"}),
        ("DELETE", "/api/apps/{}/members/anna", None),
    ):
        foreign, missing = (
            client.simulate_request(method, path.format(name), headers=berta, json=body) for name in (MINE, "none")
        )
        assert foreign.status_code == missing.status_code == 404, (method, path)
        assert foreign.json["detail"].replace(MINE, "none") == missing.json["detail"]
    made = [
        client.simulate_post("/api/jobs/create", headers=berta, json={**PRINTED, "app_name": app})
        for app in (MINE, "none")
    ]
    assert [one.status_code for one in made] == [404, 404]
    assert client.simulate_get("/api/jobs", headers=HIDDEN).json["count"] == 0


def test_members_see_the_jobs_of_their_app_and_of_no_other(
    client: Client, app: str, anna: Headers, berta: Headers
) -> None:
    made_app(client, berta, THEIRS)
    mine, theirs = made_job(client, anna, app), made_job(client, berta, THEIRS)
    viewer = joined(client, anna, app, "clara", Role.VIEWER)

    def seen(who: Headers) -> list[Any]:
        page = client.simulate_get("/api/jobs", headers=who).json
        runs = client.simulate_get("/api/runs", headers=who).json
        coming = client.simulate_get("/api/upcoming", headers=who).json["results"]
        total = client.simulate_get("/api/jobs/stats", headers=who).json["total"]
        of_jobs = {one["job_id"] for one in runs["results"] + coming}
        return [[one["id"] for one in page["results"]], page["count"], total, of_jobs]

    assert seen(viewer) == seen(anna) == [[mine], 1, 1, {mine}]
    assert seen(berta) == [[theirs], 1, 1, {theirs}]
    assert client.simulate_get(f"/api/jobs/{mine}", headers=viewer).json["owner_id"] is None


def test_an_action_on_many_leaves_out_the_apps_where_the_role_does_not_grant_it(
    client: Client, app: str, anna: Headers, berta: Headers
) -> None:
    made_app(client, berta, THEIRS)
    client.simulate_put(f"/api/apps/{THEIRS}/members/anna", headers=berta, json={"role": "viewer"})
    mine, theirs = made_job(client, anna, app), made_job(client, berta, THEIRS)
    pause = {"action": "pause", "all": True}
    outcome = client.simulate_post("/api/jobs/actions", headers=anna, json=pause).json
    assert (outcome["matched"], outcome["changed"]) == (1, 1)
    statuses = [client.simulate_get(f"/api/jobs/{job}", headers=anna).json["status"] for job in (mine, theirs)]
    assert statuses == ["paused", "pending"]


def test_who_is_taken_out_sees_nothing_more_from_that_moment_on(client: Client, app: str, anna: Headers) -> None:
    clara = joined(client, anna, app, "clara", Role.DEVELOPER)
    job = made_job(client, clara, app)
    assert client.simulate_delete(f"/api/apps/{app}/members/clara", headers=anna).status_code == 204
    assert client.simulate_get(f"/api/jobs/{job}", headers=clara).status_code == 404
    assert client.simulate_get("/api/jobs", headers=clara).json["count"] == 0


def test_a_role_is_changed_in_place(client: Client, app: str, anna: Headers) -> None:
    joined(client, anna, app, "clara", Role.VIEWER)
    again = client.simulate_put(f"/api/apps/{app}/members/clara", headers=anna, json={"role": "operator"})
    assert (again.status_code, again.json["role"]) == (200, "operator")
    listed = client.simulate_get(f"/api/apps/{app}/members", headers=anna).json["results"]
    assert [(one["username"], one["role"]) for one in listed] == [("anna", "owner"), ("clara", "operator")]
    assert client.simulate_get(f"/api/apps/{app}/members/clara", headers=anna).json == again.json


def test_an_app_keeps_an_owner(client: Client, app: str, anna: Headers) -> None:
    path = f"/api/apps/{app}/members/anna"
    assert client.simulate_delete(path, headers=anna).status_code == 409
    assert client.simulate_put(path, headers=HIDDEN, json={"role": "viewer"}).status_code == 409
    joined(client, anna, app, "clara", Role.OWNER)
    assert client.simulate_delete(path, headers=anna).status_code == 204


def test_two_owners_who_take_each_other_out_at_once_leave_one(
    client: Client, guarded: GivenSystem, app: str, anna: Headers
) -> None:
    joined(client, anna, app, "clara", Role.OWNER)
    owners = ("anna", "clara")

    def take_out(number: int) -> bool:
        try:
            members.remove(LOCAL, guarded, app, owners[number])
        except Conflict:
            return False
        return True

    assert sorted(in_threads(2, take_out)) == [False, True]
    assert [one.role for one in members.listed(LOCAL, app)] == [Role.OWNER]


def test_what_is_wrong_is_named_and_nothing_is_stored(client: Client, app: str, anna: Headers) -> None:
    token_of(client, "clara")
    path = f"/api/apps/{app}/members"
    assert "viewer" in refusal(client.simulate_put(f"{path}/clara", headers=anna, json={"role": "king"}))["role"]
    assert (
        "register" in refusal(client.simulate_put(f"{path}/nobody", headers=anna, json={"role": "viewer"}))["username"]
    )
    assert set(refusal(client.simulate_post("/api/apps", headers=anna, json={"name": "a/b"}))) == {"name"}
    assert set(refusal(client.simulate_patch(f"/api/apps/{app}", headers=anna, json={"colour": "red"}))) == {"colour"}
    for odd in ("a%00b", "%ED%A0%80"):
        assert client.simulate_get(f"{path}/{odd}", headers=anna).status_code == 404
        assert client.simulate_get(f"/api/apps/{odd}/members", headers=anna).status_code == 404
    listed = client.simulate_get(path, headers=anna).json["results"]
    assert [one["username"] for one in listed] == ["anna"]


def test_the_shared_apps_have_no_members_and_stay(client: Client, anna: Headers) -> None:
    client.simulate_post("/api/jobs", headers=anna, json={"job_type": "send_email", "parameters": {}})
    client.simulate_put("/api/apps/default", headers=HIDDEN, json={})
    member = client.simulate_put("/api/apps/default/members/anna", headers=HIDDEN, json={"role": "viewer"})
    assert member.status_code == client.simulate_delete("/api/apps/default", headers=HIDDEN).status_code == 409
    assert client.simulate_get("/api/apps/default", headers=anna).status_code == 404


def test_an_app_is_deleted_only_when_it_is_empty(client: Client, app: str, anna: Headers) -> None:
    made_job(client, anna, app)
    refused = client.simulate_delete(f"/api/apps/{app}", headers=anna)
    assert (refused.status_code, "has jobs" in refused.json["detail"]) == (409, True)
    made_app(client, anna, "empty")
    assert client.simulate_delete("/api/apps/empty", headers=anna).status_code == 204
    assert client.simulate_get("/api/apps/empty", headers=anna).status_code == 404


def test_the_apps_are_listed_in_pages(client: Client, anna: Headers) -> None:
    for name in ("one", "two", "three"):
        made_app(client, anna, name)
    first = client.simulate_get("/api/apps", headers=anna, params={"limit": "2"}).json
    rest = client.simulate_get(first["next"], headers=anna).json
    assert [one["name"] for one in first["results"] + rest["results"]] == ["three", "two", "one"]
    assert rest["next"] is None


def test_a_patch_changes_what_it_names(client: Client, app: str, anna: Headers) -> None:
    path = f"/api/apps/{app}"
    types = {"greet": {"max_retries": 3}}
    shown = client.simulate_patch(path, headers=anna, json={"task_types": types}).json
    assert (shown["callback_base_url"], shown["task_types"]["greet"]["max_retries"]) == (ADDRESS, 3)
    shown = client.simulate_patch(path, headers=anna, json={"task_types": {"greet": None}}).json
    assert shown["task_types"] == {}
