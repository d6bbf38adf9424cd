"""Triggers, retries, replays, backfills, rewinds and actions on many, as callers meet them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from models import filtering
from tests.factories import GivenSystem, claim_one, polled, record, refused, succeeded
from tests.integration.api.client import NO_JOB, PRINTED, Client, refusal
from tests.integration.execution.attempting import attempt

ONCE = {"type": "immediate"}
LATER = {"type": "delay_from_now", "duration_seconds": 60}
HOURLY = {"type": "cron", "expression": "0 * * * *"}


def post(client: Client, path: str, body: Any = None) -> Any:
    return client.simulate_post(f"/api/{path}", **({} if body is None else {"json": body}))


@pytest.mark.parametrize("body", [None, {}, {"data": None}, {"data": {"n": 1}}])
def test_a_trigger_answers_with_the_run_it_made(client: Client, system: GivenSystem, body: Any) -> None:
    job_id = client.create(schedule=LATER)
    result = post(client, f"jobs/{job_id}/trigger", body)
    assert (result.status_code, result.json["trigger"], result.json["job_id"]) == (201, "manual", job_id)
    assert result.headers["Location"] == f"/api/runs/{result.json['id']}"
    given = (body or {}).get("data")
    assert claim_one(system).data == (PRINTED["data"] if given is None else given)


def test_a_trigger_that_is_wrong_is_refused(client: Client) -> None:
    job_id = client.create()
    assert set(refusal(post(client, f"jobs/{job_id}/trigger", {"data": [], "x": 1}))) == {"data", "x"}
    assert "one poll at a time" in post(client, f"jobs/{job_id}/trigger").json["detail"]


def test_the_printed_retry_works(client: Client, system: GivenSystem) -> None:
    job_id = client.create(schedule=ONCE)
    early = post(client, f"jobs/{job_id}/retry")
    assert (early.status_code, early.json["detail"]) == (400, "Only failed jobs can be retried.")
    attempt(system, refused())
    result = post(client, f"jobs/{job_id}/retry/")
    assert (result.status_code, result.json["status"]) == (200, "Job retried.")
    assert str(claim_one(system).run_id) == result.json["run_id"]


def test_a_dead_run_is_replayed(client: Client, system: GivenSystem) -> None:
    client.create(schedule=ONCE)
    work, _ = attempt(system, refused())
    result = post(client, f"runs/{work.run_id}/replay")
    assert (result.status_code, result.json["retry_of"]) == (201, str(work.run_id))
    assert post(client, f"runs/{work.run_id}/replay").status_code == 409


def test_a_run_tells_its_replays_and_they_are_found(
    client: Client, system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filtering, "CLOCKS_APART", timedelta(days=36_500))  # the clock stands, and ids tell the time
    client.create(schedule=ONCE)
    work, _ = attempt(system, refused())
    system.clock.advance(60)
    replay = post(client, f"runs/{work.run_id}/replay").json["id"]
    [told] = client.simulate_get(f"/api/runs/{work.run_id}").json["replays"]
    assert (told["id"], told["status"], told["finished_at"]) == (replay, "queued", None)
    since = "2026-11-20T12:00:59Z"
    for query in (f"retry_of={work.run_id}", f"created_from={since}"):
        assert [one["id"] for one in client.simulate_get(f"/api/runs?{query}").json["results"]] == [replay]
    found = client.simulate_get(f"/api/runs?created_before={since}").json["results"]
    assert [one["id"] for one in found] == [str(work.run_id)]
    assert client.simulate_get("/api/failures").json["groups"][0]["being_replayed"] == 1
    attempt(system, succeeded())
    assert client.simulate_get("/api/failures").json["count"] == 0


def test_a_dead_run_is_replayed_with_other_data(client: Client, system: GivenSystem) -> None:
    client.create(schedule=ONCE)
    work, _ = attempt(system, refused())
    assert set(refusal(post(client, f"runs/{work.run_id}/replay", {"data": [], "x": 1}))) == {"data", "x"}
    assert post(client, f"runs/{work.run_id}/replay", {"data": {"n": 1}}).status_code == 201
    assert claim_one(system).data == {"n": 1}


def test_a_completed_run_is_replayed_for_whoever_says_again(client: Client, system: GivenSystem) -> None:
    client.create(schedule=ONCE)
    work, _ = attempt(system, succeeded())
    refused_without = post(client, f"runs/{work.run_id}/replay")
    assert (refused_without.status_code, '"again": true' in refused_without.json["detail"]) == (409, True)
    assert set(refusal(post(client, f"runs/{work.run_id}/replay", {"again": "often"}))) == {"again"}
    result = post(client, f"runs/{work.run_id}/replay", {"again": True, "data": {"n": 1}})
    assert (result.status_code, result.json["retry_of"]) == (201, str(work.run_id))
    assert claim_one(system).data == {"n": 1}


def test_a_run_is_cancelled(client: Client) -> None:
    job_id = client.create(schedule=LATER)
    [run] = client.simulate_get(f"/api/jobs/{job_id}/runs").json["results"]
    result = post(client, f"runs/{run['id']}/cancel")
    assert (result.status_code, result.json["status"], result.json["reason"]) == (200, "cancelled", "run cancelled")
    assert post(client, f"runs/{run['id']}/cancel").status_code == 409
    assert post(client, f"runs/{NO_JOB}/cancel").status_code == 404


def test_a_span_is_backfilled(client: Client) -> None:
    job_id = client.create(schedule=HOURLY)
    span = {"from": "2026-11-20T09:00:00Z", "to": "2026-11-20T12:00:00"}
    answer = {
        "occurrences": 3,
        "made": 3,
        "first": "2026-11-20T09:00:00Z",
        "last": "2026-11-20T11:00:00Z",
    }
    assert post(client, f"jobs/{job_id}/backfill", {**span, "dry_run": True}).json == answer
    assert post(client, f"jobs/{job_id}/backfill", span).json == answer
    assert post(client, f"jobs/{job_id}/backfill", span).json == {**answer, "made": 0}


def test_a_backfill_that_is_wrong_is_refused(client: Client) -> None:
    job_id = client.create(schedule=HOURLY)
    path = f"jobs/{job_id}/backfill"
    assert set(refusal(post(client, path, {"from": "x", "again": 1}))) == {"from", "to", "again"}
    backwards = {"from": "2026-11-20T12:00:00Z", "to": "2026-11-20T12:00:00Z"}
    assert refusal(post(client, path, backwards)) == {"to": "must be later than from."}
    too_much = {"from": "2020-01-01T00:00:00", "to": "2026-01-01T00:00:00"}
    assert "more than 1000 occurrences" in refusal(post(client, path, too_much))["to"]
    once = client.create(schedule=ONCE)
    assert set(refusal(post(client, f"jobs/{once}/backfill", too_much))) == {"schedule.type"}


def test_polling_states_are_listed_and_gone_back_to(client: Client, system: GivenSystem) -> None:
    job_id = client.create()
    record(system, claim_one(system), polled({"page": 2}))
    listed = client.simulate_get(f"/api/jobs/{job_id}/polling-states").json["results"]
    assert [(one["version"], one["state"]) for one in listed] == [(1, {"page": 2}), (0, {})]
    assert listed[0]["created_at"] == "2026-11-20T12:00:00Z"
    assert post(client, f"jobs/{job_id}/rewind", {"version": 0}).json["polling_state"] == {}
    missing = post(client, f"jobs/{job_id}/rewind", {"version": 9})
    assert (missing.status_code, "version 9" in missing.json["detail"]) == (404, True)
    assert set(refusal(post(client, f"jobs/{job_id}/rewind", {"version": -1}))) == {"version"}
    assert post(client, f"jobs/{client.create(schedule=ONCE)}/rewind", {"version": 0}).status_code == 409


def test_an_action_on_every_job_that_fits(client: Client) -> None:
    those = [client.create(tags=["a"], name=f"job {n}") for n in range(3)]
    client.create()
    answer = post(client, "jobs/actions", {"action": "pause", "filter": {"tag": "a", "kind": "polling"}})
    assert answer.json == {
        "matched": 3,
        "changed": 3,
        "refused": [],
        "dry_run": False,
        "more": False,
        "cursor": None,
    }
    paused = client.simulate_get("/api/jobs", params={"status": "paused"}).json["results"]
    assert {job["id"] for job in paused} == set(those)
    refused_ones = post(client, "jobs/actions", {"action": "retry", "filter": {"name": "job 1"}}).json["refused"]
    assert refused_ones == [{"id": those[1], "detail": "Only failed jobs can be retried."}]


@pytest.mark.parametrize("meant", [{}, {"filter": {}}, {"filter": {"tag": None}}, {"all": False}])
def test_an_action_on_all_jobs_must_be_meant(client: Client, meant: dict[str, Any]) -> None:
    job_id = client.create(schedule=LATER)
    assert set(refusal(post(client, "jobs/actions", {"action": "delete", **meant}))) == {"all"}
    everything = {"action": "delete", **meant, "all": True}
    assert post(client, "jobs/actions", {**everything, "dry_run": True}).json["changed"] == 1
    assert client.simulate_get(f"/api/jobs/{job_id}").status_code == 200
    assert post(client, "jobs/actions", everything).json["changed"] == 1
    assert client.simulate_get(f"/api/jobs/{job_id}").status_code == 404


@pytest.mark.parametrize("meant", [{}, {"filter": {}}, {"filter": {"app_name": None}}, {"limit": 5}, {"all": False}])
def test_a_replay_of_all_dead_runs_must_be_meant(client: Client, system: GivenSystem, meant: dict[str, Any]) -> None:
    client.create(schedule=ONCE)
    attempt(system, refused())
    assert set(refusal(post(client, "runs/replay", meant))) == {"all"}
    assert set(refusal(post(client, "runs/replay", {**meant, "dry_run": True}))) == {"all"}
    assert post(client, "runs/replay", {**meant, "all": True}).json["replayed"] == 1


@pytest.mark.parametrize("member", [{"status": "failed"}, {"app_name": "app_a"}, {"due_from": "2026-11-20T12:00:00Z"}])
def test_a_replay_of_those_that_fit_needs_no_more_words(
    client: Client, system: GivenSystem, member: dict[str, Any]
) -> None:
    client.create(schedule=ONCE)
    attempt(system, refused())
    assert post(client, "runs/replay", {"filter": member}).json["replayed"] == 1


def test_a_wrong_action_is_refused(client: Client) -> None:
    wrong = {"action": "explode", "filter": {"status": "asleep", "color": 1}, "cursor": "x"}
    assert set(refusal(post(client, "jobs/actions", wrong))) == {
        "action",
        "filter.status",
        "filter.color",
        "cursor",
    }


def test_dead_runs_are_replayed_together_and_by_stretches(client: Client, system: GivenSystem) -> None:
    made = [client.create(schedule=ONCE, account_id=f"acc{n}") for n in range(3)]
    for _ in made:
        attempt(system, refused())
    client.create(schedule=ONCE)
    attempt(system, succeeded())
    first = post(client, "runs/replay", {"all": True, "limit": 2}).json
    assert (first["matched"], first["replayed"], first["more"], first["refused"]) == (2, 2, True, [])
    rest = post(client, "runs/replay", {"cursor": first["cursor"], "filter": {"account_id": "acc2"}}).json
    assert (rest["replayed"], rest["more"], rest["cursor"]) == (1, False, None)
    assert post(client, "runs/replay", {"filter": {"job_id": made[0]}}).json["matched"] == 0
    wrong = {"filter": {"status": "completed", "job_id": "x"}, "limit": 1_001}
    assert set(refusal(post(client, "runs/replay", wrong))) == {"filter.status", "filter.job_id", "limit"}
