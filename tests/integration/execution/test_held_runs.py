"""Room that becomes free is given to held runs: as far as it goes, by urgency, and no run is stranded."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from core.principals import LOCAL
from core.rates import Rate
from core.states import Hold
from models import database, held_keys, limits
from models.hot.rows import Candidate
from models.tables import HeldKey, Use
from services.execution import claiming, held_runs, limit_changes, workers
from services.execution.work import Work
from services.jobs import lifecycle, requested_runs
from services.messaging import broker as brokers
from services.reading import limits as reading
from services.scheduling import pauses
from tests import statements
from tests.factories import (
    NOON,
    GivenSystem,
    claim,
    claim_one,
    first_run,
    given_system,
    in_threads,
    record,
    stored_job,
    stored_run,
    succeeded,
)
from tests.integration.execution.limiting import create, held, put

HOUR = timedelta(hours=1)


def test_one_that_another_key_refuses_is_held_by_that_one_from_then_on(system: GivenSystem) -> None:
    put(system, "account:app_a/acc1", 1)
    ones = create(system, 2)
    [first] = claim(system)
    put(system, "app:app_a", 1)
    create(system, 1, account_id="acc2", priority=9)
    record(system, first, succeeded())
    [other] = claim(system)
    system.clock.advance(1)
    held_runs.release_due_keys(system)
    assert held(ones) == [(Hold.CONCURRENCY, "app:app_a")]
    record(system, other, succeeded())
    system.clock.advance(1)
    held_runs.release_due_keys(system)
    assert len(claim(system)) == 1


def test_a_place_that_is_left_is_given_at_once_where_the_engine_says_so(system: GivenSystem) -> None:
    put(system, "app:app_a", 1)
    create(system, 2)
    [first] = claim(system)
    assert first.places == ("app:app_a",)
    record(system, first, succeeded())
    system.doorbell.heard()
    held_runs.release_after(system, first.places)
    assert len(system.doorbell.heard()) == 1
    assert len(claim(system)) == 1


def test_what_was_freed_goes_on_by_urgency_and_only_as_far_as_there_is_room(system: GivenSystem) -> None:
    put(system, "app:app_a", 2)
    create(system, 3)
    taken = claim(system)
    [urgent] = create(system, 1, priority=9)
    for work in taken:
        record(system, work, succeeded())
    create(system, 1, priority=1)
    system.clock.advance(1)
    assert held_runs.release_due_keys(system) == 2
    system.clock.advance(1)
    assert held_runs.release_due_keys(system) == 0, "two were given places that they have not taken yet"
    assert urgent in {work.job_id for work in claim(system)}


@pytest.mark.parametrize("change", ["raise", "delete", "expire"])
def test_a_limit_that_is_raised_deleted_or_over_lets_what_it_held_go_on(system: GivenSystem, change: str) -> None:
    put(system, "app:app_a", rate=Rate(1, 3600), expires_at=NOON + timedelta(seconds=30))
    create(system, 4)
    assert len(claim(system)) == 1
    if change == "raise":
        put(system, "app:app_a", rate=Rate(100, 3600))
    elif change == "delete":
        limit_changes.delete(LOCAL, system, "app:app_a")
    else:
        system.clock.advance(29)
        assert held_runs.release_due_keys(system) == 0
        system.clock.advance(1)
    assert held_runs.release_due_keys(system) == 3
    assert len(claim(system)) == 3
    with database.reading():
        assert HeldKey.select().count() == 0


def test_a_use_that_nobody_ended_is_ended_when_things_are_put_right(system: GivenSystem) -> None:
    put(system, "app:app_a", 1)
    run = first_run(system)
    record(system, claim_one(system), succeeded())
    with database.transaction():
        limits.adopt([("app:app_a", run.id, 1)])
    create(system, 1)
    assert claim(system) == []
    assert held_runs.repair(system) == 1
    system.clock.advance(1)
    held_runs.release_due_keys(system)
    assert len(claim(system)) == 1


def test_a_key_that_holds_runs_and_is_on_record_no_more_is_found_again(system: GivenSystem) -> None:
    put(system, "app:app_a", 1)
    create(system, 2)
    [work] = claim(system)
    with database.transaction():
        held_keys.hold_no_more("app:app_a", NOON + HOUR)
    record(system, work, succeeded())
    system.clock.advance(2)
    assert held_runs.release_due_keys(system) == 0
    held_runs.repair(system)
    system.clock.advance(2)
    assert held_runs.release_due_keys(system) == 1


def test_uses_are_forgotten_once_no_rate_counts_them(store: str) -> None:
    system = given_system(account_rate=Rate(9, 60))
    create(system, 1)
    record(system, claim_one(system), succeeded())
    for seconds, left in ((59, 1), (2, 0)):
        system.clock.advance(seconds)
        held_runs.repair(system)
        with database.reading():
            assert Use.select().count() == left


def test_uses_are_forgotten_a_bounded_number_at_a_time(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held_runs, "_USES_PRUNED", 1)
    monkeypatch.setattr(held_runs, "_MAX_PASSES", 2)
    system = given_system(account_rate=Rate(9, 60))
    create(system, 3)
    for work in claim(system):
        record(system, work, succeeded())
    system.clock.advance(61)
    for left in (1, 0):
        held_runs.repair(system)
        with database.reading():
            assert Use.select().count() == left


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_what_was_put_right_stays_so_though_the_pruning_after_it_fails(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = first_run(system)
    with database.transaction():
        limits.adopt([("app:app_a", run.id, 1)])
    monkeypatch.setattr(limits, "prune_uses", lambda *_about: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        held_runs.repair(system)
    with database.reading():
        assert [use.ended_at for use in Use.select()] == [NOON]


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_a_key_whose_runs_cannot_be_released_keeps_no_other_key_waiting(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (1, 2):
        put(system, f"account:app_a/acc{number}", rate=Rate(1, 60))
        create(system, 2, account_id=f"acc{number}")
    for work in claim(system):
        record(system, work, succeeded())
    first_held = held_keys.first_held

    def broken(key: str, limit: int, **other: Any) -> list[Candidate]:
        return first_held(key, limit, **other) if key.endswith("acc2") else 1 / 0  # type: ignore[return-value]

    monkeypatch.setattr(held_keys, "first_held", broken)
    system.clock.advance(61)
    assert held_runs.release_due_keys(system) == 1
    assert [one.account_id for one in map(stored_job, (work.job_id for work in claim(system)))] == ["acc2"]


def test_a_page_of_limits_counts_what_all_its_keys_hold_by_one_query(system: GivenSystem) -> None:
    for number in (1, 2):
        put(system, f"account:app_a/acc{number}", 1)
        create(system, 1 + number, account_id=f"acc{number}")
    assert len(claim(system)) == 2
    with statements.noted() as sent:
        found, _ = reading.listed(LOCAL, system, "", 10)
    assert [(one.key, one.waiting) for one in found] == [("account:app_a/acc1", 1), ("account:app_a/acc2", 2)]
    assert sum("runs" in sql for sql, _ in sent) == 1
    assert [reading.get(LOCAL, system, one.key) for one in found] == found


def test_what_a_pause_holds_meanwhile_is_released_to_the_pause(system: GivenSystem) -> None:
    put(system, "app:app_a", 1)
    ids = create(system, 2)
    record(system, claim_one(system), succeeded())
    assert claim(system, 0) == []
    create(system, 1)
    claim(system)
    pauses.pause_app(LOCAL, system, "app_a")
    limit_changes.delete(LOCAL, system, "app:app_a")
    held_runs.release_due_keys(system)
    assert {by for by, _ in held(ids)} <= {Hold.PAUSED}
    assert claim(system) == []


def test_held_runs_of_a_paused_job_take_no_room_from_others(system: GivenSystem) -> None:
    put(system, "app:app_a", rate=Rate(1, 60))
    [paused] = create(system, 1, priority=9)
    requested_runs.trigger(LOCAL, system, paused)
    record(system, claim_one(system), succeeded())
    [other] = create(system, 1)
    assert claim(system) == []
    lifecycle.pause(LOCAL, system, paused)
    system.clock.advance(61)
    held_runs.release_due_keys(system)
    assert [work.job_id for work in claim(system)] == [other]


def test_room_that_was_given_and_not_used_is_given_to_the_next_soon(system: GivenSystem) -> None:
    put(system, "app:app_a", rate=Rate(1, 3600))
    record(system, create_and_claim(system), succeeded())
    first, second = create(system, 2)
    assert claim(system) == []
    system.clock.advance(3601)
    held_runs.release_due_keys(system)
    lifecycle.cancel(LOCAL, system, first)
    system.clock.advance(2)
    held_runs.release_due_keys(system)
    assert [work.job_id for work in claim(system)] == [second]


def create_and_claim(system: GivenSystem) -> Work:
    create(system, 1)
    return claim_one(system)


@pytest.mark.parametrize("store", ["postgresql"], indirect=True)
def test_whatever_meets_no_key_is_ever_used_by_one_too_many_and_nothing_is_left_behind(store: str) -> None:
    system = given_system(account_rate=Rate(6, 1))
    put(system, "app:app_a", 4)
    put(system, "host:127.0.0.1", 5)
    create(system, 60)
    create(system, 30, app_name="app_b", account_id="acc2")

    def meet(number: int) -> int:
        worker = workers.register(system)
        most = 0
        for step in range(12):
            if number % 4 == 3:
                system.clock.advance(0.5)
                held_runs.release_due_keys(system)
                put(system, "app:app_a", 3 + step % 2)
                continue
            works: list[Work] = claiming.claim(system, worker, brokers.RUNS_HTTP, 3)
            with database.reading():
                open_uses = Use.select(Use.key).where(Use.ended_at.is_null())
                most = max(most, sum(use.key == "host:127.0.0.1" for use in open_uses))
            for work in works:
                record(system, work, succeeded())
            held_runs.release_after(system, [key for work in works for key in work.places])
        return most

    assert max(in_threads(8, meet)) <= 5
    for _ in range(60):
        system.clock.advance(2)
        held_runs.release_due_keys(system)
        for work in claim(system):
            record(system, work, succeeded())
    with database.reading():
        assert HeldKey.select().count() == 0
        assert Use.select().where(Use.ended_at.is_null()).count() == 0
    assert claim(system) == []
    assert stored_run(first_run(system).id).held_by is None
