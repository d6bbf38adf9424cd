"""Under an idempotency key a restore is declared and released in parts, each of them once, as it is without one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from core.errors import DatabaseUnavailable
from core.principals import LOCAL
from core.states import Hold
from models import restores, set_based
from models.tables import AuditEntry
from services.requests.idempotency import Request
from services.restoring import declaring, releasing
from services.restoring.releasing import Slice
from tests.factories import GivenSystem, first_run, in_threads, stored_run
from tests.integration.api.client import Client, served

FIVE, THREE = 5, 3
KEY = {"Idempotency-Key": "after-the-restore"}
PATH = "/api/installation/restore"


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(set_based, "_CHUNK", 2)


@pytest.fixture
def client(system: GivenSystem) -> Client:
    return Client(served(system))


@pytest.fixture
def due(system: GivenSystem) -> list[UUID]:
    return [first_run(system).id for _ in range(FIVE)]


def away_at_the_second(real: Callable[..., Any]) -> Callable[..., Any]:
    """Does what a query does, but for its second call, which finds the database away."""
    calls: list[Any] = []

    def act(*arguments: Any) -> Any:
        calls.append(arguments)
        if len(calls) == 2:
            raise DatabaseUnavailable("for a moment")
        return real(*arguments)

    return act


def held(runs: list[UUID]) -> int:
    return [stored_run(run_id).held_by for run_id in runs].count(Hold.RESTORED)


def recorded(action: str) -> int:
    return int(AuditEntry.select().where(AuditEntry.action == action).count())


def test_a_declaration_that_stops_keeps_what_it_held_and_is_gone_on_with_by_the_same_request(
    client: Client, due: list[UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(restores, "hold", away_at_the_second(restores.hold))
        assert client.simulate_post(PATH, headers=KEY).status_code == 503
    assert held(due) == 2
    first, again = (client.simulate_post(PATH, headers=KEY) for _ in range(2))
    assert (first.status_code, first.json["apps"][0]["not_begun"], first.json) == (200, FIVE, again.json)
    assert (held(due), recorded("restore.declared")) == (FIVE, 1)


def test_a_release_that_stops_keeps_what_it_released_and_is_gone_on_with_by_the_same_request(
    client: Client, system: GivenSystem, due: list[UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    declaring.declare(LOCAL, system)
    asked = {"headers": KEY, "json": {"runs": THREE}}
    with monkeypatch.context() as patch:
        patch.setattr(restores, "lock_held", away_at_the_second(restores.lock_held))
        assert client.simulate_post(f"{PATH}/release", **asked).status_code == 503
    assert held(due) == THREE
    first, again = (client.simulate_post(f"{PATH}/release", **asked) for _ in range(2))
    assert (first.status_code, first.json["runs"], first.json) == (200, THREE, again.json)
    assert (held(due[:THREE]), held(due), recorded("restore.released")) == (0, 2, 2)


def test_of_a_release_that_is_asked_for_twice_at_once_each_part_is_carried_out_once(
    system: GivenSystem, due: list[UUID]
) -> None:
    declaring.declare(LOCAL, system)
    request = Request("release", "after-the-restore", "the same")
    counts = in_threads(2, lambda _: releasing.release(LOCAL, system, Slice(most=THREE), None, request))
    assert counts == [THREE, THREE]
    assert (held(due[:THREE]), held(due), recorded("restore.released")) == (0, 2, 2)


def test_an_app_goes_on_once(client: Client, system: GivenSystem, due: list[UUID]) -> None:
    declaring.declare(LOCAL, system)
    answers = [client.simulate_post(f"{PATH}/release", headers=KEY, json={}) for _ in range(2)]
    assert [one.json["runs"] for one in answers] == [FIVE, FIVE]
    assert (held(due), recorded("restore.ended")) == (0, 1)
