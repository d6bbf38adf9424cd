"""The address that a run calls is the one under which it is limited, held by a breaker, and reported as failing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import pytest

from core.principals import LOCAL
from core.schedules import Cron
from core.states import Hold
from services.apps import apps
from services.apps.app_views import TaskTypePolicy
from services.execution import breakers, test_calls
from services.execution.work import Succeeded, Work
from services.jobs import creating, requested_runs
from services.reading.failures import failing_hosts
from tests.factories import GivenSystem, claim, given_system, new_job, record
from tests.integration.execution.breaking import DOWN
from tests.integration.execution.limiting import held, put

CALLED = "called.example.com"
ELSEWHERE = "http://elsewhere.example.com/"


@dataclass(frozen=True)
class Kind:
    """A job that calls one host and names another."""

    job: dict[str, Any]
    mapped: dict[str, Any] | None = None
    base: str | None = ELSEWHERE


KINDS = {
    "a request of its own, with a callback URL that is not used": Kind(
        {"task_type": "http", "data": {"url": f"http://{CALLED}/"}, "callback_url": ELSEWHERE}
    ),
    "a request that its app maps the task type to": Kind({"data": {"url": ELSEWHERE}}, {"url": f"http://{CALLED}/"}),
    "a callback URL that goes before the app's request": Kind(
        {"callback_url": f"http://{CALLED}/"}, {"url": ELSEWHERE}
    ),
    "a callback at its app's base, whatever its data": Kind({"data": {"url": ELSEWHERE}}, base=f"http://{CALLED}"),
}

Create = Callable[[], UUID]


@pytest.fixture
def system(store: str) -> GivenSystem:
    return given_system(destination_breaker=True)


@pytest.fixture(params=[*KINDS.values()], ids=[*KINDS])
def create(request: pytest.FixtureRequest, system: GivenSystem) -> Create:
    kind: Kind = request.param
    apps.put(LOCAL, system, "app_a", kind.base, {"greet": TaskTypePolicy(request=kind.mapped)})
    return lambda: creating.create(LOCAL, system, new_job(Cron("0 0 1 1 *"), **kind.job))


def started(system: GivenSystem, job_id: UUID) -> list[Work]:
    requested_runs.trigger(LOCAL, system, job_id)
    return claim(system)


def test_a_limit_of_the_host_that_is_called_holds_a_run_and_one_of_another_host_does_not(
    system: GivenSystem, create: Create
) -> None:
    put(system, "host:elsewhere.example.com", 1)
    one, other, third = create(), create(), create()
    assert [*started(system, one), *started(system, other)] != []
    put(system, f"host:{CALLED}", 1)
    assert started(system, third) == []
    assert held([one, other, third]) == [(Hold.CONCURRENCY, f"host:{CALLED}")]


def test_a_run_counts_for_the_breaker_of_the_host_that_is_called_and_is_held_by_it(
    system: GivenSystem, create: Create
) -> None:
    job_id, other = create(), create()
    [work] = started(system, job_id)
    host = breakers.host_of(work)
    assert host == CALLED
    breakers.open_new(system, [(work.app_id, host)])
    assert started(system, other) == []
    assert held([other]) == [(Hold.DESTINATION, f"destination:app_a/{CALLED}")]


def test_a_call_that_fails_is_reported_of_the_host_that_is_called(system: GivenSystem, create: Create) -> None:
    [work] = started(system, create())
    record(system, work, DOWN)
    assert [one.host for one in failing_hosts.listed(LOCAL, system)] == [CALLED]


def test_a_test_call_goes_where_a_run_goes(system: GivenSystem, create: Create) -> None:
    called: list[str | None] = []

    def perform(_system: object, work: Work, _scope: object) -> Succeeded:
        called.append(work.target.url)
        return Succeeded(200, "")

    job_id = create()
    test_calls.of_job(LOCAL, replace(system, perform_call=perform), job_id)
    [work] = started(system, job_id)
    assert called == [work.target.url]
    assert breakers.host_of(work) == CALLED
