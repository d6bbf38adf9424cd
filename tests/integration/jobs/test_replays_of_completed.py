"""Replay of a run that completed: only on purpose, and then its outcome is that of the job."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from core.auditing import AuditFilter
from core.errors import Conflict
from core.principals import LOCAL
from core.schedules import Interval, Polling, Schedule
from core.states import JobStatus, RunStatus
from models import database
from models.tables import Job, Run
from services.access import audit
from services.jobs import creating, requested_runs, run_actions
from services.maintenance import pruning
from services.reading import records
from services.reading.occurrences import calendar, past_occurrences
from services.reading.statistics.run_figures import By, RunFigures, WantedFigures
from services.reading.views import RunView
from tests.factories import (
    GivenSystem,
    claim_one,
    first_run,
    given_system,
    new_job,
    polled,
    record,
    refused,
    runs_of,
    stored_job,
    stored_run,
    succeeded,
)
from tests.integration.execution.attempting import CANCELLED, attempt
from tests.integration.jobs.requesting import make_due

EVERY_MINUTE = Interval(every_seconds=60)
DAY = 86_400.0
UTC = ZoneInfo("UTC")


def completed(system: GivenSystem, schedule: Schedule | None = None, **overrides: object) -> Run:
    """The run of a job, which has completed."""
    job_id = creating.create(LOCAL, system, new_job(schedule, **overrides))
    make_due(system)
    work, _ = attempt(system, succeeded())
    assert work.job_id == job_id
    return stored_run(work.run_id)


def replay(system: GivenSystem, run: Run) -> RunView:
    return requested_runs.replay(LOCAL, system, run.id, again=True)


def status(run: Run) -> JobStatus:
    return records.job(LOCAL, run.job_id).status


def test_it_is_refused_unless_its_caller_says_that_it_is_meant(system: GivenSystem) -> None:
    run = completed(system)
    with pytest.raises(Conflict, match=r'has completed.*under another key.*send "again": true'):
        requested_runs.replay(LOCAL, system, run.id)
    assert (len(runs_of(run.job_id)), status(run)) == (1, JobStatus.COMPLETED)


def test_a_one_shot_is_active_again_until_its_replay_is_over(system: GivenSystem) -> None:
    run = completed(system)
    view = replay(system, run)
    assert (view.retry_of, status(run)) == (run.id, JobStatus.QUEUED)
    with pytest.raises(Conflict, match="is being replayed"):
        replay(system, run)
    attempt(system, succeeded())
    assert (status(run), stored_run(run.id).status) == (JobStatus.COMPLETED, RunStatus.COMPLETED)
    [entry] = audit.listed(LOCAL, AuditFilter(thing="run", thing_id=str(run.id)), None, 10)[0]
    assert (entry.action, entry.before, entry.after) == (
        "run.replayed",
        {"status": "completed"},
        {"run_id": str(view.id)},
    )
    assert replay(system, run).retry_of == run.id, "once that is over, it may be again"


def test_it_may_have_other_data(system: GivenSystem) -> None:
    run = completed(system)
    requested_runs.replay(LOCAL, system, run.id, {"n": 2}, again=True)
    assert claim_one(system).data == {"n": 2}
    assert stored_job(run.job_id).data == {"some_key": "some_value"}


def test_a_replay_that_fails_fails_its_job_which_can_be_retried(system: GivenSystem) -> None:
    run = completed(system)
    view = replay(system, run)
    attempt(system, refused())
    assert (status(run), stored_run(run.id).status) == (JobStatus.FAILED, RunStatus.COMPLETED)
    assert stored_run(requested_runs.retry(LOCAL, system, run.job_id)).retry_of == view.id


@pytest.mark.parametrize("has_begun", [False, True])
def test_a_replay_that_is_cancelled_leaves_its_job_completed(system: GivenSystem, *, has_begun: bool) -> None:
    run = completed(system)
    view = replay(system, run)
    work = claim_one(system) if has_begun else None
    run_actions.cancel(LOCAL, system, view.id)
    if work is not None:
        record(system, work, CANCELLED)
    assert (stored_run(view.id).status, status(run)) == (RunStatus.CANCELLED, JobStatus.COMPLETED)
    assert replay(system, run).status is RunStatus.QUEUED


def test_a_poll_is_not_replayed_since_the_state_has_moved_on(system: GivenSystem) -> None:
    run = first_run(system, Polling(30))
    attempt(system, polled({"page": 2}))
    with pytest.raises(Conflict, match=r"each poll sends its newest state.*Rewind the polling state"):
        replay(system, run)
    make_due_in(system, 30)
    attempt(system, polled(done=True))
    assert status(run) is JobStatus.COMPLETED
    with pytest.raises(Conflict, match="create a new job"):
        replay(system, run)


def make_due_in(system: GivenSystem, seconds: float) -> None:
    system.clock.advance(seconds)
    make_due(system)


def test_an_upload_is_done_once_and_for_all(system: GivenSystem) -> None:
    run = completed(system)
    with database.transaction():
        Job.update(task_type="upload_file").where(Job.id == run.job_id).execute()
    with pytest.raises(Conflict, match=r"type upload_file is done once and for all.*create a new job"):
        replay(system, run)


def test_it_counts_towards_no_max_runs_and_leaves_the_schedule_alone(system: GivenSystem) -> None:
    run = completed(system, Interval(every_seconds=60, max_runs=2))
    before = stored_job(run.job_id)
    replay(system, run)
    attempt(system, succeeded())
    after = stored_job(run.job_id)
    assert (after.runs_started, after.next_run_at) == (before.runs_started, before.next_run_at)
    make_due_in(system, 60)
    attempt(system, succeeded())
    assert status(run) is JobStatus.COMPLETED
    replay(system, run)
    assert status(run) is JobStatus.QUEUED
    attempt(system, succeeded())
    assert (status(run), stored_job(run.job_id).next_run_at, len(runs_of(run.job_id))) == (
        JobStatus.COMPLETED,
        None,
        4,
    )


def test_a_replay_that_fails_is_no_failure_of_a_schedule(system: GivenSystem) -> None:
    run = completed(system, EVERY_MINUTE)
    replay(system, run)
    attempt(system, refused())
    assert (stored_job(run.job_id).failures_in_row, status(run)) == (0, JobStatus.PENDING)


def test_the_run_is_kept_until_its_replay_is_over(store: str) -> None:
    system = given_system(keep_history_days=30)
    run = completed(system)
    system.clock.advance(29 * DAY)
    replay(system, run)
    system.clock.advance(2 * DAY)
    sum(pruning.sweep(system))
    assert len(runs_of(run.job_id)) == 2, "the last success of a job that has not ended"
    attempt(system, succeeded())
    sum(pruning.sweep(system))
    assert [one.retry_of for one in runs_of(run.job_id)] == [run.id]


@pytest.mark.parametrize(
    ("ends", "became"),
    [("completed", RunStatus.COMPLETED), ("failed", RunStatus.FAILED), ("cancelled", RunStatus.COMPLETED)],
)
def test_its_occurrence_counts_once_as_the_replay_that_ran(system: GivenSystem, ends: str, became: RunStatus) -> None:
    run = completed(system, EVERY_MINUTE)
    view = replay(system, run)
    if ends == "cancelled":
        run_actions.cancel(LOCAL, system, view.id)
    else:
        attempt(system, succeeded() if ends == "completed" else refused())
    today = calendar.of_job(LOCAL, system, run.job_id, UTC)[-1]
    assert (today.completed or 0, today.failed or 0, today.cancelled or 0) == (
        int(became is RunStatus.COMPLETED),
        int(became is RunStatus.FAILED),
        0,
    )
    newest = [one for one in past_occurrences.newest(LOCAL, system, run.job_id, 10) if one.run_id in (run.id, view.id)]
    assert [stored_run(one.run_id).status for one in newest] == [became]


def test_statistics_count_each_run_that_ended(system: GivenSystem) -> None:
    run = completed(system)
    replay(system, run)
    attempt(system, refused())
    [figures] = RunFigures(system).of(LOCAL, WantedFigures(By.JOB, minutes=60)).results
    assert (figures.ended, figures.completed, figures.failed) == (2, 1, 1)
