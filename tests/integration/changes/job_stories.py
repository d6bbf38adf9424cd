"""Ways in which a job, an app or the installation changes: what was before, a yield, and what is done."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from core.principals import LOCAL
from core.schedules import Cron, DelayFromNow
from services.jobs import backfill, creating, definition, editing, lifecycle, requested_runs, run_actions
from services.jobs.definition import Definition
from services.reading.views import JobView
from services.restoring import declaring, releasing
from services.restoring.releasing import Slice
from services.scheduling import overdue, pauses
from tests.factories import (
    GivenSystem,
    first_run,
    new_job,
    stored_job,
)
from tests.integration.execution.reporting import deferred
from tests.integration.jobs.requesting import failed_job

HOURLY = Cron("0 * * * *")
DAY = timedelta(days=1)


def a_job_is_paused(system: GivenSystem) -> Iterator[None]:
    run = first_run(system)
    yield
    lifecycle.pause(LOCAL, system, run.job_id)


def a_job_is_resumed(system: GivenSystem) -> Iterator[None]:
    run = first_run(system)
    lifecycle.pause(LOCAL, system, run.job_id)
    yield
    lifecycle.resume(LOCAL, system, run.job_id)


def a_job_is_cancelled(system: GivenSystem) -> Iterator[None]:
    run = first_run(system)
    yield
    lifecycle.cancel(LOCAL, system, run.job_id)


def a_job_that_waits_for_a_report_is_cancelled(system: GivenSystem) -> Iterator[None]:
    run = first_run(system)
    deferred(system)
    yield
    lifecycle.cancel(LOCAL, system, run.job_id)


def a_job_is_deleted(system: GivenSystem) -> Iterator[None]:
    run = first_run(system)
    yield
    editing.delete(LOCAL, system, run.job_id)


def a_job_is_edited(system: GivenSystem) -> Iterator[None]:
    run = first_run(system)
    yield
    edit(system, run.job_id, priority=9)


def a_job_is_moved(system: GivenSystem) -> Iterator[None]:
    run = first_run(system, DelayFromNow(60))
    yield
    edit(system, run.job_id, schedule=DelayFromNow(600))


def a_job_gets_another_schedule(system: GivenSystem) -> Iterator[None]:
    job_id = creating.create(LOCAL, system, new_job(HOURLY))
    yield
    edit(system, job_id, schedule=Cron("30 * * * *"))


def edit(system: GivenSystem, job_id: UUID, **wanted: Any) -> None:
    def amend(view: JobView) -> Definition:
        return replace(definition.of(stored_job(view.id), view.tags), **wanted)

    editing.edit(LOCAL, system, job_id, amend)


def a_job_is_triggered(system: GivenSystem) -> Iterator[None]:
    run = first_run(system)
    yield
    requested_runs.trigger(LOCAL, system, run.job_id)


def a_job_is_retried(system: GivenSystem) -> Iterator[None]:
    job_id = failed_job(system)
    yield
    requested_runs.retry(LOCAL, system, job_id)


def a_job_is_backfilled(system: GivenSystem) -> Iterator[None]:
    job_id = creating.create(LOCAL, system, new_job(HOURLY))
    yield
    now = system.clock.now()
    assert backfill.backfill(LOCAL, system, job_id, now - DAY, now).made


def a_run_is_cancelled(system: GivenSystem) -> Iterator[None]:
    run = first_run(system)
    yield
    run_actions.cancel(LOCAL, system, run.id)


def a_run_waits_long(system: GivenSystem) -> Iterator[None]:
    first_run(system)
    system.clock.advance(system.settings.ageing_seconds)
    yield
    assert overdue.age(system) == 1


def a_deadline_passes(system: GivenSystem) -> Iterator[None]:
    first_run(system, deadline_at=system.clock.now() + timedelta(seconds=1))
    system.clock.advance(2)
    yield
    assert overdue.watch_deadlines(system) == 1


def a_run_is_too_late(system: GivenSystem) -> Iterator[None]:
    first_run(system, deadline_at=system.clock.now() + timedelta(seconds=1), expire=True)
    system.clock.advance(2)
    yield
    assert overdue.watch_deadlines(system) == 1


def an_app_is_paused(system: GivenSystem) -> Iterator[None]:
    first_run(system)
    yield
    pauses.pause_app(LOCAL, system, "app_a")


def everything_is_resumed(system: GivenSystem) -> Iterator[None]:
    first_run(system)
    pauses.pause_everything(LOCAL, system)
    yield
    pauses.resume_everything(LOCAL, system)


def what_a_restore_holds_is_released(system: GivenSystem) -> Iterator[None]:
    first_run(system)
    declaring.declare(LOCAL, system)
    yield
    releasing.release(LOCAL, system, Slice(most=1))


def what_a_restore_holds_is_discarded(system: GivenSystem) -> Iterator[None]:
    first_run(system)
    declaring.declare(LOCAL, system)
    yield
    releasing.release(LOCAL, system, Slice(discard=True))


STORIES = (
    a_job_is_paused,
    a_job_is_resumed,
    a_job_is_cancelled,
    a_job_that_waits_for_a_report_is_cancelled,
    a_job_is_deleted,
    a_job_is_edited,
    a_job_is_moved,
    a_job_gets_another_schedule,
    a_job_is_triggered,
    a_job_is_retried,
    a_job_is_backfilled,
    a_run_is_cancelled,
    a_run_waits_long,
    a_deadline_passes,
    a_run_is_too_late,
    an_app_is_paused,
    everything_is_resumed,
    what_a_restore_holds_is_released,
    what_a_restore_holds_is_discarded,
)
