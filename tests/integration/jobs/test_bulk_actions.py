"""One action on many: all that fit, those refused named, a dry run that leaves no trace."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, NoReturn
from uuid import UUID

import pytest

from core import fingerprints
from core.errors import DatabaseUnavailable, InvalidInput
from core.filters import JobFilter, RunFilter
from core.principals import LOCAL, Principal
from core.schedules import DelayFromNow, Schedule
from core.states import JobStatus, RunStatus
from services.execution import workers
from services.jobs import bulk_actions, creating, lifecycle, requested_runs
from services.jobs.bulk_actions import Action, RunAction
from services.requests.idempotency import Request
from tests.factories import (
    GivenSystem,
    claim,
    first_run,
    given_system,
    in_threads,
    new_job,
    record,
    refused,
    runs_of,
    stored_job,
    stored_run,
    succeeded,
)
from tests.integration.execution.attempting import attempt

ALL = JobFilter()
FAILED = RunFilter(status=RunStatus.FAILED)


def made(system: GivenSystem, count: int, schedule: Schedule | None = None, **overrides: Any) -> list[UUID]:
    return [creating.create(LOCAL, system, new_job(schedule or DelayFromNow(60), **overrides)) for _ in range(count)]


def states(job_ids: list[UUID]) -> list[str]:
    return [stored_job(job_id).state for job_id in job_ids]


def request(body: str = "the body") -> Request:
    return Request("actOnJobs", "a-key", fingerprints.of(body))


def unavailable(*_asked: object) -> NoReturn:
    raise DatabaseUnavailable("gone")


def act(system: GivenSystem, action: Action, wanted: JobFilter = ALL, **options: Any) -> bulk_actions.BulkResult:
    return bulk_actions.act(LOCAL, system, action, wanted, **{"dry_run": False, **options})


@pytest.mark.parametrize(
    ("action", "state"),
    [(Action.PAUSE, "paused"), (Action.CANCEL, "cancelled"), (Action.DELETE, "cancelled"), (Action.TRIGGER, "active")],
)
def test_an_action_is_carried_out_on_all_that_fit(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch, action: Action, state: str
) -> None:
    monkeypatch.setattr(bulk_actions, "BATCH", 2)
    those, others = made(system, 5, tags=("a",)), made(system, 2)
    outcome = act(system, action, JobFilter(tag="a"))
    assert (outcome.matched, outcome.changed, outcome.refused, outcome.last) == (5, 5, [], None)
    assert (states(those), states(others)) == ([state] * 5, ["active"] * 2)
    assert len(claim(system)) == (5 if action is Action.TRIGGER else 0)


def test_many_jobs_are_paused_and_resumed_and_their_runs_rung_for(system: GivenSystem) -> None:
    those = made(system, 3, DelayFromNow(0))
    act(system, Action.PAUSE)
    system.doorbell.heard()
    act(system, Action.RESUME, JobFilter(status=JobStatus.PAUSED))
    assert {ring.run_id for ring in system.doorbell.heard()} == {run.id for one in those for run in runs_of(one)}


def test_those_that_refuse_are_named_and_do_not_stop_the_others(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_actions, "REFUSED_TOLD", 2)
    waiting = made(system, 3)
    dead = first_run(system)
    attempt(system, refused())
    outcome = act(system, Action.RETRY)
    assert (outcome.matched, outcome.changed, len(outcome.refused)) == (4, 1, 2)
    assert outcome.refused[0] == bulk_actions.Refused(waiting[0], "Only failed jobs can be retried.")
    assert [work.job_id for work in claim(system)] == [dead.job_id]


@pytest.mark.parametrize("action", Action)
def test_a_dry_run_tells_what_would_be_and_leaves_no_trace(system: GivenSystem, action: Action) -> None:
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
    first = act(system, Action.PAUSE)
    assert (first.matched, first.last, states(those)) == (2, those[1], ["paused"] * 2 + ["active"] * 3)
    second = act(system, Action.PAUSE, after=first.last)
    third = act(system, Action.PAUSE, after=second.last)
    assert (third.matched, third.last, states(those)) == (1, None, ["paused"] * 5)


def dead_runs(system: GivenSystem, count: int) -> list[UUID]:
    made_runs = [first_run(system).id for _ in range(count)]
    for work in claim(system):
        record(system, work, refused())
    return made_runs


def test_dead_runs_are_replayed_but_not_twice(system: GivenSystem) -> None:
    dead = dead_runs(system, 3)
    requested_runs.replay(LOCAL, system, dead[0])
    outcome = bulk_actions.replay(LOCAL, system, FAILED, 10, dry_run=False)
    assert (outcome.matched, outcome.changed) == (2, 2)
    for work in claim(system):
        record(system, work, refused())
    anew = bulk_actions.replay(LOCAL, system, FAILED, 10, dry_run=False)
    assert anew.changed == 3, "what failed again stands for what failed first"
    assert {stored_run(run_id).status for run_id in dead} == {RunStatus.FAILED}


def test_replays_are_limited_and_go_on_from_the_last(system: GivenSystem) -> None:
    dead = dead_runs(system, 3)
    dry = bulk_actions.replay(LOCAL, system, FAILED, 2, dry_run=True)
    assert (dry.changed, dry.last, claim(system)) == (2, dead[1], [])
    first = bulk_actions.replay(LOCAL, system, FAILED, 2, dry_run=False)
    rest = bulk_actions.replay(LOCAL, system, FAILED, 2, first.last, dry_run=False)
    assert (first.changed, rest.changed, rest.last) == (2, 1, None)


def test_runs_of_cancelled_jobs_are_refused(system: GivenSystem) -> None:
    run = first_run(system)
    lifecycle.cancel(LOCAL, system, run.job_id)
    outcome = bulk_actions.replay(LOCAL, system, RunFilter(status=RunStatus.CANCELLED), 10, dry_run=False)
    assert (outcome.changed, [one.id for one in outcome.refused]) == (0, [run.id])


def completed_runs(system: GivenSystem, count: int) -> list[UUID]:
    made_runs = [first_run(system).id for _ in range(count)]
    for work in claim(system):
        record(system, work, succeeded())
    return made_runs


def act_on_runs(system: GivenSystem, wanted: RunFilter, *, again: bool, **options: Any) -> bulk_actions.BulkResult:
    return bulk_actions.act_on_runs(
        LOCAL, system, RunAction.REPLAY, wanted, **{"dry_run": False, **options}, again=again
    )


def test_completed_runs_are_replayed_only_for_whoever_asks_for_them(system: GivenSystem) -> None:
    completed, dead = completed_runs(system, 2), dead_runs(system, 1)
    assert act_on_runs(system, RunFilter(), again=False, dry_run=True).first == dead
    refusals = act_on_runs(system, RunFilter(ids=(*completed, *dead)), again=False, dry_run=True).refused
    assert [(one.id, '"again": true' in one.detail) for one in refusals] == [(one, True) for one in completed]
    before = RunFilter(finished_before=system.clock.advance(1))
    assert act_on_runs(system, before, again=True, dry_run=True).first == [*completed, *dead]
    assert act_on_runs(system, replace(before, status=RunStatus.COMPLETED), again=True).first == completed
    assert act_on_runs(system, before, again=True).first == dead, "the others are being replayed"


def test_replays_that_complete_meanwhile_are_not_replayed_without_end(system: GivenSystem) -> None:
    completed_runs(system, 3)
    wanted = RunFilter(status=RunStatus.COMPLETED)
    for end in (None, system.clock.now() + timedelta(seconds=1)):
        with pytest.raises(InvalidInput, match=r"finished_before: must be given with again, and be no later than now"):
            act_on_runs(system, replace(wanted, finished_before=end), again=True)
    wanted = replace(wanted, finished_before=system.clock.advance(1))
    first = act_on_runs(system, wanted, again=True, limit=2)
    for work in claim(system):
        record(system, work, succeeded())
    rest = act_on_runs(system, wanted, again=True, limit=2, after=first.last)
    assert (first.changed, rest.changed, rest.last) == (2, 1, None)
    assert act_on_runs(system, wanted, again=True).changed == 0, "a run whose replay has run is not replayed once more"


# --- Under a key -----------------------------------------------------------------------------------------------


def test_an_action_that_breaks_off_goes_on_where_it_was_when_it_is_asked_for_again(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_actions, "BATCH", 2)
    those = made(system, 7)

    def carry_out_as(trigger: Callable[..., object]) -> None:
        kinds = bulk_actions._ACTIONS
        monkeypatch.setitem(kinds, Action.TRIGGER, replace(kinds[Action.TRIGGER], carry_out=trigger))

    def trigger_until(job_id: UUID) -> None:
        def trigger(principal: Principal, system: GivenSystem, one: UUID) -> object:
            if one == job_id:
                raise DatabaseUnavailable("gone")
            return requested_runs.trigger(principal, system, one)

        carry_out_as(trigger)

    trigger_until(those[5])
    with pytest.raises(DatabaseUnavailable):
        act(system, Action.TRIGGER, request=request())
    assert [len(runs_of(one)) for one in those] == [2, 2, 2, 2, 1, 1, 1]
    carry_out_as(requested_runs.trigger)
    made(system, 1)  # what fits since is not meant
    outcome = act(system, Action.TRIGGER, request=request())
    assert (outcome.matched, outcome.changed, outcome.last) == (7, 7, None)
    assert [len(runs_of(one)) for one in those] == [2] * 7
    assert act(system, Action.TRIGGER, request=request()) == outcome
    assert [len(runs_of(one)) for one in those] == [2] * 7


def test_an_action_that_fails_in_its_first_batch_leaves_the_key_free(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(system, 2)
    with monkeypatch.context() as patch:
        patch.setattr(bulk_actions, "_refused", unavailable)
        with pytest.raises(DatabaseUnavailable):
            act(system, Action.TRIGGER, request=request())
    assert act(system, Action.CANCEL, request=request("another")).changed == 2


def test_a_key_that_is_a_day_old_means_a_new_action(system: GivenSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_actions, "BATCH", 1)
    those = made(system, 3)
    act(system, Action.TRIGGER, request=request())
    system.clock.advance(24 * 3600)
    act(system, Action.TRIGGER, request=request())
    assert [len(runs_of(one)) for one in those] == [3, 3, 3]


def test_the_same_action_asked_for_twice_at_once_is_carried_out_once(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_actions, "BATCH", 3)
    those = made(system, 20)
    one, other = in_threads(2, lambda _: act(system, Action.TRIGGER, request=request()))
    assert one == other
    assert [len(runs_of(job_id)) for job_id in those] == [2] * 20


def test_dead_runs_are_replayed_once_under_a_key(system: GivenSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_actions, "BATCH", 2)
    dead_runs(system, 3)
    first = bulk_actions.replay(LOCAL, system, FAILED, 10, dry_run=False, request=request())
    for work in claim(system):
        record(system, work, refused())
    assert bulk_actions.replay(LOCAL, system, FAILED, 10, dry_run=False, request=request()) == first
    assert claim(system) == []


def test_a_dry_run_under_a_key_leaves_no_trace(system: GivenSystem) -> None:
    those = made(system, 2)
    dry = [act(system, Action.TRIGGER, dry_run=True, request=request()) for _ in range(2)]
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
        lambda: act(system, Action.PAUSE),
        lambda: act(system, Action.CANCEL, dry_run=True),
        lambda: workers.renew(system, worker, leases),
        lambda: act(system, Action.RESUME),
    ]

    def race(number: int) -> None:
        for _ in range(40 if number == 2 else 4):
            turns[number]()

    in_threads(4, race)
