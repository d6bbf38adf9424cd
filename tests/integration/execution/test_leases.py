"""Leases: renewed together; each attempt is stopped when it must not go on, before anyone else may begin."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import pytest

from core.errors import Aborted, AbortReason, TransientFailure
from core.principals import LOCAL
from models.tables import Worker
from services.execution import reports, rescue, workers
from services.execution.leases import Leases
from services.execution.work import Work
from services.execution.workers import WorkerIdentity
from services.jobs import lifecycle
from services.maintenance import rescues
from services.scheduling import dispatching
from tests.factories import (
    NOON,
    GivenSystem,
    claim_one,
    first_run,
    stored_run,
)
from tests.integration.execution.attempting import make_due_again
from tests.integration.execution.interrupting import Interrupted, away
from tests.integration.execution.reporting import sender

LEASE = timedelta(seconds=60)


# --- Renewing ----------------------------------------------------------------------------------------------


def test_renewing_moves_the_end_of_the_lease(system: GivenSystem, leases: Leases, work: Work) -> None:
    with leases.holding(work) as scope:
        system.clock.advance(15)
        leases.renew()
        assert stored_run(work.run_id).lease_expires_at == system.clock.now() + LEASE
        assert scope.reason is None


def test_an_attempt_renewed_again_and_again_outlives_its_first_lease(
    system: GivenSystem, leases: Leases, work: Work
) -> None:
    with leases.holding(work) as scope:
        for _ in range(20):
            system.clock.advance(15)
            leases.renew()
            assert rescues.rescue(system) == 0
        assert scope.reason is None


def test_all_leases_of_a_process_are_renewed_at_once(
    system: GivenSystem, leases: Leases, worker: WorkerIdentity, work: Work
) -> None:
    first_run(system)
    other = claim_one(system, worker)
    with leases.holding(work), leases.holding(other):
        system.clock.advance(15)
        leases.renew()
    assert {stored_run(one.run_id).lease_expires_at for one in (work, other)} == {system.clock.now() + LEASE}


def test_an_attempt_no_longer_held_is_not_renewed(system: GivenSystem, leases: Leases, work: Work) -> None:
    with leases.holding(work):
        pass
    system.clock.advance(15)
    leases.renew()
    assert stored_run(work.run_id).lease_expires_at == NOON + LEASE


def test_renewing_with_nothing_held_says_that_the_worker_lives(
    system: GivenSystem, leases: Leases, worker: WorkerIdentity
) -> None:
    system.clock.advance(15)
    leases.renew()
    assert Worker.get_by_id(worker.id).heartbeat_at == system.clock.now()


def test_a_renewal_keeps_the_fence(system: GivenSystem, leases: Leases, work: Work) -> None:
    with leases.holding(work):
        leases.renew()
    assert stored_run(work.run_id).fence == work.fence


# --- Stopping ----------------------------------------------------------------------------------------------


def test_an_attempt_whose_lease_was_taken_is_stopped_at_the_next_renewal(
    system: GivenSystem, leases: Leases, work: Work
) -> None:
    with leases.holding(work) as scope:
        system.clock.advance(61)
        rescues.rescue(system)
        leases.renew()
        assert scope.reason is AbortReason.LEASE_LOST


def test_a_lease_taken_and_claimed_again_by_the_same_worker_is_lost_to_the_first_attempt_only(
    system: GivenSystem, leases: Leases, worker: WorkerIdentity, work: Work
) -> None:
    """The process was frozen, came back, and claimed the same run before its old attempt noticed."""
    with leases.holding(work):
        pass
    system.clock.advance(61)
    rescues.rescue_all(system)
    assert workers.renew(system, worker, {work.run_id: work.fence}).runs == {}


def test_an_attempt_that_was_followed_by_another_in_the_same_process_is_stopped(
    system: GivenSystem, leases: Leases, worker: WorkerIdentity
) -> None:
    run = first_run(system)
    former = claim_one(system, worker)
    with leases.holding(former) as scope:
        reports.fail(system, sender(former), TransientFailure("The printer is out of paper."))
        make_due_again(system, run.id)
        with leases.holding(claim_one(system, worker)) as newer:
            leases.renew()
            assert newer.reason is None
            assert scope.reason is AbortReason.LEASE_LOST


def test_an_attempt_that_was_frozen_until_its_lease_nearly_ran_out_stops_itself_before_the_watchdog_wakes(
    system: GivenSystem, leases: Leases, work: Work
) -> None:
    settings = system.settings
    with leases.holding(work) as scope:
        system.clock.advance(settings.lease_seconds - settings.heartbeat_seconds - 0.001)
        scope.raise_if_aborted()
        system.clock.advance(0.001)
        with pytest.raises(Aborted) as aborted:
            scope.raise_if_aborted()
    assert aborted.value.reason is scope.reason is AbortReason.LEASE_LOST


def test_an_attempt_is_stopped_once_its_cancel_was_requested(system: GivenSystem, leases: Leases, work: Work) -> None:
    with leases.holding(work) as scope:
        lifecycle.cancel(LOCAL, system, work.job_id)
        assert scope.reason is None
        leases.renew()
        assert scope.reason is AbortReason.CANCELLED


def test_the_others_go_on_when_one_is_cancelled(
    system: GivenSystem, leases: Leases, worker: WorkerIdentity, work: Work
) -> None:
    first_run(system)
    other = claim_one(system, worker)
    with leases.holding(work) as scope, leases.holding(other) as spared:
        lifecycle.cancel(LOCAL, system, work.job_id)
        leases.renew()
        assert (scope.reason, spared.reason) == (AbortReason.CANCELLED, None)


def test_an_attempt_is_stopped_at_its_time_limit(system: GivenSystem, leases: Leases, worker: WorkerIdentity) -> None:
    first_run(system, time_limit_seconds=7)
    work, interrupted = claim_one(system, worker), Interrupted()
    with leases.holding(work) as scope, scope.interruptible(interrupted.wake):
        system.clock.advance(7)
        leases.start()
        assert interrupted.comes()
        assert scope.reason is AbortReason.TIME_LIMIT


def test_an_attempt_is_not_stopped_before_its_time_limit(
    system: GivenSystem, leases: Leases, worker: WorkerIdentity
) -> None:
    first_run(system, time_limit_seconds=7)
    work = claim_one(system, worker)
    with leases.holding(work) as scope:
        system.clock.advance(6.999)
        assert leases._overdue()[0] == []
        assert leases._overdue()[1] == pytest.approx(0.001)
        assert scope.reason is None


def test_an_attempt_that_cannot_be_renewed_is_stopped_a_heartbeat_before_its_lease_ends(
    system: GivenSystem, leases: Leases, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "renew", away)
    interrupted = Interrupted()
    with leases.holding(work) as scope, scope.interruptible(interrupted.wake):
        system.clock.advance(44.999)
        assert leases._overdue()[0] == []
        system.clock.advance(0.001)
        leases.start()
        assert interrupted.comes()
        assert scope.reason is AbortReason.LEASE_LOST
    assert stored_run(work.run_id).lease_expires_at == system.clock.now() + timedelta(seconds=15)


def test_the_time_counts_from_before_the_renewal_was_sent(
    system: GivenSystem, leases: Leases, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A renewal that took ten seconds to be answered was no more than granted when it was asked for."""
    answer = workers.renew

    def slow(*arguments: Any) -> Any:
        answered = answer(*arguments)
        system.clock.advance(10)
        return answered

    monkeypatch.setattr(workers, "renew", slow)
    with leases.holding(work):
        leases.renew()
        assert leases._overdue()[1] == pytest.approx(45 - 10)


