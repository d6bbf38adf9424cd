"""Edits of schedules that come back: what was planned for later gives way, what is due stays, nothing fires twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from core.errors import InvalidInput
from core.principals import LOCAL
from core.schedules import Cron, Frequency, Immediate, Interval, Polling, RunAt, Schedule
from core.states import JobState, RunStatus
from services.jobs import creating, definition, editing, lifecycle
from services.messaging.doorbell import Ring
from services.reading import records
from services.reading.views import JobView
from services.scheduling import dispatching, planning
from tests.factories import NOON, GivenSystem, claim, claim_one, new_job, polled, record, runs_of, stored_job, succeeded

LATER = NOON + timedelta(hours=1)


def made(system: GivenSystem, schedule: Schedule) -> UUID:
    return creating.create(LOCAL, system, new_job(schedule))


def reschedule(system: GivenSystem, job_id: UUID, schedule: Schedule) -> JobView:
    def amend(view: JobView) -> definition.Definition:
        return replace(definition.of(stored_job(job_id), view.tags), schedule=schedule)

    return editing.edit(LOCAL, system, job_id, amend)


def instants(job_id: UUID, *statuses: RunStatus) -> list[float]:
    """What a job's runs are for, in seconds after noon."""
    wanted = statuses or tuple(RunStatus)
    return [(run.scheduled_for - NOON).total_seconds() for run in runs_of(job_id) if run.status in wanted]


def make_due(system: GivenSystem) -> None:
    dispatching.make_due(system, [run_id for run_id, _ in dispatching.due_soon(system)])


def test_what_was_planned_for_later_gives_way_to_the_new_schedule(system: GivenSystem) -> None:
    job_id = made(system, Cron("* * * * *"))
    assert instants(job_id) == [60, 120]
    system.clock.advance(30)
    view = reschedule(system, job_id, Cron("*/2 * * * *"))
    assert instants(job_id) == [120]
    assert view.next_run_at == NOON + timedelta(seconds=120)
    assert stored_job(job_id).next_run_at == NOON + timedelta(seconds=240)
    system.clock.advance(150)
    planning.plan(system)
    assert instants(job_id) == [120, 240]


def test_an_occurrence_whose_instant_has_come_stays(system: GivenSystem) -> None:
    """Its row is not due yet for the dispatcher's pass, or for its jitter: it is still an occurrence of the past."""
    job_id = made(system, Cron("* * * * *"))
    system.clock.advance(60)
    reschedule(system, job_id, Cron("0 13 * * *"))
    assert instants(job_id) == [60]
    make_due(system)
    assert claim_one(system).scheduled_for == NOON + timedelta(seconds=60)
    assert stored_job(job_id).next_run_at == LATER


def test_the_occurrence_of_this_moment_is_not_named_twice(system: GivenSystem) -> None:
    job_id = made(system, Cron("* * * * *"))
    system.clock.advance(60)
    reschedule(system, job_id, Cron("*/1 * * * *"))
    assert instants(job_id) == [60, 120, 180]


def test_a_schedule_that_comes_sooner_is_planned_and_rung_at_once(system: GivenSystem) -> None:
    job_id = made(system, Cron("0 13 * * *"))
    assert instants(job_id) == []
    reschedule(system, job_id, Interval(every_seconds=1))
    assert instants(job_id) == [float(second) for second in range(1, 151)]
    rings = system.doorbell.heard()
    assert [ring.due_at for ring in rings] == [NOON + timedelta(seconds=1), NOON + timedelta(seconds=2)]
    assert isinstance(rings[0], Ring)


def test_planned_occurrences_go_by_the_edit_of_anything_else(system: GivenSystem) -> None:
    job_id = made(system, Cron("* * * * *"))
    before = [run.id for run in runs_of(job_id)]

    def amend(view: JobView) -> definition.Definition:
        return replace(definition.of(stored_job(job_id), view.tags), priority=8, deadline_seconds=5.0)

    editing.edit(LOCAL, system, job_id, amend)
    planned = runs_of(job_id)
    assert [run.id for run in planned] == before
    assert {(run.job_version, run.priority, run.deadline_at - run.due_at) for run in planned} == {
        (2, 8, timedelta(seconds=5))
    }


