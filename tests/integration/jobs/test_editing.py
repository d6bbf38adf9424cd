"""Edit: the run that a worker claims goes by the newest version, one that has begun by its own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from core.errors import Conflict, InvalidInput, NotFound, PreconditionFailed
from core.principals import LOCAL
from core.schedules import DelayFromNow, Immediate, Polling, RunAt
from core.states import Hold, JobStatus, RunStatus
from models.tables import JobVersion
from services.apps import apps
from services.apps.app_views import TaskTypePolicy
from services.jobs import definition, editing, lifecycle
from services.maintenance import pruning
from services.messaging.doorbell import Ring
from services.scheduling import dispatching
from tests.factories import (
    NOON,
    GivenSystem,
    claim,
    claim_one,
    failed,
    first_run,
    given_system,
    polled,
    record,
    refused,
    runs_of,
    stored_job,
    stored_run,
    succeeded,
)
from tests.integration.execution.attempting import SHUTDOWN, attempt, make_due_again
from tests.integration.jobs.edits import changed, edit

LATER = NOON + timedelta(hours=1)


# --- What a run goes by ------------------------------------------------------------------------------------


def test_a_run_that_is_due_goes_by_the_edit(system: GivenSystem) -> None:
    run = first_run(system)
    edit(system, run.job_id, data={"n": 2}, task_type="wave", priority=9, board_id=7)
    work = claim_one(system)
    assert (work.run_id, work.data, work.task_type, work.board_id) == (run.id, {"n": 2}, "wave", 7)
    stored = stored_run(run.id)
    assert (stored.job_version, stored.priority) == (2, 9)


def test_a_run_that_is_held_goes_by_the_edit(system: GivenSystem) -> None:
    run = first_run(system)
    lifecycle.pause(LOCAL, system, run.job_id)
    edit(system, run.job_id, data={"n": 2}, account_id="acc2")
    assert (stored_run(run.id).held_by, stored_run(run.id).account_id) == (Hold.PAUSED, "acc2")
    lifecycle.resume(LOCAL, system, run.job_id)
    assert claim_one(system).data == {"n": 2}


def test_a_run_that_is_being_run_keeps_its_version_when_it_is_tried_again(system: GivenSystem) -> None:
    run = first_run(system, data={"n": 1}, max_retries=1, time_limit_seconds=5, callback_url="http://127.0.0.1:9/one")
    work = claim_one(system)
    edit(system, run.job_id, data={"n": 2}, max_retries=9, time_limit_seconds=6, callback_url="http://127.0.0.1:9/two")
    record(system, work, failed())
    make_due_again(system, run.id)
    again = claim_one(system)
    assert (again.attempt, again.data, again.target.url) == (2, {"n": 1}, "http://127.0.0.1:9/one")
    assert (again.policy.max_retries, again.time_limit_seconds) == (1, 5)
    assert stored_run(run.id).job_version == 1


def test_a_run_that_waits_to_be_tried_again_keeps_its_version_through_two_edits(system: GivenSystem) -> None:
    run = first_run(system, data={"n": 1})
    attempt(system, failed())
    edit(system, run.job_id, data={"n": 2})
    edit(system, run.job_id, data={"n": 3})
    make_due_again(system, run.id)
    assert claim_one(system).data == {"n": 1}


def test_a_run_that_was_handed_back_keeps_its_version(system: GivenSystem) -> None:
    run = first_run(system, data={"n": 1})
    attempt(system, SHUTDOWN)
    edit(system, run.job_id, data={"n": 2}, priority=9)
    assert claim_one(system).data == {"n": 1}
    assert stored_run(run.id).priority == 5


def test_a_run_that_keeps_its_version_is_retried_as_the_app_wants_its_old_task_type(system: GivenSystem) -> None:
    run = first_run(system, task_type="greet")
    policies = {"greet": TaskTypePolicy(7, 11.0), "wave": TaskTypePolicy(8, 12.0)}
    apps.put(LOCAL, system, "app_a", None, policies)
    attempt(system, failed())
    edit(system, run.job_id, task_type="wave")
    make_due_again(system, run.id)
    work = claim_one(system)
    assert (work.task_type, work.policy.max_retries, work.policy.base_seconds) == ("greet", 7, 11.0)


def test_the_next_poll_goes_by_the_edit(system: GivenSystem) -> None:
    run = first_run(system, Polling(30), data={"n": 1})
    attempt(system, polled({}))
    following = runs_of(run.job_id)[1]
    edit(system, run.job_id, data={"n": 2}, schedule=Polling(300, max_polls=3))
    assert stored_run(following.id).due_at == following.created_at + timedelta(seconds=300)
    make_due_again(system, following.id)
    assert attempt(system, polled({}))[0].data == {"n": 2}
    assert runs_of(run.job_id)[2].due_at == system.clock.now() + timedelta(seconds=300)


def test_deadlines_follow_the_edit(system: GivenSystem) -> None:
    run = first_run(system, DelayFromNow(60))
    edit(system, run.job_id, deadline_at=LATER, expire=True)
    assert (stored_run(run.id).deadline_at, stored_run(run.id).expire) == (LATER, True)


def test_a_priority_that_rose_by_waiting_stays_unless_the_edit_gives_another(system: GivenSystem) -> None:
    run = first_run(system, priority=3)
    type(run).update(priority=6).execute()
    edit(system, run.job_id, data={})
    assert stored_run(run.id).priority == 6
    edit(system, run.job_id, priority=4)
    assert stored_run(run.id).priority == 4


# --- Versions ----------------------------------------------------------------------------------------------


def test_an_edit_is_a_version_and_keeps_what_was_before(system: GivenSystem) -> None:
    run = first_run(system, RunAt(LATER), data={"n": 1}, tags=("b", "a"), deadline_at=LATER, name="one")
    before = definition.of(stored_job(run.job_id), ("a", "b"))
    system.clock.advance(5)
    view = edit(system, run.job_id, data={"n": 2}, tags=("c",), name="two")
    assert (view.version, view.data, view.tags, view.name) == (2, {"n": 2}, ("c",), "two")
    assert view.updated_at == system.clock.now()
    [kept] = JobVersion.select()
    assert (kept.job_id, kept.version, kept.replaced_at) == (run.job_id, 1, system.clock.now())
    assert definition.restore(kept.definition) == before


@pytest.mark.parametrize("changes", [{}, {"data": {"some_key": "some_value"}}, {"tags": ()}])
def test_an_edit_that_changes_nothing_is_no_version(system: GivenSystem, changes: dict[str, Any]) -> None:
    run = first_run(system, DelayFromNow(60))
    system.clock.advance(5)
    view = edit(system, run.job_id, **changes)
    assert (view.version, view.updated_at, list(JobVersion.select())) == (1, NOON, [])


@pytest.mark.parametrize("value", [True, 1.0, "1"])
def test_data_that_differs_in_type_alone_is_a_change(system: GivenSystem, value: object) -> None:
    run = first_run(system, data={"n": 1})
    assert edit(system, run.job_id, data={"n": value}).version == 2


def test_an_edit_of_a_version_that_is_no_longer_the_newest_is_refused(system: GivenSystem) -> None:
    run = first_run(system)
    assert editing.edit(LOCAL, system, run.job_id, changed(data={"n": 2}), {1}).version == 2
    with pytest.raises(PreconditionFailed, match="version 2"):
        editing.edit(LOCAL, system, run.job_id, changed(data={"n": 3}), {1})
    with pytest.raises(PreconditionFailed):
        editing.delete(LOCAL, system, run.job_id, {1, 3})
    assert claim_one(system).data == {"n": 2}
    editing.delete(LOCAL, system, run.job_id, {1, 2})


def test_a_name_means_one_job(system: GivenSystem) -> None:
    run, other = first_run(system, name="one"), first_run(system, name="two")
    with pytest.raises(InvalidInput, match="name: is 'two'"):
        edit(system, run.job_id, name="two", data={"n": 2})
    assert (stored_job(run.job_id).version, claim(system)[0].data) == (1, {"some_key": "some_value"})
    editing.delete(LOCAL, system, other.job_id)
    assert edit(system, run.job_id, name="two").name == "two"


def test_a_deadline_that_has_passed_is_refused_only_where_it_is_new(system: GivenSystem) -> None:
    run = first_run(system, DelayFromNow(7200), deadline_at=LATER)
    system.clock.advance(3601)
    assert edit(system, run.job_id, priority=6).version == 2
    with pytest.raises(InvalidInput, match="deadline: is"):
        edit(system, run.job_id, deadline_at=LATER + timedelta(seconds=1))


def test_an_edit_that_leaves_nobody_to_call_is_refused(store: str) -> None:
    system = given_system(callback_base_url=None)
    run = first_run(system, callback_url="http://127.0.0.1:9/hook")
    with pytest.raises(InvalidInput, match="callback_url: is needed"):
        edit(system, run.job_id, callback_url=None)


def test_a_job_that_has_ended_cannot_be_edited(system: GivenSystem) -> None:
    run = first_run(system)
    record(system, claim_one(system), succeeded())
    with pytest.raises(Conflict, match="completed"):
        edit(system, run.job_id, data={})


def test_a_job_that_is_not_there_cannot_be_edited_or_deleted(system: GivenSystem) -> None:
    with pytest.raises(NotFound):
        edit(system, uuid4())
    with pytest.raises(NotFound):
        editing.delete(LOCAL, system, uuid4())


def test_versions_are_pruned_when_no_run_needs_them(system: GivenSystem) -> None:
    run = first_run(system, data={"n": 1}, max_retries=1)
    attempt(system, failed())
    for n in (2, 3):
        edit(system, run.job_id, data={"n": n})
    system.clock.advance(31 * 86_400)
    sum(pruning.sweep(system))
    assert [kept.version for kept in JobVersion.select()] == [1], "the run is still to be tried again"
    make_due_again(system, run.id)
    attempt(system, refused())
    sum(pruning.sweep(system))
    assert list(JobVersion.select()) == []


# --- One-shots move ----------------------------------------------------------------------------------------


def test_a_run_moves_to_another_instant(system: GivenSystem) -> None:
    run = first_run(system, RunAt(LATER))
    view = edit(system, run.job_id, schedule=RunAt(LATER + timedelta(hours=1)))
    assert view.next_run_at == stored_run(run.id).due_at == LATER + timedelta(hours=1)
    assert [one.id for one in runs_of(run.job_id)] == [run.id]


@pytest.mark.parametrize("schedule", [Immediate(), RunAt(NOON), DelayFromNow(0)])
def test_a_run_whose_new_instant_has_come_is_due_and_rung_at_once(system: GivenSystem, schedule: Any) -> None:
    run = first_run(system, RunAt(LATER))
    system.clock.advance(60)
    system.doorbell.heard()
    assert edit(system, run.job_id, schedule=schedule).status is JobStatus.QUEUED
    assert system.doorbell.heard() == [Ring(run.id, "runs.http")]
    assert claim_one(system).scheduled_for == system.clock.now()


def test_a_run_about_to_be_due_is_rung_for_its_instant(system: GivenSystem) -> None:
    run = first_run(system, RunAt(LATER))
    edit(system, run.job_id, schedule=DelayFromNow(1.5))
    assert system.doorbell.heard() == [Ring(run.id, "runs.http", NOON + timedelta(seconds=1.5))]


def test_a_delay_counts_from_the_edit(system: GivenSystem) -> None:
    run = first_run(system, DelayFromNow(60))
    system.clock.advance(30)
    edit(system, run.job_id, data={})
    assert stored_run(run.id).due_at == NOON + timedelta(seconds=60), "the schedule was not edited"
    edit(system, run.job_id, schedule=DelayFromNow(90))
    assert stored_run(run.id).due_at == NOON + timedelta(seconds=120)


def test_a_run_that_is_due_can_be_put_off(system: GivenSystem) -> None:
    run = first_run(system)
    edit(system, run.job_id, schedule=RunAt(LATER))
    assert (claim(system), stored_run(run.id).status) == ([], RunStatus.PENDING)
    system.clock.set(LATER)
    assert dispatching.make_due(system, [run.id]) == 1
    assert claim_one(system).run_id == run.id


def test_the_run_of_a_paused_job_moves_and_stays_held(system: GivenSystem) -> None:
    run = first_run(system, RunAt(LATER))
    lifecycle.pause(LOCAL, system, run.job_id)
    system.doorbell.heard()
    edit(system, run.job_id, schedule=Immediate())
    assert (stored_run(run.id).held_by, system.doorbell.heard(), claim(system)) == (Hold.PAUSED, [], [])
    edit(system, run.job_id, schedule=RunAt(LATER))
    assert (stored_run(run.id).status, stored_run(run.id).held_by) == (RunStatus.PENDING, None)


@pytest.mark.parametrize("begin", [claim_one, lambda system: attempt(system, failed())])
def test_a_run_that_has_begun_does_not_move(system: GivenSystem, begin: Callable[[GivenSystem], object]) -> None:
    run = first_run(system)
    begin(system)
    with pytest.raises(Conflict, match="has begun"):
        edit(system, run.job_id, schedule=RunAt(LATER))
    assert stored_job(run.job_id).version == 1
