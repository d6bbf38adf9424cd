"""Kinds of task over HTTP: which there are, what each takes, and names that an app gives to requests."""

from __future__ import annotations

from typing import Any

import pytest

from tests.factories import GivenSystem, claim_one, given_system
from tests.integration.api.bodies import HTTP, REQUEST
from tests.integration.api.client import PRINTED, Client, refusal, served


def test_the_kinds_that_work_here_are_listed_with_their_schemas(client: Client) -> None:
    listed = {one["key"]: one for one in client.simulate_get("/api/jobs/types/").json}
    assert set(listed["http"]) == {"key", "label", "schema"}
    assert listed["http"]["label"] == "HTTP request"
    assert listed["http"]["schema"]["required"] == ["url"]
    assert set(listed["http"]["schema"]["properties"]) == {*REQUEST, "data", "oauth2", "client_certificate", "signed"}


def test_a_kind_that_is_turned_off_is_not_listed(sqlite: str) -> None:
    keys = []
    for allowed in ("", "echo"):
        client = Client(served(given_system(commands_allowed=allowed)))
        keys.append({one["key"] for one in client.simulate_get("/api/jobs/types").json})
    assert keys[1] - keys[0] == {"run_command"}


def test_a_request_needs_nobody_to_call_back(sqlite: str) -> None:
    client = Client(served(given_system(callback_base_url=None)))
    client.create(**HTTP, data=REQUEST)
    assert set(client.refused(schedule={"type": "immediate"})) == {"callback_url"}


@pytest.mark.parametrize(
    ("change", "field", "says"),
    [
        ({"url": None}, "data.url", "must be text"),
        ({"url": "ftp://x"}, "data.url", "must begin with http://"),
        ({"url": "http://user:pass@x/"}, "data.url", "user name or password"),
        ({"method": "TRACE"}, "data.method", "'GET'"),
        ({"method": "GET"}, "data", "has a body"),
        ({"headers": {"Host": "x"}}, "data.headers.Host", "is set by Carillon"),
        ({"headers": {"webhook-id": "x"}}, "data.headers.webhook-id", "is set by Carillon"),
        ({"headers": {"idempotency-key": "x"}}, "data.headers.idempotency-key", "is set by Carillon"),
        ({"headers": {"Proxy-Authorization": "x"}}, "data.headers.Proxy-Authorization", "is set by Carillon"),
        ({"headers": {"X-A": "b\r\nX-B: c"}}, "data.headers.X-A", "line break"),
        ({"headers": {"X A": "b"}}, "data.headers.X A", "no header's name"),
        ({"body": "{{ data.x + }}"}, "data.body", "cannot be read"),
        ({"body": {"a": ["{{ data.x() }}"]}}, "data.body", "call"),
        ({"expected_statuses": [99]}, "data.expected_statuses.0", "from 100 to 599"),
        ({"expected_statuses": ["299-200"]}, "data.expected_statuses.0", "from 100 to 599"),
        ({"expected_statuses": [True]}, "data.expected_statuses.0", "from 100 to 599"),
        ({"follow": True}, "data.follow", "is not a field"),
    ],
)
def test_a_wrong_request_is_refused_naming_the_field(
    client: Client, change: dict[str, Any], field: str, says: str
) -> None:
    faults = client.refused(**HTTP, data={**REQUEST, **change})
    assert [field] == list(faults)
    assert says in faults[field]


def test_no_data_at_all_is_refused_too(client: Client) -> None:
    assert client.refused(**HTTP, data=None) == {"data.url": "is required."}


def test_a_wrong_request_among_many_is_told_by_itself(client: Client) -> None:
    good = {**PRINTED, **HTTP, "data": REQUEST}
    wrong = {**good, "data": {**REQUEST, "url": "x"}}
    answer = client.simulate_post("/api/jobs/bulk", json={"mode": "each", "jobs": [good, wrong]})
    assert (answer.status_code, answer.json["created"]) == (207, 1)
    assert [fault["field"] for fault in answer.json["results"][1]["errors"]] == ["data.url"]
    answer = client.simulate_post("/api/jobs/bulk", json={"jobs": [good, wrong]})
    assert set(refusal(answer)) == {"jobs.1.data.url"}


