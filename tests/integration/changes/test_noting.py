"""Whatever changes what is shown of jobs and runs notes it, in one row for each transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from core.policies import Overlap
from core.principals import LOCAL
from core.rates import Rate
from core.schedules import Cron, DelayFromNow, Polling
from models import changes, database
from models.tables import Change, Job, Run
from services.execution import limits, reports
from services.execution.work import Work
from services.jobs import backfill, cancelling, definition, editing, lifecycle, polling_states, requested_runs
from services.jobs.definition import Definition
from services.maintenance import upkeep
from services.reading.views import JobView, RunView
from services.scheduling import overdue, pauses, planning
from tests.factories import (
    GivenSystem,
    claim,
    claim_one,
    failed,
    first_run,
    given_system,
    new_job,
    polled,
    record,
    refused,
    stored_job,
    succeeded,
)
from tests.integration.changes.watching import Watcher
from tests.integration.execution.attempting import LEASE_SECONDS, attempt
from tests.integration.execution.reporting import deferred, sender
from tests.integration.jobs.requesting import failed_job, make_due

JOBS, RUNS = "jobs", "runs"
RATE = Rate(calls=1, seconds=60)
HOURLY = Cron("0 * * * *")
DAY = timedelta(days=1)
SHOWN_OF_JOBS = ({one.name for one in fields(JobView)} & Job._meta.fields.keys()) | {
    "state",
    "deadline_at",
    "deleted_at",
}
SHOWN_OF_RUNS = ({one.name for one in fields(RunView)} & Run._meta.fields.keys()) | {"reports_until"}

Story = Callable[[GivenSystem], Iterator[None]]
"""What was before, then a yield, then what is done."""


def a_job_is_created(system: GivenSystem) -> Iterator[None]:
    yield
    lifecycle.create(LOCAL, system, new_job())


def a_recurring_job_is_created(system: GivenSystem) -> Iterator[None]:
    yield
    lifecycle.create(LOCAL, system, new_job(HOURLY))


def occurrences_are_planned(system: GivenSystem) -> Iterator[None]:
    lifecycle.create(LOCAL, system, new_job(HOURLY))
    system.clock.advance(7_200)
    yield
    planning.plan(system)


def a_run_becomes_due(system: GivenSystem) -> Iterator[None]:
    first_run(system, DelayFromNow(60))
    system.clock.advance(60)
    yield
    make_due(system)


def a_run_is_skipped_for_another(system: GivenSystem) -> Iterator[None]:
    occurring(system, Overlap.SKIP)
    yield
    make_due(system)


def a_run_replaces_another(system: GivenSystem) -> Iterator[None]:
    occurring(system, Overlap.CANCEL_PREVIOUS)
    yield
    make_due(system)


def occurring(system: GivenSystem, overlap: Overlap) -> Work:
    """A second occurrence is due while the first runs: the work of the first."""
    lifecycle.create(LOCAL, system, new_job(Cron("* * * * *"), overlap=overlap))
    system.clock.advance(60)
    make_due(system)
    work = claim_one(system)
    system.clock.advance(60)
    return work


def a_run_gets_its_turn(system: GivenSystem) -> Iterator[None]:
    work = occurring(system, Overlap.QUEUE_ONE)
    make_due(system)
    yield
    record(system, work, succeeded())


def a_run_is_claimed(system: GivenSystem) -> Iterator[None]:
    first_run(system)
    yield
    claim_one(system)


def a_run_is_held_by_a_rate(system: GivenSystem) -> Iterator[None]:
    first_run(system)
    first_run(system)
    yield
    claim(system)


def a_run_gets_a_permit(system: GivenSystem) -> Iterator[None]:
    first_run(system)
    first_run(system)
    [work] = claim(system)
    record(system, work, succeeded())
    system.clock.advance(3_600)
    yield
    limits.give_permits(system)


def a_run_succeeds(system: GivenSystem) -> Iterator[None]:
    first_run(system)
    work = claim_one(system)
    yield
    record(system, work, succeeded())


def a_run_fails_for_now(system: GivenSystem) -> Iterator[None]:
    first_run(system)
    work = claim_one(system)
    yield
    record(system, work, failed())


def a_run_fails_for_good(system: GivenSystem) -> Iterator[None]:
    first_run(system)
    work = claim_one(system)
    yield
    record(system, work, refused())


def a_run_fails_so_that_its_job_is_paused(system: GivenSystem) -> Iterator[None]:
    lifecycle.create(LOCAL, system, new_job(Cron("* * * * *"), overlap=Overlap.ALLOW))
    system.clock.advance(60)
    make_due(system)
    work = claim_one(system)
    yield
    record(system, work, refused(410))


def a_poll_is_answered(system: GivenSystem) -> Iterator[None]:
    first_run(system, Polling(30))
    work = claim_one(system)
    yield
    record(system, work, polled({"page": 1}))


def the_last_poll_is_answered(system: GivenSystem) -> Iterator[None]:
    first_run(system, Polling(30))
    work = claim_one(system)
    yield
    record(system, work, polled({"page": 1}, done=True))


def a_polling_state_is_rewound(system: GivenSystem) -> Iterator[None]:
    run = first_run(system, Polling(30))
    attempt(system, polled({"page": 1}))
    yield
    polling_states.rewind(LOCAL, system, run.job_id, 0)


def a_receiver_takes_a_run_on(system: GivenSystem) -> Iterator[None]:
    first_run(system)
    yield
    deferred(system)


def a_receiver_reports(system: GivenSystem) -> Iterator[None]:
    first_run(system)
    work = deferred(system)
    yield
    reports.complete(system, sender(work), {"pages": 3}, None)


def a_run_is_rescued(system: GivenSystem) -> Iterator[None]:
    first_run(system)
    claim_one(system)
    system.clock.advance(LEASE_SECONDS + 1)
    yield
    assert upkeep.rescue(system) == 1


def a_job_is_paused(system: GivenSystem) -> Iterator[None]:
    run = first_run(system)
    yield
    lifecycle.pause(LOCAL, system, run.job_id)


def a_job_is_resumed(system: GivenSystem) -> Iterator[None]:
    run = first_run(system)
    lifecycle.pause(LOCAL, system, run.job_id)
    yield
    lifecycle.resume(LOCAL, system, run.job_id)


def a_job_is_cancelled(system: GivenSystem) -> Iterator[None]:
    run = first_run(system)
    yield
    lifecycle.cancel(LOCAL, system, run.job_id)


def a_job_that_waits_for_a_report_is_cancelled(system: GivenSystem) -> Iterator[None]:
    run = first_run(system)
    deferred(system)
    yield
    lifecycle.cancel(LOCAL, system, run.job_id)


def a_job_is_deleted(system: GivenSystem) -> Iterator[None]:
    run = first_run(system)
    yield
    editing.delete(LOCAL, system, run.job_id)


def a_job_is_edited(system: GivenSystem) -> Iterator[None]:
    run = first_run(system)
    yield
    edit(system, run.job_id, priority=9)


def a_job_is_moved(system: GivenSystem) -> Iterator[None]:
    run = first_run(system, DelayFromNow(60))
    yield
    edit(system, run.job_id, schedule=DelayFromNow(600))


def a_job_gets_another_schedule(system: GivenSystem) -> Iterator[None]:
    job_id = lifecycle.create(LOCAL, system, new_job(HOURLY))
    yield
    edit(system, job_id, schedule=Cron("30 * * * *"))


def edit(system: GivenSystem, job_id: UUID, **wanted: Any) -> None:
    def amend(view: JobView) -> Definition:
        return replace(definition.of(stored_job(view.id), view.tags), **wanted)

    editing.edit(LOCAL, system, job_id, amend)


def a_job_is_triggered(system: GivenSystem) -> Iterator[None]:
    run = first_run(system)
    yield
    requested_runs.trigger(LOCAL, system, run.job_id)


def a_job_is_retried(system: GivenSystem) -> Iterator[None]:
    job_id = failed_job(system)
    yield
    requested_runs.retry(LOCAL, system, job_id)


def a_job_is_backfilled(system: GivenSystem) -> Iterator[None]:
    job_id = lifecycle.create(LOCAL, system, new_job(HOURLY))
    yield
    now = system.clock.now()
    assert backfill.backfill(LOCAL, system, job_id, now - DAY, now).made


def a_run_is_cancelled(system: GivenSystem) -> Iterator[None]:
    run = first_run(system)
    yield
    cancelling.cancel(LOCAL, system, run.id)


def a_run_waits_long(system: GivenSystem) -> Iterator[None]:
    first_run(system)
    system.clock.advance(system.settings.ageing_seconds)
    yield
    assert overdue.age(system) == 1


def a_deadline_passes(system: GivenSystem) -> Iterator[None]:
    first_run(system, deadline_at=system.clock.now() + timedelta(seconds=1))
    system.clock.advance(2)
    yield
    assert overdue.watch_deadlines(system) == 1


def a_run_is_too_late(system: GivenSystem) -> Iterator[None]:
    first_run(system, deadline_at=system.clock.now() + timedelta(seconds=1), expire=True)
    system.clock.advance(2)
    yield
    assert overdue.watch_deadlines(system) == 1


def an_app_is_paused(system: GivenSystem) -> Iterator[None]:
    first_run(system)
    yield
    pauses.pause_app(LOCAL, system, "app_a")


def everything_is_resumed(system: GivenSystem) -> Iterator[None]:
    first_run(system)
    pauses.pause_everything(LOCAL, system)
    yield
    pauses.resume_everything(LOCAL, system)


STORIES: list[Story] = [
    a_job_is_created,
    a_recurring_job_is_created,
    occurrences_are_planned,
    a_run_becomes_due,
    a_run_is_skipped_for_another,
    a_run_replaces_another,
    a_run_gets_its_turn,
    a_run_is_claimed,
    a_run_is_held_by_a_rate,
    a_run_gets_a_permit,
    a_run_succeeds,
    a_run_fails_for_now,
    a_run_fails_for_good,
    a_run_fails_so_that_its_job_is_paused,
    a_poll_is_answered,
    the_last_poll_is_answered,
    a_polling_state_is_rewound,
    a_receiver_takes_a_run_on,
    a_receiver_reports,
    a_run_is_rescued,
    a_job_is_paused,
    a_job_is_resumed,
    a_job_is_cancelled,
    a_job_that_waits_for_a_report_is_cancelled,
    a_job_is_deleted,
    a_job_is_edited,
    a_job_is_moved,
    a_job_gets_another_schedule,
    a_job_is_triggered,
    a_job_is_retried,
    a_job_is_backfilled,
    a_run_is_cancelled,
    a_run_waits_long,
    a_deadline_passes,
    a_run_is_too_late,
    an_app_is_paused,
    everything_is_resumed,
]


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_what_is_changed_is_noted(store: str, story: Story) -> None:
    system = given_system(account_rate=RATE)
    told = story(system)
    next(told)
    watcher, before = Watcher(), shown()
    next(told, None)
    news, after = watcher.look(), shown()
    changed = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
    assert changed, "the story changes nothing"
    for table, key, job_id in changed:
        assert job_id in news.jobs, table
        if table == RUNS and (table, key, job_id) in after:
            assert key in news.runs


def shown() -> dict[tuple[str, UUID, UUID], list[Any]]:
    """What is shown of each job and each run that is stored, by table, id and job."""
    with database.reading():
        jobs = {(JOBS, row.id, row.id): [getattr(row, name) for name in SHOWN_OF_JOBS] for row in Job.select()}
        runs = {(RUNS, row.id, row.job_id): [getattr(row, name) for name in SHOWN_OF_RUNS] for row in Run.select()}
    return {**jobs, **runs}


def test_a_transaction_has_one_row_whatever_is_done_in_it(system: GivenSystem) -> None:
    watcher = Watcher()
    with system.transaction():
        made = [first_run(system) for _ in range(3)]
    assert stored_rows() == 1
    assert watcher.look().runs == {run.id: run.job_id for run in made}


def test_what_is_rolled_back_is_not_noted(system: GivenSystem) -> None:
    run = first_run(system)
    watcher = Watcher()
    with system.transaction(dry_run=True):
        lifecycle.pause(LOCAL, system, run.job_id)
    assert (watcher.look().jobs, stored_rows()) == (frozenset(), 1)


def test_a_transaction_that_changes_nothing_has_no_row(system: GivenSystem) -> None:
    with system.transaction():
        pass
    assert claim(system) == []
    assert stored_rows() == 0


def test_of_more_than_a_thousand_ids_only_the_apps_are_noted(system: GivenSystem) -> None:
    run = first_run(system)
    watcher = Watcher()
    with system.transaction():
        changes.note(jobs=[run.job_id], runs=(UUID(int=number) for number in range(changes.MOST_IDS)))
    news = watcher.look()
    assert (news.jobs, news.runs) == (frozenset(), {})
    assert news.apps == {stored_job(run.job_id).app_id}


def test_a_paused_app_is_noted_as_a_whole(system: GivenSystem) -> None:
    app_id = stored_job(first_run(system).job_id).app_id
    other_id = stored_job(first_run(system, app_name="app_b").job_id).app_id
    watcher = Watcher()
    pauses.pause_app(LOCAL, system, "app_a")
    news = watcher.look()
    assert (news.is_of_app(app_id), news.is_of_app(other_id)) == (True, False)
    pauses.pause_everything(LOCAL, system)
    assert watcher.look().is_of_app(other_id)


def stored_rows() -> int:
    with database.reading():
        return int(Change.select().count())
