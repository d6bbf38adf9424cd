"""Reports over HTTP: from the headers of a callback to the end of its run."""

from __future__ import annotations

from typing import Any

import pytest

from core import json_text
from models import database
from services.execution.work import Deferred
from tests.factories import GivenSystem, claim_one, given_system, record, stored_run
from tests.integration.api.client import NO_JOB, Client, refusal, served
from tests.integration.api.reporting import IMMEDIATE, deferred, report


def test_a_heartbeat_answers_until_when_the_lease_lasts(client: Client, system: GivenSystem) -> None:
    work = deferred(client, system)
    answer = report(client, work, "heartbeat", {"seconds": 300})
    assert answer.status_code == 200
    assert answer.json == {
        "run_id": str(work.run_id),
        "attempt": 1,
        "lease_expires_at": "2026-11-20T12:05:00Z",
    }
    assert report(client, work, "heartbeat").json["lease_expires_at"] == "2026-11-20T12:01:00Z"


def test_no_heartbeat_renews_the_lease_for_more_than_an_hour(client: Client, system: GivenSystem) -> None:
    work = deferred(client, system)
    assert report(client, work, "heartbeat", {"seconds": 86_400}).json["lease_expires_at"] == "2026-11-20T13:00:00Z"


def test_a_completion_ends_the_run_and_is_answered_alike_when_it_is_doubled(
    client: Client, system: GivenSystem
) -> None:
    work = deferred(client, system)
    assert client.simulate_get(f"/api/runs/{work.run_id}").json["waiting_for_report"] is True
    answer = report(client, work, "complete", {"result": {"pages": 3}})
    assert answer.status_code == 200
    assert answer.json == {
        "run_id": str(work.run_id),
        "attempt": 1,
        "outcome": "succeeded",
        "finished_at": "2026-11-20T12:00:00Z",
    }
    assert report(client, work, "complete", {"result": {"pages": 3}}).json == answer.json
    assert report(client, work, "complete", {"result": None}).status_code == 409
    shown = client.simulate_get(f"/api/runs/{work.run_id}").json
    assert (shown["status"], shown["waiting_for_report"]) == ("completed", False)


def test_a_failure_is_tried_again_unless_it_is_for_good(client: Client, system: GivenSystem) -> None:
    work = deferred(client, system)
    assert report(client, work, "fail", {"message": "No paper."}).json["outcome"] == "failed"
    assert client.simulate_get(f"/api/runs/{work.run_id}").json["status"] == "retrying"
    other = deferred(client, system)
    report(client, other, "fail", {"message": "No such customer.", "permanent": True})
    shown = client.simulate_get(f"/api/runs/{other.run_id}").json
    assert (shown["status"], shown["error_message"]) == ("failed", "No such customer.")


def test_a_poll_is_completed_with_its_state(client: Client, system: GivenSystem) -> None:
    work = deferred(client, system, schedule={"type": "polling", "interval_seconds": 30})
    assert report(client, work, "complete", {"polling_state": {"page": 2}, "done": True}).status_code == 200
    job = client.simulate_get(f"/api/jobs/{work.job_id}").json
    assert (job["status"], job["polling_state"]) == ("completed", {"page": 2})


@pytest.mark.parametrize("state", [None, {"page": 2}])
def test_a_report_of_a_poll_sets_the_pace_and_says_how_far_it_is(
    client: Client, system: GivenSystem, state: dict[str, Any] | None
) -> None:
    work = deferred(client, system, schedule={"type": "polling", "interval_seconds": 30})
    told = {"next_in_seconds": 900, "progress": {"done": 3, "total": 8}, "message": "Page 3"}
    body = told if state is None else {**told, "polling_state": state, "done": False}
    answer = report(client, work, "complete", body)
    assert answer.status_code == 200, answer.text
    assert report(client, work, "complete", body).json == answer.json
    assert report(client, work, "complete", {**body, "next_in_seconds": 60}).status_code == 409
    shown = client.simulate_get(f"/api/runs/{work.run_id}").json
    assert (shown["progress"], shown["message"]) == ({"done": 3, "total": 8}, "Page 3")
    following = client.simulate_get(f"/api/jobs/{work.job_id}/runs").json["results"][0]
    assert (following["trigger"], following["due_at"]) == ("poll", "2026-11-20T12:15:00Z")
    assert client.simulate_get(f"/api/jobs/{work.job_id}").json["polling_state"] == (state or {})


def test_a_report_of_a_poll_may_ask_for_the_next_one_at_once(client: Client, system: GivenSystem) -> None:
    work = deferred(client, system, schedule={"type": "polling", "interval_seconds": 30})
    assert report(client, work, "complete", {"next_in_seconds": 0}).status_code == 200
    following = client.simulate_get(f"/api/jobs/{work.job_id}/runs").json["results"][0]
    assert following["due_at"] == "2026-11-20T12:00:00.010000Z"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"next_in_seconds": -1}, "next_in_seconds"),
        ({"next_in_seconds": 31_536_001}, "next_in_seconds"),
        ({"next_in_seconds": "soon"}, "next_in_seconds"),
        ({"next_in_seconds": True}, "next_in_seconds"),
        ({"progress": 1.5}, "progress"),
        ({"progress": False}, "progress"),
        ({"progress": {"done": 9, "total": 8}}, "progress"),
        ({"progress": {"done": 9}}, "progress"),
        ({"message": "x" * 1_001}, "message"),
    ],
)
def test_a_wrong_member_of_a_report_of_a_poll_is_refused_by_its_name(
    client: Client, system: GivenSystem, body: dict[str, Any], field: str
) -> None:
    work = deferred(client, system, schedule={"type": "polling", "interval_seconds": 30})
    assert set(refusal(report(client, work, "complete", body))) == {field}
    assert report(client, work, "complete", {"done": True}).status_code == 200


