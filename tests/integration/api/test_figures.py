"""Figures as callers meet them: statistics, minutes, workers, what comes."""

from __future__ import annotations

import pytest

from services.execution import workers
from services.execution.work import Deferred
from services.maintenance import figures
from tests.factories import GivenSystem, claim, failed, first_run, polled, record, refused, succeeded
from tests.integration.api.client import Client, refusal

CRON = {"type": "cron", "expression": "0 13 * * *"}


def test_jobs_are_counted_by_status(client: Client) -> None:
    client.simulate_post(f"/api/jobs/{client.create()}/pause")
    client.create(account_id="acc2")
    client.create(app_name="app_b", schedule=CRON)
    counted = client.simulate_get("/api/jobs/stats/").json
    assert counted == {
        "total": 3,
        "pending": 2,
        "running": 0,
        "completed": 0,
        "failed": 0,
        "cancelled": 0,
        "paused": 1,
        "queued": 1,
        "retrying": 0,
    }
    assert client.simulate_get("/api/jobs/stats?app_name=app_b").json["total"] == 1
    assert client.simulate_get("/api/jobs/stats?account_id=acc2").json["total"] == 1
    assert set(refusal(client.simulate_get("/api/jobs/stats?status=paused"))) == {"status"}


def test_open_alerts_are_listed_until_the_job_recovers(client: Client, system: GivenSystem) -> None:
    job_id = client.create(name="Import", schedule=CRON)
    for _ in range(5):
        client.simulate_post(f"/api/jobs/{job_id}/trigger")
        [work] = claim(system)
        record(system, work, refused())
    [alert] = client.simulate_get("/api/alerts?app_name=app_a").json["results"]
    assert (alert["kind"], alert["job_name"], alert["job_id"]) == ("failing", "Import", job_id)
    assert client.simulate_get("/api/alerts?account_id=other").json == {"results": [], "is_cut": False}


def test_hosts_that_fail_are_listed(client: Client, system: GivenSystem) -> None:
    job_id = client.create(title="Contacts")
    [work] = claim(system)
    record(system, work, failed())
    [host] = client.simulate_get("/api/failures/hosts?app_name=app_a").json["results"]
    assert (host["failures"], host["last_success_at"]) == (1, None)
    assert host["jobs"] == [{"job_id": job_id, "job_name": None, "job_title": "Contacts", "task_type": "polling_task"}]
    assert client.simulate_get("/api/failures/hosts?account_id=other").json["results"] == []


def test_jobs_that_gave_up_are_listed_beside_the_runs_that_failed(client: Client, system: GivenSystem) -> None:
    job_id = client.create(schedule={"type": "polling", "interval_seconds": 30, "max_polls": 1})
    [work] = claim(system)
    record(system, work, polled({"n": 1}))
    found = client.simulate_get("/api/failures?app_name=app_a").json
    assert (found["groups"], [one["job_id"] for one in found["given_up"]]) == ([], [job_id])
    assert found["given_up"][0]["reason"] == client.simulate_get(f"/api/jobs/{job_id}").json["end_reason"]
    assert client.simulate_get("/api/failures?account_id=other").json["given_up"] == []
    until = {"finished_before": system.clock.now().isoformat()}
    assert client.simulate_get("/api/failures", params=until).json["given_up"] == []


def test_jobs_that_became_slow_are_listed(client: Client, system: GivenSystem) -> None:
    job_id = client.create(title="Rebuild", schedule=CRON)
    for number in range(7):
        client.simulate_post(f"/api/jobs/{job_id}/trigger")
        [work] = claim(system)
        system.clock.advance(2 if number < 4 else 10)
        record(system, work, succeeded())
    [slow] = client.simulate_get("/api/jobs/slow").json["results"]
    assert (slow["job_title"], slow["times"], slow["usual_seconds"], slow["runs"]) == ("Rebuild", 5.0, 2.0, 3)
    assert client.simulate_get("/api/jobs/slow?app_name=other").json["results"] == []


