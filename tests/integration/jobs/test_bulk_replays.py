"""Many runs replayed at once: dead ones, and completed ones for whoever asks for them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from core.errors import InvalidInput
from core.filters import RunFilter
from core.principals import LOCAL
from core.states import RunStatus
from services.jobs import bulk_actions, lifecycle, requested_runs
from services.jobs.bulk_actions import BulkOptions, RunAction
from tests.factories import GivenSystem, claim, first_run, record, refused, stored_run, succeeded
from tests.integration.jobs.keyed import request

FAILED = RunFilter(status=RunStatus.FAILED)


def replay(system: GivenSystem, wanted: RunFilter, **options: Any) -> bulk_actions.BulkResult:
    given = BulkOptions(**{"dry_run": False, "limit": 10, **options})
    return bulk_actions.act_on_runs(LOCAL, system, RunAction.REPLAY, wanted, given)


def dead_runs(system: GivenSystem, count: int) -> list[UUID]:
    made_runs = [first_run(system).id for _ in range(count)]
    for work in claim(system):
        record(system, work, refused())
    return made_runs


def test_dead_runs_are_replayed_but_not_twice(system: GivenSystem) -> None:
    dead = dead_runs(system, 3)
    requested_runs.replay(LOCAL, system, dead[0])
    outcome = replay(system, FAILED)
    assert (outcome.matched, outcome.changed) == (2, 2)
    for work in claim(system):
        record(system, work, refused())
    anew = replay(system, FAILED)
    assert anew.changed == 3, "what failed again stands for what failed first"
    assert {stored_run(run_id).status for run_id in dead} == {RunStatus.FAILED}


def test_replays_are_limited_and_go_on_from_the_last(system: GivenSystem) -> None:
    dead = dead_runs(system, 3)
    dry = replay(system, FAILED, limit=2, dry_run=True)
    assert (dry.changed, dry.last, claim(system)) == (2, dead[1], [])
    first = replay(system, FAILED, limit=2)
    rest = replay(system, FAILED, limit=2, after=first.last)
    assert (first.changed, rest.changed, rest.last) == (2, 1, None)


def test_runs_of_cancelled_jobs_are_refused(system: GivenSystem) -> None:
    run = first_run(system)
    lifecycle.cancel(LOCAL, system, run.job_id)
    outcome = replay(system, RunFilter(status=RunStatus.CANCELLED))
    assert (outcome.changed, [one.id for one in outcome.refused]) == (0, [run.id])


def completed_runs(system: GivenSystem, count: int) -> list[UUID]:
    made_runs = [first_run(system).id for _ in range(count)]
    for work in claim(system):
        record(system, work, succeeded())
    return made_runs


def test_completed_runs_are_replayed_only_for_whoever_asks_for_them(system: GivenSystem) -> None:
    completed, dead = completed_runs(system, 2), dead_runs(system, 1)
    assert replay(system, RunFilter(), again=False, dry_run=True).first == dead
    refusals = replay(system, RunFilter(ids=(*completed, *dead)), again=False, dry_run=True).refused
    assert [(one.id, '"again": true' in one.detail) for one in refusals] == [(one, True) for one in completed]
    before = RunFilter(finished_before=system.clock.advance(1))
    assert replay(system, before, again=True, dry_run=True).first == [*completed, *dead]
    assert replay(system, replace(before, status=RunStatus.COMPLETED), again=True).first == completed
    assert replay(system, before, again=True).first == dead, "the others are being replayed"


def test_replays_that_complete_meanwhile_are_not_replayed_without_end(system: GivenSystem) -> None:
    completed_runs(system, 3)
    wanted = RunFilter(status=RunStatus.COMPLETED)
    for end in (None, system.clock.now() + timedelta(seconds=1)):
        with pytest.raises(InvalidInput, match=r"finished_before: must be given with again, and be no later than now"):
            replay(system, replace(wanted, finished_before=end), again=True)
    wanted = replace(wanted, finished_before=system.clock.advance(1))
    first = replay(system, wanted, again=True, limit=2)
    for work in claim(system):
        record(system, work, succeeded())
    rest = replay(system, wanted, again=True, limit=2, after=first.last)
    assert (first.changed, rest.changed, rest.last) == (2, 1, None)
    assert replay(system, wanted, again=True).changed == 0, "a run whose replay has run is not replayed once more"


def test_dead_runs_are_replayed_once_under_a_key(system: GivenSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_actions, "BATCH", 2)
    dead_runs(system, 3)
    first = replay(system, FAILED, request=request())
    for work in claim(system):
        record(system, work, refused())
    assert replay(system, FAILED, request=request()) == first
    assert claim(system) == []
