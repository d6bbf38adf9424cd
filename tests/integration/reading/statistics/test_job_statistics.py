"""The statistics of jobs: how many show each status, and how long their newest runs waited."""

from __future__ import annotations

from datetime import timedelta

from core.filters import JobFilter
from core.principals import LOCAL
from core.schedules import DelayFromNow
from core.states import Trigger
from models import database, jobs, runs
from models.tables import Run
from services.jobs import creating, lifecycle
from services.reading.statistics import job_statistics
from services.reading.statistics.job_statistics import JobStatistics
from services.scheduling import dispatching
from tests.factories import (
    NOON,
    GivenSystem,
    claim,
    claim_one,
    failed,
    first_run,
    new_job,
    record,
    refused,
    succeeded,
)


def test_the_mean_wait_is_not_changed_by_runs_that_are_tried_again(system: GivenSystem) -> None:
    first_run(system)
    system.clock.advance(10)
    record(system, claim_one(system), succeeded())
    assert job_statistics.overview(LOCAL).wait_seconds == 10
    again = first_run(system, retry_backoff_base=600.0, max_retries=1)
    record(system, claim_one(system), failed())
    assert job_statistics.overview(LOCAL).wait_seconds == 10
    system.clock.advance(1_000)
    dispatching.make_due(system, [again.id])
    work = claim_one(system)
    record(system, work, succeeded())
    assert job_statistics.overview(LOCAL).wait_seconds == 10


def test_the_mean_wait_leaves_out_lost_runs(system: GivenSystem) -> None:
    first_run(system)
    first_run(system)
    system.clock.advance(4)
    _, lost = claim(system, 2)
    with database.transaction():
        Run.update(loss_count=1, due_at=NOON + timedelta(hours=1)).where(Run.id == lost.run_id).execute()
    assert job_statistics.overview(LOCAL).wait_seconds == 4


def test_jobs_are_counted_by_what_they_show_and_the_parts_sum_to_the_whole(system: GivenSystem) -> None:
    creating.create(LOCAL, system, new_job(DelayFromNow(60)))
    lifecycle.pause(LOCAL, system, creating.create(LOCAL, system, new_job()))
    lifecycle.cancel(LOCAL, system, creating.create(LOCAL, system, new_job()))
    for _ in range(4):
        creating.create(LOCAL, system, new_job())
    good, bad, again = claim(system, 3)
    record(system, good, succeeded())
    record(system, bad, refused())
    record(system, again, failed())
    claim_one(system)
    creating.create(LOCAL, system, new_job())
    expected = JobStatistics(
        total=8, pending=3, running=1, completed=1, failed=1, cancelled=1, paused=1, queued=2, retrying=1
    )
    assert job_statistics.of_jobs(LOCAL, JobFilter()) == expected


def test_a_job_that_is_paused_while_it_runs_counts_once(system: GivenSystem) -> None:
    run = first_run(system)
    claim_one(system)
    lifecycle.pause(LOCAL, system, run.job_id)
    counted = job_statistics.of_jobs(LOCAL, JobFilter())
    assert (counted.total, counted.running, counted.paused) == (1, 0, 1)


def test_a_job_with_two_runs_that_run_counts_once(system: GivenSystem) -> None:
    job = first_run(system).job_id
    with database.transaction():
        locked = jobs.lock([job])[job]
        runs.insert([runs.draft(locked, Trigger.MANUAL, NOON, NOON)])
    assert len(claim(system)) == 2
    counted = job_statistics.of_jobs(LOCAL, JobFilter())
    assert (counted.total, counted.running, counted.pending) == (1, 1, 0)


def test_jobs_are_counted_of_one_app_or_account(system: GivenSystem) -> None:
    for app_name, account_id in (("a", "1"), ("a", "2"), ("b", "2")):
        creating.create(LOCAL, system, new_job(app_name=app_name, account_id=account_id))
    claim(system, 1)
    assert job_statistics.of_jobs(LOCAL, JobFilter(app_name="a")).total == 2
    assert job_statistics.of_jobs(LOCAL, JobFilter(account_id="2")).total == 2
    assert job_statistics.of_jobs(LOCAL, JobFilter(app_name="a", account_id="1")) == JobStatistics(1, 0, 1, 0, 0, 0, 0)
    assert job_statistics.of_jobs(LOCAL, JobFilter(app_name="c")).total == 0
