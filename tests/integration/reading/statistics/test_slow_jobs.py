"""What is read to find slow jobs is bounded, and where many jobs are looked at, the result is cached."""

from __future__ import annotations

from uuid import UUID

import pytest

from core import schedules
from core.principals import LOCAL
from models import durations
from services.jobs import creating
from services.reading.statistics import slow_jobs
from services.reading.statistics.slow_jobs import SlowJobs
from tests.factories import GivenSystem, new_job
from tests.integration.reading.durations import run_for


def slowed_down(system: GivenSystem, times: int = 9) -> UUID:
    """A job whose newest two runs took so many times as long as usual."""
    job_id = creating.create(LOCAL, system, new_job(schedules.Cron("0 0 1 1 *")))
    for seconds in (10, 10, 10, 10 * times, 10 * times):
        run_for(system, job_id, seconds)
    return job_id


def found(jobs: SlowJobs) -> list[UUID]:
    return [one.job_id for one in jobs.of(LOCAL)]


@pytest.mark.parametrize("few", [500, 0])
def test_of_many_jobs_those_are_judged_that_are_among_the_newest_runs(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(durations, "FEW", few)
    monkeypatch.setattr(durations, "MAX_ENDED", 5)
    before, newest = slowed_down(system), slowed_down(system, 8)
    assert found(SlowJobs(system)) == ([before, newest] if few else [newest])


def test_of_many_jobs_those_are_measured_whose_runs_differed_most(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(durations, "FEW", 0)
    monkeypatch.setattr(durations, "MAX_MEASURED", 1)
    most, _less = slowed_down(system), slowed_down(system, 3)
    assert found(SlowJobs(system)) == [most]


def test_the_result_is_cached_for_half_a_minute_where_many_jobs_are_looked_at(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = SlowJobs(system)
    first = slowed_down(system)
    assert found(jobs) == [first]
    run_for(system, first, 10)
    assert found(jobs) == [], "one is few"
    monkeypatch.setattr(slow_jobs, "MANY", 1)
    for _ in range(2):
        run_for(system, first, 90)
    assert found(jobs) == [first], "what was cached is older than half a minute"
    run_for(system, first, 10)
    assert found(jobs) == [first]
    system.clock.advance(slow_jobs.KEPT_SECONDS)
    assert found(jobs) == []
