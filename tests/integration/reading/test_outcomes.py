"""How the newest runs of jobs ended, and how long they usually take, on both databases."""

from __future__ import annotations

from core import schedules
from core.principals import LOCAL
from core.states import RunStatus
from core.usual import Usual
from services.jobs import lifecycle, requested_runs
from services.reading import durations, outcomes
from tests.factories import GivenSystem, claim, new_job, record, refused, succeeded


def test_the_newest_twenty_that_are_over_come_oldest_first(system: GivenSystem) -> None:
    yearly = schedules.Cron("0 0 1 1 *")
    job_ids = [lifecycle.create(LOCAL, system, new_job(yearly)) for _ in range(3)]
    for number in range(22):
        requested_runs.trigger(LOCAL, system, job_ids[0])
        [work] = claim(system)
        record(system, work, refused() if number == 21 else succeeded())
    requested_runs.trigger(LOCAL, system, job_ids[0])  # is not over
    requested_runs.trigger(LOCAL, system, job_ids[1])
    found = outcomes.newest(job_ids)
    statuses = [one.status for one in found[job_ids[0]]]
    assert statuses == [RunStatus.COMPLETED] * 19 + [RunStatus.FAILED]
    assert found[job_ids[1]] == found[job_ids[2]] == []


def test_of_no_jobs_there_is_nothing_to_say(system: GivenSystem) -> None:
    assert outcomes.newest([]) == {}


def test_what_is_usual_is_told_of_the_newest_twenty_that_completed(system: GivenSystem) -> None:
    yearly = schedules.Cron("0 0 1 1 *")
    job_id, another = (lifecycle.create(LOCAL, system, new_job(yearly)) for _ in range(2))
    for number in range(23):
        requested_runs.trigger(LOCAL, system, job_id)
        [work] = claim(system)
        system.clock.advance(100 if number < 2 else 3)
        record(system, work, refused() if number == 22 else succeeded())
    found = durations.of_jobs([job_id, another])
    assert found == {job_id: Usual(3.0, 3.0, 20)}
    assert durations.of_jobs([]) == {}
