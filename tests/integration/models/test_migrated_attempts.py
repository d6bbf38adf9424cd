"""Attempts during an upgrade: former processes store each as it begins, new ones as it ends."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import pytest

from core.principals import LOCAL
from core.states import Outcome, RunStatus
from migrations import runner
from models import attempts, database
from models.hot import postgresql
from models.hot.rows import EndRows
from models.tables import Attempt, Run, db
from services.jobs import creating
from services.maintenance import rescues
from tests.factories import NOON, GivenSystem, claim_one, given_system, new_job, record, runs_of, succeeded
from tests.integration.models.former import APP


def test_an_attempt_that_was_stored_as_it_began_is_completed_at_its_end(former: None) -> None:
    runner.upgrade()
    with database.reading():
        [run] = Run.select().where(Run.status == RunStatus.RUNNING)
        [before] = attempts.of_run(run.id)
    assert before.outcome is None
    system = given_system()
    system.clock.advance(1)
    assert rescues.rescue(system) == 1
    with database.reading():
        [after] = attempts.of_run(run.id)
    assert (after.outcome, after.started_at, after.worker_id) == (Outcome.LOST, before.started_at, UUID(APP))


@pytest.mark.parametrize("former", ["postgresql"], indirect=True)
def test_what_a_former_worker_claims_and_a_new_process_ends_is_one_attempt(
    former: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    system, run_id = _migrated()
    monkeypatch.setattr(postgresql, "_CLAIM", postgresql._CLAIM.replace("claim_v5", "claim_v4"))
    work = claim_one(system)
    with database.reading():
        assert Attempt.select(Attempt.outcome).where(Attempt.run == run_id).scalar() is None
        assert len(attempts.of_run(run_id)) == 1
    record(system, work, succeeded())
    _assert_succeeded_once(run_id)


@pytest.mark.parametrize("former", ["postgresql"], indirect=True)
def test_what_a_new_worker_claims_and_a_former_process_ends_is_one_attempt(
    former: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    system, run_id = _migrated()
    monkeypatch.setattr(postgresql, "end", _ended_by_former)
    record(system, claim_one(system), succeeded())
    _assert_succeeded_once(run_id)
    assert runs_of(Run.get_by_id(run_id).job_id)[0].claimed_at is None


def _migrated() -> tuple[GivenSystem, UUID]:
    runner.upgrade()
    system = given_system()
    [run] = runs_of(creating.create(LOCAL, system, new_job()))
    return system, run.id


def _ended_by_former(ends: EndRows, now: datetime) -> None:
    """Write ends as the former release did."""
    runs = [{"id": one.run_id, "c": one.changes, **one.attempt} for one in ends.runs]
    lists = (postgresql._json(rows) for rows in (runs, ends.jobs, (), ends.maybe_over))
    db.execute_sql("SELECT carillon_end_v2(%s, %s, %s, %s, %s)", (*lists, now))


def _assert_succeeded_once(run_id: UUID) -> None:
    with database.reading():
        [tried] = attempts.of_run(run_id)
        assert (tried.number, tried.outcome, tried.started_at) == (1, Outcome.SUCCEEDED, NOON)
        assert Attempt.select().where(Attempt.run == run_id).count() == 1
