"""The threads that runs need: known crons whose runs took a known time, what waits, and what is under way."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import pytest

from core.limit_keys import INSTALLATION
from core.limits import Limit
from core.policies import Overlap
from core.principals import LOCAL
from core.schedules import Cron, DelayFromNow, Interval
from services.apps import apps
from services.execution import limit_changes, reports
from services.execution.work import Deferred
from services.jobs import creating, lifecycle
from services.maintenance.figures import count_coming_threads
from services.messaging import broker as brokers
from services.reading.upcoming import thread_demand, thread_times
from services.reading.upcoming.thread_demand import ComingThreads
from services.runtime.event_metrics import count_events
from services.runtime.metric_states import State
from services.runtime.metrics import Metrics
from services.scheduling import dispatching, pauses, planning
from tests import statements
from tests.factories import NOON, GivenSystem, claim, claim_one, failed, new_job, record, succeeded
from tests.figures import Figures, figures
from tests.integration.execution.attempting import make_due_again
from tests.integration.execution.reporting import sender

HTTP, EMAIL = brokers.RUNS_HTTP, brokers.RUNS_EMAIL


@pytest.fixture
def metrics() -> Iterator[Metrics]:
    metrics = Metrics(brokers.RUNS)
    stop = count_events(metrics)
    yield metrics
    stop()


def shown(metrics: Metrics) -> Figures:
    return figures(metrics.page(State()).decode())


def needed(coming: ComingThreads) -> float:
    return coming.by_queue()[HTTP]


def made(system: GivenSystem, cron: str, **fields: object) -> UUID:
    return creating.create(LOCAL, system, new_job(Cron(cron), **fields))


def make_due(system: GivenSystem) -> None:
    dispatching.make_due(system, [run_id for run_id, _ in dispatching.due_soon(system)])


def all_ran(system: GivenSystem, minute: int, seconds: dict[UUID, float]) -> None:
    """Have the occurrence of each job at a minute past noon run for so many seconds."""
    system.clock.set(NOON + timedelta(minutes=minute))
    planning.plan(system)
    make_due(system)
    works = {work.job_id: work for work in claim(system)}
    assert works.keys() == seconds.keys()
    passed = 0.0
    for job_id, took in sorted(seconds.items(), key=lambda one: one[1]):
        system.clock.advance(took - passed)
        passed = took
        record(system, works[job_id], succeeded())


def test_the_gauge_shows_what_crons_with_known_durations_will_need(system: GivenSystem, metrics: Metrics) -> None:
    seconds = {
        made(system, "10,20 * * * *"): 60.0,
        made(system, "10,20 * * * *"): 30.0,
        made(system, "10,26 * * * *"): 90.0,
    }
    all_ran(system, 10, seconds)
    coming = ComingThreads(system.clock)
    system.clock.set(NOON + timedelta(minutes=14))
    count_coming_threads(coming)
    assert shown(metrics)["carillon_coming_threads", (HTTP,)] == 0, "nothing is due within five minutes"
    system.clock.set(NOON + timedelta(minutes=16, seconds=30))
    count_coming_threads(coming)
    assert shown(metrics)["carillon_coming_threads", (HTTP,)] == 1.5, "the occurrences of 12:20 have no rows yet"
    assert shown(metrics)["carillon_coming_threads", (EMAIL,)] == 0
    system.clock.set(NOON + timedelta(minutes=18))
    assert planning.plan(system) > 0
    count_coming_threads(coming)
    assert shown(metrics)["carillon_coming_threads", (HTTP,)] == 1.5, "and now they have"


def test_runs_of_jobs_that_never_ran_count_as_those_of_their_kind_did_lately(system: GivenSystem) -> None:
    all_ran(system, 10, {made(system, "10 * * * *"): 30.0})
    for _ in range(4):
        creating.create(LOCAL, system, new_job(DelayFromNow(60)))
    coming = ComingThreads(system.clock)
    assert needed(coming) == 2.0
    creating.create(LOCAL, system, new_job(DelayFromNow(60), task_type="other"))
    assert needed(coming) == pytest.approx(2.0 + thread_times.UNKNOWN_SECONDS / 60)


def test_a_run_that_reports_later_keeps_no_thread_and_a_repeated_one_its_last_attempts_time(
    system: GivenSystem,
) -> None:
    creating.create(LOCAL, system, new_job())
    work = claim_one(system)
    record(system, work, Deferred())
    system.clock.advance(120)
    reports.complete(system, sender(work), {}, None)
    creating.create(LOCAL, system, new_job(DelayFromNow(60)))
    assert needed(ComingThreads(system.clock)) == 0
    creating.create(LOCAL, system, new_job(task_type="other", max_retries=1))
    work = claim_one(system)
    system.clock.advance(120)
    record(system, work, failed())
    make_due_again(system, work.run_id)
    work = claim_one(system)
    system.clock.advance(30)
    record(system, work, succeeded())
    system.clock.set(NOON + timedelta(hours=1))
    creating.create(LOCAL, system, new_job(DelayFromNow(60), task_type="other"))
    assert needed(ComingThreads(system.clock)) == 0.5


def test_what_is_paused_needs_no_thread(system: GivenSystem) -> None:
    job_id = made(system, "*/2 * * * *")
    coming = ComingThreads(system.clock)
    assert needed(coming) > 0
    lifecycle.pause(LOCAL, system, job_id)
    assert needed(coming) == 0


def test_a_job_that_runs_each_second_needs_one_thread_unless_its_runs_overlap(system: GivenSystem) -> None:
    all_ran(system, 1, {made(system, "1 12 * * *"): 10.0})
    for overlap, threads in ((Overlap.SKIP, 1.0), (Overlap.ALLOW, 10.0)):
        job_id = creating.create(LOCAL, system, new_job(Interval(every_seconds=1), overlap=overlap))
        assert needed(ComingThreads(system.clock)) == pytest.approx(threads, rel=0.2)
        lifecycle.pause(LOCAL, system, job_id)


def test_few_jobs_are_measured_at_each_look_and_again_after_ten_minutes(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(thread_times, "MAX_MEASURED", 1)
    long, short = made(system, "*/10 * * * *"), made(system, "*/10 * * * *")
    all_ran(system, 10, {long: 120.0, short: 0.0})
    coming = ComingThreads(system.clock)
    system.clock.set(NOON + timedelta(minutes=17))
    assert needed(coming) != 1.0, "one counts as the average of both"
    assert needed(coming) == 1.0
    all_ran(system, 20, {long: 0.0, short: 0.0})
    all_ran(system, 30, {long: 0.0, short: 0.0})
    system.clock.advance(thread_times.KEPT_SECONDS + 360)
    needed(coming)
    needed(coming)
    assert needed(coming) == 0.0


def test_of_very_many_runs_the_soonest_count(system: GivenSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thread_demand, "MAX_PLANNED", 2)
    for _ in range(3):
        creating.create(LOCAL, system, new_job(DelayFromNow(60)))
    assert needed(ComingThreads(system.clock)) == pytest.approx(2 / 60)


def test_a_run_under_way_needs_a_thread_and_none_while_it_waits_for_its_report(system: GivenSystem) -> None:
    for _ in range(3):
        creating.create(LOCAL, system, new_job())
    works = claim(system)
    coming = ComingThreads(system.clock)
    assert needed(coming) == 3.0
    record(system, works[0], Deferred())
    record(system, works[1], succeeded())
    assert needed(coming) == 1.0
    creating.create(LOCAL, system, new_job(DelayFromNow(240), task_type="other"))
    assert needed(coming) == pytest.approx(1.0 + thread_times.UNKNOWN_SECONDS / 60), "it is assumed to go on"


@pytest.mark.parametrize(("overlap", "threads"), [(Overlap.SKIP, 1.0), (Overlap.ALLOW, 1.75)])
def test_while_a_job_runs_whose_runs_do_not_overlap_its_next_one_needs_no_second_thread(
    system: GivenSystem, overlap: Overlap, threads: float
) -> None:
    all_ran(system, 1, {made(system, "1 12 * * *"): 45.0})
    creating.create(LOCAL, system, new_job(Interval(every_seconds=60), overlap=overlap))
    planning.plan(system)
    make_due(system)
    claim_one(system)
    assert needed(ComingThreads(system.clock)) == threads


def test_what_is_claimable_counts_with_its_usual_time_wherever_in_a_minute_it_is_counted(system: GivenSystem) -> None:
    all_ran(system, 1, {made(system, "1 12 * * *"): 30.0})
    for _ in range(4):
        creating.create(LOCAL, system, new_job())
    for second in (0, 30, 59):
        system.clock.set(NOON + timedelta(minutes=3, seconds=second))
        assert needed(ComingThreads(system.clock)) == 2.0


def test_of_very_much_that_is_claimable_a_part_stands_for_all_of_its_queue(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    all_ran(system, 1, {made(system, "1 12 * * *"): 30.0})
    monkeypatch.setattr(thread_demand, "MAX_WAITING", 2)
    for _ in range(8):
        creating.create(LOCAL, system, new_job())
    email = {"recipient": "anna@example.com", "subject": "s", "body": "b"}
    creating.create(LOCAL, system, new_job(task_type="send_email", data=email))
    found = ComingThreads(system.clock).by_queue()
    assert found[HTTP] == 4.0
    assert found[EMAIL] == pytest.approx(thread_times.UNKNOWN_SECONDS / 60)
    monkeypatch.setattr(thread_demand, "MAX_COUNTED", 6)
    assert needed(ComingThreads(system.clock)) == 3.0


def test_what_is_due_and_was_not_made_due_yet_counts_too(system: GivenSystem) -> None:
    all_ran(system, 1, {made(system, "1 12 * * *"): 30.0})
    creating.create(LOCAL, system, new_job(DelayFromNow(60)))
    system.clock.advance(600)
    assert needed(ComingThreads(system.clock)) == 0.5


def test_a_retry_counts_in_the_minute_in_which_it_is_due(system: GivenSystem) -> None:
    all_ran(system, 1, {made(system, "1 12 * * *"): 30.0})
    for wait in (120, 600):
        creating.create(LOCAL, system, new_job(max_retries=1))
        record(system, claim_one(system), failed(retry_after_seconds=wait))
    coming = ComingThreads(system.clock)
    assert needed(coming) == 0.5
    creating.create(LOCAL, system, new_job(DelayFromNow(120)))
    assert needed(coming) == 1.0


def test_what_is_held_needs_no_thread(system: GivenSystem) -> None:
    apps.ensure(LOCAL, system, "app_a")
    limit_changes.put(LOCAL, system, "app:app_a", Limit(concurrency=1))
    for _ in range(5):
        creating.create(LOCAL, system, new_job())
    coming = ComingThreads(system.clock)
    assert needed(coming) > 0
    assert len(claim(system)) == 1
    assert needed(coming) == 1.0


def test_while_everything_is_paused_only_what_is_under_way_needs_a_thread(system: GivenSystem) -> None:
    creating.create(LOCAL, system, new_job())
    claim_one(system)
    made(system, "* * * * *")
    creating.create(LOCAL, system, new_job(DelayFromNow(60)))
    creating.create(LOCAL, system, new_job())
    coming = ComingThreads(system.clock)
    assert needed(coming) > 1.0
    pauses.pause_everything(LOCAL, system)
    assert needed(coming) == 1.0


def test_no_more_threads_are_needed_than_runs_may_be_under_way(system: GivenSystem) -> None:
    all_ran(system, 1, {made(system, "1 12 * * *"): 60.0})
    for _ in range(5):
        creating.create(LOCAL, system, new_job())
    assert needed(ComingThreads(system.clock)) == 5.0
    assert needed(ComingThreads(system.clock, 3)) == 3.0
    limit_changes.put(LOCAL, system, INSTALLATION, Limit(concurrency=2))
    assert needed(ComingThreads(system.clock, 3)) == 2.0


def test_all_is_read_by_few_queries_however_much_there_is(system: GivenSystem) -> None:
    made(system, "* * * * *")
    for delay in (0, 0, 60):
        creating.create(LOCAL, system, new_job(DelayFromNow(delay)))
    claim_one(system)
    coming = ComingThreads(system.clock)
    with statements.noted() as sent:
        needed(coming)
    assert len(sent) <= 5, "and one more for durations of jobs that have run"
