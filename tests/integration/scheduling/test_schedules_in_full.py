"""Intervals, jitter and the limits of polling, from the job to its runs."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from core.principals import LOCAL
from core.receiver_answers import PollAnswer
from core.schedules import Cron, Frequency, Interval, Polling, Schedule
from core.states import JobState, RunStatus
from services.jobs import creating
from services.reading import records
from services.scheduling import dispatching, planning
from tests.factories import NOON, GivenSystem, claim_one, new_job, record, runs_of, stored_job, succeeded

NOT_DONE = PollAnswer(polling_state={"n": 1}, done=False, next_in_seconds=None, progress=None, message=None)


def made(system: GivenSystem, schedule: Schedule) -> UUID:
    return creating.create(LOCAL, system, new_job(schedule))


def seconds_after_noon(job_id: UUID) -> list[float]:
    """When a job's runs are meant for, in order."""
    return [(run.scheduled_for - NOON).total_seconds() for run in runs_of(job_id)]


def test_an_interval_runs_first_at_its_acceptance_then_at_every_so_many_seconds(system: GivenSystem) -> None:
    job_id = made(system, Interval(every_seconds=40))
    assert seconds_after_noon(job_id) == [0, 40, 80, 120]
    system.clock.advance(60)
    planning.plan(system)
    assert seconds_after_noon(job_id) == [0, 40, 80, 120, 160, 200]


def test_an_interval_that_starts_later_waits_for_its_start(system: GivenSystem) -> None:
    job_id = made(system, Interval(every_seconds=40, starts_at=NOON + timedelta(seconds=100)))
    assert seconds_after_noon(job_id) == [100, 140]


def test_a_frequency_far_off_has_no_row_yet_but_is_shown(system: GivenSystem) -> None:
    starts_at = NOON + timedelta(days=3)
    job_id = made(system, Interval(frequency=Frequency.WEEKLY, starts_at=starts_at))
    assert runs_of(job_id) == []
    coming = records.occurrences(LOCAL, job_id, 2)
    assert [one.scheduled_for for one in coming] == [starts_at, starts_at + timedelta(days=7)]


def test_an_interval_ends_after_its_max_runs(system: GivenSystem) -> None:
    job_id = made(system, Interval(every_seconds=10, max_runs=2))
    for _ in range(2):
        dispatching.make_due(system, [run_id for run_id, _ in dispatching.due_soon(system)])
        record(system, claim_one(system), succeeded())
        system.clock.advance(10)
    assert stored_job(job_id).state is JobState.COMPLETED
    assert [run.status for run in runs_of(job_id)] == [RunStatus.COMPLETED] * 2
    assert records.occurrences(LOCAL, job_id, 5) == []


def test_jitter_moves_the_due_instant_and_leaves_the_nominal_one(system: GivenSystem) -> None:
    job_id = made(system, Cron("* * * * *", jitter_seconds=20))
    assert seconds_after_noon(job_id) == [60, 120]
    delays = [(run.due_at - run.scheduled_for).total_seconds() for run in runs_of(job_id)]
    assert all(0 < delay < 20 for delay in delays)
    coming = records.occurrences(LOCAL, job_id, 4)
    assert [(one.scheduled_for, one.due_at) for one in coming[:2]] == [
        (run.scheduled_for, run.due_at) for run in runs_of(job_id)
    ]
    assert all(one.scheduled_for <= one.due_at for one in coming)


def test_polling_fails_when_it_is_not_done_after_max_polls(system: GivenSystem) -> None:
    job_id = made(system, Polling(5, max_polls=2))
    record(system, claim_one(system), succeeded(NOT_DONE))
    system.clock.advance(5)
    dispatching.make_due(system, [run_id for run_id, _ in dispatching.due_soon(system)])
    record(system, claim_one(system), succeeded(NOT_DONE))
    shown = records.job(LOCAL, job_id)
    assert (shown.status, shown.polls, shown.end_reason) == ("failed", 2, "not done after max_polls=2 polls")
    assert len(runs_of(job_id)) == 2


def test_polling_gives_up_where_the_next_poll_would_come_too_late(system: GivenSystem) -> None:
    job_id = made(system, Polling(30, give_up_after_seconds=20))
    record(system, claim_one(system), succeeded(NOT_DONE))
    shown = records.job(LOCAL, job_id)
    assert (shown.status, shown.end_reason) == ("failed", "not done within give_up_after_seconds=20")


def test_polling_that_is_done_in_time_completes(system: GivenSystem) -> None:
    job_id = made(system, Polling(5, max_polls=1))
    done = PollAnswer(polling_state=None, done=True, next_in_seconds=None, progress=None, message=None)
    record(system, claim_one(system), succeeded(done))
    assert stored_job(job_id).state is JobState.COMPLETED
