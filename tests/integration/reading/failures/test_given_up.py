"""The jobs that gave up: where there are many jobs, they are looked for once in half a minute, for any span."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from core.filters import JobFilter
from core.principals import LOCAL, Principal, PrincipalKind
from core.schedules import Polling
from services.jobs import creating
from services.reading.failures import given_up
from services.reading.failures.given_up import AllGivenUp
from tests import statements
from tests.factories import GivenSystem, claim_one, new_job, polled, record

HOUR = 3_600


def gave_up(system: GivenSystem) -> UUID:
    job_id = creating.create(LOCAL, system, new_job(Polling(30, max_polls=1)))
    record(system, claim_one(system), polled({"n": 1}))
    return job_id


def found(jobs: AllGivenUp, hours: float = 24) -> list[UUID]:
    return [one.job_id for one in jobs.of(LOCAL, hours).results]


def test_where_there_are_few_jobs_each_is_listed_at_once(system: GivenSystem) -> None:
    jobs = AllGivenUp(system)
    first = gave_up(system)
    assert found(jobs) == [first]
    system.clock.advance(1)
    second = gave_up(system)
    assert found(jobs) == [second, first]


def test_where_there_are_many_jobs_the_result_is_cached_for_half_a_minute(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(given_up, "MANY", 0)
    jobs = AllGivenUp(system)
    first = gave_up(system)
    assert found(jobs) == [first]
    system.clock.advance(1)
    second = gave_up(system)
    assert found(jobs) == [first]
    assert found(jobs, 2) == [first], "for any span"
    system.clock.advance(given_up.KEPT_SECONDS)
    assert found(jobs) == [second, first]


def test_what_gave_up_before_the_span_is_not_listed_though_the_result_is_cached(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(given_up, "MANY", 0)
    monkeypatch.setattr(given_up, "MAX_LISTED", 1)
    jobs = AllGivenUp(system)
    gave_up(system)
    system.clock.advance(20)
    last = gave_up(system)
    system.clock.advance(HOUR - 21)
    assert jobs.of(LOCAL, 1).is_cut
    system.clock.advance(2)
    whole = jobs.of(LOCAL, 1)
    assert ([one.job_id for one in whole.results], whole.is_cut) == ([last], False)
    assert found(jobs, 1 - 20 / HOUR) == [], "it ended a little before"


def test_among_many_jobs_no_other_span_account_or_task_type_is_looked_for_anew(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(given_up, "MANY", 0)
    jobs = AllGivenUp(system)
    first = gave_up(system)
    fitting = JobFilter(app_name="APP_A", account_id="acc1", task_type="greet")
    assert [one.job_id for one in jobs.of(LOCAL, 24, fitting).results] == [first]
    with statements.noted() as asked:
        for number in range(1, 20):
            assert [one.job_id for one in jobs.of(LOCAL, number, fitting).results] == [first]
            for other in (replace(fitting, account_id=str(number)), replace(fitting, task_type=str(number))):
                assert jobs.of(LOCAL, 24, other).results == []
            assert jobs.of(LOCAL, 24, JobFilter(app_name=f"no app {number}")).results == []
    assert sum("end_reason" in sql for sql, _ in asked) == 0


def test_what_one_may_see_of_it_is_shown_to_no_other(system: GivenSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(given_up, "MANY", 0)
    jobs = AllGivenUp(system)
    first = gave_up(system)
    assert found(jobs) == [first]
    for wanted in (JobFilter(), JobFilter(app_name="app_a"), JobFilter(account_id="acc1")):
        assert jobs.of(Principal(PrincipalKind.USER, uuid4(), "ada"), 24, wanted).results == []


def test_it_is_said_if_more_gave_up_within_the_span_than_are_read(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(given_up, "MAX_READ", 1)
    gave_up(system)
    system.clock.advance(HOUR)
    last = gave_up(system)
    jobs = AllGivenUp(system)
    assert jobs.of(LOCAL, 2, JobFilter(task_type="other")).is_cut
    assert not jobs.of(LOCAL, 0.5).is_cut
    assert found(jobs, 0.5) == [last]
