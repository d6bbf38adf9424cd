"""Which account uses most and which is held back, on both databases: counted, ranked, bounded, and only one's own."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from core import schedules
from core.filters import JobFilter
from core.principals import LOCAL, Principal
from core.rates import Rate
from core.scopes import Role
from core.states import Hold, RunStatus
from models import account_usage as queries
from models import database
from models.tables import Job, Run
from services.apps import apps
from services.execution.work import Result
from services.jobs import creating, lifecycle
from services.reading.statistics import account_usage, ended_runs
from services.reading.statistics.account_usage import AccountUsage, UsageOrder, WantedUsage
from tests import statements
from tests.factories import GivenSystem, claim, claim_one, failed, new_job, record, refused, runs_of, succeeded
from tests.integration.execution.attempting import make_due_again
from tests.integration.execution.limiting import create, put
from tests.integration.jobs.principals import user
from tests.integration.reading.statistics.usage import SOMEBODY, names, of, used

KEY = "account:app_a/acme"


def run(system: GivenSystem, account: str, count: int = 1, result: Result | None = None, **changes: object) -> None:
    create(system, count, account_id=account, max_retries=0, **changes)
    for work in claim(system):
        record(system, work, result or succeeded())


def test_the_account_that_used_most_comes_first_with_its_failures_and_attempts(system: GivenSystem) -> None:
    run(system, "small")
    run(system, "acme", 2)
    run(system, "acme", 1, refused(), app_name="app_b")
    [retried] = create(system, account_id="acme", max_retries=1)
    for _ in range(2):
        record(system, claim_one(system), failed())
        if runs_of(retried)[0].status is RunStatus.RETRYING:
            make_due_again(system, runs_of(retried)[0].id)
    found = [(one.app_name, one.account_id, one.runs, one.failed, one.attempts) for one in used(system)]
    assert found == [("app_a", "acme", 3, 1, 4), ("app_a", "small", 1, 0, 1), ("app_b", "acme", 1, 1, 1)]
    assert names(used(system, jobs=JobFilter(app_name="app_b"))) == ["acme"]
    assert names(used(system, jobs=JobFilter(account_id="small"))) == ["small"]


def test_what_did_not_begin_or_ended_before_the_span_does_not_count(system: GivenSystem) -> None:
    run(system, "before")
    system.clock.advance(3_601)
    run(system, "now")
    for account in ("later", "skipped"):
        creating.create(LOCAL, system, new_job(schedules.DelayFromNow(60), account_id=account))
    with database.transaction():
        ended = {"status": RunStatus.SKIPPED, "finished_at": system.clock.now()}
        assert Run.update(ended).where(Run.account_id == "skipped").execute() == 1
    assert names(used(system)) == ["now"]
    assert set(names(used(system, minutes=120))) == {"before", "now"}


def test_runs_count_for_the_account_that_they_were_made_for(system: GivenSystem) -> None:
    run(system, "acme")
    with database.transaction():
        Job.update(account_id="other").execute()
    assert names(used(system)) == ["acme"]
    assert used(system, of(system, "app_a", Role.OWNER, "acme")) == []
    assert used(system, of(system, "app_a", Role.OWNER, "other")) == []


def test_an_account_that_its_rate_holds_is_listed_with_its_limit_and_until_when(system: GivenSystem) -> None:
    put(system, KEY, rate=Rate(1, 60))
    create(system, 3, account_id="acme")
    run(system, "quick", 2)
    quick, acme = used(system)
    assert (quick.account_id, quick.limit, quick.waiting) == ("quick", None, 0)
    assert (acme.runs, acme.waiting) == (1, 2)
    [wait] = acme.waits
    assert (wait.held_by, wait.held_key, wait.count) == (Hold.RATE_LIMIT, KEY, 2)
    assert wait.held_until is not None
    assert acme.limit is not None
    assert acme.limit.rate == Rate(1, 60)
    assert names(used(system, order=UsageOrder.HELD)) == ["acme", "quick"]
    cut = AccountUsage(system).of(LOCAL, WantedUsage(limit=1))
    assert (names(list(cut.accounts)), cut.held_back) == (["quick"], 1)


def test_what_waits_for_a_worker_is_told_from_what_is_held(system: GivenSystem) -> None:
    held, _free, _other_queue = create(system, 3, account_id="acme")
    lifecycle.pause(LOCAL, system, held)
    [acme] = used(system)
    assert {(one.held_by, one.count) for one in acme.waits} == {(Hold.PAUSED, 1), (None, 2)}
    assert acme.waiting == 3


def test_accounts_are_ranked_by_what_is_asked_for(system: GivenSystem) -> None:
    run(system, "busy", 3)
    run(system, "failing", 2, refused())
    create(system, 2, account_id="waiting")
    assert names(used(system)) == ["busy", "failing", "waiting"]
    assert names(used(system, order=UsageOrder.FAILED))[0] == "failing"
    assert names(used(system, order=UsageOrder.WAITING))[0] == "waiting"
    cut = AccountUsage(system).of(LOCAL, WantedUsage(limit=2))
    assert (names(list(cut.accounts)), cut.count) == (["busy", "failing"], 3)


ENDED, WAITING = "minutes_ago", "held_key"
"""What a query for runs that ended, and one for runs that wait, name."""


def queries_for(what: str, usage: AccountUsage, who: Principal, **wanted: object) -> int:
    """How many queries for these runs a question makes."""
    with statements.noted() as asked:
        usage.of(who, replace(WantedUsage(), **wanted))  # type: ignore[arg-type]  # as given
    return sum(what in sql for sql, _ in asked)


@pytest.fixture
def few_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two ended runs are read, and two that wait."""
    monkeypatch.setattr(ended_runs, "MAX_ENDED", 2)
    monkeypatch.setattr(account_usage, "MAX_WAITING", 2)


