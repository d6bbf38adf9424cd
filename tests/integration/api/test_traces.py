"""The trace of a request goes on in the run that it makes: in its callback, its logs, its page and the API."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
import structlog

from actors.handlers.call import perform_call
from actors.handling import HANDLERS
from core import trace_context
from core.states import RunStatus
from core.trace_context import TraceContext
from services.execution.work import Result
from services.messaging import broker as brokers
from services.runtime.abort_scope import AbortScope
from tests.factories import GivenSystem, claim_one, refused, runs_of, succeeded
from tests.integration.api.client import Client
from tests.integration.execution.answering import Server, answering
from tests.integration.execution.attempting import attempt, make_due_again
from tests.integration.execution.executing import execute

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SENT = TraceContext(TRACE, "00f067aa0ba902b7", is_sampled=True, state="congo=t61rcWkgMzE")
OTHER = TraceContext("1" * 32, "2" * 16)
ONCE = {"type": "immediate"}
HOURLY = {"type": "cron", "expression": "0 * * * *"}


@pytest.fixture
def receiver() -> Iterator[Server]:
    with answering() as serving:
        yield serving


@pytest.fixture
def tracing_client(client: Client) -> Client:
    """A client whose requests are part of a trace."""
    client._default_headers = SENT.headers
    return client


def carried(server: Server) -> TraceContext | None:
    """What the receiver got of a trace."""
    [(_, _, headers, _)] = server.got
    return trace_context.parsed(headers.get("traceparent"), headers.get("tracestate"))


@pytest.mark.parametrize(
    "job",
    [
        {"schedule": ONCE},
        {"task_type": "http", "schedule": ONCE},
    ],
    ids=["a callback", "a request of its own"],
)
def test_the_receiver_gets_the_trace_of_the_request_that_created_the_job(
    tracing_client: Client, system: GivenSystem, receiver: Server, job: dict[str, Any]
) -> None:
    data = {"url": receiver.url} if "task_type" in job else {}
    where = {} if data else {"callback_url": receiver.url}
    tracing_client.create(**job, **where, data=data)
    perform_call(system, claim_one(system), AbortScope())
    got = carried(receiver)
    assert got is not None
    assert got == SENT.child(got.span_id)
    assert got.span_id != SENT.span_id


@pytest.mark.parametrize("headers", [{"Traceparent": OTHER.traceparent}, {"Tracestate": "a=1"}])
def test_a_job_that_names_a_part_of_a_trace_in_its_own_headers_gets_nothing_of_ours(
    tracing_client: Client, system: GivenSystem, receiver: Server, headers: dict[str, str]
) -> None:
    tracing_client.create(task_type="http", schedule=ONCE, data={"url": receiver.url, "headers": headers})
    perform_call(system, claim_one(system), AbortScope())
    [(_, _, got, _)] = receiver.got
    assert {name: value for name, value in got.items() if name in trace_context.NAMES} == {
        name.lower(): value for name, value in headers.items()
    }


@pytest.mark.parametrize("traceparent", [None, f"00-{'0' * 32}-{'1' * 16}-01", "nonsense"])
def test_without_a_good_trace_none_is_carried_and_the_run_shows_its_own(
    client: Client, system: GivenSystem, receiver: Server, traceparent: str | None
) -> None:
    client._default_headers = None if traceparent is None else {"traceparent": traceparent, "tracestate": "a=1"}
    client.create(schedule=ONCE, callback_url=receiver.url)
    work = claim_one(system)
    perform_call(system, work, AbortScope())
    assert carried(receiver) is None
    assert shown(client, work.run_id) == trace_context.own_trace_id(work.run_id)


def shown(client: Client, run_id: UUID) -> str:
    """The id of a run's trace, as the API shows it."""
    return str(client.simulate_get(f"/api/runs/{run_id}").json["trace_id"])


@pytest.mark.parametrize(
    "schedule",
    [ONCE, {"type": "delay_from_now", "duration_seconds": 60}, {"type": "run_at", "timestamp": "2026-12-01T00:00:00Z"}],
    ids=lambda schedule: schedule["type"],
)
def test_the_run_of_a_job_that_runs_once_continues_the_trace(
    tracing_client: Client, system: GivenSystem, schedule: dict[str, Any]
) -> None:
    job_id = tracing_client.create(schedule=schedule)
    [run] = tracing_client.simulate_get(f"/api/jobs/{job_id}/runs").json["results"]
    assert run["trace_id"] == TRACE


