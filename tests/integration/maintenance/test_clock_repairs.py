"""What was written while the clock was a day ahead blocks nothing once it is set right."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from structlog.testing import capture_logs

from core import breakers as rules
from core.rates import Rate
from core.states import RunStatus
from models import breakers, database
from models.tables import App, HeldKey, Run, Use
from services.execution import held_runs
from services.execution.work import Deferred
from services.maintenance import clock_repairs, rescues
from services.maintenance.clock_repairs import ClockRepairs
from services.maintenance.coordinator import Coordinator
from services.messaging.broker import InProcessBroker
from tests.factories import NOON, GivenSystem, claim, claim_one, first_run, given_system, record, stored_run, succeeded
from tests.integration.execution.attempting import LEASE_SECONDS
from tests.integration.execution.limiting import create, put

TOMORROW = NOON + timedelta(days=1)
MINUTE = timedelta(minutes=1)


def test_calls_that_ended_tomorrow_count_for_a_span_and_what_their_rate_holds_goes_on(system: GivenSystem) -> None:
    put(system, "app:app_a", rate=Rate(1, 60))
    create(system, 2)
    system.clock.set(TOMORROW)
    [work] = claim(system)
    record(system, work, succeeded())
    system.clock.set(NOON)
    assert clock_repairs.repair(system) == 2, "a use, and the key that holds the other run"
    assert clock_repairs.repair(system) == 0
    assert held_runs.release_due_keys(system) == 0, "the rate is kept: it may have ended a moment ago"
    system.clock.advance(61)
    assert held_runs.release_due_keys(system) == 1
    assert len(claim(system)) == 1


@pytest.mark.parametrize("key", ["app:app_a", "account:app_a/acc1"])
def test_a_key_is_held_no_longer_by_a_longer_rate_of_another(system: GivenSystem, key: str) -> None:
    put(system, "host:other.example", rate=Rate(1000, 86_400))
    put(system, key, rate=Rate(1, 60))
    create(system, 2)
    system.clock.set(NOON + timedelta(hours=2))
    record(system, claim_one(system), succeeded())
    assert claim(system) == []
    system.clock.set(NOON)
    assert clock_repairs.repair(system) == 2, "a use, and the key that holds the other run"
    assert until_of(key) == NOON


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize(("since", "former", "logged"), [(TOMORROW, 60, [1]), (NOON, 3600, [])])
def test_an_account_is_held_tomorrow_no_longer_and_a_shorter_rate_is_no_clock_that_was_ahead(
    since: datetime, former: int, logged: list[int]
) -> None:
    system = given_system(account_rate=Rate(1, former))
    create(system, 2)
    system.clock.set(since)
    record(system, claim_one(system), succeeded())
    assert claim(system) == []
    with capture_logs() as entries:
        clock_repairs.repair(given_system(account_rate=Rate(1, 60)))
    assert until_of("account:app_a/acc1") == NOON
    assert [entry["uses"] for entry in entries if entry["event"] == "clock_was_ahead"] == logged


@pytest.mark.usefixtures("store")
def test_an_account_whose_own_rate_has_expired_goes_by_the_default_again() -> None:
    system = given_system(account_rate=Rate(1, 3600))
    put(system, "account:app_a/acc1", rate=Rate(1, 60), expires_at=NOON + 10 * MINUTE)
    create(system, 2)
    ended = system.clock.advance(660)
    record(system, claim_one(system), succeeded())
    assert claim(system) == []
    system.clock.advance(60)
    with capture_logs() as entries:
        assert clock_repairs.repair(system) == 0
    assert entries == []
    assert until_of("account:app_a/acc1") == ended + timedelta(hours=1)


def until_of(key: str) -> datetime:
    """When a key is rechecked."""
    with database.reading():
        until: datetime = HeldKey.get_by_id(key).until
    return until


def test_a_clock_that_is_behind_when_a_process_starts_sets_back_nothing(system: GivenSystem) -> None:
    put(system, "app:app_a", rate=Rate(1, 3600))
    create(system, 2)
    record(system, claim_one(system), succeeded())
    assert claim(system) == []
    system.clock.set(NOON - timedelta(hours=1, minutes=5))
    repairs = ClockRepairs(system)
    assert repairs.turn() == 0, "it has just started"
    system.clock.advance(clock_repairs.REPAIR_SECONDS)
    system.clock.set(NOON + MINUTE)
    assert repairs.turn() == 0, "and was set right"
    system.clock.advance(clock_repairs.REPAIR_SECONDS)
    assert repairs.turn() == 0, "nothing is ahead"
    assert held_runs.release_due_keys(system) == 0, "the call has ended two minutes ago"


def test_a_clock_that_goes_back_for_a_moment_sets_back_nothing(system: GivenSystem) -> None:
    first_run(system)
    claim_one(system)
    repairs = ClockRepairs(system)
    system.clock.advance(clock_repairs.REPAIR_SECONDS)
    system.clock.set(NOON - timedelta(days=1))
    assert repairs.turn() == 0
    system.clock.advance(clock_repairs.REPAIR_SECONDS - 1)
    assert repairs.turn() == 0, "a turn after a fault comes soon"


def test_what_a_clock_shows_that_has_run_evenly_for_a_minute_is_repaired_to_the_end(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock_repairs, "_AT_ONCE", 1)
    for _ in range(2):
        first_run(system)
    system.clock.set(TOMORROW)
    claim(system)
    system.clock.set(NOON)
    coordinator = Coordinator(system, InProcessBroker())
    [loop] = [one for one in coordinator._table() if one.name == "repair-clock"]
    loop.turn()
    assert leases() == {TOMORROW + MINUTE}
    system.clock.advance(clock_repairs.REPAIR_SECONDS)
    loop.turn()
    assert leases() == {NOON + 2 * MINUTE}


def leases() -> set[datetime]:
    with database.reading():
        return {run.lease_expires_at for run in Run.select()}


def test_a_breaker_that_opened_tomorrow_is_probed(system: GivenSystem) -> None:
    first_run(system)
    with database.transaction():
        breakers.open_new("a key", App.get().id, "host", rules.opened(TOMORROW), TOMORROW)
    assert clock_repairs.repair(system) == 1
    with database.reading():
        breaker = breakers.by_key("a key")
    assert breaker is not None
    assert breaker.probe_at == NOON


def test_the_lease_of_a_worker_that_died_tomorrow_ends_soon(system: GivenSystem) -> None:
    run = first_run(system)
    system.clock.set(TOMORROW)
    claim_one(system)
    system.clock.set(NOON)
    assert clock_repairs.repair(system) == 1
    system.clock.advance(LEASE_SECONDS)
    assert rescues.rescue(system) == 0, "whoever lives has the time to renew it"
    system.clock.advance(1)
    assert rescues.rescue(system) == 1
    assert stored_run(run.id).loss_count == 1


def test_a_run_that_waits_for_a_report_since_tomorrow_waits_no_longer_than_any_other(system: GivenSystem) -> None:
    run = first_run(system)
    system.clock.set(TOMORROW + timedelta(days=1))
    record(system, claim_one(system), Deferred())
    system.clock.set(NOON)
    assert clock_repairs.repair(system) == 1
    system.clock.advance(system.settings.max_report_lease_seconds + 1)
    assert rescues.rescue(system) == 1
    assert stored_run(run.id).status is not RunStatus.RUNNING


def test_what_is_meant_is_left_alone(system: GivenSystem) -> None:
    """A clock may be a minute ahead of another's; a lease may be as long as any that can be set."""
    put(system, "app:app_a", rate=Rate(1, 3600))
    create(system, 2)
    work = claim_one(system)
    assert claim(system) == []
    with database.transaction():
        Run.update(lease_expires_at=NOON + timedelta(hours=1)).where(Run.id == work.run_id).execute()
        Use.update(ended_at=NOON + MINUTE).execute()
        HeldKey.update(until=NOON + timedelta(hours=1) + MINUTE).execute()
        breakers.open_new("a key", App.get().id, "host", rules.opened(NOON, rules.LONGEST_WAIT_SECONDS), NOON)
    assert clock_repairs.repair(system) == 0


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_a_repair_is_bounded_and_goes_on(system: GivenSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock_repairs, "_AT_ONCE", 1)
    for _ in range(2):
        first_run(system)
    system.clock.set(TOMORROW)
    claim(system)
    system.clock.set(NOON)
    assert [clock_repairs.repair(system) for _ in range(3)] == [1, 1, 0]