def test_an_edit_is_checked_as_a_new_job_is(client: Client) -> None:
    job_id = client.create(**HTTP | {"schedule": {"type": "delay_from_now", "duration_seconds": 60}}, data=REQUEST)
    patch = client.simulate_patch(f"/api/jobs/{job_id}", json={"data": {"url": "x"}})
    assert set(refusal(patch)) == {"data.url"}
    whole = client.simulate_get(f"/api/jobs/{job_id}").json
    put = client.simulate_put(f"/api/jobs/{job_id}", json={**whole, "data": {"url": "x"}})
    assert set(refusal(put)) == {"data.url"}


@pytest.mark.parametrize(
    ("path", "job", "field"),
    [
        ("/api/jobs/", {"job_type": "http", "parameters": {"url": "ftp://x"}}, "parameters.url"),
        ("/api/jobs/", {"job_type": "http"}, "parameters.url"),
        (
            "/scheduler/jobs/",
            {"name": "n", "cron_expression": "0 9 * * 1", "parameters": {"action": "http"}},
            "parameters.url",
        ),
        ("/jobs/api/jobs/", {"name": "n", "task_type": "http"}, "data.url"),
    ],
)
def test_every_spelling_of_a_job_is_checked(client: Client, path: str, job: dict[str, Any], field: str) -> None:
    assert field in refusal(client.simulate_post(path, json=job))


def test_data_for_one_run_is_checked_as_a_jobs_is(client: Client) -> None:
    job_id = client.create(**HTTP | {"schedule": {"type": "delay_from_now", "duration_seconds": 60}}, data=REQUEST)
    trigger = client.simulate_post(f"/api/jobs/{job_id}/trigger", json={"data": {"url": "ftp://x"}})
    assert set(refusal(trigger)) == {"data.url"}


# --- Names that an app gives to requests -------------------------------------------------------------------


def test_an_app_gives_a_name_to_a_request(client: Client, system: GivenSystem) -> None:
    task_types = {"generate_report": {"max_retries": 1, "request": REQUEST}}
    made = client.simulate_put("/api/apps/app_a", json={"task_types": task_types})
    assert made.status_code == 201
    shown = made.json["task_types"]["generate_report"]["request"]
    stored = {**REQUEST, "expected_statuses": ["200", "202-204"]}
    assert shown == {**stored, "headers": {"Authorization": "***"}}
    assert client.simulate_get("/api/apps/app_a").json == made.json
    client.create(task_type="generate_report", schedule={"type": "immediate"}, data={"name": "A", "rows": [1]})
    work = claim_one(system)
    assert (work.target.request, work.policy.max_retries) == (stored, 1)


def test_an_address_of_the_jobs_own_goes_before_its_apps_request(client: Client, system: GivenSystem) -> None:
    client.simulate_put("/api/apps/app_a", json={"task_types": {"generate_report": {"request": REQUEST}}})
    own = "http://127.0.0.1:9/own"
    client.create(task_type="generate_report", schedule={"type": "immediate"}, callback_url=own)
    work = claim_one(system)
    assert (work.target.request, work.target.url) == (None, own)


def test_a_name_that_an_app_gives_to_a_request_needs_nobody_to_call_back(sqlite: str) -> None:
    client = Client(served(given_system(callback_base_url=None)))
    client.simulate_put("/api/apps/app_a", json={"task_types": {"generate_report": {"request": REQUEST}}})
    client.create(task_type="generate_report", schedule={"type": "immediate"})
    assert set(client.refused(schedule={"type": "immediate"})) == {"callback_url"}


def test_an_app_cannot_take_the_name_of_a_kind_that_is_there(client: Client) -> None:
    answer = client.simulate_put("/api/apps/app_a", json={"task_types": {"send_email": {"request": REQUEST}}})
    assert "Carillon's own" in refusal(answer)["task_types"]


def test_a_wrong_request_of_an_app_is_refused_naming_the_field(client: Client) -> None:
    wrong = {"task_types": {"generate_report": {"request": {**REQUEST, "url": "x"}}}}
    answer = client.simulate_put("/api/apps/app_a", json=wrong)
    assert set(refusal(answer)) == {"task_types.generate_report.request.url"}
