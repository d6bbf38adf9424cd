"""The versions of a job: who made each and why, what differs between them, and the way back to one."""

from __future__ import annotations

from typing import Any

import pytest

from core.principals import LOCAL
from core.scopes import Role
from models.tables import Job, JobVersion
from services.jobs import version_history
from services.jobs.version_history import VersionView
from tests.factories import NOON, GivenSystem, given_system, runs_of
from tests.integration.access.tenants import MINE, SETTINGS, Headers, joined, made_app, made_job, made_key
from tests.integration.api.client import NO_JOB, Client, refusal, served
from tests.integration.api.people import HIDDEN, token_of

SECRET_DATA = {"url": "https://example.com/", "headers": {"Authorization": "Bearer canary", "X-A": "1"}}


@pytest.fixture
def guarded(store: str) -> GivenSystem:
    return given_system(**SETTINGS)


@pytest.fixture
def client(guarded: GivenSystem) -> Client:
    return Client(served(guarded))


@pytest.fixture
def anna(client: Client) -> Headers:
    return token_of(client, "anna")


@pytest.fixture
def job(client: Client, anna: Headers) -> str:
    return made_job(client, anna, made_app(client, anna, MINE))


def edit(client: Client, who: Headers, job: str, reason: str | None = None, **changes: Any) -> None:
    query = {} if reason is None else {"reason": reason}
    result = client.simulate_patch(f"/api/jobs/{job}", headers=who, json=changes, params=query)
    assert result.status_code == 200, result.text


def get(client: Client, who: Headers, job: str, path: str = "") -> Any:
    result = client.simulate_get(f"/api/jobs/{job}/versions{path}", headers=who)
    assert result.status_code == 200, result.text
    return result.json


def revert(client: Client, who: Headers, job: str, version: int, **headers: str) -> Any:
    path = f"/api/jobs/{job}/versions/{version}/revert?reason=too+fast"
    return client.simulate_post(path, headers={**who, **headers})


def test_a_job_tells_who_created_it(client: Client, anna: Headers, job: str) -> None:
    developer = joined(client, anna, MINE, "clara", Role.DEVELOPER)
    key = made_key(client, anna, MINE, "read", "jobs")
    prefix = key["Authorization"].removeprefix("Bearer ")[:12]
    of_clara, of_key = made_job(client, developer, MINE), made_job(client, key, MINE)
    shown = {one: client.simulate_get(f"/api/jobs/{one}", headers=anna).json["created_by"] for one in (job, of_clara)}
    assert shown == {job: "anna", of_clara: "clara"}
    assert client.simulate_get(f"/api/jobs/{of_key}", headers=anna).json["created_by"] == prefix
    bulk = {
        "jobs": [{"app_name": MINE, "user_id": 1, "account_id": 1, "task_type": "t", "schedule": {"type": "immediate"}}]
    }
    assert client.simulate_post("/api/jobs/bulk", headers=developer, json=bulk).status_code == 201
    assert Job.select().order_by(Job.id.desc()).get().created_by == "clara"


def test_versions_are_listed_with_their_authors_and_reasons(
    client: Client, guarded: GivenSystem, anna: Headers, job: str
) -> None:
    developer = joined(client, anna, MINE, "clara", Role.DEVELOPER)
    guarded.clock.advance(60)
    edit(client, developer, job, "slower", priority=3)
    noon, later = "2026-11-20T12:00:00Z", "2026-11-20T12:01:00Z"
    assert get(client, anna, job)["results"] == [
        {"version": 2, "since": later, "by": "clara", "reason": "slower", "is_current": True},
        {"version": 1, "since": noon, "by": "anna", "reason": None, "is_current": False},
    ]


def test_of_the_oldest_version_that_is_kept_nobody_knows_who_made_it(client: Client, anna: Headers, job: str) -> None:
    edit(client, anna, job, priority=3)
    edit(client, anna, job, priority=4)
    JobVersion.delete().where(JobVersion.version == 1).execute()
    kept = get(client, anna, job)["results"]
    assert [(one["version"], one["by"], one["since"] is None) for one in kept] == [(3, "anna", False), (2, None, True)]


def test_two_versions_are_compared_by_the_members_that_differ(client: Client, anna: Headers, job: str) -> None:
    edit(client, anna, job, priority=3, tags=["b", "a"])
    edit(client, anna, job, schedule={"type": "cron", "expression": "0 * * * *"})
    differing = get(client, anna, job, "/1/compare/3")["results"]
    assert [one["member"] for one in differing] == ["priority", "schedule", "tags"]
    assert differing[0] == {"member": "priority", "before": 5, "after": 3}
    assert (differing[1]["before"]["expression"], differing[1]["after"]["expression"]) == ("* * * * *", "0 * * * *")
    assert (differing[2]["before"], differing[2]["after"]) == ([], ["a", "b"])
    assert get(client, anna, job, "/3/compare/3")["results"] == []
    assert get(client, anna, job, "/2/compare/1")["results"][0]["after"] == 5


def test_how_long_runs_are_kept_and_the_key_of_limits_are_shown_and_compared(
    client: Client, anna: Headers, job: str
) -> None:
    edit(client, anna, job, keep={"days": 7, "last": 3}, limit_key="{{data.customer}}")
    shown = get(client, anna, job, "/2")
    assert (shown["keep"], shown["limit_key"]) == ({"days": 7, "last": 3}, "{{data.customer}}")
    assert get(client, anna, job, "/1/compare/2")["results"] == [
        {"member": "keep", "before": None, "after": {"days": 7, "last": 3}},
        {"member": "limit_key", "before": None, "after": "{{data.customer}}"},
    ]


