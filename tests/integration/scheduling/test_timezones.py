"""New time-zone data: what is to come is computed anew, what is planned stays, and nothing is passed over."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from core.principals import LOCAL
from core.schedules import Cron, DelayFromNow, Frequency, Interval
from models import database, locks, timezones
from models.postgresql import TIME_OUTS
from models.tables import Job
from services.jobs import creating
from services.maintenance.coordinator import Coordinator
from services.messaging.broker import InProcessBroker
from services.runtime.batching import Pass
from services.scheduling import planning
from services.scheduling import timezones as zones
from tests.factories import NOON, GivenSystem, first_run, given_system, new_job, runs_of, stored_job
from tests.integration.locked_rows import locked, locked_until_waited_for

ROOT = Path(__file__).parents[3]


def with_former_rules(job_id: UUID, next_run_at: object) -> None:
    """As if the job's next occurrence had been computed by other rules than today's."""
    with database.transaction():
        Job.update(next_run_at=next_run_at).where(Job.id == job_id).execute()
        timezones.set_edition("1999a")


@pytest.mark.parametrize(
    "schedule",
    [
        Cron("0 9 * * *", timezone="Europe/Paris"),
        Interval(frequency=Frequency.DAILY, timezone="Europe/Paris", starts_at=NOON - timedelta(hours=4)),
    ],
)
def test_a_coming_occurrence_moves_with_the_rules(system: GivenSystem, schedule: Cron | Interval) -> None:
    job_id = creating.create(LOCAL, system, new_job(schedule))
    nine_in_paris = NOON + timedelta(hours=20)
    assert stored_job(job_id).next_run_at == nine_in_paris
    with_former_rules(job_id, nine_in_paris + timedelta(hours=1))
    assert zones.refresh(system).count == 1
    assert stored_job(job_id).next_run_at == nine_in_paris


def test_it_happens_once_for_each_edition(system: GivenSystem) -> None:
    first_run(system, Cron("* * * * *"))
    assert (zones.refresh(system).count, zones.refresh(system).count) == (1, 0)


def test_rows_that_are_planned_stay_and_none_is_made_twice(system: GivenSystem) -> None:
    job_id = first_run(system, Cron("* * * * *")).job_id
    before = [(run.id, run.due_at) for run in runs_of(job_id)]
    with_former_rules(job_id, NOON + timedelta(minutes=1))
    zones.refresh(system)
    assert stored_job(job_id).next_run_at == NOON + timedelta(minutes=3)
    planning.plan(system)
    assert [(run.id, run.due_at) for run in runs_of(job_id)] == before


def test_what_came_while_nobody_planned_is_not_passed_over(system: GivenSystem) -> None:
    job_id = first_run(system, Cron("* * * * *")).job_id
    system.clock.advance(600)
    with_former_rules(job_id, stored_job(job_id).next_run_at)
    zones.refresh(system)
    while planning.plan(system):
        pass
    assert [run.scheduled_for for run in runs_of(job_id)] == [
        NOON + timedelta(minutes=number) for number in range(1, 13)
    ]


def test_jobs_that_run_once_are_left_alone(system: GivenSystem) -> None:
    first_run(system, DelayFromNow(3_600))
    assert zones.refresh(system).count == 0


def test_more_jobs_than_a_batch_are_all_seen_to(sqlite: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zones, "BATCH", 3)
    system = given_system()
    for _ in range(8):
        first_run(system, Cron("* * * * *"))
    assert zones.refresh(system).count == 8


def jobs_by_former_rules(system: GivenSystem) -> list[UUID]:
    made = [first_run(system, Cron("* * * * *")).job_id for _ in range(2)]
    for job_id in made:
        with_former_rules(job_id, NOON + timedelta(minutes=1))
    return made


def next_minutes(job_ids: Sequence[UUID]) -> list[float]:
    """In how many minutes from noon the next occurrences come that have no row yet; by the rules of today, in 3."""
    found = [stored_job(job_id).next_run_at for job_id in job_ids]
    return [(next_run_at - NOON) / timedelta(minutes=1) for next_run_at in found if next_run_at]


@pytest.mark.parametrize("which", [0, 1])
def test_a_job_that_others_have_locked_comes_later_and_keeps_no_other_waiting(
    postgresql: str, monkeypatch: pytest.MonkeyPatch, which: int
) -> None:
    monkeypatch.setitem(TIME_OUTS, "lock_timeout", "200ms")
    system = given_system()
    made = jobs_by_former_rules(system)
    with locked(postgresql, "jobs", made[which]):
        first = zones.refresh(system)
        assert (first.count, list(first.passed_over)) == (1, [made[which]])
    assert next_minutes(made) == [1 if number == which else 3 for number in (0, 1)]
    assert zones.refresh(system, first.passed_over.keys()) == Pass(1)
    assert next_minutes(made) == [3, 3]
    assert zones.refresh(system) == Pass(0)


def test_others_are_planned_while_a_job_is_locked_and_it_once_it_is_free(
    postgresql: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(TIME_OUTS, "lock_timeout", "200ms")
    system = given_system()
    made = jobs_by_former_rules(system)
    coordinator = Coordinator(system, InProcessBroker())
    system.clock.advance(60)
    with locked(postgresql, "jobs", made[0]):
        coordinator._plan()
        assert next_minutes(made) == [1, 4]
    coordinator._plan()
    assert next_minutes(made) == [4, 4]


def test_a_job_that_is_hardly_ever_free_is_waited_for(postgresql: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "_BRIEFLY", "SET LOCAL lock_timeout = '55s'")
    system = given_system()
    made = jobs_by_former_rules(system)
    with locked_until_waited_for(postgresql, "jobs", made[0]):
        assert zones.refresh(system) == Pass(2)
    assert next_minutes(made) == [3, 3]


def test_processes_read_zones_from_the_locked_package_alone() -> None:
    """A process that has pinned its data finds no zone in the folders of the machine."""
    program = (
        "import zoneinfo; from processes import zones; zones.pin(); "
        "print(zoneinfo.TZPATH, zoneinfo.ZoneInfo('Europe/Paris'))"
    )
    said = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "() Europe/Paris"
