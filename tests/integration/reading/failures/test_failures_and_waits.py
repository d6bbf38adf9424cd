"""What failed and what waits, grouped, on both databases; and the parts with their signs of life."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from core import schedules
from core.errors import PermanentFailure
from core.principals import LOCAL, Membership, Principal, PrincipalKind
from core.rates import Rate
from core.scopes import Role
from core.signs_of_life import BEAT, TICK
from core.states import Hold
from models import signals
from services.execution import workers
from services.execution.work import Failed
from services.jobs import creating, lifecycle, requested_runs
from services.reading import waiting
from services.reading.failures import failed_runs
from services.reading.installation import process_health
from services.runtime.troubles import Trouble
from tests.factories import GivenSystem, claim, claim_one, failed, first_run, given_system, new_job, record, refused
from tests.integration.execution.attempting import make_due_again
from tests.integration.jobs.edits import edit

SOMEBODY = Principal(PrincipalKind.USER, uuid4(), "ada")


def fail(system: GivenSystem, status: int = 422, **changes: Any) -> None:
    creating.create(LOCAL, system, new_job(**changes))
    [work] = claim(system)
    record(system, work, refused(status))


def test_failures_that_are_alike_are_one_group_with_the_newest_first(system: GivenSystem) -> None:
    for account in ("acc1", "acc2"):
        fail(system, account_id=account)
        system.clock.advance(60)
    fail(system, task_type="other")
    found = failed_runs.grouped(LOCAL, system, 1)
    assert [(one.task_type, one.count, one.accounts) for one in found.groups] == [
        ("other", 1, ("acc1",)),
        ("greet", 2, ("acc1", "acc2")),
    ]
    assert (found.groups[1].last_at - found.groups[1].first_at).total_seconds() == 60
    assert (found.count, found.is_cut) == (3, False)


def test_failures_of_others_and_of_long_ago_are_not_shown(system: GivenSystem) -> None:
    fail(system)
    assert failed_runs.grouped(SOMEBODY, system, 1).groups == []
    system.clock.advance(3_601)
    assert failed_runs.grouped(LOCAL, system, 1).groups == []


def test_a_group_failed_first_when_the_first_run_did_though_that_was_replayed(system: GivenSystem) -> None:
    fail(system)
    first_at = system.clock.now()
    for _ in range(2):
        system.clock.advance(600)
        replay_newest(system, 422)
    [group] = failed_runs.grouped(LOCAL, system, 1).groups
    assert (group.count, group.first_at, group.last_at) == (1, first_at, system.clock.now())
    system.clock.advance(2_500)
    [group] = failed_runs.grouped(LOCAL, system, 1).groups
    assert group.first_at == first_at + timedelta(seconds=600), "the oldest that is still within the hour"


def test_a_replay_that_fails_for_another_reason_begins_another_group(system: GivenSystem) -> None:
    fail(system)
    system.clock.advance(600)
    replay_newest(system, 404, "There is no such account.")
    [group] = failed_runs.grouped(LOCAL, system, 1).groups
    assert (group.reason, group.first_at) == ("There is no such account.", system.clock.now())


def replay_newest(system: GivenSystem, status: int, words: str = "The receiver will not have it.") -> None:
    """Have the newest failure replayed, which fails again."""
    [group] = failed_runs.grouped(LOCAL, system, 1).groups
    requested_runs.replay(LOCAL, system, group.run_id)
    record(system, claim_one(system), Failed(PermanentFailure(words, status_code=status)))


def test_what_waits_is_counted_by_its_reason(system: GivenSystem) -> None:
    held = [creating.create(LOCAL, system, new_job(account_id="acc2")) for _ in range(2)]
    for job_id in held:
        lifecycle.pause(LOCAL, system, job_id)
    creating.create(LOCAL, system, new_job())
    creating.create(LOCAL, system, new_job(schedules.DelayFromNow(60)))
    found = waiting.grouped(LOCAL)
    assert [(one.account_id, one.held_by, one.count) for one in found.groups] == [
        ("acc2", Hold.PAUSED, 2),
        ("acc1", None, 1),
    ]
    assert (found.count, found.is_cut) == (3, False)
    assert waiting.grouped(SOMEBODY).groups == []


def test_parts_are_well_while_they_give_signs_of_life(store: str) -> None:
    system = given_system(database_url="postgresql://db/carillon", rabbitmq_url="amqp://mq/")
    workers.register(system)
    with system.transaction():
        signals.mark(TICK, system.clock.now())
        signals.mark(BEAT, system.clock.now())
    assert [one.name for one in process_health.known(system, broker=True, troubles=[]) if not one.is_well] == []
    system.clock.advance(200)
    trouble = Trouble("spool", "The disk is full.", "Make room.")
    found = process_health.known(system, broker=False, troubles=[trouble])
    assert {one.name for one in found if not one.is_well} == {"spool", "broker", "coordinator", "workers", "periodic"}
    assert found[-1].name == "database"


def test_a_rate_that_is_had_says_until_when(store: str) -> None:
    system = given_system(account_rate=Rate(calls=1, seconds=60))
    for _ in range(2):
        creating.create(LOCAL, system, new_job())
    claim(system)
    [held] = waiting.grouped(LOCAL).groups
    assert held.held_by is Hold.RATE_LIMIT
    assert held.held_until is not None


def test_a_run_that_began_before_its_job_moved_is_not_shown_to_a_key_of_the_new_account(system: GivenSystem) -> None:
    run = first_run(system, account_id="acc1", max_retries=1)
    record(system, claim_one(system), failed())
    edit(system, run.job_id, account_id="acc2")
    make_due_again(system, run.id)
    member = (Membership(run.job.app_id, "app_a", Role.OWNER),)
    key = Principal(PrincipalKind.KEY, memberships=member, key_id=UUID(int=1), account_id="acc2")
    assert [one.account_id for one in waiting.grouped(LOCAL).groups] == ["acc1"]
    assert waiting.grouped(key).groups == []
