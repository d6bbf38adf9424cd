"""Runs whose callback meets a kept connection that the receiver has closed: handed back, sent once an attempt."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from actors.calls import http, kept_connections
from core.errors import AbortReason
from core.principals import LOCAL
from core.states import Outcome, RunStatus
from models.tables import Run
from services.execution.work import Stopped
from services.jobs import lifecycle
from tests.factories import GivenSystem, attempts_at, claim_one, first_run, record, stored_run
from tests.integration.messaging.house import House
from tests.unit.actors import hostile
from tests.waiting import LONGEST

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@pytest.fixture(autouse=True)
def kept_for_this_test(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No connection is idle for too long, however slow this machine is between two calls; none is left."""
    monkeypatch.setattr(kept_connections, "IDLE_SECONDS", LONGEST)
    yield
    http.kept.close_all()


def arrivals(server: hostile.Hostile, run: Run) -> list[str]:
    """The attempts at a run that came to the receiver."""
    of_run = [request for request in server.requests if f"X-Carillon-Run-Id: {run.id}".encode() in request]
    return [request.split(b"X-Carillon-Attempt: ")[1].split(b"\r\n")[0].decode() for request in of_run]


def one_answer_a_connection(server: hostile.Hostile, accepted: socket.socket) -> None:
    """Keeps the connection, and closes it when the next request comes over it."""
    hostile.read_request(server, accepted)
    accepted.sendall(ANSWER)
    hostile.read_request(server, accepted)


def only_the_very_first(server: hostile.Hostile, accepted: socket.socket) -> None:
    """Answers one request; every other one ends its connection."""
    hostile.read_request(server, accepted)
    if len(server.requests) == 1:
        accepted.sendall(ANSWER)
        hostile.read_request(server, accepted)


def executed(system: GivenSystem, house: House, server: hostile.Hostile) -> Run:
    run = first_run(system, callback_url=server.url, max_retries=0)
    house.answer(*system.doorbell.heard())
    return run


def test_the_run_is_handed_back_and_goes_over_a_new_connection_at_no_cost(system: GivenSystem, house: House) -> None:
    with hostile.serving(one_answer_a_connection) as server:
        assert stored_run(executed(system, house, server).id).status is RunStatus.COMPLETED
        run = executed(system, house, server)
        http.kept.close_all()
    stored = stored_run(run.id)
    assert (stored.status, stored.failure_count, stored.loss_count) == (RunStatus.COMPLETED, 0, 0)
    assert [tried.outcome for tried in attempts_at(run.id)] == [Outcome.RELEASED, Outcome.SUCCEEDED]
    assert (arrivals(server, run), server.connections) == (["1", "2"], 2)


def test_a_receiver_that_closes_whatever_it_is_asked_fails_the_next_attempt(system: GivenSystem, house: House) -> None:
    with hostile.serving(only_the_very_first) as server:
        executed(system, house, server)
        run = executed(system, house, server)
        http.kept.close_all()
    assert stored_run(run.id).status is RunStatus.FAILED
    assert [tried.outcome for tried in attempts_at(run.id)] == [Outcome.RELEASED, Outcome.FAILED]
    assert arrivals(server, run) == ["1", "2"]


def test_an_attempt_that_follows_another_never_takes_a_kept_connection(system: GivenSystem, house: House) -> None:
    """Else a request that its receiver always answers by closing would be sent again for ever, beside others' calls."""
    with hostile.serving(hostile.conversing(ANSWER)) as server:
        executed(system, house, server)
        run = first_run(system, callback_url=server.url)
        record(system, claim_one(system), Stopped(AbortReason.CONNECTION_CLOSED))
        house.answer(*system.doorbell.heard())
        http.kept.close_all()
    assert stored_run(run.id).status is RunStatus.COMPLETED
    assert (arrivals(server, run), server.connections) == (["2"], 2)


def test_a_run_that_was_cancelled_meanwhile_is_not_handed_back(system: GivenSystem) -> None:
    run = first_run(system)
    work = claim_one(system)
    lifecycle.cancel(LOCAL, system, run.job_id)
    record(system, work, Stopped(AbortReason.CONNECTION_CLOSED))
    assert stored_run(run.id).status is RunStatus.CANCELLED