def test_minutes_are_shown_oldest_first(client: Client, system: GivenSystem) -> None:
    client.create()
    system.clock.advance(60)
    shown = client.simulate_get("/api/stats/series").json["results"]
    assert [one["minute"] for one in shown[-2:]] == ["2026-11-20T11:59:00Z", "2026-11-20T12:00:00Z"]
    assert len(shown) == 60
    assert shown[-1] == {
        "minute": "2026-11-20T12:00:00Z",
        "started": 0,
        "completed": 0,
        "failed": 0,
        "waiting": 1,
        "held": {},
        "lateness_p50_seconds": None,
        "lateness_p95_seconds": None,
    }
    system.clock.advance(60)
    figures.summarise(system)
    assert client.simulate_get("/api/stats/series?minutes=2").json["results"][0] == shown[-1]
    assert len(client.simulate_get("/api/stats/series?minutes=1440").json["results"]) == 1440


def test_a_minute_that_is_not_summed_up_has_no_figures(client: Client, system: GivenSystem) -> None:
    client.create()
    system.clock.advance(600)
    before, unknown, *_, newest = client.simulate_get("/api/stats/series?minutes=11").json["results"]
    assert (before["started"], newest["waiting"]) == (0, 1)
    assert {value for name, value in unknown.items() if name != "minute"} == {None}


@pytest.mark.parametrize("minutes", ["0", "1441", "x", ""])
def test_a_span_that_cannot_be_is_refused(client: Client, minutes: str) -> None:
    assert set(refusal(client.simulate_get("/api/stats/series", params={"minutes": minutes}))) == {"minutes"}


def test_workers_are_listed(client: Client, system: GivenSystem) -> None:
    assert client.simulate_get("/api/workers").json == {"results": []}
    worker = workers.register(system)
    [shown] = client.simulate_get("/api/workers").json["results"]
    assert (shown["id"], shown["status"], shown["running"]) == (str(worker.id), "alive", 0)
    assert shown["threads"] == system.settings.worker_threads
    assert shown["started_at"] == shown["heartbeat_at"] == "2026-11-20T12:00:00Z"


def test_a_run_that_waits_for_a_report_takes_no_thread_of_its_worker(client: Client, system: GivenSystem) -> None:
    worker = workers.register(system)
    for _ in range(2):
        first_run(system)
    waiting, _ = claim(system, 2, worker)
    record(system, waiting, Deferred())
    assert [one["running"] for one in client.simulate_get("/api/workers").json["results"]] == [1]


def test_what_comes_is_listed_from_an_instant_on(client: Client) -> None:
    client.create(schedule={"type": "cron", "expression": "0 * * * *"})
    path = "/api/upcoming?start=2026-11-22T00:00:00Z&seconds=3600"
    assert [one["due_at"] for one in client.simulate_get(path).json["results"]] == [
        "2026-11-22T00:00:00Z",
        "2026-11-22T01:00:00Z",
    ]
    for start in ("9999-12-31T23:59:59Z", "2027-12-26T00:00:00Z"):
        assert client.simulate_get(f"/api/upcoming?start={start}").status_code == 400


def test_what_comes_is_listed(client: Client) -> None:
    job_id = client.create(name="at one", schedule=CRON)
    client.create(schedule={"type": "delay_from_now", "duration_seconds": 7_200})
    [shown] = client.simulate_get("/api/upcoming").json["results"]
    assert shown == {
        "job_id": job_id,
        "job_name": "at one",
        "job_title": None,
        "task_type": "polling_task",
        "app_name": "app_a",
        "scheduled_for": "2026-11-20T13:00:00Z",
        "due_at": "2026-11-20T13:00:00Z",
        "run_id": None,
    }
    later = client.simulate_get("/api/upcoming?seconds=86400&limit=2&account_id=acc1").json["results"]
    assert [one["run_id"] is None for one in later] == [True, False]
    assert client.simulate_get("/api/upcoming?app_name=other").json["results"] == []


@pytest.mark.parametrize("query", ["seconds=0", "seconds=2678401", "limit=0", "limit=1001", "cursor=x"])
def test_a_look_ahead_that_cannot_be_is_refused(client: Client, query: str) -> None:
    name, _, value = query.partition("=")
    assert set(refusal(client.simulate_get("/api/upcoming", params={name: value}))) == {name}
