"""How the newest runs of jobs ended, on both databases."""

from __future__ import annotations

from core import schedules
from core.principals import LOCAL
from core.states import RunStatus
from services.jobs import lifecycle, requested_runs
from services.reading import outcomes
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
