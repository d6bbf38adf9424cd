"""Limits by key: as many runs go as all keys of a run allow, the others wait, and no run is stranded."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from core.limits import Limit
from core.principals import LOCAL
from core.rates import Rate
from core.schedules import DelayFromNow
from core.states import Hold
from services.apps import apps
from services.apps.app_views import TaskTypePolicy
from services.execution import claiming, held_runs, limit_changes, rescue, workers
from services.execution.limits import LimitCache
from services.jobs import definition, editing, requested_runs
from services.messaging import broker as brokers
from services.reading import limits as reading
from services.reading.explaining import explanations
from services.scheduling import dispatching
from tests.factories import (
    CALLBACK_BASE_URL,
    NOON,
    GivenSystem,
    claim,
    claim_one,
    failed,
    given_system,
    in_threads,
    record,
    runs_of,
    stored_job,
    succeeded,
)
from tests.integration.execution.limiting import create, held, put

HOUR = timedelta(hours=1)


@pytest.mark.parametrize("key", ["app:app_a", "account:app_a/acc1", "host:127.0.0.1", "key:app_a/north"])
def test_no_more_runs_of_a_key_go_at_once_than_it_allows_and_others_go_on(system: GivenSystem, key: str) -> None:
    apps.put(LOCAL, system, "app_a", CALLBACK_BASE_URL, {"greet": TaskTypePolicy(limit_key="{{data.region}}")})
    apps.put(LOCAL, system, "app_b", "http://localhost:9", {})
    put(system, key, 2)
    create(system, 4, data={"region": "north"}, priority=9)
    create(system, 1, app_name="app_b", account_id="acc2", data={"region": "south"})
    taken = claim(system)
    assert len(taken) == 3
    assert claim(system) == []
    for work in taken:
        record(system, work, succeeded())
    assert held_runs.release_due_keys(system) == 0, "it is looked at a second later"
    system.clock.advance(1)
    assert held_runs.release_due_keys(system) == 2
    assert len(claim(system)) == 2


def test_a_job_that_runs_for_many_instants_goes_one_at_a_time(system: GivenSystem) -> None:
    [job_id] = create(system, schedule=DelayFromNow(60))
    put(system, f"job:{job_id}", 1)
    for _ in range(2):
        requested_runs.trigger(LOCAL, system, job_id)
    assert len(claim(system)) == 1
    assert held([job_id]) == [(Hold.CONCURRENCY, f"job:{job_id}")]


def test_a_jobs_own_key_of_data_counts_in_place_of_its_task_types_and_an_edit_changes_it(system: GivenSystem) -> None:
    apps.put(LOCAL, system, "app_a", CALLBACK_BASE_URL, {"greet": TaskTypePolicy(limit_key="of-the-type")})
    put(system, "key:app_a/c1", 1)
    ids = create(system, 3, data={"customer": "c1"}, limit_key="{{data.customer}}")
    create(system, 1)
    assert len(claim(system)) == 2
    assert held(ids) == [(Hold.CONCURRENCY, "key:app_a/c1")] * 2
    [waiting] = create(system, 1, schedule=DelayFromNow(5), data={"customer": "c1"}, limit_key="{{data.customer}}")
    editing.edit(LOCAL, system, waiting, lambda _: replace(definition.of(stored_job(waiting), ()), limit_key="free"))
    system.clock.advance(5)
    dispatching.make_due(system, [runs_of(waiting)[0].id])
    assert [work.job_id for work in claim(system)] == [waiting]


def test_equal_accounts_of_two_apps_share_nothing(store: str) -> None:
    system = given_system(account_rate=Rate(2, 60))
    create(system, 3, app_name="app_a")
    create(system, 3, app_name="app_b")
    assert len(claim(system)) == 4


def test_a_limit_of_an_account_takes_the_place_of_the_rate_of_all(store: str) -> None:
    system = given_system(account_rate=Rate(2, 60))
    put(system, "account:app_a/acc1", rate=Rate(3, 60))
    create(system, 5)
    assert len(claim(system)) == 3


def test_a_run_needs_room_under_all_its_keys(system: GivenSystem) -> None:
    put(system, "app:app_a", 3)
    put(system, "account:app_a/acc1", 1)
    ones = create(system, 3, priority=9)
    create(system, 4, account_id="acc2")
    assert len(claim(system)) == 3
    assert held(ones) == [(Hold.CONCURRENCY, "account:app_a/acc1")] * 2
    assert claim(system) == []


def test_under_a_limit_of_the_installation_nothing_is_held_and_no_more_runs(system: GivenSystem) -> None:
    put(system, "installation", 2)
    ids = create(system, 4)
    first, _ = claim(system)
    assert held(ids) == [(None, None)] * 2
    system.doorbell.heard()
    record(system, first, succeeded())
    held_runs.release_after(system, first.places)
    assert len(system.doorbell.heard()) == 1
    assert len(claim(system)) == 1


def test_what_becomes_due_while_its_key_holds_others_is_held_and_not_rung_for(system: GivenSystem) -> None:
    put(system, "account:app_a/acc1", 1)
    create(system, 2)
    claim(system)
    later = create(system, 1, schedule=DelayFromNow(5))
    system.doorbell.heard()
    at_once = create(system, 1)
    other = create(system, 1, account_id="acc2")
    system.clock.advance(5)
    assert dispatching.make_due(system, [runs_of(later[0])[0].id]) == 0
    assert held([*later, *at_once, *other]) == [(Hold.CONCURRENCY, "account:app_a/acc1")] * 2 + [(None, None)]
    assert [ring.run_id for ring in system.doorbell.heard()] == [runs_of(other[0])[0].id]


def test_an_email_is_not_held_by_the_rate_of_calls(store: str) -> None:
    system = given_system(account_rate=Rate(1, 60))
    create(system, 2)
    claim(system)
    data = {"recipient": "a@example.com", "subject": "s", "body": "b"}
    assert held(create(system, 1, task_type="send_email", data=data)) == [(None, None)]


def test_a_limit_that_is_put_counts_the_calls_that_are_under_way(system: GivenSystem) -> None:
    create(system, 3)
    first, *_ = claim(system)
    put(system, "app:app_a", 2)
    create(system, 1)
    assert claim(system) == []
    record(system, first, succeeded())
    assert reading.get(LOCAL, system, "app:app_a").running == 2
    assert claim(system) == []


def test_a_call_that_began_in_a_process_which_did_not_know_of_the_limit_is_counted_a_moment_later(
    system: GivenSystem,
) -> None:
    put(system, "app:app_a", 1)
    create(system, 2)
    claiming.claim(system, workers.register(system), brokers.RUNS_HTTP, 1, is_limited=False)
    held_runs.count_calls_of_new_limits(system)
    held_runs.count_calls_of_new_limits(system)
    assert reading.get(LOCAL, system, "app:app_a").running == 1
    assert claim(system) == []


def test_a_process_knows_of_a_limit_within_a_second(system: GivenSystem) -> None:
    known = LimitCache(system)
    assert not known.may_apply(brokers.RUNS_HTTP)
    put(system, "app:app_a", 1)
    system.clock.advance(1)
    assert known.may_apply(brokers.RUNS_HTTP)


def test_a_lost_call_and_a_cancelled_one_leave_their_places(system: GivenSystem) -> None:
    put(system, "app:app_a", 1)
    create(system, 1)
    lost = claim_one(system)
    rescue.take_back(system, [lost.run_id], only_expired=False)
    assert reading.get(LOCAL, system, "app:app_a").running == 0


def test_the_version_that_a_run_began_under_says_which_host_it_calls(system: GivenSystem) -> None:
    put(system, "host:one.example.com", 1)
    [job_id] = create(system, callback_url="https://one.example.com/a", max_retries=3)
    record(system, claim_one(system), failed())
    editing.edit(
        LOCAL,
        system,
        job_id,
        lambda view: replace(definition.of(stored_job(job_id), view.tags), callback_url="https://two.example.com/a"),
    )
    system.clock.advance(3600)
    dispatching.make_due(system, [runs_of(job_id)[0].id])
    assert claim_one(system).places == ("host:one.example.com",)


def test_why_says_which_key_holds_a_run_and_which_runs_are_before_it(system: GivenSystem) -> None:
    put(system, "app:app_a", 1)
    create(system, 1, priority=9)
    [job_id] = create(system, 1)
    [work] = claim(system)
    answer = explanations.explain(LOCAL, system, job_id, NOON).answer
    assert "app:app_a may have 1 runs at once" in answer
    assert str(work.run_id) in answer


def test_of_two_who_limit_a_key_at_once_one_is_the_first(system: GivenSystem) -> None:
    apps.ensure(LOCAL, system, "app_a")
    were_new = in_threads(2, lambda number: limit_changes.put(LOCAL, system, "app:app_a", Limit(number + 1))[1])
    assert sorted(were_new) == [False, True]
