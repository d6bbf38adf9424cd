"""Quotas of apps: administrators put them, members see them, and what goes beyond is refused by its field."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from models import database
from models.tables import AppQuotas, Job, Run
from services.apps.quotas import COUNTED_SECONDS
from tests.factories import NOON, GivenSystem, claim, given_system, record, succeeded
from tests.integration.access.tenants import MINE, SETTINGS, THEIRS, Headers, made_app, made_job
from tests.integration.api.client import PRINTED, Client, refusal, served
from tests.integration.api.people import HIDDEN, token_of

QUOTAS: dict[str, Any] = {
    "jobs": 2,
    "waiting_runs": 1,
    "shortest_interval_seconds": 60.0,
    "payload_bytes": 100,
    "requests_per_minute": 600,
}
IMMEDIATE = {"type": "immediate"}
CRON = {"type": "cron", "expression": "* * * * *"}


@pytest.fixture
def system(sqlite: str) -> GivenSystem:
    return given_system(**SETTINGS)


@pytest.fixture
def client(system: GivenSystem) -> Client:
    return Client(served(system))


@pytest.fixture
def anna(client: Client) -> Headers:
    anna = token_of(client, "anna")
    made_app(client, anna, MINE)
    return anna


def put(client: Client, who: Headers = HIDDEN, app: str = MINE, **wanted: Any) -> Any:
    return client.simulate_put(f"/api/apps/{app}/quotas", headers=who, json=wanted)


def create(client: Client, who: Headers, **changes: Any) -> Any:
    job = {**PRINTED, "app_name": MINE, "schedule": CRON, **changes}
    return client.simulate_post("/api/jobs/create", headers=who, json=job)


def test_an_administrator_puts_quotas_and_members_see_them(client: Client, anna: Headers) -> None:
    assert put(client, HIDDEN, MINE, **QUOTAS).status_code == 200
    entry = client.simulate_get("/api/audit", headers=anna, params={"limit": "1"}).json["results"][0]
    assert (entry["action"], entry["thing_id"], entry["after"]) == ("app.quotas_changed", MINE, QUOTAS)
    made_job(client, anna, MINE)
    shown = client.simulate_get(f"/api/apps/{MINE}/quotas", headers=anna).json
    assert shown == {"quotas": QUOTAS, "taken": {"jobs": 1, "waiting_runs": 0}}
    assert put(client, anna, jobs=1_000).status_code == 403
    berta = token_of(client, "berta")
    made_app(client, berta, THEIRS)
    assert client.simulate_get(f"/api/apps/{MINE}/quotas", headers=berta).status_code == 404
    assert put(client, berta).status_code == 404


@pytest.mark.parametrize(
    "wanted",
    [
        {"jobs": -1},
        {"jobs": "many"},
        {"payload_bytes": 1.5},
        {"shortest_interval_seconds": 0},
        {"requests_per_minute": 0},
        {"apps": 1},
    ],
)
def test_what_cannot_be_a_quota_is_refused_and_not_stored(client: Client, anna: Headers, wanted: Any) -> None:
    assert set(refusal(put(client, **wanted))) == set(wanted)
    with database.reading():
        assert AppQuotas.select().count() == 0


def test_no_more_jobs_are_taken_than_the_quota_has_in_one_request_or_many(client: Client, anna: Headers) -> None:
    put(client, jobs=3)
    made_job(client, anna, MINE)
    many = {"jobs": [{**PRINTED, "app_name": MINE, "schedule": CRON}] * 4, "mode": "each"}
    told = client.simulate_post("/api/jobs/bulk", headers=anna, json=many)
    assert told.json["created"] == 2, told.text
    assert "has 3 jobs or more, and that is its quota" in refusal(create(client, anna))["app_name"]
    with database.reading():
        assert Job.select().count() == 3


def test_what_others_made_is_counted_a_second_later(client: Client, system: GivenSystem, anna: Headers) -> None:
    put(client, jobs=1)
    assert create(client, anna, app_name=MINE).status_code == 201
    put(client, jobs=2)
    system.clock.advance(COUNTED_SECONDS)
    assert create(client, anna).status_code == 201
    assert set(refusal(create(client, anna))) == {"app_name"}


def test_no_more_runs_wait_than_the_quota_has_and_others_are_taken_when_some_have_begun(
    client: Client, system: GivenSystem, anna: Headers
) -> None:
    put(client, waiting_runs=1)
    job = create(client, anna, schedule=IMMEDIATE).json["id"]
    assert set(refusal(create(client, anna, schedule=IMMEDIATE))) == {"app_name"}
    later = create(client, anna).json["id"]
    assert later, "a job that is not due waits for no worker"
    assert client.simulate_post(f"/api/jobs/{later}/trigger", headers=anna, json={}).status_code == 409
    [work] = claim(system)
    record(system, work, succeeded())
    system.clock.advance(COUNTED_SECONDS)
    assert client.simulate_post(f"/api/jobs/{later}/trigger", headers=anna, json={}).status_code == 201
    with database.reading():
        assert Run.select().where(Run.job == job).count() == 1


def test_what_a_dry_run_or_a_refused_batch_would_have_taken_is_not_taken(client: Client, anna: Headers) -> None:
    job_id = made_job(client, anna, MINE)
    put(client, HIDDEN, MINE, waiting_runs=1)
    body = {"action": "trigger", "filter": {"app_name": MINE}, "dry_run": True}
    tried = client.simulate_post("/api/jobs/actions", headers=anna, json=body)
    assert (tried.status_code, tried.json.get("changed")) == (200, 1), tried.text
    assert client.simulate_post(f"/api/jobs/{job_id}/trigger", headers=anna).status_code == 201

    put(client, HIDDEN, MINE, jobs=2)
    job = {**PRINTED, "app_name": MINE, "schedule": CRON}
    both = {"jobs": [job, {**job, "schedule": {"type": "cron", "expression": "never"}}], "all_or_none": True}
    assert client.simulate_post("/api/jobs/bulk", headers=anna, json=both).status_code == 400
    assert create(client, anna).status_code == 201


def test_a_backfill_makes_no_more_runs_than_may_wait(client: Client, anna: Headers) -> None:
    job = create(client, anna).json["id"]
    put(client, waiting_runs=3)
    span = {"from": (NOON - timedelta(seconds=300)).isoformat(), "to": NOON.isoformat()}
    refused = client.simulate_post(f"/api/jobs/{job}/backfill", headers=anna, json=span)
    assert refused.status_code == 409
    assert "leaves no room for" in refused.json["detail"]
    span["from"] = (NOON - timedelta(seconds=180)).isoformat()
    made = client.simulate_post(f"/api/jobs/{job}/backfill", headers=anna, json=span)
    assert (made.status_code, made.json["made"]) == (200, 3)


def test_data_that_a_run_is_given_is_no_larger_than_that_of_a_job(client: Client, anna: Headers) -> None:
    job = create(client, anna).json["id"]
    put(client, payload_bytes=100)
    trigger = f"/api/jobs/{job}/trigger"
    assert set(refusal(client.simulate_post(trigger, headers=anna, json={"data": {"a": "x" * 200}}))) == {"data"}
    assert client.simulate_post(trigger, headers=anna, json={"data": {"a": "x"}}).status_code == 201


@pytest.mark.parametrize(
    ("schedule", "is_taken"),
    [
        ({"type": "polling", "interval_seconds": 59}, False),
        ({"type": "interval", "every_seconds": 59}, False),
        ({"type": "interval", "every_seconds": 60}, True),
        ({"type": "cron", "expression": "* * * * *"}, True),
        (IMMEDIATE, True),
    ],
)
def test_a_schedule_that_comes_back_too_soon_is_refused(
    client: Client, anna: Headers, schedule: Any, is_taken: bool
) -> None:
    put(client, shortest_interval_seconds=60.0)
    answer = create(client, anna, schedule=schedule)
    if is_taken:
        assert answer.status_code == 201
    else:
        assert "60 s of this app's quota" in refusal(answer)["schedule"]


def test_a_job_that_carries_too_much_is_refused_and_so_is_an_edit_that_makes_it_carry_that(
    client: Client, anna: Headers
) -> None:
    job = made_job(client, anna, MINE, data={"text": "x" * 200})
    put(client, payload_bytes=100, shortest_interval_seconds=3_600.0)
    assert set(refusal(create(client, anna, data={"text": "x" * 200}))) == {"data"}
    edit = {"data": {"text": "y" * 200}}
    assert set(refusal(client.simulate_patch(f"/api/jobs/{job}", headers=anna, json=edit))) == {"data"}
    faster = {"schedule": {"type": "interval", "every_seconds": 5}}
    assert set(refusal(client.simulate_patch(f"/api/jobs/{job}", headers=anna, json=faster))) == {"schedule"}
    assert client.simulate_patch(f"/api/jobs/{job}", headers=anna, json={"priority": 9}).status_code == 200


def test_without_quotas_an_app_takes_what_it_wants(client: Client, anna: Headers) -> None:
    assert put(client).json == {"quotas": dict.fromkeys(QUOTAS), "taken": {"jobs": 0, "waiting_runs": 0}}
    assert create(client, anna, schedule={"type": "interval", "every_seconds": 1}).status_code == 201
