"""Runs that a former rate of accounts holds go on once the installation has another, or none."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.rates import Rate
from models import database
from models.tables import HeldKey
from services.execution import held_runs
from tests.factories import (
    GivenSystem,
    claim,
    claim_one,
    given_system,
    record,
    succeeded,
)
from tests.integration.execution.limiting import create, put


@pytest.mark.parametrize("rate", [None, Rate(2, 86_400)], ids=["taken away", "raised"])
def test_a_restart_without_the_rate_of_accounts_gives_their_held_runs_room(store: str, rate: Rate | None) -> None:
    before = given_system(account_rate=Rate(1, 86_400))
    ones = create(before, 2)
    record(before, claim_one(before), succeeded())
    assert claim(before) == []
    after = given_system(account_rate=rate)
    after.clock.set(before.clock.advance(1))
    assert held_runs.release_due_keys(after) == 0
    held_runs.recheck_accounts(after)
    assert held_runs.release_due_keys(after) == 1
    assert [work.job_id for work in claim(after)] == ones[1:]


def test_a_recheck_of_accounts_keeps_a_rate_and_the_instant_of_its_room(store: str) -> None:
    system = given_system(account_rate=Rate(1, 3_600))
    create(system, 2)
    record(system, claim_one(system), succeeded())
    assert claim(system) == []
    with database.reading():
        until = HeldKey.select(HeldKey.until).scalar()
    assert held_runs.recheck_accounts(system) == 0, "the rate has no room"
    with database.reading():
        assert HeldKey.select(HeldKey.until).scalar() == until


def test_a_call_under_way_takes_its_place_of_the_rate(store: str) -> None:
    before = given_system(account_rate=Rate(2, 86_400))
    create(before, 3)
    first, _under_way = claim(before)
    record(before, first, succeeded())
    assert claim(before) == []
    with before.transaction() as unit:
        HeldKey.update(until=unit.now + timedelta(hours=1)).execute()
    assert held_runs.recheck_accounts(before) == 0
    raised = given_system(account_rate=Rate(3, 86_400))
    raised.clock.set(before.clock.now())
    assert held_runs.recheck_accounts(raised) == 1


@pytest.mark.parametrize("rate", [None, Rate(9, 86_400)], ids=["no rate", "a rate"])
def test_a_recheck_of_accounts_leaves_out_those_with_a_limit_of_their_own(store: str, rate: Rate | None) -> None:
    system = given_system(account_rate=rate)
    put(system, "account:app_a/acc1", rate=Rate(1, 3_600))
    create(system, 2)
    record(system, claim_one(system), succeeded())
    assert claim(system) == []
    assert held_runs.recheck_accounts(system) == 0


def test_a_recheck_of_accounts_leaves_other_keys_alone(system: GivenSystem) -> None:
    put(system, "app:app_a", rate=Rate(1, 3_600))
    create(system, 2)
    record(system, claim_one(system), succeeded())
    assert claim(system) == []
    assert held_runs.recheck_accounts(system) == 0
