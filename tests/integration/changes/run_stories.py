"""Ways in which a run changes: what was before, a yield, and what is done."""

from __future__ import annotations

from collections.abc import Iterator

from core.policies import Overlap
from core.principals import LOCAL
from core.schedules import Cron, DelayFromNow, Polling
from services.execution import held_runs, reports
from services.execution.work import Work
from services.jobs import creating, polling_states
from services.maintenance import rescues
from services.scheduling import planning
from tests.factories import (
    GivenSystem,
    claim,
    claim_one,
    failed,
    first_run,
    new_job,
    polled,
    record,
    refused,
    succeeded,
)
from tests.integration.execution.attempting import LEASE_SECONDS, attempt
from tests.integration.execution.reporting import deferred, sender
from tests.integration.jobs.requesting import make_due

HOURLY = Cron("0 * * * *")


def a_job_is_created(system: GivenSystem) -> Iterator[None]:
    yield
    creating.create(LOCAL, system, new_job())


def a_recurring_job_is_created(system: GivenSystem) -> Iterator[None]:
    yield
    creating.create(LOCAL, system, new_job(HOURLY))


def occurrences_are_planned(system: GivenSystem) -> Iterator[None]:
    creating.create(LOCAL, system, new_job(HOURLY))
    system.clock.advance(7_200)
    yield
    planning.plan(system)


def a_run_becomes_due(system: GivenSystem) -> Iterator[None]:
    first_run(system, DelayFromNow(60))
    system.clock.advance(60)
    yield
    make_due(system)


def a_run_is_skipped_for_another(system: GivenSystem) -> Iterator[None]:
    occurring(system, Overlap.SKIP)
    yield
    make_due(system)


def a_run_replaces_another(system: GivenSystem) -> Iterator[None]:
    occurring(system, Overlap.CANCEL_PREVIOUS)
    yield
    make_due(system)


def occurring(system: GivenSystem, overlap: Overlap) -> Work:
    """A second occurrence is due while the first runs: the work of the first."""
    creating.create(LOCAL, system, new_job(Cron("* * * * *"), overlap=overlap))
    system.clock.advance(60)
    make_due(system)
    work = claim_one(system)
    system.clock.advance(60)
    return work


def a_run_gets_its_turn(system: GivenSystem) -> Iterator[None]:
    work = occurring(system, Overlap.QUEUE_ONE)
    make_due(system)
    yield
    record(system, work, succeeded())


def a_run_is_claimed(system: GivenSystem) -> Iterator[None]:
    first_run(system)
    yield
    claim_one(system)


def a_run_is_held_by_a_rate(system: GivenSystem) -> Iterator[None]:
    first_run(system)
    first_run(system)
    yield
    claim(system)


def a_run_gets_a_permit(system: GivenSystem) -> Iterator[None]:
    first_run(system)
    first_run(system)
    [work] = claim(system)
    record(system, work, succeeded())
    system.clock.advance(3_600)
    yield
    held_runs.release_due_keys(system)


def a_run_succeeds(system: GivenSystem) -> Iterator[None]:
    first_run(system)
    work = claim_one(system)
    yield
    record(system, work, succeeded())


def a_run_fails_for_now(system: GivenSystem) -> Iterator[None]:
    first_run(system)
    work = claim_one(system)
    yield
    record(system, work, failed())


def a_run_fails_for_good(system: GivenSystem) -> Iterator[None]:
    first_run(system)
    work = claim_one(system)
    yield
    record(system, work, refused())


def a_run_fails_so_that_its_job_is_paused(system: GivenSystem) -> Iterator[None]:
    creating.create(LOCAL, system, new_job(Cron("* * * * *"), overlap=Overlap.ALLOW))
    system.clock.advance(60)
    make_due(system)
    work = claim_one(system)
    yield
    record(system, work, refused(410))


def a_poll_is_answered(system: GivenSystem) -> Iterator[None]:
    first_run(system, Polling(30))
    work = claim_one(system)
    yield
    record(system, work, polled({"page": 1}))


def the_last_poll_is_answered(system: GivenSystem) -> Iterator[None]:
    first_run(system, Polling(30))
    work = claim_one(system)
    yield
    record(system, work, polled({"page": 1}, done=True))


def a_polling_state_is_rewound(system: GivenSystem) -> Iterator[None]:
    run = first_run(system, Polling(30))
    attempt(system, polled({"page": 1}))
    yield
    polling_states.rewind(LOCAL, system, run.job_id, 0)


def a_receiver_takes_a_run_on(system: GivenSystem) -> Iterator[None]:
    first_run(system)
    yield
    deferred(system)


def a_receiver_tells_how_far_it_is(system: GivenSystem) -> Iterator[None]:
    first_run(system)
    work = deferred(system)
    yield
    reports.heartbeat(system, sender(work), None, {"progress": 0.5, "message": "half"})


def a_receiver_reports(system: GivenSystem) -> Iterator[None]:
    first_run(system)
    work = deferred(system)
    yield
    reports.complete(system, sender(work), {"pages": 3}, None)


def a_run_is_rescued(system: GivenSystem) -> Iterator[None]:
    first_run(system)
    claim_one(system)
    system.clock.advance(LEASE_SECONDS + 1)
    yield
    assert rescues.rescue(system) == 1


STORIES = (
    a_job_is_created,
    a_recurring_job_is_created,
    occurrences_are_planned,
    a_run_becomes_due,
    a_run_is_skipped_for_another,
    a_run_replaces_another,
    a_run_gets_its_turn,
    a_run_is_claimed,
    a_run_is_held_by_a_rate,
    a_run_gets_a_permit,
    a_run_succeeds,
    a_run_fails_for_now,
    a_run_fails_for_good,
    a_run_fails_so_that_its_job_is_paused,
    a_poll_is_answered,
    the_last_poll_is_answered,
    a_polling_state_is_rewound,
    a_receiver_takes_a_run_on,
    a_receiver_tells_how_far_it_is,
    a_receiver_reports,
    a_run_is_rescued,
)
