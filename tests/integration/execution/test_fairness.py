"""Free threads are shared among the accounts that wait, fewest runs in flight first, on both databases."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from core.errors import DatabaseUnavailable
from core.limits import Limit
from core.principals import LOCAL
from models import database
from models.hot import claims as hot_claims
from models.hot.rows import Terms
from models.tables import Run
from services.apps import apps
from services.execution import claiming, limit_changes, workers
from services.execution.rotation import Rotation
from services.execution.work import Work
from services.jobs import creating, definition, editing
from services.messaging.broker import RUNS_HTTP
from tests.commits import fail_at_commit
from tests.factories import (
    NOON,
    GivenSystem,
    claim,
    given_system,
    new_job,
    record,
    runs_of,
    stored_job,
    stored_run,
    succeeded,
)
from tests.integration.execution.walks import claiming as oracle
from tests.integration.execution.walks import rows as stored
from tests.outsider import outsider


def queued(system: GivenSystem, account_id: str, count: int = 1, **changes: Any) -> list[UUID]:
    """Due runs of an account, in the order in which they are urgent."""
    jobs = [creating.create(LOCAL, system, new_job(account_id=account_id, **changes)) for _ in range(count)]
    return [run.id for job_id in jobs for run in runs_of(job_id)]


def of_accounts(works: list[Work]) -> Counter[str]:
    return Counter(stored_run(work.run_id).account_id for work in works)


def test_a_flood_of_one_account_leaves_the_others_their_threads(system: GivenSystem) -> None:
    queued(system, "flood", 12)
    queued(system, "acc1", 2)
    queued(system, "acc2", 2)
    assert of_accounts(claim(system, 6)) == {"flood": 2, "acc1": 2, "acc2": 2}


def test_alone_an_account_gets_every_thread(system: GivenSystem) -> None:
    made = queued(system, "acc1", 8)
    assert [work.run_id for work in claim(system, 8)] == made


def test_whoever_has_most_in_flight_waits_until_the_others_have_as_many(system: GivenSystem) -> None:
    queued(system, "flood", 12)
    claim(system, 4)
    queued(system, "acc1", 8)
    assert of_accounts(claim(system, 5)) == {"acc1": 5}
    assert of_accounts(claim(system, 2)) == {"flood": 1, "acc1": 1}


def test_a_run_that_waits_for_a_report_takes_no_thread(system: GivenSystem) -> None:
    queued(system, "acc1", 4)
    for work in claim(system, 3):
        with database.transaction():
            Run.update(reports_until=NOON + timedelta(hours=1)).where(Run.id == work.run_id).execute()
    queued(system, "acc2", 1)
    queued(system, "acc2", 1)
    assert of_accounts(claim(system, 2)) == {"acc1": 1, "acc2": 1}


def test_priority_comes_before_fairness(system: GivenSystem) -> None:
    queued(system, "flood", 4, priority=9)
    queued(system, "acc1", 4, priority=5)
    assert of_accounts(claim(system, 5)) == {"flood": 4, "acc1": 1}


def test_within_an_account_the_earliest_deadline_is_first(system: GivenSystem) -> None:
    late, early, never = (
        queued(system, "acc1", deadline_at=deadline)[0]
        for deadline in (NOON + timedelta(hours=2), NOON + timedelta(hours=1), None)
    )
    [other] = queued(system, "acc2")
    rotation, worker = Rotation(), workers.register(system)
    in_order = [work.run_id for _ in range(4) for work in claim(system, 1, worker, rotation)]
    assert [run_id for run_id in in_order if run_id != other] == [early, late, never]


def test_the_users_of_a_shared_app_share_one_line_in_the_order_of_deadlines(system: GivenSystem) -> None:
    by_deadline = [
        queued(system, f"user{hours % 2}", app_name="jobs", deadline_at=NOON + timedelta(hours=hours))[0]
        for hours in range(1, 5)
    ]
    assert [work.run_id for work in claim(system, 4)] == by_deadline


def test_equal_accounts_of_two_apps_are_two(system: GivenSystem) -> None:
    queued(system, "acc1", 4, app_name="app_a")
    queued(system, "acc1", 4, app_name="app_b")
    claimed = [stored_job(work.job_id).app_id for work in claim(system, 4)]
    assert sorted(Counter(claimed).values()) == [2, 2]


def test_each_account_gets_its_turn_however_many_wait(system: GivenSystem) -> None:
    """A claim walks past few accounts; the next claim goes on behind them."""
    for number in range(9):
        queued(system, f"acc{number}", 3)
    rotation, worker = Rotation(), workers.register(system)
    begun: list[str] = []
    for _ in range(9):
        [work] = claim(system, 1, worker, rotation)
        begun.append(stored_run(work.run_id).account_id)
        record(system, work, succeeded())
    assert sorted(begun) == [f"acc{number}" for number in range(9)]


@pytest.mark.parametrize("is_limited", [False, True])
def test_a_claim_that_is_rolled_back_costs_no_account_its_turn(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch, is_limited: bool
) -> None:
    for number in range(9):
        queued(system, f"acc{number}", 3)
    rotation, worker = Rotation(), workers.register(system)

    def claimed() -> list[str]:
        works = claiming.claim(system, worker, RUNS_HTTP, 1, rotation, is_limited=is_limited)
        return [stored_run(work.run_id).account_id for work in works]

    begun = claimed()
    former = rotation.after(RUNS_HTTP)
    fail_at_commit(monkeypatch, after=False)
    with pytest.raises(DatabaseUnavailable):
        claimed()
    assert rotation.after(RUNS_HTTP) == former
    begun += [account for _ in range(8) for account in claimed()]
    assert begun == [f"acc{number}" for number in range(9)]


def test_what_an_account_leaves_of_its_share_the_others_get(system: GivenSystem) -> None:
    queued(system, "acc1", 1)
    queued(system, "acc2", 9)
    assert of_accounts(claim(system, 8)) == {"acc1": 1, "acc2": 7}


def test_an_account_of_three_times_the_weight_gets_three_times_the_threads(system: GivenSystem) -> None:
    apps.ensure(LOCAL, system, "app_a")
    limit_changes.put(LOCAL, system, "account:app_a/acc1", Limit(weight=3.0))
    queued(system, "acc1", 9)
    queued(system, "acc2", 9)
    assert of_accounts(claim(system, 8)) == {"acc1": 6, "acc2": 2}


def test_a_weight_that_has_expired_weighs_nothing(system: GivenSystem) -> None:
    apps.ensure(LOCAL, system, "app_a")
    limit_changes.put(LOCAL, system, "account:app_a/acc1", Limit(weight=3.0, expires_at=NOON + timedelta(seconds=9)))
    queued(system, "acc1", 9)
    queued(system, "acc2", 9)
    system.clock.advance(10)
    assert of_accounts(claim(system, 8)) == {"acc1": 4, "acc2": 4}


def test_a_job_that_is_given_to_another_account_waits_in_its_line(system: GivenSystem) -> None:
    [run_id] = queued(system, "acc1")
    job = stored_job(stored_run(run_id).job_id)
    editing.edit(LOCAL, system, job.id, lambda view: replace(definition.of(job, view.tags), account_id="x"))
    assert stored_run(run_id).party == "account:app_a/x"


def test_what_another_engine_has_locked_is_left_to_it_and_its_share_goes_to_others(postgresql: str) -> None:
    system = given_system()
    mine, others = queued(system, "acc1", 2), queued(system, "acc2", 4)
    with outsider(postgresql, "SELECT 1 FROM runs WHERE party = 'account:app_a/acc1' FOR NO KEY UPDATE"):
        assert {work.run_id for work in claim(system, 4)} == set(others)
    assert {work.run_id for work in claim(system, 4)} == set(mine)


@pytest.mark.parametrize("seed", range(3))
def test_both_databases_pick_what_core_shares_out(system: GivenSystem, seed: int) -> None:
    draw = random.Random(seed)
    for number in range(draw.randint(2, 7)):
        for priority in draw.sample(range(10), 2):
            queued(system, f"acc{number}", draw.randint(1, 4), priority=priority)
    rotation, worker = Rotation(), workers.register(system)
    while waiting := oracle.claimable(rows := stored.read(), NOON):
        room = draw.randint(1, 5)
        foretold = oracle.picked(waiting, oracle.in_flight_of(rows), rotation.after(RUNS_HTTP), room)
        terms = Terms(worker.id, NOON, NOON + timedelta(minutes=1), ["hash"] * room)
        with database.transaction():
            started, picked = hot_claims.claim(RUNS_HTTP, room, terms, rotation.after(RUNS_HTTP))
        rotation.advance(RUNS_HTTP, picked)
        assert {run.id for run in started} == {run["id"] for run in foretold}


def test_a_claim_under_limits_is_as_fair(system: GivenSystem) -> None:
    apps.ensure(LOCAL, system, "app_a")
    limit_changes.put(LOCAL, system, "app:app_a", Limit(5))
    queued(system, "flood", 9)
    queued(system, "acc1", 2)
    works = claiming.claim(system, workers.register(system), RUNS_HTTP, 4)
    assert of_accounts(works) == {"flood": 2, "acc1": 2}