# --- The anchor of an interval -----------------------------------------------------------------------------


def anchor(job_id: UUID) -> datetime | None:
    schedule = records.job(LOCAL, job_id).schedule
    assert isinstance(schedule, Interval)
    return schedule.anchor_at


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (Interval(every_seconds=40), Interval(every_seconds=40, max_runs=9), 0),
        (Interval(every_seconds=40), Interval(every_seconds=40, jitter_seconds=5), 0),
        (Interval(every_seconds=40), Interval(every_seconds=60), 10),
        (Interval(every_seconds=40), Interval(every_seconds=60, starts_at=LATER), 3600),
        (Interval(every_seconds=40), Interval(every_seconds=40, starts_at=LATER), 3600),
        (Interval(every_seconds=40, starts_at=LATER), Interval(every_seconds=60, starts_at=LATER), 3600),
        (Interval(every_seconds=40, starts_at=NOON), Interval(every_seconds=60, starts_at=NOON), 10),
        (Interval(every_seconds=40, starts_at=LATER), Interval(every_seconds=40), 10),
        (Interval(every_seconds=40, starts_at=NOON), Interval(every_seconds=40), 0),
        (Interval(frequency=Frequency.DAILY, starts_at=LATER), Interval(frequency=Frequency.DAILY), 10),
        (Interval(frequency=Frequency.DAILY, starts_at=LATER), Interval(frequency=Frequency.WEEKLY), 10),
        (Interval(frequency=Frequency.DAILY, starts_at=NOON), Interval(frequency=Frequency.DAILY), 0),
        (Interval(frequency=Frequency.DAILY), Interval(frequency=Frequency.MONTHLY), 0),
        (Interval(frequency=Frequency.DAILY), Interval(every_seconds=40), 10),
        (Cron("* * * * *"), Interval(every_seconds=40), 10),
        (Cron("* * * * *"), Interval(every_seconds=40, starts_at=LATER), 3600),
    ],
)
def test_an_interval_is_anchored_anew_only_when_its_pace_or_its_start_changes(
    system: GivenSystem, old: Schedule, new: Interval, expected: float
) -> None:
    job_id = made(system, old)
    system.clock.advance(10)
    reschedule(system, job_id, new)
    assert anchor(job_id) == NOON + timedelta(seconds=expected)


def test_an_interval_that_is_edited_keeps_its_beat(system: GivenSystem) -> None:
    job_id = made(system, Interval(every_seconds=40))
    system.clock.advance(50)
    reschedule(system, job_id, Interval(every_seconds=40, max_runs=9))
    assert instants(job_id, RunStatus.PENDING) == [0, 40, 80, 120, 160, 200]
    reschedule(system, job_id, Interval(every_seconds=60, max_runs=9))
    assert instants(job_id, RunStatus.PENDING) == [0, 40, 110, 170]


@pytest.mark.parametrize(
    ("rule", "first"),
    [
        (Interval(every_seconds=40), 50),
        (Interval(frequency=Frequency.HOURLY), 3610),
        (Interval(frequency=Frequency.DAILY), 86_410),
        (Cron("0 13 * * *"), 3600),
    ],
)
def test_a_schedule_whose_start_is_removed_before_it_came_is_counted_from_the_edit(
    system: GivenSystem, rule: Interval | Cron, first: float
) -> None:
    job_id = made(system, replace(rule, starts_at=NOON + timedelta(days=9)))
    system.clock.advance(10)
    view = reschedule(system, job_id, rule)
    assert view.next_run_at == NOON + timedelta(seconds=first)


def test_an_end_that_is_removed_or_moved_lets_the_schedule_go_on(system: GivenSystem) -> None:
    job_id = made(system, Interval(every_seconds=40, ends_at=NOON + timedelta(seconds=41)))
    assert (instants(job_id), stored_job(job_id).next_run_at) == ([0, 40], None)
    system.clock.advance(10)
    reschedule(system, job_id, Interval(every_seconds=40, ends_at=NOON + timedelta(seconds=81)))
    assert (instants(job_id), stored_job(job_id).next_run_at) == ([0, 40, 80], None)
    reschedule(system, job_id, Interval(every_seconds=40))
    assert instants(job_id) == [0, 40, 80, 120, 160]


