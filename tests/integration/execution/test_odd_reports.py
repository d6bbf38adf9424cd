"""Reports that come early, doubled, late or forged each get their answer."""

from __future__ import annotations

from typing import NoReturn
from uuid import uuid4

import pytest

from core.errors import Conflict, TransientFailure, WrongToken
from core.policies import Overlap
from core.principals import LOCAL
from core.schedules import Interval
from core.states import RunStatus
from models import database
from models.tables import AnyAttempt, Run
from services.execution import reports
from services.execution.reports import Sender
from services.execution.work import Deferred
from services.jobs import creating
from services.maintenance import rescues
from services.scheduling import dispatching, overlap_queue, planning
from tests.factories import (
    GivenSystem,
    claim,
    claim_one,
    failed,
    first_run,
    given_system,
    in_threads,
    new_job,
    record,
    stored_run,
    succeeded,
)
from tests.integration.execution.attempting import make_due_again
from tests.integration.execution.reporting import deferred, sender

LEASE = 60
DAY = 86_400
FAULT = TransientFailure("The printer is out of paper.")


def test_a_run_is_not_sent_again_when_its_worker_dies_while_the_receiver_reports(system: GivenSystem) -> None:
    """The worker died before it could record the 202; the receiver has said since that it is at work."""
    run = first_run(system)
    work = claim_one(system)
    system.clock.advance(LEASE - 10)
    reports.heartbeat(system, sender(work), 600)
    system.clock.advance(11)
    rescues.rescue(system)
    waiting = stored_run(run.id)
    assert (waiting.status, waiting.loss_count) == (RunStatus.RUNNING, 0)
    assert waiting.reports_until is not None
    assert reports.complete(system, sender(work), 7, None).outcome == "succeeded"


def test_a_report_counts_though_the_run_that_waits_for_its_end_cannot_be_given_its_turn(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = creating.create(LOCAL, system, new_job(Interval(every_seconds=60), overlap=Overlap.QUEUE_ONE))
    dispatching.make_due(system, [run_id for run_id, _ in dispatching.due_soon(system)])
    work = deferred(system)
    system.clock.advance(60)
    reports.heartbeat(system, sender(work), None)
    planning.plan(system)
    dispatching.make_due(system, [run_id for run_id, _ in dispatching.due_soon(system)])

    def odd(*_given: object) -> NoReturn:
        raise ValueError("odd")

    monkeypatch.setattr(overlap_queue, "give", odd)
    assert reports.complete(system, sender(work), 7, None).outcome == "succeeded"
    assert stored_run(work.run_id).status is RunStatus.COMPLETED
    monkeypatch.undo()
    assert overlap_queue.give_all(system) == 1
    assert claim_one(system).job_id == job_id


def test_a_run_whose_receiver_has_fallen_silent_is_lost_with_its_worker(system: GivenSystem) -> None:
    run = first_run(system)
    reports.heartbeat(system, sender(claim_one(system)), 20)
    system.clock.advance(LEASE + 1)
    rescues.rescue(system)
    assert (stored_run(run.id).status, stored_run(run.id).loss_count) == (RunStatus.RETRYING, 1)


def test_a_completion_that_comes_before_the_202_beats_it(system: GivenSystem) -> None:
    run = first_run(system)
    work = claim_one(system)
    reports.complete(system, sender(work), 7, None)
    assert record(system, work, Deferred()) is None
    assert (stored_run(run.id).status, stored_run(run.id).result) == (RunStatus.COMPLETED, 7)


def test_a_failure_that_comes_before_an_answer_beats_it(system: GivenSystem) -> None:
    run = first_run(system)
    work = claim_one(system)
    reports.fail(system, sender(work), FAULT)
    assert record(system, work, succeeded()) is None
    assert stored_run(run.id).status is RunStatus.RETRYING


def test_the_same_report_again_is_answered_alike_and_changes_nothing(system: GivenSystem) -> None:
    run = first_run(system)
    work = deferred(system)
    first = reports.complete(system, sender(work), {"pages": 3}, None)
    system.clock.advance(10)
    assert reports.complete(system, sender(work), {"pages": 3}, None) == first
    with pytest.raises(Conflict, match="has ended"):
        reports.complete(system, sender(work), {"pages": 4}, None)
    with pytest.raises(Conflict, match="has ended"):
        reports.fail(system, sender(work), FAULT)
    with pytest.raises(Conflict, match="has ended"):
        reports.heartbeat(system, sender(work), None)
    assert stored_run(run.id).result == {"pages": 3}


def test_a_report_about_an_attempt_that_was_given_up_is_refused(system: GivenSystem) -> None:
    run = first_run(system)
    old = deferred(system)
    system.clock.advance(LEASE + 1)
    rescues.rescue(system)
    make_due_again(system, run.id)
    new = deferred(system)
    with pytest.raises(Conflict, match=f"Attempt 1 at the run {run.id} has ended"):
        reports.complete(system, sender(old), None, None)
    with pytest.raises(Conflict):
        reports.heartbeat(system, sender(old), 600)
    assert stored_run(run.id).status is RunStatus.RUNNING
    assert reports.complete(system, sender(new), None, None).attempt == 2


def test_a_report_after_an_answer_that_failed_is_refused(system: GivenSystem) -> None:
    first_run(system)
    work = claim_one(system)
    record(system, work, failed())
    with pytest.raises(Conflict):
        reports.complete(system, sender(work), None, None)


def test_a_wrong_token_is_refused_and_a_run_that_is_not_there_answers_alike(system: GivenSystem) -> None:
    run, other = first_run(system), first_run(system)
    works = {work.run_id: work for work in claim(system)}
    for forged in (
        Sender(run.id, ""),
        Sender(run.id, "x"),
        Sender(run.id, works[other.id].report_token),
        Sender(run.id, works[run.id].report_token + "x"),
        Sender(uuid4(), works[run.id].report_token),
    ):
        with pytest.raises(WrongToken):
            reports.complete(system, forged, None, None)
        with pytest.raises(WrongToken):
            reports.heartbeat(system, forged, 5)
    assert stored_run(run.id).status is RunStatus.RUNNING


def test_no_token_is_in_the_database_nor_where_an_attempt_is_printed(system: GivenSystem) -> None:
    first_run(system)
    work = claim_one(system)
    assert work.report_token not in repr(work)
    with database.reading():
        rows = [*AnyAttempt.select().dicts(), *Run.select().dicts()]
    assert len(rows) == 2
    assert work.report_token not in str(rows)


def test_of_many_reports_at_once_one_counts(postgresql: str) -> None:
    system = given_system()
    first_run(system)
    work = deferred(system)

    def report(number: int) -> str:
        try:
            return str(reports.complete(system, sender(work), number % 4, None).outcome)
        except Conflict:
            return "refused"

    told = in_threads(8, report)
    assert sorted(told) == ["refused"] * 6 + ["succeeded"] * 2, "the one that came first, and its double"