@pytest.mark.parametrize(
    "schedule",
    [
        {"type": "cron", "expression": "* * * * *"},
        {"type": "interval", "every_seconds": 60},
        {"type": "polling", "interval_seconds": 30},
    ],
    ids=lambda schedule: schedule["type"],
)
def test_each_run_of_a_job_that_comes_back_has_a_trace_of_its_own_and_the_jobs_is_kept(
    tracing_client: Client, system: GivenSystem, schedule: dict[str, Any]
) -> None:
    job_id = tracing_client.create(schedule=schedule)
    first = runs_of(UUID(job_id))[0]
    if first.status is RunStatus.PENDING:
        make_due_again(system, first.id)
    work = claim_one(system)
    assert (work.trace, work.carried, work.job_trace) == (None, None, SENT)
    ids = [one["trace_id"] for one in tracing_client.simulate_get(f"/api/jobs/{job_id}/runs").json["results"]]
    assert len(set(ids)) == len(ids) > 0
    assert TRACE not in ids


def test_runs_that_are_backfilled_have_traces_of_their_own(tracing_client: Client, system: GivenSystem) -> None:
    job_id = tracing_client.create(schedule=HOURLY)
    hours = {"from": "2026-11-20T10:00:00Z", "to": "2026-11-20T12:00:00Z"}
    assert tracing_client.simulate_post(f"/api/jobs/{job_id}/backfill", json=hours).json["made"] == 2
    [first, second] = tracing_client.simulate_get(f"/api/jobs/{job_id}/runs").json["results"]
    assert len({first["trace_id"], second["trace_id"], TRACE}) == 3


def test_a_run_that_is_asked_for_continues_the_trace_of_that_request(client: Client, system: GivenSystem) -> None:
    client._default_headers = OTHER.headers
    job_id = client.create(schedule=ONCE)
    ended, _ = attempt(system, refused())
    assert shown(client, ended.run_id) == OTHER.trace_id
    client._default_headers = SENT.headers
    replayed = client.simulate_post(f"/api/runs/{ended.run_id}/replay").json
    assert replayed["trace_id"] == TRACE
    attempt(system, refused())
    retried = client.simulate_post(f"/api/jobs/{job_id}/retry").json["run_id"]
    assert shown(client, retried) == TRACE
    hourly = client.create(schedule=HOURLY)
    triggered = client.simulate_post(f"/api/jobs/{hourly}/trigger").json
    assert triggered["trace_id"] == TRACE


def test_jobs_created_together_and_by_key_are_in_the_trace(tracing_client: Client) -> None:
    body = {"app_name": "app_a", "user_id": "u", "account_id": "a", "task_type": "t", "schedule": ONCE, "data": {}}
    tracing_client.simulate_post("/api/jobs/bulk", json={"jobs": [body, body]})
    tracing_client.simulate_post("/api/jobs/create", json=body, headers={**SENT.headers, "Idempotency-Key": "k"})
    runs = tracing_client.simulate_get("/api/runs").json["results"]
    assert [one["trace_id"] for one in runs] == [TRACE] * 3


def test_each_attempt_is_another_span_of_the_trace(tracing_client: Client, system: GivenSystem) -> None:
    tracing_client.create(schedule=ONCE)
    work, _ = attempt(system, refused(503))
    replayed = tracing_client.simulate_post(f"/api/runs/{work.run_id}/replay")
    assert replayed.status_code == 201
    again = claim_one(system)
    assert work.carried is not None
    assert again.carried is not None
    assert work.carried.trace_id == again.carried.trace_id
    assert work.carried.span_id != again.carried.span_id


def test_what_an_attempt_logs_names_run_job_attempt_and_trace(
    tracing_client: Client, system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = tracing_client.create(schedule=ONCE)
    logged: list[dict[str, Any]] = []

    def handle(*_about: Any) -> Result:
        logged.append(structlog.contextvars.get_contextvars())
        return succeeded()

    monkeypatch.setitem(HANDLERS, brokers.RUNS_HTTP, handle)
    structlog.contextvars.clear_contextvars()
    execute(system)
    [run] = tracing_client.simulate_get(f"/api/jobs/{job_id}/runs").json["results"]
    assert logged == [{"run_id": run["id"], "job_id": job_id, "attempt": 1, "trace_id": TRACE}]