def test_a_forged_token_gets_401_whether_the_run_is_there_or_not(client: Client, system: GivenSystem) -> None:
    work = deferred(client, system)
    details = set()
    for run_id in (work.run_id, NO_JOB):
        for kind in ("heartbeat", "complete", "fail"):
            for headers in ({}, {"X-Carillon-Report-Token": "carillon_report_x"}, {"X-Carillon-Report-Token": "ü"}):
                body = {"message": "x"} if kind == "fail" else {}
                answer = client.simulate_post(f"/reports/{run_id}/{kind}", json=body, headers=headers)
                assert (answer.status_code, answer.json["type"]) == (401, "/problems/wrong-token")
                assert answer.headers["WWW-Authenticate"] == "X-Carillon-Report-Token"
                details.add(answer.json["detail"])
    assert len(details) == 1
    assert stored_run(work.run_id).status == "running"


@pytest.mark.parametrize("kind", ["heartbeat", "log", "complete", "fail"])
def test_a_forged_report_is_not_parsed_and_begins_nothing_that_writes(
    client: Client, system: GivenSystem, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    work = deferred(client, system)
    monkeypatch.setattr(json_text, "parse", lambda _: pytest.fail("its body was parsed"))
    monkeypatch.setattr(database, "transaction", lambda: pytest.fail("a writing transaction was begun"))
    forged = {"X-Carillon-Report-Token": "carillon_report_x"}
    answer = client.simulate_post(f"/reports/{work.run_id}/{kind}", body="{", headers=forged)
    assert (answer.status_code, answer.json["type"]) == (401, "/problems/wrong-token")


@pytest.mark.parametrize(
    ("kind", "body", "field"),
    [
        ("heartbeat", {"seconds": 0}, "seconds"),
        ("heartbeat", {"seconds": 86_401}, "seconds"),
        ("heartbeat", {"second": 5}, "second"),
        ("complete", {"polling_state": []}, "polling_state"),
        ("complete", {"done": True}, "done"),
        ("complete", {"done": False}, "done"),
        ("complete", {"polling_state": {}}, "polling_state"),
        ("complete", {"next_in_seconds": 0}, "next_in_seconds"),
        ("complete", {"progress": 0}, "progress"),
        ("complete", {"message": ""}, "message"),
        ("fail", {}, "message"),
        ("fail", {"message": ""}, "message"),
        ("fail", {"message": "x", "retry_after_seconds": -1}, "retry_after_seconds"),
        ("fail", {"message": "x", "permanent": "yes"}, "permanent"),
    ],
)
def test_a_wrong_report_is_refused_naming_the_field(
    client: Client, system: GivenSystem, kind: str, body: dict[str, Any], field: str
) -> None:
    work = deferred(client, system)
    assert set(refusal(report(client, work, kind, body))) == {field}
    assert stored_run(work.run_id).status == "running"


@pytest.mark.parametrize("kind", ["complete", "fail", "heartbeat"])
def test_a_member_that_is_given_twice_is_named(client: Client, system: GivenSystem, kind: str) -> None:
    work = deferred(client, system)
    answer = client.simulate_post(
        f"/reports/{work.run_id}/{kind}",
        headers={"X-Carillon-Report-Token": work.report_token, "Content-Type": "application/json"},
        body=b'{"result": {"x": [{"y": 1, "y": 2}]}, "z": 1, "z": 1}',
    )
    assert refusal(answer) == dict.fromkeys(("result.x.0.y", "z"), "is given more than once; give it once.")


def test_a_result_that_is_too_long_to_be_shown_is_refused(client: Client, system: GivenSystem) -> None:
    work = deferred(client, system)
    answer = report(client, work, "complete", {"result": "x" * 65_535})
    assert answer.status_code == 413
    assert "report where" in answer.json["detail"]
    assert stored_run(work.run_id).status == "running"
    assert report(client, work, "complete", {"result": "x" * 65_534}).status_code == 200


def test_a_report_needs_no_secret_of_the_server(sqlite: str) -> None:
    system = given_system(internal_secret="a secret")  # noqa: S106
    client = Client(served(system))
    secret = {"X-Internal-Secret": "a secret"}
    client.simulate_put("/api/apps/app_a", json={"callback_base_url": "http://127.0.0.1:9"}, headers=secret)
    job = {"app_name": "app_a", "user_id": 1, "account_id": 1, "task_type": "greet", "schedule": IMMEDIATE}
    assert client.simulate_post("/api/jobs/create", json=job, headers=secret).status_code == 201
    work = claim_one(system)
    record(system, work, Deferred())
    assert report(client, work, "complete").status_code == 200
