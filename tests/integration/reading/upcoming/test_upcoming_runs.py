"""What comes, on both databases: planned runs and occurrences that have no row yet, in one order."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from core.filters import JobFilter
from core.principals import LOCAL
from core.schedules import Cron, DelayFromNow, Frequency, Interval
from core.states import Trigger
from models import database
from models.tables import Job, Run
from services.jobs import creating, lifecycle
from services.reading.upcoming import upcoming_runs
from services.reading.upcoming.upcoming_day import DaysAhead
from services.reading.upcoming.upcoming_runs import UpcomingView
from services.scheduling import dispatching, pauses
from tests.factories import NOON, GivenSystem, first_run, new_job, runs_of, stored_job

HOUR = 3600
DAY = timedelta(days=1)


def _coming(system: GivenSystem, seconds: float = HOUR, limit: int = 100, **wanted: Any) -> list[UpcomingView]:
    return upcoming_runs.coming(LOCAL, system, JobFilter(**wanted), seconds, limit)


def _minutes(found: list[UpcomingView]) -> list[float]:
    return [(one.due_at - NOON).total_seconds() / 60 for one in found]


def test_planned_runs_and_later_occurrences_are_one_list_soonest_first(system: GivenSystem) -> None:
    each_minute = creating.create(LOCAL, system, new_job(Cron("* * * * *"), name="often"))
    creating.create(LOCAL, system, new_job(Cron("4 12 * * *"), app_name="app_b", task_type="report"))
    once = first_run(system, DelayFromNow(90))
    found = _coming(system, 270)
    assert _minutes(found) == [1, 1.5, 2, 3, 4, 4]
    planned = {run.id for run in runs_of(each_minute)} | {once.id}
    assert [one.run_id in planned for one in found] == [True, True, True, False, False, False]
    assert found[1] == UpcomingView(once.job_id, None, None, "greet", "app_a", once.scheduled_for, once.due_at, once.id)
    assert [(one.job_name, one.app_name, one.task_type) for one in sorted(found[4:], key=lambda one: one.app_name)] == [
        ("often", "app_a", "greet"),
        (None, "app_b", "report"),
    ]


def test_the_next_run_of_each_job_is_told_once_however_often_others_run(system: GivenSystem) -> None:
    often = creating.create(LOCAL, system, new_job(Cron("* * * * *")))
    nightly = [creating.create(LOCAL, system, new_job(Cron(f"{minute} 2 * * *"))) for minute in (0, 5)]
    once = first_run(system, DelayFromNow(90)).job_id
    assert len(runs_of(often)) > 1, "of some runs there are rows"
    found = upcoming_runs.next_of_each(LOCAL, system, 86_400, 20)
    assert [one.job_id for one in found] == [often, once, *nightly]
    assert _minutes(found) == [1, 1.5, 14 * 60, 14 * 60 + 5]
    assert upcoming_runs.next_of_each(LOCAL, system, 86_400, 3) == found[:3]


def test_jobs_that_run_each_second_hide_none_that_runs_each_night(system: GivenSystem) -> None:
    often = [creating.create(LOCAL, system, new_job(Interval(every_seconds=1))) for _ in range(2)]
    nightly = creating.create(LOCAL, system, new_job(Cron("0 2 * * *")))
    assert len(runs_of(often[0])) > 20
    found = upcoming_runs.next_of_each(LOCAL, system, 86_400, 4)
    assert {one.job_id for one in found[:2]} == set(often)
    assert [one.job_id for one in found[2:]] == [nightly]


def test_a_run_that_was_asked_for_is_told_though_no_occurrence_will_start(system: GivenSystem) -> None:
    job_id = creating.create(LOCAL, system, new_job(Interval(every_seconds=60, max_runs=5)))
    first, second = runs_of(job_id)[:2]
    with database.transaction():
        Job.update(runs_started=5).execute()
        Run.update(trigger=Trigger.MANUAL).where(Run.id == second.id).execute()
    assert first.due_at < second.due_at
    assert [one.run_id for one in upcoming_runs.next_of_each(LOCAL, system, 86_400, 4)] == [second.id]


def test_of_more_planned_runs_than_are_looked_through_the_list_is_short_but_true(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    often = creating.create(LOCAL, system, new_job(Interval(every_seconds=1)))
    once = [first_run(system, DelayFromNow(seconds)).job_id for seconds in (2, 9)]
    creating.create(LOCAL, system, new_job(Cron("0 2 * * *")))
    monkeypatch.setattr(upcoming_runs, "MAX_PLANNED", 6)
    assert [one.job_id for one in upcoming_runs.next_of_each(LOCAL, system, 86_400, 4)] == [often, once[0]]


def test_no_more_is_shown_than_is_wanted(system: GivenSystem) -> None:
    creating.create(LOCAL, system, new_job(Cron("* * * * *")))
    assert _minutes(_coming(system, limit=4)) == [1, 2, 3, 4]
    assert len(_coming(system, seconds=HOUR)) == 60
    assert len(_coming(system, seconds=31 * 86_400, limit=1_000)) == 1_000


def test_only_what_fits_is_shown(system: GivenSystem) -> None:
    creating.create(LOCAL, system, new_job(Cron("0 13 * * *"), app_name="a", account_id="1"))
    creating.create(LOCAL, system, new_job(DelayFromNow(60), app_name="b", account_id="2"))
    assert _minutes(_coming(system, app_name="a")) == _minutes(_coming(system, account_id="1")) == [60]
    assert _minutes(_coming(system, app_name="b")) == _minutes(_coming(system, account_id="2")) == [1]


@pytest.mark.parametrize("max_runs", [1, 2, 5])
def test_no_more_is_shown_than_max_runs_lets_start(system: GivenSystem, max_runs: int) -> None:
    job_id = creating.create(LOCAL, system, new_job(Cron("* * * * *", max_runs=max_runs)))
    assert len(_coming(system)) == max_runs
    system.clock.advance(60)
    dispatching.make_due(system, [run.id for run in runs_of(job_id)])
    assert len(_coming(system)) == max_runs - 1


def test_jitter_delays_and_never_changes_its_mind(system: GivenSystem) -> None:
    job_id = creating.create(LOCAL, system, new_job(Interval(every_seconds=60, jitter_seconds=600)))
    found = _coming(system, seconds=HOUR)
    assert _minutes(found) == sorted(_minutes(found))
    assert all(timedelta() < one.due_at - one.scheduled_for < timedelta(minutes=10) for one in found)
    due = {run.scheduled_for: run.due_at for run in runs_of(job_id)}
    assert due.items() <= {one.scheduled_for: one.due_at for one in found}.items()


def test_jitter_hides_none_of_the_few_that_are_wanted(system: GivenSystem) -> None:
    for _ in range(4):
        creating.create(LOCAL, system, new_job(Cron("0 14 * * *", jitter_seconds=600)))
    assert len(_coming(system, seconds=3 * HOUR, limit=1)) == 1


def test_what_is_paused_does_not_come(system: GivenSystem) -> None:
    first = creating.create(LOCAL, system, new_job(Cron("* * * * *"), app_name="a"))
    creating.create(LOCAL, system, new_job(Cron("30 12 * * *"), app_name="b"))
    assert len(_coming(system)) == 61
    lifecycle.pause(LOCAL, system, first)
    assert _minutes(_coming(system)) == [30]
    pauses.pause_app(LOCAL, system, "b")
    assert _coming(system) == []
    pauses.resume_app(LOCAL, system, "b")
    pauses.pause_everything(LOCAL, system)
    assert _coming(system) == []


def test_what_has_ended_does_not_come(system: GivenSystem) -> None:
    lifecycle.cancel(LOCAL, system, creating.create(LOCAL, system, new_job(Cron("* * * * *"))))
    assert _coming(system) == []


def test_a_schedule_that_cannot_be_read_hides_no_other(system: GivenSystem) -> None:
    broken = creating.create(LOCAL, system, new_job(Cron("30 12 * * *")))
    creating.create(LOCAL, system, new_job(Cron("40 12 * * *")))
    with database.transaction():
        Job.update(schedule={"type": "cron", "expression": "gone wrong"}).where(Job.id == broken).execute()
    assert stored_job(broken).next_run_at is not None
    assert _minutes(_coming(system)) == [40]


def test_when_there_are_too_many_jobs_to_look_at_the_list_is_short_but_true(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    for minutes in ("10,40", "20", "30"):
        creating.create(LOCAL, system, new_job(Cron(f"{minutes} 12 * * *")))
    monkeypatch.setattr(upcoming_runs, "MAX_JOBS", 2)
    assert _minutes(_coming(system)) == [10, 20]


def test_the_occurrences_of_a_job_that_is_put_off_come_from_now_on(system: GivenSystem) -> None:
    job_id = creating.create(LOCAL, system, new_job(Cron("* * * * *")))
    with database.transaction():
        Job.update(next_run_at=NOON - timedelta(days=1), put_off_until=NOON + timedelta(minutes=10)).where(
            Job.id == job_id
        ).execute()
    assert min(_minutes(_coming(system, limit=3))) >= 0


def test_what_is_walked_through_before_a_span_is_bounded_for_all_jobs_together(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upcoming_runs, "MAX_PASSED_OVER", 100)
    for _ in range(3):
        creating.create(LOCAL, system, new_job(Interval(frequency=Frequency.DAILY, max_runs=1_000)))
    counted = creating.create(LOCAL, system, new_job(Interval(every_seconds=60, max_runs=1_000_000)))
    start = NOON + 90 * DAY
    ahead = upcoming_runs.look_ahead(LOCAL, system, JobFilter(), 60, 10, start=start)
    assert (ahead.until, len({one.job_id for one in ahead.found})) == (start, 2)
    assert counted in {one.job_id for one in ahead.found}
    [late, soon] = [DaysAhead(system).of(LOCAL, JobFilter(), begin, begin + DAY) for begin in (start, NOON)]
    assert (late.until, soon.until) == (start, None)


def test_the_occurrences_of_a_cron_before_a_span_are_counted_and_not_walked_through(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upcoming_runs, "MAX_PASSED_OVER", 0)
    start, minutes = NOON + 300 * DAY, 300 * 24 * 60
    for max_runs in (minutes - 1, minutes):  # the first is a minute after noon
        creating.create(LOCAL, system, new_job(Cron("* * * * *", max_runs=max_runs)))
    ahead = upcoming_runs.look_ahead(LOCAL, system, JobFilter(), 600, 10, start=start)
    assert [one.scheduled_for for one in ahead.found] == [start], "one of one job is left"
    assert ahead.until > start
