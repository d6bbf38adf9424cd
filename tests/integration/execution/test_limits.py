"""The rate of an account: its receivers are called no more often, and no run is stranded."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

import pytest

from core.errors import Conflict
from core.policies import Overlap
from core.principals import LOCAL
from core.rates import Rate
from core.schedules import Interval
from core.states import Hold, RunStatus
from models import database, held_keys
from services.execution import claiming, held_runs, rescue, workers
from services.execution.work import Work
from services.jobs import creating, lifecycle
from services.messaging import broker as brokers
from services.reading import records
from services.reading.explaining import explanations
from services.scheduling import dispatching, overdue, pauses
from tests.factories import (
    NOON,
    GivenSystem,
    claim,
    claim_one,
    failed,
    first_run,
    given_system,
    in_threads,
    new_job,
    record,
    runs_of,
    stored_run,
    succeeded,
)
from tests.integration.execution.accounts import create

RATE = Rate(calls=3, seconds=60)


@pytest.fixture
def limited(store: str) -> GivenSystem:
    """A system that calls each account three times a minute at most."""
    return given_system(account_rate=RATE)


def jobs_of(works: list[Work]) -> list[str]:
    return [str(work.job_id) for work in works]


def test_the_calls_of_an_account_beyond_its_rate_are_held_and_say_until_when(limited: GivenSystem) -> None:
    create(limited, 3)
    late = first_run(limited)
    assert len(claim(limited)) == 3
    held = stored_run(late.id)
    assert (held.status, held.held_by, held.attempt_count) == (RunStatus.QUEUED, Hold.RATE_LIMIT, 0)
    assert (held.held_until, held.started_at) == (NOON + timedelta(seconds=60), None)


def test_another_account_goes_on_behind_one_that_is_at_its_rate(limited: GivenSystem) -> None:
    create(limited, 30, priority=9)
    other = create(limited, 2, account_id="acc2", priority=1)
    taken = jobs_of(claim(limited, 5))
    assert len(taken) == 5
    assert set(other) <= set(taken)


def test_a_permit_is_free_again_when_its_span_has_passed_since_the_call_ended(limited: GivenSystem) -> None:
    create(limited, 4)
    first, *others = claim(limited)
    limited.clock.advance(20)
    for work in others:
        record(limited, work, succeeded())
    limited.clock.advance(59)
    assert held_runs.release_due_keys(limited) == 0
    limited.clock.advance(1)
    assert held_runs.release_due_keys(limited) == 1
    assert len(claim(limited)) == 1
    assert len(others) == 2
    assert first.attempt == 1


def test_no_more_are_put_back_than_there_are_permits_and_each_is_rung_for_once(limited: GivenSystem) -> None:
    create(limited, 10)
    for work in claim(limited):
        record(limited, work, succeeded())
    limited.doorbell.heard()
    limited.clock.advance(60)
    assert held_runs.release_due_keys(limited) == 3
    limited.clock.advance(5)
    assert held_runs.release_due_keys(limited) == 0, "three were given permits that they have not used yet"
    assert len(limited.doorbell.heard()) == 3
    assert len(claim(limited)) == 3


def test_all_calls_are_made_in_the_end(limited: GivenSystem) -> None:
    waiting_for = set(create(limited, 11))
    for _ in range(4):
        for work in claim(limited):
            waiting_for.discard(str(work.job_id))
            record(limited, work, succeeded())
        limited.clock.advance(61)
        held_runs.release_due_keys(limited)
    assert not waiting_for
    with database.reading():
        assert held_keys.due_for_recheck(limited.clock.now() + timedelta(days=1), 10) == []


def test_the_most_urgent_get_the_first_permits(limited: GivenSystem) -> None:
    create(limited, 6, priority=1)
    for work in claim(limited):
        record(limited, work, succeeded())
    [urgent] = create(limited, 1, priority=9)
    claim(limited)
    limited.clock.advance(60)
    held_runs.release_due_keys(limited)
    assert urgent in jobs_of(claim(limited))


def test_each_try_takes_a_permit(limited: GivenSystem) -> None:
    run = first_run(limited, retry_backoff_base=1.0)
    for _ in range(3):
        record(limited, claim_one(limited), failed())
        limited.clock.advance(8)
        dispatching.make_due(limited, [run.id])
    assert claim(limited) == []
    assert stored_run(run.id).held_by == Hold.RATE_LIMIT


def test_a_lost_call_takes_its_permit_until_a_span_after_it_was_taken_back(limited: GivenSystem) -> None:
    create(limited, 4)
    lost = [work.run_id for work in claim(limited)]
    rescue.take_back(limited, lost, only_expired=False)
    limited.clock.advance(59)
    held_runs.release_due_keys(limited)
    assert claim(limited) == []


def test_a_pause_holds_what_has_waited_for_a_permit(limited: GivenSystem) -> None:
    create(limited, 4)
    for work in claim(limited):
        record(limited, work, succeeded())
    pauses.pause_app(LOCAL, limited, "app_a")
    limited.clock.advance(60)
    held_runs.release_due_keys(limited)
    assert claim(limited) == []
    pauses.resume_app(LOCAL, limited, "app_a")
    assert len(claim(limited)) == 1


def test_a_held_run_can_be_cancelled(limited: GivenSystem) -> None:
    create(limited, 3)
    job_id = creating.create(LOCAL, limited, new_job())
    claim(limited)
    lifecycle.cancel(LOCAL, limited, job_id)
    [run] = runs_of(job_id)
    assert (run.status, run.held_by) == (RunStatus.CANCELLED, None)
    limited.clock.advance(60)
    assert held_runs.release_due_keys(limited) == 0


def test_a_held_run_counts_for_overlap(limited: GivenSystem) -> None:
    create(limited, 3)
    claim(limited)
    job_id = creating.create(LOCAL, limited, new_job(Interval(every_seconds=30), overlap=Overlap.SKIP))
    for _ in range(2):
        limited.clock.advance(30)
        dispatching.make_due(limited, [run.id for run in runs_of(job_id)])
        claim(limited)
    assert [(run.status, run.held_by) for run in runs_of(job_id)][:1] == [(RunStatus.QUEUED, Hold.RATE_LIMIT)]


def test_a_held_run_rises_while_it_waits(limited: GivenSystem) -> None:
    create(limited, 3)
    held = first_run(limited)
    claim(limited)
    limited.clock.advance(301)
    overdue.age(limited)
    assert stored_run(held.id).priority == 6


def test_only_calls_take_permits(limited: GivenSystem) -> None:
    emails = [new_job(task_type="send_email", data={"recipient": "a@example.com", "subject": "s", "body": "b"})] * 9
    for email in emails:
        creating.create(LOCAL, limited, email)
    worker = workers.register(limited)
    assert len(claiming.claim(limited, worker, brokers.RUNS_EMAIL, 20)) == 9


def test_without_a_rate_what_was_held_goes_on(limited: GivenSystem) -> None:
    create(limited, 9)
    claim(limited)
    without = GivenSystem(given_system(account_rate=None).settings, limited.clock, limited.doorbell)
    limited.clock.advance(60)
    assert held_runs.release_due_keys(without) == 6
    assert len(claim(without)) == 6


def test_the_status_has_its_own_word_and_the_log_an_event(limited: GivenSystem) -> None:
    create(limited, 3)
    job_id = creating.create(LOCAL, limited, new_job())
    claim(limited)
    found = records.job_with_log(LOCAL, job_id)
    assert found.rate_limited
    [entry] = found.entries
    assert (entry.event_type, entry.metadata) == ("rate_limited", {"wait_seconds": 60.0})


def test_the_event_stays_in_the_log_when_the_run_has_gone_on(limited: GivenSystem) -> None:
    job_ids = [creating.create(LOCAL, limited, new_job()) for _ in range(4)]
    taken = claim(limited)
    [job_id] = set(job_ids) - {work.job_id for work in taken}
    for work in taken:
        record(limited, work, succeeded())
    limited.clock.advance(60)
    held_runs.release_due_keys(limited)
    record(limited, claim_one(limited), succeeded())
    found = records.job_with_log(LOCAL, job_id)
    assert [entry.event_type for entry in found.entries] == ["execution_completed", "execution_started", "rate_limited"]
    assert not found.rate_limited


def test_why_says_that_the_account_has_had_its_calls(limited: GivenSystem) -> None:
    create(limited, 3)
    job_id = creating.create(LOCAL, limited, new_job())
    claim(limited)
    assert "ACCOUNT_RATE" in explanations.explain(LOCAL, limited, job_id, NOON).answer


@pytest.mark.parametrize("store", ["postgresql"], indirect=True)
def test_many_who_claim_at_once_never_take_a_permit_too_many(store: str) -> None:
    system = given_system(account_rate=Rate(calls=25, seconds=60))
    for account_id in ("acc1", "acc2", "acc3"):
        create(system, 60, account_id=account_id)

    def claim_all(_number: int) -> list[Work]:
        worker = workers.register(system)
        return [work for _ in range(12) for work in claiming.claim(system, worker, brokers.RUNS_HTTP, 5)]

    taken = [str(work.job_id) for works in in_threads(8, claim_all) for work in works]
    assert len(taken) == len(set(taken)) == 75


@pytest.mark.parametrize("store", ["postgresql"], indirect=True)
def test_permits_are_given_while_others_claim_cancel_and_pause(store: str) -> None:
    """Whatever meets, nothing waits in a circle, and nothing is left behind."""
    system = given_system(account_rate=Rate(calls=10, seconds=1))
    job_ids = [creating.create(LOCAL, system, new_job()) for _ in range(120)]

    def meet(number: int) -> None:
        worker = workers.register(system)
        for step in range(15):
            match number % 4:
                case 0 | 1:
                    for work in claiming.claim(system, worker, brokers.RUNS_HTTP, 4):
                        record(system, work, succeeded())
                case 2:
                    system.clock.advance(0.5)
                    held_runs.release_due_keys(system)
                case _:
                    with suppress(Conflict):  # it has ended meanwhile
                        lifecycle.cancel(LOCAL, system, job_ids[step])
                    with suppress(Conflict):
                        lifecycle.pause(LOCAL, system, job_ids[20 + step])
                        lifecycle.resume(LOCAL, system, job_ids[20 + step])

    in_threads(8, meet)
    for _ in range(20):
        system.clock.advance(2)
        held_runs.release_due_keys(system)
        for work in claim(system):
            record(system, work, succeeded())
    assert {run.status for job_id in job_ids for run in runs_of(job_id)} <= {RunStatus.COMPLETED, RunStatus.CANCELLED}
