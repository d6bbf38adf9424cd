"""Draining a worker by the API: for administrators, once, on record."""

from __future__ import annotations

from uuid import uuid4

import pytest

from core.auditing import AuditFilter
from core.principals import LOCAL
from services.access import audit
from services.execution import workers
from tests.factories import GivenSystem, given_system
from tests.integration.api.client import Client


@pytest.fixture
def system(sqlite: str) -> GivenSystem:
    return given_system()


def test_a_worker_is_drained_once_and_takes_runs_again(client: Client, system: GivenSystem) -> None:
    worker = workers.register(system)
    path = f"/api/workers/{worker.id}/drain"
    assert client.simulate_get("/api/workers").json["results"][0]["draining_at"] is None
    for _ in range(2):
        shown = client.simulate_post(path, params={"reason": "the host goes"}).json
        assert (shown["status"], shown["draining_at"]) == ("draining", "2026-11-20T12:00:00Z")
        system.clock.advance(1)
    assert workers.renew(system, worker, {}).drains
    assert client.simulate_get("/api/workers").json["results"][0] == {**shown, "heartbeat_at": "2026-11-20T12:00:02Z"}
    shown = client.simulate_delete(path).json
    assert (shown["status"], shown["draining_at"]) == ("alive", None)
    assert not workers.renew(system, worker, {}).drains
    found, _more = audit.listed(LOCAL, AuditFilter(thing_id=str(worker.id)), None, 9)
    assert [(one.action, one.thing, one.reason) for one in found] == [
        ("worker.resumed", "worker", None),
        ("worker.drained", "worker", "the host goes"),
    ]


def test_a_silent_one_stays_silent_and_one_that_has_stopped_cannot_be_drained(
    client: Client, system: GivenSystem
) -> None:
    worker = workers.register(system)
    system.clock.advance(system.settings.lease_seconds + 1)
    assert client.simulate_post(f"/api/workers/{worker.id}/drain").json["status"] == "silent"
    workers.sign_off(system, worker)
    assert client.simulate_post(f"/api/workers/{worker.id}/drain").status_code == 409
    assert client.simulate_post(f"/api/workers/{uuid4()}/drain").status_code == 404