@pytest.mark.usefixtures("few_are_read")
def test_of_more_runs_than_are_read_the_newest_count_and_it_is_said_since_when(system: GivenSystem) -> None:
    for account in ("first", "second", "third"):
        run(system, account)
        system.clock.advance(1)
    found = AccountUsage(system).of(LOCAL, WantedUsage())
    assert names(list(found.accounts)) == ["second", "third"]
    assert found.runs_are_cut
    assert (system.clock.now() - found.counted_since).total_seconds() == 3
    all_of_two = AccountUsage(system).of(LOCAL, WantedUsage(minutes=1))
    system.clock.advance(58)
    assert all_of_two.runs_are_cut
    assert not AccountUsage(system).of(LOCAL, WantedUsage(minutes=1)).runs_are_cut


@pytest.mark.usefixtures("few_are_read")
def test_of_more_runs_that_ended_at_one_instant_than_are_read_so_many_count(system: GivenSystem) -> None:
    run(system, "acme", 5)
    found = AccountUsage(system).of(LOCAL, WantedUsage())
    assert [(one.account_id, one.runs) for one in found.accounts] == [("acme", 2)]
    assert (found.runs_are_cut, found.counted_since) == (True, system.clock.now())


@pytest.mark.usefixtures("few_are_read")
def test_what_waits_is_cached_for_some_seconds_where_more_runs_wait_than_are_counted(system: GivenSystem) -> None:
    apps.ensure(LOCAL, system, "app_b")
    usage, tenant = AccountUsage(system), of(system, "app_b")
    create(system, 2, account_id="acme")
    assert not usage.of(LOCAL, WantedUsage()).waiting_is_cut, "two are few"
    create(system, 1, account_id="globex")
    for who in (LOCAL, tenant):
        assert usage.of(who, WantedUsage()).waiting_is_cut is (who is LOCAL), "nothing of the tenant's waits"
        assert queries_for(WAITING, usage, who, minutes=5, order=UsageOrder.HELD, limit=7) == 0
    assert queries_for(WAITING, usage, tenant, jobs=JobFilter(account_id="acme")) == 0, "all had been looked through"
    system.clock.advance(ended_runs.KEPT_SECONDS)
    assert queries_for(WAITING, usage, tenant) == 1


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two runs that ended are many."""
    monkeypatch.setattr(ended_runs, "MANY", 2)


@pytest.mark.usefixtures("many")
def test_many_runs_that_ended_are_read_once_for_everybody_whatever_is_asked_of_them(system: GivenSystem) -> None:
    run(system, "acme", 2)
    apps.ensure(LOCAL, system, "app_b")
    usage, tenant = AccountUsage(system), of(system, "app_b")
    assert queries_for(ENDED, usage, tenant) == 1
    for who in (tenant, SOMEBODY, LOCAL, of(system, "app_a", Role.OWNER, "acme")):
        for minutes in range(1, 61):
            assert queries_for(ENDED, usage, who, minutes=minutes) == 0
        for number, order in enumerate(UsageOrder, start=1):
            wanted = JobFilter(account_id=f"account {number}")
            assert queries_for(ENDED, usage, who, jobs=wanted, order=order, limit=number) == 0
    assert queries_for(ENDED, usage, tenant, minutes=61) == 1, "a day is read, and answers for all that is less"
    assert queries_for(ENDED, usage, LOCAL, minutes=1_440) == 0
    system.clock.advance(ended_runs.KEPT_SECONDS)
    assert queries_for(ENDED, usage, LOCAL) == 1


@pytest.mark.usefixtures("many")
def test_few_runs_that_ended_are_read_anew_by_each_question(system: GivenSystem) -> None:
    usage = AccountUsage(system)
    for name in ("acme", "globex"):
        run(system, name)
        assert name in names(list(usage.of(LOCAL, WantedUsage()).accounts))


@pytest.mark.usefixtures("many")
def test_what_was_read_for_everybody_shows_each_no_more_than_what_is_read_for_them_alone(system: GivenSystem) -> None:
    anna = user(system, "anna")
    run(system, "acme")
    run(system, "acme", app_name="app_b")
    run(system, "acme", owner_id=anna.user_id)
    run(system, "moved", 2, refused())
    with database.transaction():
        Job.update(account_id="globex").where(Job.account_id == "moved").execute()
    system.clock.advance(600)
    run(system, "globex")
    members = [of(system, app) for app in ("app_a", "app_b")]
    keys = [
        of(system, app, Role.OWNER, account) for app in ("app_a", "app_b") for account in ("acme", "globex", "moved")
    ]
    shared = AccountUsage(system)
    wanted = [
        WantedUsage(JobFilter(app_name=app, account_id=account), minutes)
        for app in (None, "app_a", "APP_B", "no_app")
        for account in (None, "acme", "moved")
        for minutes in (1, 60)
    ]
    for who in (LOCAL, anna, SOMEBODY, *members, *keys):
        seen = {one.app_name for one in shared.of(who, WantedUsage()).accounts}
        assert who is LOCAL or who is anna or seen <= {one.app_name for one in who.memberships}
        for one in wanted:
            assert shared.of(who, one) == AccountUsage(system).of(who, one)
    assert names(list(shared.of(keys[2], WantedUsage()).accounts)) == []
    assert names(list(shared.of(keys[1], WantedUsage()).accounts)) == ["globex"]
    assert [one.runs for one in shared.of(anna, WantedUsage()).accounts] == [1]


def test_a_run_counts_that_ended_just_so_many_minutes_ago_and_none_that_ended_before(system: GivenSystem) -> None:
    now = system.clock.now()
    ages = {"now": 0, "within": 59_999_999, "just": 60_000_000, "before": 60_000_001}
    for name, age in ages.items():
        run(system, name)
        with database.transaction():
            ended = {"finished_at": now - timedelta(microseconds=age)}
            assert Run.update(ended).where(Run.account_id == name).execute() == 1
    assert set(names(used(system, minutes=1))) == {"now", "within", "just"}
    assert set(names(used(system, minutes=2))) == set(ages)


@pytest.mark.usefixtures("few_are_read")
def test_an_account_that_its_limit_holds_is_found_behind_those_that_wait_in_masses(system: GivenSystem) -> None:
    apps.ensure(LOCAL, system, "app_b")
    put(system, KEY, 1)
    put(system, "account:app_b/acme", 1)
    create(system, 3, account_id="acme")
    create(system, 4, account_id="acme", app_name="app_b")
    claim(system)
    create(system, 5, account_id="crowd")
    found = AccountUsage(system).of(LOCAL, WantedUsage())
    assert found.waiting_is_cut
    waits = {(one.app_name, wait.held_key, wait.count) for one in found.accounts for wait in one.waits if wait.held_key}
    assert waits == {("app_a", KEY, 2), ("app_b", "account:app_b/acme", 3)}
    of_b = AccountUsage(system).of(of(system, "app_b"), WantedUsage())
    assert of_b.waiting_is_cut
    assert [one.app_name for one in of_b.accounts] == ["app_b"]
    with database.reading():
        assert queries.held(JobFilter(account_id="nobody"), None, 10) == []
        assert [one.key for one in queries.held(JobFilter(app_name="app_a"), None, 10)] == [KEY]


def test_each_sees_the_accounts_of_their_apps_and_no_limit_of_others(system: GivenSystem) -> None:
    put(system, KEY, 5)
    run(system, "acme")
    run(system, "globex")
    run(system, "acme", app_name="app_b")
    assert used(system, SOMEBODY) == []
    assert [one.app_name for one in used(system, of(system, "app_b"))] == ["app_b"]
    assert names(used(system, of(system, "app_a", Role.OWNER, "globex"))) == ["globex"]
    anna = user(system, "anna")
    run(system, "acme", owner_id=anna.user_id)
    [shown] = used(system, anna)
    assert (shown.runs, shown.limit) == (1, None)
    assert [one.limit is None for one in used(system, of(system, "app_a"))] == [False, True]