def test_the_lease_counts_from_before_the_claim_though_the_handler_starts_later(
    system: GivenSystem, leases: Leases, work: Work
) -> None:
    system.clock.advance(20)
    with leases.holding(work):
        assert leases._overdue()[1] == pytest.approx(45 - 20)


def test_the_wall_clock_stops_nobody(system: GivenSystem, leases: Leases, work: Work) -> None:
    with leases.holding(work) as scope:
        system.clock.set(NOON + timedelta(days=1))
        assert leases._overdue()[0] == []
        assert scope.reason is None


def test_a_shutdown_stops_all_and_whatever_is_claimed_after_it(
    system: GivenSystem, leases: Leases, worker: WorkerIdentity, work: Work
) -> None:
    first_run(system)
    first_run(system)
    other, late = claim_one(system, worker), claim_one(system, worker)
    with leases.holding(work) as scope, leases.holding(other) as second:
        leases.abort_all(AbortReason.SHUTDOWN)
        leases.abort_all(AbortReason.CANCELLED)
        assert (scope.reason, second.reason) == (AbortReason.SHUTDOWN, AbortReason.SHUTDOWN)
    with leases.holding(late) as third:
        assert third.reason is not None


def test_an_attempt_that_is_over_takes_nothing_from_the_next_at_the_same_run(
    system: GivenSystem, leases: Leases, worker: WorkerIdentity, work: Work
) -> None:
    rescue.take_back(system, [work.run_id], only_expired=False)
    dispatching.make_due(system, [work.run_id])
    system.clock.advance(5)
    dispatching.make_due(system, [work.run_id])
    with ExitStack() as refused:
        refused.enter_context(leases.holding(work))
        again = claim_one(system, worker)
        assert (again.run_id, again.attempt) == (work.run_id, 2)
        with leases.holding(again) as scope:
            refused.close()
            assert [held.work for held in leases._snapshot()] == [again]
            assert scope.reason is None
