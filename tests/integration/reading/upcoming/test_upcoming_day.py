"""What comes within a span, by minute and job, on both databases: nothing is hidden by what runs often."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from core.filters import JobFilter
from core.principals import LOCAL
from core.schedules import Cron, DelayFromNow, Interval
from services.jobs import creating
from services.reading.upcoming import upcoming_day, upcoming_runs
from services.reading.upcoming.upcoming_day import DayAhead, DaysAhead
from services.scheduling import pauses
from tests.factories import NOON, GivenSystem, first_run, new_job

DAY = timedelta(days=1)


def ahead(system: GivenSystem, start: datetime = NOON, end: datetime = NOON + DAY) -> DayAhead:
    return DaysAhead(system).of(LOCAL, JobFilter(), start, end)


def test_each_minute_has_its_jobs_whatever_runs_often(system: GivenSystem) -> None:
    often = creating.create(LOCAL, system, new_job(Interval(every_seconds=6)))
    hourly = creating.create(LOCAL, system, new_job(Cron("10 * * * *")))
    once = first_run(system, DelayFromNow(600)).job_id
    found = ahead(system)
    assert found.minutes[NOON + timedelta(minutes=10)] == {hourly: 1, once: 1}
    assert (len(found.minutes), found.counted, found.until) == (24, 25, None)
    [frequent] = found.frequent
    assert (frequent.job.job_id, frequent.count) == (often, 14_400)
    assert found.total == 14_425


def test_a_span_far_ahead_is_looked_at_from_its_start(system: GivenSystem) -> None:
    creating.create(LOCAL, system, new_job(Interval(every_seconds=1, max_runs=5)))
    daily = creating.create(LOCAL, system, new_job(Cron("0 2 * * *"), name="daily"))
    before_midnight = Cron("59 23 * * *", jitter_seconds=3_600)
    jittered = creating.create(LOCAL, system, new_job(before_midnight))
    start = NOON + timedelta(days=30, hours=12)
    shares = [before_midnight.due_at(jittered, start - timedelta(minutes=1) + days * DAY) for days in (0, 1)]
    due = [one for one in shares if start <= one < start + DAY]  # the one of the day before, unless its share is small
    found = ahead(system, start, start + DAY)
    assert found.minutes[start + timedelta(hours=2)] == {daily: 1}
    assert sum(jobs.get(jittered, 0) for jobs in found.minutes.values()) == len(due)
    assert found.counted == 1 + len(due)
    coming = upcoming_runs.coming(LOCAL, system, JobFilter(), DAY.total_seconds(), 10, start=start)
    assert [one.due_at for one in coming if one.job_id == jittered] == due
    assert [one.due_at for one in coming if one.job_id == daily] == [start + timedelta(hours=2)]


def test_where_not_all_is_read_nothing_is_said_of_what_follows(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upcoming_day, "MAX_JOBS", 2)
    for minutes in (10, 20, 30):
        creating.create(LOCAL, system, new_job(Cron(f"{minutes} 13 * * *")))
    assert ahead(system).until == NOON + timedelta(minutes=80)


def test_among_very_many_jobs_fewer_runs_of_each_are_looked_at(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upcoming_day, "MAX_LOOKED_AT", 6)
    hourly = creating.create(LOCAL, system, new_job(Cron("0 * * * *")))
    creating.create(LOCAL, system, new_job(Cron("30 15 * * *")))
    found = ahead(system)
    assert [(one.job.job_id, one.count) for one in found.frequent] == [(hourly, 24)]
    assert (found.counted, found.often) == (1, timedelta(hours=8))


def test_nothing_comes_while_everything_is_paused(system: GivenSystem) -> None:
    creating.create(LOCAL, system, new_job(Cron("0 * * * *")))
    pauses.pause_everything(LOCAL, system)
    assert ahead(system).total == 0
