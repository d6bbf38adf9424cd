"""When what waits is called next: one figure on all pages, never one that has passed."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from core.limit_keys import of_destination
from core.principals import LOCAL
from core.rates import Rate
from core.states import Hold
from models.tables import Breaker, Run
from pages import formats
from services.jobs import creating
from services.reading import limits, records
from services.reading.failures import failing_hosts
from services.reading.upcoming import next_calls
from tests.factories import NOON, GivenSystem, claim, failed, new_job, record, runs_of
from tests.integration.execution.attempting import make_due_again
from tests.integration.execution.limiting import put
from tests.integration.pages.browser import Browser
from tests.integration.pages.states import opened

PROBE_AT = NOON + timedelta(seconds=176)
TOLD = "Fri 20 Nov 2026 12:02:56"


def retrying(system: GivenSystem) -> UUID:
    """A run that waits for a retry at 12:00:17, whose receiver's breaker lets no call go until 12:02:56."""
    creating.create(LOCAL, system, new_job(callback_url="https://app.example.com/x", max_retries=5))
    [work] = claim(system)
    record(system, work, failed(retry_after_seconds=17))
    key = opened(system)
    with system.transaction():
        Breaker.update(probe_at=PROBE_AT, places=0).where(Breaker.key == key).execute()
    return work.run_id


def hold(system: GivenSystem, run_id: UUID, key: str) -> None:
    """Have the run due again, and held by the breaker, as if that had been looked at just now."""
    make_due_again(system, run_id)
    with system.transaction():
        held = {"held_by": Hold.DESTINATION, "held_key": key, "held_until": system.clock.now()}
        Run.update(held).where(Run.id == run_id).execute()


def test_a_retry_waits_for_the_next_call_of_its_receivers_breaker(browser: Browser, system: GivenSystem) -> None:
    run_id = retrying(system)
    assert "in 2 min 56 s All runs being retried" in browser.load("/dashboard/failures").text
    assert "next try in 2 min 56 s" in browser.load("/dashboard/runs").text
    run = browser.load(f"/dashboard/runs/{run_id}").text
    assert f"Next try {TOLD}" in run
    assert "12:00:17" not in run


def test_a_run_that_a_breaker_holds_goes_on_with_the_breakers_next_call(browser: Browser, system: GivenSystem) -> None:
    run_id = retrying(system)
    hold(system, run_id, of_destination("app_a", "app.example.com"))
    ahead = (PROBE_AT - system.clock.now()).total_seconds()
    page = browser.load("/dashboard/queues").text
    assert page.count(f"in {formats.span(ahead)}") == 2, "of the run that waits, and of the breaker"
    assert f"Next try {TOLD}" in browser.load(f"/dashboard/runs/{run_id}").text
    system.clock.advance(600)
    assert "Next try now" in browser.load(f"/dashboard/runs/{run_id}").text


def test_a_run_beyond_a_rate_goes_on_once_its_limit_has_room(browser: Browser, system: GivenSystem) -> None:
    creating.create(LOCAL, system, new_job())
    put(system, "app:app_a", rate=Rate(1, 60))
    [work] = claim(system)
    record(system, work, failed())
    job_id = creating.create(LOCAL, system, new_job())
    assert claim(system) == []
    system.clock.advance(9)
    room_at = limits.get(LOCAL, system, "app:app_a").next_room_at
    assert room_at == NOON + timedelta(seconds=60)
    assert _next_at(system, runs_of(job_id)[0].id) == room_at
    assert "in 51 s" in browser.load("/dashboard/queues").text


def test_the_calls_that_failed_stay_counted_when_the_breaker_holds_their_run(system: GivenSystem) -> None:
    run_id = retrying(system)
    before = failing_hosts.listed(LOCAL, system)
    hold(system, run_id, of_destination("app_a", "app.example.com"))
    assert failing_hosts.listed(LOCAL, system) == before
    assert [one.failures for one in before] == [1]


def _next_at(system: GivenSystem, run_id: UUID) -> datetime:
    return next_calls.of_runs(system, [records.whole_run(LOCAL, run_id, 1).run])[run_id]
