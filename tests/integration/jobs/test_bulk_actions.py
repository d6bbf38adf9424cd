"""One action on many: all that fit, those refused named, a dry run that leaves no trace."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NoReturn
from uuid import UUID

import pytest

from core.errors import DatabaseUnavailable
from core.filters import JobFilter
from core.principals import LOCAL, Principal
from core.schedules import DelayFromNow, Schedule
from core.states import JobStatus
from services.execution import workers
from services.jobs import bulk_actions, creating, lifecycle, requested_runs
from services.jobs.bulk_actions import BulkOptions, JobAction
from tests.factories import (
    GivenSystem,
    claim,
    first_run,
    given_system,
    in_threads,
    new_job,
    refused,
    runs_of,
    stored_job,
)
from tests.integration.execution.attempting import attempt
from tests.integration.jobs.keyed import request

ALL = JobFilter()


def made(system: GivenSystem, count: int, schedule: Schedule | None = None, **overrides: Any) -> list[UUID]:
    return [creating.create(LOCAL, system, new_job(schedule or DelayFromNow(60), **overrides)) for _ in range(count)]


def states(job_ids: list[UUID]) -> list[str]:
    return [stored_job(job_id).state for job_id in job_ids]


def unavailable(*_asked: object) -> NoReturn:
    raise DatabaseUnavailable("gone")


def act(system: GivenSystem, action: JobAction, wanted: JobFilter = ALL, **options: Any) -> bulk_actions.BulkResult:
    return bulk_actions.act(LOCAL, system, action, wanted, BulkOptions(**{"dry_run": False, **options}))


@pytest.mark.parametrize(
    ("action", "state"),
    [
        (JobAction.PAUSE, "paused"),
        (JobAction.CANCEL, "cancelled"),
        (JobAction.DELETE, "cancelled"),
        (JobAction.TRIGGER, "active"),
    ],
)
def test_an_action_is_carried_out_on_all_that_fit(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch, action: JobAction, state: str
) -> None:
    monkeypatch.setattr(bulk_actions, "BATCH", 2)
    those, others = made(system, 5, tags=("a",)), made(system, 2)
    outcome = act(system, action, JobFilter(tag="a"))
    assert (outcome.matched, outcome.changed, outcome.refused, outcome.last) == (5, 5, [], None)
    assert (states(those), states(others)) == ([state] * 5, ["active"] * 2)
    assert len(claim(system)) == (5 if action is JobAction.TRIGGER else 0)


def test_many_jobs_are_paused_and_resumed_and_their_runs_rung_for(system: GivenSystem) -> None:
    those = made(system, 3, DelayFromNow(0))
    act(system, JobAction.PAUSE)
    system.doorbell.heard()
    act(system, JobAction.RESUME, JobFilter(status=JobStatus.PAUSED))
    assert {ring.run_id for ring in system.doorbell.heard()} == {run.id for one in those for run in runs_of(one)}


def test_those_that_refuse_are_named_and_do_not_stop_the_others(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_actions, "MAX_REFUSED_SHOWN", 2)
    waiting = made(system, 3)
    dead = first_run(system)
    attempt(system, refused())
    outcome = act(system, JobAction.RETRY)
    assert (outcome.matched, outcome.changed, len(outcome.refused)) == (4, 1, 2)
    assert outcome.refused[0] == bulk_actions.Refused(waiting[0], "Only failed jobs can be retried.")
    assert [work.job_id for work in claim(system)] == [dead.job_id]


@pytest.mark.parametrize("action", JobAction)
def test_a_dry_run_tells_what_would_be_and_leaves_no_trace(system: GivenSystem, action: JobAction) -> None:
    those = made(system, 2)
    lifecycle.cancel(LOCAL, system, those[0])
    before = [dict(stored_job(one).__data__) for one in those]
    system.doorbell.heard()
    dry = act(system, action, dry_run=True)
    assert [dict(stored_job(one).__data__) for one in those] == before
    assert (system.doorbell.heard(), [len(runs_of(one)) for one in those]) == ([], [1, 1])
    real = act(system, action)
    assert (dry.matched, dry.changed, dry.refused) == (real.matched, real.changed, real.refused)


def test_more_than_one_call_takes_are_gone_through_by_their_ids(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_actions, "MAX_JOBS", 2)
    those = made(system, 5)
    first = act(system, JobAction.PAUSE)
    assert (first.matched, first.last, states(those)) == (2, those[1], ["paused"] * 2 + ["active"] * 3)
    second = act(system, JobAction.PAUSE, after=first.last)
    third = act(system, JobAction.PAUSE, after=second.last)
    assert (third.matched, third.last, states(those)) == (1, None, ["paused"] * 5)


# --- Under a key -----------------------------------------------------------------------------------------------


def test_an_action_that_breaks_off_goes_on_where_it_was_when_it_is_asked_for_again(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_actions, "BATCH", 2)
    those = made(system, 7)

    def carry_out_as(trigger: Callable[..., object]) -> None:
        kinds = bulk_actions._ACTIONS
        monkeypatch.setitem(kinds, JobAction.TRIGGER, replace(kinds[JobAction.TRIGGER], carry_out=trigger))

    def trigger_until(job_id: UUID) -> None:
        def trigger(principal: Principal, system: GivenSystem, one: UUID) -> object:
            if one == job_id:
                raise DatabaseUnavailable("gone")
            return requested_runs.trigger(principal, system, one)

        carry_out_as(trigger)

    trigger_until(those[5])
    with pytest.raises(DatabaseUnavailable):
        act(system, JobAction.TRIGGER, request=request())
    assert [len(runs_of(one)) for one in those] == [2, 2, 2, 2, 1, 1, 1]
    carry_out_as(requested_runs.trigger)
    made(system, 1)  # what fits since is not meant
    outcome = act(system, JobAction.TRIGGER, request=request())
    assert (outcome.matched, outcome.changed, outcome.last) == (7, 7, None)
    assert [len(runs_of(one)) for one in those] == [2] * 7
    assert act(system, JobAction.TRIGGER, request=request()) == outcome
    assert [len(runs_of(one)) for one in those] == [2] * 7


def test_an_action_that_fails_in_its_first_batch_leaves_the_key_free(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(system, 2)
    with monkeypatch.context() as patch:
        patch.setattr(bulk_actions, "_refused", unavailable)
        with pytest.raises(DatabaseUnavailable):
            act(system, JobAction.TRIGGER, request=request())
    assert act(system, JobAction.CANCEL, request=request("another")).changed == 2


def test_a_key_that_is_a_day_old_means_a_new_action(system: GivenSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_actions, "BATCH", 1)
    those = made(system, 3)
    act(system, JobAction.TRIGGER, request=request())
    system.clock.advance(24 * 3600)
    act(system, JobAction.TRIGGER, request=request())
    assert [len(runs_of(one)) for one in those] == [3, 3, 3]


def test_the_same_action_asked_for_twice_at_once_is_carried_out_once(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_actions, "BATCH", 3)
    those = made(system, 20)
    one, other = in_threads(2, lambda _: act(system, JobAction.TRIGGER, request=request()))
    assert one == other
    assert [len(runs_of(job_id)) for job_id in those] == [2] * 20


def test_a_dry_run_under_a_key_leaves_no_trace(system: GivenSystem) -> None:
    those = made(system, 2)
    dry = [act(system, JobAction.TRIGGER, dry_run=True, request=request()) for _ in range(2)]
    assert dry[0] == dry[1]
    assert ([len(runs_of(one)) for one in those], system.doorbell.heard()) == ([1, 1], [])


def test_actions_on_many_and_heartbeats_never_wait_for_each_other(postgresql: str) -> None:
    """They take locks of the same jobs and runs, whose ids are not in one order: a deadlock would be an error."""
    system = given_system()
    for job_id in reversed(made(system, 40)):
        requested_runs.trigger(LOCAL, system, job_id)
    worker = workers.register(system)
    leases = {work.run_id: work.fence for work in claim(system, worker=worker)}
    turns: list[Callable[[], object]] = [
        lambda: act(system, JobAction.PAUSE),
        lambda: act(system, JobAction.CANCEL, dry_run=True),
        lambda: workers.renew(system, worker, leases),
        lambda: act(system, JobAction.RESUME),
    ]

    def race(number: int) -> None:
        for _ in range(40 if number == 2 else 4):
            turns[number]()

    in_threads(4, race)