# --- Ends --------------------------------------------------------------------------------------------------


def test_max_runs_below_what_has_started_ends_the_schedule(system: GivenSystem) -> None:
    job_id = made(system, Interval(every_seconds=10))
    for _ in range(3):
        make_due(system)
        record(system, claim_one(system), succeeded())
        system.clock.advance(10)
    reschedule(system, job_id, Interval(every_seconds=10, max_runs=2))
    assert stored_job(job_id).state is JobState.COMPLETED
    assert instants(job_id) == [0, 10, 20]


def test_a_schedule_that_names_nothing_more_ends_with_its_last_run(system: GivenSystem) -> None:
    job_id = made(system, Interval(every_seconds=10))
    make_due(system)
    reschedule(system, job_id, Interval(every_seconds=10, ends_at=NOON + timedelta(seconds=5)))
    assert (stored_job(job_id).state, instants(job_id)) == (JobState.ACTIVE, [0])
    record(system, claim_one(system), succeeded())
    assert stored_job(job_id).state is JobState.COMPLETED


def test_a_schedule_that_has_had_its_max_runs_goes_on_when_it_gets_more(system: GivenSystem) -> None:
    job_id = made(system, Interval(every_seconds=10, max_runs=1))
    make_due(system)
    assert stored_job(job_id).next_run_at is None
    reschedule(system, job_id, Interval(every_seconds=10, max_runs=2))
    assert 10 in instants(job_id, RunStatus.PENDING)


def test_a_paused_job_is_planned_anew_and_skips_on(system: GivenSystem) -> None:
    job_id = made(system, Cron("0 13 * * *"))
    lifecycle.pause(LOCAL, system, job_id)
    reschedule(system, job_id, Cron("* * * * *"))
    system.clock.advance(60)
    make_due(system)
    assert (instants(job_id, RunStatus.SKIPPED), claim(system)) == ([60], [])


# --- Kinds -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (Immediate(), Cron("* * * * *")),
        (RunAt(LATER), Polling(30)),
        (Cron("* * * * *"), Immediate()),
        (Interval(every_seconds=40), Polling(30)),
        (Polling(30), Interval(every_seconds=40)),
    ],
)
def test_a_job_does_not_change_from_one_way_of_life_to_another(
    system: GivenSystem, old: Schedule, new: Schedule
) -> None:
    job_id = made(system, old)
    with pytest.raises(InvalidInput, match=rf"schedule.type: is {new.kind}, .* create a new job") as refusal:
        reschedule(system, job_id, new)
    assert refusal.value.fields[0].field == "schedule.type"


def test_an_interval_becomes_a_cron_job(system: GivenSystem) -> None:
    job_id = made(system, Interval(every_seconds=40))
    reschedule(system, job_id, Cron("* * * * *"))
    assert instants(job_id) == [0, 60, 120]
    assert records.job(LOCAL, job_id).schedule == Cron("* * * * *")


@pytest.mark.parametrize(("interval", "next_poll"), [(10, 10), (300, 300), (1, 5)])
def test_the_next_poll_comes_after_the_new_interval_and_never_in_the_past(
    system: GivenSystem, interval: float, next_poll: float
) -> None:
    job_id = made(system, Polling(30))
    record(system, claim_one(system), polled({"page": 1}))
    system.clock.advance(5)
    reschedule(system, job_id, Polling(interval))
    assert instants(job_id) == [0, next_poll]


def test_a_poll_that_the_receiver_asked_for_at_its_own_time_stays(system: GivenSystem) -> None:
    job_id = made(system, Polling(30))
    record(system, claim_one(system), polled({"page": 1}, next_in_seconds=120))
    reschedule(system, job_id, Polling(10))
    assert instants(job_id) == [0, 120]
