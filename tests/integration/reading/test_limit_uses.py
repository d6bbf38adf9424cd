"""Who uses a limited key: calls under way and until when, and ended ones and when each is free again."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from core.principals import LOCAL
from core.rates import Rate
from services.execution.work import Deferred
from services.jobs import editing
from services.jobs.definition import Definition
from services.reading import limit_uses
from services.reading.limit_uses import Uses
from services.reading.views import JobView
from tests.factories import NOON, GivenSystem, claim, claim_one, given_system, new_job, record, succeeded
from tests.integration.execution.limiting import create, put

KEY = "account:app_a/acc1"


@pytest.fixture
def system(store: str) -> GivenSystem:
    return given_system(callback_time_limit_seconds=30)


def uses(system: GivenSystem, key: str = KEY) -> Uses:
    return limit_uses.of_key(LOCAL, system, key)[1]


def ends(system: GivenSystem) -> dict[UUID, datetime | None]:
    return {one.run.id: one.ends_by for one in uses(system).under_way}


def test_a_call_under_way_ends_at_its_time_limit_at_the_latest(system: GivenSystem) -> None:
    put(system, KEY, 5)
    create(system)
    create(system, time_limit_seconds=300.0)
    usual, longer = claim(system)
    assert ends(system) == {
        usual.run_id: NOON + timedelta(seconds=30),
        longer.run_id: NOON + timedelta(seconds=300),
    }
    assert uses(system).still_counted == []


def test_the_time_limit_is_that_with_which_the_run_began(system: GivenSystem) -> None:
    put(system, KEY, 5)
    [job_id] = create(system, time_limit_seconds=300.0)
    work = claim_one(system)

    def amend(_view: JobView) -> Definition:
        return new_job(time_limit_seconds=1.0)

    editing.edit(LOCAL, system, job_id, amend)
    assert ends(system) == {work.run_id: NOON + timedelta(seconds=300)}


def test_a_run_that_waits_for_its_report_ends_with_its_lease(system: GivenSystem) -> None:
    put(system, KEY, 5)
    create(system)
    work = claim_one(system)
    record(system, work, Deferred())
    assert ends(system) == {work.run_id: NOON + timedelta(seconds=60)}


def test_a_call_that_has_ended_counts_until_the_span_after_its_end(system: GivenSystem) -> None:
    put(system, KEY, rate=Rate(5, 60))
    create(system, 2)
    one, other = claim(system)
    for work in (other, one):
        system.clock.advance(10)
        record(system, work, succeeded())
    free = [(use.run.id, use.ended_at, use.free_at) for use in uses(system).still_counted]
    assert free == [
        (other.run_id, NOON + timedelta(seconds=10), NOON + timedelta(seconds=70)),
        (one.run_id, NOON + timedelta(seconds=20), NOON + timedelta(seconds=80)),
    ]
    assert uses(system).under_way == []
    system.clock.advance(50)
    assert [use.run.id for use in uses(system).still_counted] == [one.run_id]


def test_without_a_rate_no_ended_call_counts(system: GivenSystem) -> None:
    put(system, KEY, 5)
    create(system)
    record(system, claim_one(system), succeeded())
    assert uses(system) == Uses([], [])


def test_no_more_than_twenty_of_each_are_listed(system: GivenSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limit_uses, "MAX_SHOWN", 1)
    put(system, KEY, rate=Rate(9, 60))
    create(system, 4)
    for work in claim(system)[:2]:
        record(system, work, succeeded())
    found = uses(system)
    assert (len(found.under_way), len(found.still_counted)) == (1, 1)
