"""How the newest runs of jobs ended, and how long they usually take, on both databases."""

from __future__ import annotations

import pytest

from core import schedules
from core.filters import JobFilter
from core.principals import LOCAL
from core.states import RunStatus
from core.usual import Slower, Usual
from services.jobs import creating, requested_runs
from services.reading import outcomes
from services.reading.statistics import durations, slow_jobs
from services.reading.statistics.slow_jobs import SlowJobs
from services.scheduling import dispatching
from tests.factories import GivenSystem, claim, create_jobs, failed, new_job, record, refused, succeeded
from tests.integration.reading.durations import run_for


def test_the_newest_twenty_that_are_over_come_oldest_first(system: GivenSystem) -> None:
    yearly = schedules.Cron("0 0 1 1 *")
    job_ids = [creating.create(LOCAL, system, new_job(yearly)) for _ in range(3)]
    for number in range(22):
        requested_runs.trigger(LOCAL, system, job_ids[0])
        [work] = claim(system)
        record(system, work, refused() if number == 21 else succeeded())
    requested_runs.trigger(LOCAL, system, job_ids[0])  # is not over
    requested_runs.trigger(LOCAL, system, job_ids[1])
    found = outcomes.newest(LOCAL, job_ids)
    statuses = [one.status for one in found[job_ids[0]]]
    assert statuses == [RunStatus.COMPLETED] * 19 + [RunStatus.FAILED]
    assert found[job_ids[1]] == found[job_ids[2]] == []


def test_of_no_jobs_there_is_nothing_to_say(system: GivenSystem) -> None:
    assert outcomes.newest(LOCAL, []) == {}


def test_what_is_usual_is_told_of_the_newest_that_completed(system: GivenSystem) -> None:
    yearly = schedules.Cron("0 0 1 1 *")
    job_id, another = (creating.create(LOCAL, system, new_job(yearly)) for _ in range(2))
    for number in range(23):
        requested_runs.trigger(LOCAL, system, job_id)
        [work] = claim(system)
        system.clock.advance(100 if number < 2 else 3)
        record(system, work, refused() if number == 22 else succeeded())
    found = durations.of_jobs(LOCAL, [job_id, another])
    assert found == {job_id: Usual(3.0, 100.0, 22)}
    assert durations.of_jobs(LOCAL, []) == {}


def test_a_job_that_became_slow_is_told_with_since_when_and_how_much(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    yearly = schedules.Cron("0 0 1 1 *")
    slow, steady = (creating.create(LOCAL, system, new_job(yearly, title=title)) for title in ("Rebuild", "Sync"))
    for number in range(26):
        for job_id in (slow, steady):
            requested_runs.trigger(LOCAL, system, job_id)
            [work] = claim(system)
            began = system.clock.now()
            system.clock.advance(80 if job_id == slow and number >= 14 else 4)
            record(system, work, succeeded())
            if job_id == slow and number == 14:
                since = began
    found = durations.of_jobs(LOCAL, [slow])[slow]
    assert (found.seconds, found.slower) == (4.0, Slower(20.0, 80.0, since, 12)), "what came after does not hide it"
    [listed] = SlowJobs(system).of(LOCAL)
    assert (listed.job_title, listed.times, listed.since, listed.usual_seconds) == ("Rebuild", 20.0, since, 4.0)
    assert SlowJobs(system).of(LOCAL, JobFilter(app_name="other")) == []
    monkeypatch.undo()
    monkeypatch.setattr("models.durations.FEW", 0)
    assert [one.job_title for one in SlowJobs(system).of(LOCAL)] == ["Rebuild"]
    monkeypatch.undo()
    system.clock.advance(2 * 86_400)
    assert SlowJobs(system).of(LOCAL) == []


@pytest.mark.parametrize("few", [500, 0])
def test_a_job_stays_slow_however_many_other_jobs_have_run_since(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr("models.durations.FEW", few)
    slow = creating.create(LOCAL, system, new_job(schedules.Cron("0 0 1 1 *"), title="Rebuild"))
    for seconds in (4, 4, 4, 40, 40):
        run_for(system, slow, seconds)
    create_jobs(system, [new_job()] * 130, all_or_none=True)
    for work in claim(system, 130):
        record(system, work, succeeded())
    system.clock.advance(86_400)  # until just before a daily job runs again
    assert [one.job_id for one in SlowJobs(system).of(LOCAL)] == [slow]


@pytest.mark.parametrize("few", [500, 0])
def test_the_slowest_hundred_are_those_that_slowed_down_most(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr("models.durations.FEW", few)
    monkeypatch.setattr(slow_jobs, "MAX_JOBS", 2)
    yearly = schedules.Cron("0 0 1 1 *")
    slowed = {times: creating.create(LOCAL, system, new_job(yearly)) for times in (3, 9, 5, 1)}
    for times, job_id in slowed.items():
        for seconds in (10, 10, 10, 10 * times, 10 * times):
            run_for(system, job_id, seconds)
    assert [one.job_id for one in SlowJobs(system).of(LOCAL)] == [slowed[9], slowed[5]]


@pytest.mark.parametrize("few", [500, 0])
def test_a_run_that_was_tried_again_took_what_its_last_attempt_did(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr("models.durations.FEW", few)
    job_id = creating.create(LOCAL, system, new_job(schedules.Cron("0 0 1 1 *"), max_retries=3))
    for seconds in (4, 4, 4):
        run_for(system, job_id, seconds)
    for _ in range(2):
        requested_runs.trigger(LOCAL, system, job_id)
        [work] = claim(system)
        record(system, work, failed(retry_after_seconds=600))
        system.clock.advance(700)
        dispatching.make_due(system, [work.run_id])
        [work] = claim(system)
        system.clock.advance(4)
        record(system, work, succeeded())
    assert durations.of_jobs(LOCAL, [job_id]) == {job_id: Usual(4.0, 4.0, 5)}
    assert SlowJobs(system).of(LOCAL) == []
