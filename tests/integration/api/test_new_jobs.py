"""New jobs as callers send them: once under a key, and many in one request."""

from __future__ import annotations

import json
from typing import Any

import pytest

from api.schemas.bulk import MAX_JOBS
from models.tables import IdempotencyKey, Job
from tests import statements
from tests.factories import GivenSystem
from tests.integration.api.client import PRINTED, Client, refusal, served

KEY = {"Idempotency-Key": "order-17/first"}
BAD_CRON = {"type": "cron", "expression": "61 * * * *"}


def post(client: Client, path: str, body: Any, **headers: str) -> Any:
    return client.simulate_post(f"/api/jobs/{path}", json=body, headers=headers)


def bulk(client: Client, *jobs: Any, **members: Any) -> Any:
    return post(client, "bulk", {"jobs": list(jobs), **members})


# --- Under a key -----------------------------------------------------------------------------------------------


def test_a_request_sent_again_under_its_key_gets_the_same_answer(client: Client, system: GivenSystem) -> None:
    first = post(client, "create", PRINTED, **KEY)
    system.clock.advance(60)
    restarted = Client(served(system))
    again = post(restarted, "create", dict(reversed(PRINTED.items())), **KEY)
    assert (again.status_code, again.json, again.headers["Location"]) == (201, first.json, first.headers["Location"])
    assert Job.select().count() == 1


def test_another_request_under_the_key_is_refused_naming_the_header(client: Client) -> None:
    post(client, "create", PRINTED, **KEY)
    refused = post(client, "create", {**PRINTED, "user_id": "another"}, **KEY)
    assert (refused.status_code, refused.json["type"]) == (422, "/problems/key-reused")
    assert [one["field"] for one in refused.json["errors"]] == ["Idempotency-Key"]
    assert "order-17/first" in refused.json["detail"]


@pytest.mark.parametrize("key", ["", "two words", "x" * 256, "schl\u00fcssel", "tab\tbed"])
@pytest.mark.parametrize("path", ["create", "bulk"])
def test_a_key_that_cannot_be_one_is_refused(client: Client, path: str, key: str) -> None:
    assert set(refusal(post(client, path, PRINTED, **{"Idempotency-Key": key}))) == {"Idempotency-Key"}


def test_the_longest_key_is_taken(client: Client) -> None:
    assert post(client, "create", PRINTED, **{"Idempotency-Key": "~" * 255}).status_code == 201


@pytest.mark.parametrize("wrong", [{"schedule": BAD_CRON}, {"deadline_seconds": 5, "schedule": {"type": "immediate"}}])
def test_a_refused_request_does_not_use_up_its_key(client: Client, wrong: dict[str, Any]) -> None:
    assert post(client, "create", {**PRINTED, **wrong}, **KEY).status_code == 400
    assert IdempotencyKey.select().count() == 0
    assert post(client, "create", PRINTED, **KEY).status_code == 201


def test_many_jobs_are_created_once_under_a_key(client: Client) -> None:
    body = {"jobs": [PRINTED, {**PRINTED, "schedule": BAD_CRON}], "mode": "each"}
    first = post(client, "bulk", body, **KEY)
    again = post(client, "bulk", body, **KEY)
    assert (again.status_code, again.json) == (first.status_code, first.json)
    assert Job.select().count() == 1
    assert post(client, "bulk", {"jobs": [PRINTED]}, **KEY).status_code == 422
    assert post(client, "create", PRINTED, **KEY).status_code == 201


# --- Many ------------------------------------------------------------------------------------------------------


def test_all_jobs_are_created_in_the_order_of_the_request(client: Client, system: GivenSystem) -> None:
    result = bulk(client, *({**PRINTED, "user_id": number} for number in range(3)))
    assert result.status_code == 201
    assert (result.json["created"], result.json["failed"]) == (3, 0)
    assert [one["index"] for one in result.json["results"]] == [0, 1, 2]
    shown = [client.simulate_get(f"/api/jobs/{one['id']}").json["user_id"] for one in result.json["results"]]
    assert shown == [0, 1, 2]
    assert len(system.doorbell.heard()) == 3


def test_of_all_or_none_every_wrong_field_is_named_by_its_place(client: Client) -> None:
    wrong = [PRINTED, {**PRINTED, "name": "a"}, {**PRINTED, "name": "a"}, {**PRINTED, "schedule": BAD_CRON}, [], {}]
    faults = refusal(bulk(client, *wrong))
    missing = {f"jobs.5.{name}" for name in PRINTED if name != "data"}
    assert set(faults) == {"jobs.2.name", "jobs.3.schedule.expression", "jobs.4", *missing}
    assert "61" in faults["jobs.3.schedule.expression"]
    assert Job.select().count() == 0


def test_of_each_the_right_ones_are_created_and_the_others_told(client: Client) -> None:
    result = bulk(client, {**PRINTED, "schedule": BAD_CRON}, PRINTED, [], mode="each")
    assert result.status_code == 207
    assert (result.json["created"], result.json["failed"]) == (1, 2)
    wrong, right, no_job = result.json["results"]
    assert set(right) == {"index", "id"}
    assert [one["field"] for one in wrong["errors"]] == ["schedule.expression"]
    assert no_job == {"index": 2, "errors": [{"field": "job", "message": "must be a JSON object, not a list."}]}
    assert bulk(client, PRINTED, mode="each").status_code == 201


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"jobs": []}, {"jobs"}),
        ({"jobs": [PRINTED] * (MAX_JOBS + 1)}, {"jobs"}),
        ({"jobs": PRINTED}, {"jobs"}),
        ({"jobs": [PRINTED], "mode": "some"}, {"mode"}),
        ({"jobs": [PRINTED], "job": PRINTED}, {"job"}),
        ({}, {"jobs"}),
        ([PRINTED], {"body"}),
        ({"jobs": [{**PRINTED, "data": {"a": "\0"}}], "mode": "each"}, {"jobs.0.data.a"}),
    ],
)
def test_what_is_no_list_of_jobs_is_refused(client: Client, body: Any, fields: set[str]) -> None:
    assert set(refusal(post(client, "bulk", body))) == fields
    assert Job.select().count() == 0


def test_a_thousand_small_jobs_fit_and_are_created_in_few_statements(client: Client) -> None:
    with statements.noted() as sent:
        assert bulk(client, *[PRINTED] * MAX_JOBS).json["created"] == MAX_JOBS
    assert len(sent) < MAX_JOBS / 10


def test_more_than_fits_into_a_body_is_refused(client: Client, system: GivenSystem) -> None:
    large = {**PRINTED, "data": {"text": "x" * 1100}}
    body = {"jobs": [large] * MAX_JOBS}
    assert len(json.dumps(body)) > system.settings.max_body_bytes
    assert post(client, "bulk", body).status_code == 413
