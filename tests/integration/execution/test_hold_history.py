"""The history of holds: for each time that a run was held it says why, since when, until when, behind whom."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from core.policies import Overlap
from core.principals import LOCAL
from core.rates import Rate
from core.schedules import DelayFromNow, Interval
from core.states import Hold
from models import database, pruning, run_holds
from models.tables import RunHold
from services.apps import apps
from services.execution import held_runs
from services.jobs import creating, definition, editing, lifecycle, requested_runs, run_actions
from services.reading import records
from services.restoring import declaring, releasing
from services.restoring.releasing import Slice
from services.scheduling import dispatching, pauses, planning
from tests import statements
from tests.factories import (
    NOON,
    GivenSystem,
    claim,
    claim_one,
    first_run,
    new_job,
    record,
    runs_of,
    stored_job,
    stored_run,
    succeeded,
)
from tests.integration.execution.attempting import SHUTDOWN
from tests.integration.execution.limiting import create, put

KEY = "app:app_a"
Told = tuple[Hold, str | None, float | None, float | None, tuple[UUID, ...]]


def history(run_id: UUID) -> list[Told]:
    """What held a run, in seconds after noon."""
    found = records.whole_run(LOCAL, run_id, 0).holds
    return [(one.held_by, one.key, after_noon(one.since), after_noon(one.until), one.holders) for one in found]


def after_noon(instant: datetime | None) -> float | None:
    return None if instant is None else (instant - NOON).total_seconds()


def run_of(job_id: UUID) -> UUID:
    return runs_of(job_id)[0].id


def make_due(system: GivenSystem) -> None:
    dispatching.make_due(system, [run_id for run_id, _ in dispatching.due_soon(system)])


def test_holds_one_after_the_other_cover_the_whole_time_from_due_to_claim(system: GivenSystem) -> None:
    put(system, KEY, 1)
    create(system, priority=9)
    [job_id] = create(system)
    run_id = run_of(job_id)
    [first] = claim(system)
    system.clock.advance(10)
    lifecycle.pause(LOCAL, system, job_id)
    record(system, first, succeeded())
    system.clock.advance(1)
    held_runs.release_due_keys(system)
    system.clock.advance(4)
    assert history(run_id) == [
        (Hold.CONCURRENCY, KEY, 0, 11, (first.run_id,)),
        (Hold.PAUSED, None, 11, None, ()),
    ]
    lifecycle.resume(LOCAL, system, job_id)
    claim_one(system)
    assert history(run_id)[-1] == (Hold.PAUSED, None, 11, 15, ())
    waited = sum((one.until - one.since for one in records.whole_run(LOCAL, run_id, 0).holds if one.until), timedelta())
    assert waited == stored_run(run_id).started_at - stored_run(run_id).due_at


def test_what_becomes_due_or_is_made_while_its_key_holds_others_is_behind_whoever_has_the_place(
    system: GivenSystem,
) -> None:
    put(system, KEY, 1)
    create(system, 2)
    [first] = claim(system)
    [later] = create(system, schedule=DelayFromNow(5))
    [at_once] = create(system)
    system.clock.advance(5)
    make_due(system)
    assert history(run_of(later)) == [(Hold.CONCURRENCY, KEY, 5, None, (first.run_id,))]
    assert history(run_of(at_once)) == [(Hold.CONCURRENCY, KEY, 0, None, (first.run_id,))]


def test_of_a_rate_the_calls_that_ended_last_are_before_it(system: GivenSystem) -> None:
    put(system, KEY, rate=Rate(2, 60))
    create(system, 2, priority=9)
    [job_id] = create(system)
    ended, going = claim(system, 2)
    record(system, ended, succeeded())
    claim(system)
    assert history(run_of(job_id)) == [(Hold.RATE_LIMIT, KEY, 0, None, (going.run_id, ended.run_id))]


def test_a_run_that_another_key_refuses_was_held_by_both(system: GivenSystem) -> None:
    put(system, "account:app_a/acc1", 1)
    _, second = create(system, 2)
    [first] = claim(system)
    put(system, KEY, 1)
    create(system, 1, account_id="acc2", priority=9)
    record(system, first, succeeded())
    [other] = claim(system)
    system.clock.advance(1)
    held_runs.release_due_keys(system)
    assert history(run_of(second)) == [
        (Hold.CONCURRENCY, "account:app_a/acc1", 0, 1, (first.run_id,)),
        (Hold.CONCURRENCY, KEY, 1, None, (other.run_id,)),
    ]


def test_one_that_waits_for_its_turn_is_held_until_the_run_before_it_has_ended(system: GivenSystem) -> None:
    job_id = creating.create(LOCAL, system, new_job(Interval(every_seconds=60), overlap=Overlap.QUEUE_ONE))
    make_due(system)
    work = claim_one(system)
    system.clock.advance(60)
    planning.plan(system)
    make_due(system)
    system.clock.advance(7)
    record(system, work, succeeded())
    assert history(runs_of(job_id)[1].id) == [(Hold.OVERLAP, None, 60, 67, ())]


def test_what_is_made_during_a_pause_and_cancelled_in_it_was_held_to_its_end(system: GivenSystem) -> None:
    apps.ensure(LOCAL, system, "app_a")
    pauses.pause_app(LOCAL, system, "app_a")
    run = first_run(system)
    extra = requested_runs.trigger(LOCAL, system, run.job_id)
    system.clock.advance(5)
    run_actions.cancel(LOCAL, system, run.id)
    system.clock.advance(5)
    pauses.resume_app(LOCAL, system, "app_a")
    assert history(run.id) == [(Hold.PAUSED, None, 0, 5, ())]
    assert history(extra.id) == [(Hold.PAUSED, None, 0, 10, ())]


def test_a_run_that_is_handed_back_to_a_paused_job_is_held_from_then_on(system: GivenSystem) -> None:
    run = first_run(system)
    work = claim_one(system)
    assert history(run.id) == []
    lifecycle.pause(LOCAL, system, run.job_id)
    system.clock.advance(3)
    record(system, work, SHUTDOWN)
    assert history(run.id) == [(Hold.PAUSED, None, 3, None, ())]


def test_a_run_that_an_edit_moves_to_a_later_instant_is_held_no_more(system: GivenSystem) -> None:
    run = first_run(system)
    lifecycle.pause(LOCAL, system, run.job_id)
    system.clock.advance(5)
    later = replace(definition.of(stored_job(run.job_id), ()), schedule=DelayFromNow(60))
    editing.edit(LOCAL, system, run.job_id, lambda _: later)
    assert history(run.id) == [(Hold.PAUSED, None, 0, 5, ())]
    system.clock.advance(60)
    make_due(system)
    assert history(run.id)[1:] == [(Hold.PAUSED, None, 65, None, ())]


def test_a_restore_takes_over_what_a_limit_held_until_it_is_released(system: GivenSystem) -> None:
    put(system, KEY, 1)
    create(system, priority=9)
    [job_id] = create(system)
    [first] = claim(system)
    system.clock.advance(2)
    declaring.declare(LOCAL, system)
    system.clock.advance(2)
    releasing.release(LOCAL, system, Slice())
    assert history(run_of(job_id)) == [
        (Hold.CONCURRENCY, KEY, 0, 2, (first.run_id,)),
        (Hold.RESTORED, None, 2, 4, ()),
    ]


def test_a_run_keeps_its_first_hundred_holds_and_they_go_with_it(system: GivenSystem) -> None:
    run = first_run(system)
    lifecycle.pause(LOCAL, system, run.job_id)
    with database.transaction():
        for second in range(1, 110):
            run_holds.change([run.id], NOON + timedelta(seconds=second))
    kept = records.whole_run(LOCAL, run.id, 0).holds
    assert len(kept) == run_holds.MAX_OF_A_RUN
    assert after_noon(kept[-1].until) == 100
    with database.transaction():
        pruning.delete_runs([run.id])
        assert RunHold.select().count() == 0


def test_holds_follow_each_other_though_a_transaction_waited_for_a_lock_since_it_took_the_time(
    system: GivenSystem,
) -> None:
    run = first_run(system)
    lifecycle.pause(LOCAL, system, run.job_id)
    with database.transaction():
        for second in (9, 7, 8):
            run_holds.change([run.id], NOON + timedelta(seconds=second))
    kept = [(after_noon(one.since), after_noon(one.until)) for one in records.whole_run(LOCAL, run.id, 0).holds]
    assert kept == [(0, 9), (9, 9), (9, 9), (9, None)]


def test_a_hold_that_a_process_of_the_former_release_ended_lasted_to_the_next_attempt(system: GivenSystem) -> None:
    run = first_run(system)
    lifecycle.pause(LOCAL, system, run.job_id)
    system.clock.advance(5)
    lifecycle.resume(LOCAL, system, run.job_id)
    with database.transaction():
        RunHold.update(until=None).execute()
    system.clock.advance(1)
    claim_one(system)
    assert history(run.id) == [(Hold.PAUSED, None, 0, 6, ())]


def test_holds_that_such_a_process_ended_did_not_last_into_the_next_one(system: GivenSystem) -> None:
    run = first_run(system)
    lifecycle.pause(LOCAL, system, run.job_id)
    system.clock.advance(5)
    lifecycle.resume(LOCAL, system, run.job_id)
    with database.transaction():
        RunHold.update(until=None).execute()
    lifecycle.pause(LOCAL, system, run.job_id)
    assert history(run.id) == [(Hold.PAUSED, None, 0, 5, ()), (Hold.PAUSED, None, 5, None, ())]
    system.clock.advance(4)
    lifecycle.resume(LOCAL, system, run.job_id)  # ends both that are open
    assert history(run.id) == [(Hold.PAUSED, None, 0, 5, ()), (Hold.PAUSED, None, 5, 9, ())]


def test_a_claim_that_holds_by_several_keys_records_all_its_holds_in_one_statement(system: GivenSystem) -> None:
    accounts = ("acc1", "acc2", "acc3")
    for account in accounts:
        put(system, f"account:app_a/{account}", 1)
        create(system, 2, account_id=account)
    with statements.noted() as sent:
        assert len(claim(system, 6)) == len(accounts)
    assert begun(sent) == 1
    with database.reading():
        assert RunHold.select().count() == len(accounts)


def test_a_release_after_which_nothing_holds_the_runs_looks_for_no_hold(system: GivenSystem) -> None:
    put(system, KEY, 1)
    create(system, 2)
    paused = first_run(system, app_name="app_b")
    lifecycle.pause(LOCAL, system, paused.job_id)
    [first] = claim(system)
    record(system, first, succeeded())
    with database.reading():
        assert RunHold.select().where(RunHold.until.is_null()).count() == 2
    system.clock.advance(1)
    with statements.noted() as sent:
        held_runs.release_due_keys(system)
        lifecycle.resume(LOCAL, system, paused.job_id)
    assert begun(sent) == 0
    with database.reading():
        assert RunHold.select().where(RunHold.until.is_null()).count() == 0


def begun(sent: list[statements.Statement]) -> int:
    return sum("INSERT INTO run_holds" in text for text, _ in sent)
