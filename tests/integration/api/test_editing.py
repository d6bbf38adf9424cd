"""PATCH, PUT and DELETE of jobs, their versions and their refusals."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from core.states import JobState
from models.tables import Job
from services.scheduling import dispatching
from tests.factories import NOON, GivenSystem, claim_one, given_system, record, refused, runs_of
from tests.integration.api.client import NO_JOB, PRINTED, Client, refusal, served

INTERVAL = {"type": "interval", "every_seconds": 600, "max_runs": 9}
MERGE_PATCH = {"Content-Type": "application/merge-patch+json"}


def patch(client: Client, job_id: str, change: Any, **headers: str) -> Any:
    return client.simulate_patch(f"/api/jobs/{job_id}", json=change, headers=headers)


def got(client: Client, job_id: str) -> Any:
    return client.simulate_get(f"/api/jobs/{job_id}").json


# --- Patch -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("headers", [MERGE_PATCH, {}])
def test_a_patch_is_merged_into_what_is_there(client: Client, headers: dict[str, str]) -> None:
    data = {"keep": 1, "change": {"a": 1, "b": 2}, "drop": 3}
    job_id = client.create(schedule=INTERVAL, data=data, tags=["a"], priority=7, board_id=3)
    change = {
        "data": {"change": {"b": None, "c": 4}, "drop": None},
        "schedule": {"jitter_seconds": 5, "max_runs": None},
        "tags": ["b"],
        "priority": None,
    }
    before, result = got(client, job_id), patch(client, job_id, change, **headers)
    assert (result.status_code, result.headers["ETag"]) == (200, '"2"')
    shown = result.json
    assert shown["data"] == {"keep": 1, "change": {"a": 1, "c": 4}}
    assert shown["schedule"] == {**before["schedule"], "jitter_seconds": 5, "max_runs": None}
    assert (shown["tags"], shown["priority"], shown["board_id"], shown["version"]) == (["b"], 5, 3, 2)
    assert got(client, job_id) == shown


def test_how_long_runs_are_kept_is_given_changed_and_removed(client: Client) -> None:
    job_id = client.create(schedule=INTERVAL, keep={"days": 90.5})
    assert got(client, job_id)["keep"] == {"days": 90.5, "last": None}
    assert patch(client, job_id, {"keep": {"last": 20}}).json["keep"] == {"days": 90.5, "last": 20}
    assert patch(client, job_id, {"keep": {"days": None}}).json["keep"] == {"days": None, "last": 20}
    assert patch(client, job_id, {"keep": None}).json["keep"] is None
    assert patch(client, job_id, {"keep": {"last": 0}}).status_code == 400
    assert got(client, client.create(schedule=INTERVAL))["keep"] is None


def test_the_instant_of_a_delay_is_that_of_its_run_after_an_edit_too(client: Client, system: GivenSystem) -> None:
    job_id = client.create(schedule={"type": "delay_from_now", "duration_seconds": 100})
    assert instants(client, job_id) == ["2026-11-20T12:01:40Z"] * 3
    system.clock.advance(30)
    patch(client, job_id, {"priority": 7})
    assert instants(client, job_id) == ["2026-11-20T12:01:40Z"] * 3
    shown = patch(client, job_id, {"schedule": {"duration_seconds": 200}}).json
    assert shown["next_run_at"] == "2026-11-20T12:03:50Z"
    assert instants(client, job_id) == ["2026-11-20T12:03:50Z"] * 3
    system.clock.advance(200)
    dispatching.make_due(system, [runs_of(UUID(job_id))[0].id])
    record(system, claim_one(system), refused())
    assert got(client, job_id)["status"] == "failed"
    client.simulate_post(f"/api/jobs/{job_id}/retry")
    assert len(runs_of(UUID(job_id))) == 2
    assert instants(client, job_id) == ["2026-11-20T12:03:50Z"] * 3


def instants(client: Client, job_id: str) -> list[str]:
    """The instant for which a job is scheduled, where it is shown: by itself, in the list, as its status."""
    [listed] = client.simulate_get("/api/jobs").json["results"]
    status = client.simulate_get(f"/api/jobs/{job_id}/status").json
    return [got(client, job_id)["scheduled_time"], listed["scheduled_time"], status["scheduled_at"]]


def test_a_schedule_of_another_type_takes_the_place_of_the_old_one(client: Client) -> None:
    job_id = client.create(schedule={**INTERVAL, "starts_at": "2026-11-21T00:00:00Z"})
    shown = patch(client, job_id, {"schedule": {"type": "cron", "expression": "0 * * * *"}}).json
    assert (shown["schedule"]["expression"], shown["schedule"]["max_runs"]) == ("0 * * * *", None)
    assert shown["next_run_at"] == "2026-11-20T13:00:00Z"


def test_a_patch_that_changes_nothing_is_no_version(client: Client) -> None:
    job_id = client.create(schedule=INTERVAL, tags=["b", "a"])
    for change in ({}, {"schedule": {"every_seconds": 600}}, {"tags": ["a", "b", "a"]}, {"board_id": None}):
        assert patch(client, job_id, change).headers["ETag"] == '"1"'


def test_every_wrong_field_of_a_patch_is_named(client: Client) -> None:
    job_id = client.create(schedule=INTERVAL)
    change = {"priority": 99, "schedule": {"every_seconds": "x"}, "user_id": None, "nonsense": 1}
    assert set(refusal(patch(client, job_id, change))) == {
        "priority",
        "schedule.every_seconds",
        "user_id",
        "nonsense",
    }
    assert set(refusal(patch(client, job_id, {"schedule": None}))) == {"schedule"}
    assert set(refusal(patch(client, job_id, {"schedule": {"type": None}}))) == {"schedule.type"}
    assert set(refusal(patch(client, job_id, [1]))) == {"body"}
    assert got(client, job_id)["version"] == 1


def test_what_cannot_be_changed_is_named(client: Client) -> None:
    job_id = client.create(schedule=INTERVAL)
    change = {"app_name": "app_b", "id": None, "status": "paused", "schedule": {"anchor_at": "2026-01-01T00:00:00Z"}}
    named = refusal(patch(client, job_id, change))
    assert set(named) == {"app_name", "id", "status", "schedule.anchor_at"}
    assert named["app_name"] == "is 'app_b', but that of the job is 'app_a' and cannot be changed; leave it out."
    assert refusal(patch(client, job_id, {"schedule": {"type": "immediate"}}))["schedule.type"].endswith(
        "create a new job for that."
    )


def test_patches_do_not_pile_up_to_more_than_a_body_may_hold(sqlite: str) -> None:
    client = Client(served(given_system(max_body_bytes=2_000)))
    job_id = client.create()
    assert patch(client, job_id, {"data": {"a": "x" * 1_100}}).status_code == 200
    assert "MAX_BODY_BYTES=2000" in refusal(patch(client, job_id, {"data": {"b": "x" * 1_100}}))["data"]


def test_a_patch_in_another_form_is_refused(client: Client) -> None:
    job_id = client.create()
    headers = {"Content-Type": "application/json-patch+json"}
    result = client.simulate_patch(f"/api/jobs/{job_id}", body=b"[]", headers=headers)
    assert (result.status_code, "application/merge-patch+json" in result.json["detail"]) == (415, True)


# --- Put ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "schedule",
    [
        {"type": "immediate"},
        {"type": "run_at", "timestamp": "2027-01-01T00:00:00", "timezone": "Europe/Berlin"},
        {"type": "delay_from_now", "duration_seconds": 90},
        {"type": "cron", "expression": "0 9 * * mon", "timezone": "Europe/Berlin", "jitter_seconds": 5},
        {"type": "interval", "frequency": "weekly", "starts_at": "2027-01-01T00:00:00"},
        {"type": "interval", "every_seconds": 90},
        {"type": "polling", "interval_seconds": 30, "max_polls": 5},
    ],
    ids=lambda schedule: str(schedule["type"]),
)
def test_what_was_got_can_be_put(client: Client, schedule: dict[str, Any]) -> None:
    job_id = client.create(schedule=schedule, name="one", tags=["a"])
    shown = got(client, job_id)
    result = client.simulate_put(f"/api/jobs/{job_id}", json=shown)
    assert (result.status_code, result.json) == (200, shown)
    result = client.simulate_put(f"/api/jobs/{job_id}", json={**shown, "data": {"n": 2}})
    assert (result.json["version"], result.json["data"]) == (2, {"n": 2})


def test_what_a_put_leaves_out_is_as_for_a_new_job(client: Client) -> None:
    job_id = client.create(schedule=INTERVAL, name="one", tags=["a"], priority=9, overlap="allow")
    whole = {"user_id": 1, "account_id": "acc2", "task_type": "wave", "schedule": INTERVAL}
    shown = client.simulate_put(f"/api/jobs/{job_id}", json=whole).json
    assert (shown["name"], shown["tags"], shown["priority"], shown["overlap"]) == (None, [], 5, "skip")
    assert (shown["account_id"], shown["data"], shown["app_name"]) == ("acc2", None, "app_a")
    assert set(refusal(client.simulate_put(f"/api/jobs/{job_id}", json={"data": {}}))) == {
        "user_id",
        "account_id",
        "task_type",
        "schedule",
    }


def test_what_was_got_before_an_edit_cannot_be_put_as_it_is(client: Client) -> None:
    job_id = client.create(schedule=INTERVAL)
    before = got(client, job_id)
    patch(client, job_id, {"data": {"n": 2}})
    assert set(refusal(client.simulate_put(f"/api/jobs/{job_id}", json=before))) == {"version", "parameters"}


# --- Versions ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("if_match", "status"),
    [
        ('"1"', 200),
        ("*", 200),
        ('"7", "1"', 200),
        ('"2"', 412),
        ('W/"1"', 412),
        ('"one"', 412),
        ('"99999999999999999999999"', 412),
    ],
)
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_a_change_is_made_only_to_the_version_it_was_meant_for(
    client: Client, method: str, if_match: str, status: int
) -> None:
    job_id = client.create(schedule=INTERVAL)
    path = f"/api/jobs/{job_id}"
    assert client.simulate_get(path).headers["ETag"] == '"1"'
    whole = {**got(client, job_id), "data": {"n": 1}}
    result = client.simulate_request(method, path, json=whole, headers={"If-Match": if_match})
    if status == 200:
        assert result.status_code == (204 if method == "DELETE" else 200)
    else:
        assert (result.status_code, result.json["type"]) == (412, "/problems/precondition-failed")
        assert ("version 1" in result.json["detail"], got(client, job_id)["data"]) == (True, PRINTED["data"])


def test_without_if_match_the_last_write_wins(client: Client) -> None:
    job_id = client.create()
    for n in (1, 2):
        patch(client, job_id, {"data": {"n": n}})
    assert (got(client, job_id)["data"]["n"], got(client, job_id)["version"]) == (2, 3)


# --- Delete, and what is not there -------------------------------------------------------------------------


def test_a_deleted_job_is_found_nowhere(client: Client) -> None:
    job_id = client.create(schedule={"type": "polling", "interval_seconds": 30})
    [run] = client.simulate_get(f"/api/jobs/{job_id}/runs").json["results"]
    deleted = client.simulate_delete(f"/api/jobs/{job_id}")
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert client.simulate_get("/api/jobs").json["results"] == []
    of_job = ["", "/status", "/next", "/runs", "/polling-states"]
    assert {client.simulate_get(f"/api/jobs/{job_id}{path}").status_code for path in of_job} == {404}
    actions = ["/pause", "/resume", "/cancel", "/trigger", "/retry"]
    assert {client.simulate_post(f"/api/jobs/{job_id}{path}").status_code for path in actions} == {404}
    assert client.simulate_post(f"/api/jobs/{job_id}/rewind", json={"version": 0}).status_code == 404
    for path in ("replay", "cancel"):
        assert client.simulate_post(f"/api/runs/{run['id']}/{path}").status_code == 404
    assert client.simulate_get(f"/api/runs/{run['id']}").status_code == 404
    assert patch(client, job_id, {}).status_code == 404
    assert client.simulate_delete(f"/api/jobs/{job_id}").status_code == 404


def test_a_job_that_is_not_there_or_has_ended_is_not_changed(client: Client, system: GivenSystem) -> None:
    assert patch(client, NO_JOB, {}).status_code == 404
    job_id = client.create()
    Job.update(state=JobState.COMPLETED, finished_at=NOON).execute()
    result = patch(client, job_id, {"data": {}})
    assert (result.status_code, "completed" in result.json["detail"]) == (409, True)
