"""What waits for a host that is left alone is out of the others' way, is tried in any order, and may go elsewhere."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest

from core.breakers import FIRST_WAIT_SECONDS, MIN_CALLS
from core.principals import LOCAL
from core.states import Hold
from services.execution import held_runs
from services.jobs import definition, editing, lifecycle
from tests.factories import (
    GivenSystem,
    given_system,
    stored_job,
    stored_run,
)
from tests.integration.execution.breaking import (
    Workers,
    queued,
    waiting,
)


@pytest.fixture
def system(store: str) -> GivenSystem:
    return given_system(destination_breaker=True, max_retries=0)


@pytest.fixture
def two(system: GivenSystem) -> Iterator[Workers]:
    with ExitStack() as stack:
        yield stack.enter_context(Workers(system, 2))


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_many_runs_of_a_host_that_is_down_keep_no_claim_from_the_others(system: GivenSystem, two: Workers) -> None:
    queued(system, MIN_CALLS)
    two.fail_until_it_opens()
    queued(system, 50, priority=9)
    [other] = queued(system, 1, app_name="app_b", priority=1)
    work = two.claim()
    assert work is not None
    assert work.run_id == other


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_a_run_that_goes_to_another_host_now_waits_no_longer(system: GivenSystem, two: Workers) -> None:
    made = queued(system, MIN_CALLS + 1)
    two.fail_until_it_opens()
    assert two.claim() is None
    [held] = waiting(made)
    there = "http://127.0.0.2:9/other"
    editing.edit(
        LOCAL, system, held.job_id, lambda _: replace(definition.of(stored_job(held.job_id), ()), callback_url=there)
    )
    work = two.claim()
    assert work is not None
    assert (work.run_id, work.target.url) == (held.id, there)


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_an_edit_of_a_paused_job_leaves_its_held_run_to_the_pause(system: GivenSystem, two: Workers) -> None:
    made = queued(system, MIN_CALLS + 1)
    two.fail_until_it_opens()
    assert two.claim() is None
    [held] = waiting(made)
    lifecycle.pause(LOCAL, system, held.job_id)
    editing.edit(LOCAL, system, held.job_id, lambda _: replace(definition.of(stored_job(held.job_id), ()), priority=9))
    assert stored_run(held.id).held_by is Hold.PAUSED


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_a_probe_is_any_of_the_runs_that_wait(
    system: GivenSystem, two: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(random, "sample", lambda runs, count: runs[::-1][:count])
    queued(system, MIN_CALLS)
    two.fail_until_it_opens()
    made = [run_id for priority in (9, 5, 1) for run_id in queued(system, 1, priority=priority)]
    assert two.claim() is None
    system.clock.advance(FIRST_WAIT_SECONDS)
    held_runs.release_due_keys(system)
    assert [run_id for run_id in made if stored_run(run_id).held_by is None] == [made[-1]]