def test_secrets_stay_masked_where_versions_are_shown_and_compared(client: Client, anna: Headers, job: str) -> None:
    other = made_job(client, anna, MINE, task_type="http", data=SECRET_DATA)
    edit(client, anna, other, data={"headers": {"Authorization": "Bearer canary-2"}})
    shown = [get(client, anna, other, path) for path in ("/1", "/2", "/1/compare/2")]
    assert "canary" not in str(shown)
    assert [one["member"] for one in shown[2]["results"]] == ["data"]
    assert shown[0]["data"]["headers"] == {"Authorization": "***", "X-A": "1"}


def test_a_revert_is_an_edit_that_makes_a_new_version(
    client: Client, guarded: GivenSystem, anna: Headers, job: str
) -> None:
    edit(client, anna, job, priority=3, schedule={"type": "cron", "expression": "0 * * * *"})
    result = revert(client, anna, job, 1)
    assert result.status_code == 200, result.text
    assert (result.json["version"], result.json["priority"]) == (3, 5)
    assert result.json["schedule"]["expression"] == "* * * * *"
    newest = version_history.listed(LOCAL, Job.get().id)[0]
    assert newest == VersionView(3, NOON, "anna", "too fast", is_current=True)
    assert {run.job_version for run in runs_of(Job.get().id) if run.status == "pending"} == {3}
    entry = client.simulate_get("/api/audit", headers=anna).json["results"][0]
    assert (entry["action"], entry["reason"], entry["after"]["priority"]) == ("job.edited", "too fast", 5)


def test_a_revert_brings_back_the_secret_that_was_there_not_its_mask(client: Client, anna: Headers, job: str) -> None:
    other = made_job(client, anna, MINE, task_type="http", data=SECRET_DATA)
    edit(client, anna, other, data={"headers": {"Authorization": "Bearer other"}})
    assert revert(client, anna, other, 1).json["data"]["headers"]["Authorization"] == "***"
    assert Job.get_by_id(other).data == SECRET_DATA


def test_a_revert_heeds_if_match_and_changes_nothing_where_nothing_differs(
    client: Client, anna: Headers, job: str
) -> None:
    edit(client, anna, job, priority=3)
    assert revert(client, anna, job, 1, **{"If-Match": '"1"'}).status_code == 412
    assert revert(client, anna, job, 2).json["version"] == 2
    assert revert(client, anna, job, 1, **{"If-Match": '"2"'}).json["version"] == 3


def test_a_revert_is_checked_like_any_edit(client: Client, guarded: GivenSystem, anna: Headers) -> None:
    app = made_app(client, anna, MINE)
    schedule = {"type": "delay_from_now", "duration_seconds": 7200}
    job = made_job(client, anna, app, schedule=schedule, deadline="2026-11-20T12:01:00Z")
    edit(client, anna, job, deadline=None)
    guarded.clock.advance(120)
    assert "passed" in refusal(revert(client, anna, job, 1))["deadline"]


@pytest.mark.parametrize("version", [0, 2, 99, 2**31, 10**30])
def test_a_version_that_is_not_kept_is_a_404(client: Client, anna: Headers, job: str, version: int) -> None:
    for path in (f"/{version}", f"/1/compare/{version}"):
        assert client.simulate_get(f"/api/jobs/{job}/versions{path}", headers=anna).status_code == 404
    assert revert(client, anna, job, version).status_code == 404
    assert Job.get().version == 1


def test_who_may_look_at_a_job_may_not_therefore_revert_it(client: Client, anna: Headers, job: str) -> None:
    edit(client, anna, job, priority=3)
    viewer = joined(client, anna, MINE, "clara", Role.OPERATOR)
    assert len(get(client, viewer, job)["results"]) == 2
    assert revert(client, viewer, job, 1).status_code == 403
    stranger = token_of(client, "berta")
    foreign = client.simulate_get(f"/api/jobs/{job}/versions", headers=stranger)
    missing = client.simulate_get(f"/api/jobs/{NO_JOB}/versions", headers=stranger)
    assert foreign.status_code == missing.status_code == 404
    assert client.simulate_get(f"/api/jobs/{job}/versions", headers=HIDDEN).status_code == 200


def test_a_user_brings_back_in_a_shared_app_no_more_than_they_may_set(client: Client, anna: Headers) -> None:
    body = {"name": "Report"}
    job = client.simulate_post("/jobs/api/jobs/", json=body, headers=anna).json["id"]
    edit(client, HIDDEN, job, time_limit_seconds=5)
    edit(client, HIDDEN, job, time_limit_seconds=None)
    assert revert(client, anna, job, 2).status_code == 403


def test_a_key_of_an_account_sees_no_version_that_was_another_accounts(client: Client, anna: Headers, job: str) -> None:
    edit(client, anna, job, account_id="acc2")
    edit(client, anna, job, priority=3)
    key = made_key(client, anna, MINE, "read", "jobs", account_id="acc2")
    assert [one["version"] for one in get(client, key, job)["results"]] == [3, 2]
    for path in ("/1", "/1/compare/3"):
        assert client.simulate_get(f"/api/jobs/{job}/versions{path}", headers=key).status_code == 404
    assert revert(client, key, job, 1).status_code == 404
