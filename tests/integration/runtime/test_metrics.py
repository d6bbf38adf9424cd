"""A load that is known: the page of metrics shows exactly its figures."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from core.principals import LOCAL
from core.schedules import Cron, DelayFromNow
from core.states import Hold
from models import database
from services.execution import workers
from services.execution.engine import Engine
from services.execution.rescue import take_back
from services.execution.work import Result
from services.jobs import creating, lifecycle
from services.maintenance.figures import count_backlog
from services.maintenance.loops import Loop, Loops
from services.messaging import broker as brokers
from services.messaging.doorbell import BrokerDoorbell, Ring
from services.reading import backlog
from services.runtime.event_metrics import count_events
from services.runtime.events import Backlog
from services.runtime.metric_states import State
from services.runtime.metrics import Metrics
from services.scheduling import dispatching, planning
from tests.factories import (
    GivenSystem,
    claim,
    failed,
    first_run,
    new_job,
    record,
    refused,
    runs_of,
    succeeded,
)
from tests.figures import Figures, figures
from tests.integration.execution.attempting import SHUTDOWN, make_due_again
from tests.waiting import until

QUEUE = brokers.RUNS_HTTP


class Observed:
    """The metrics of what a test does."""

    def __init__(self) -> None:
        self.metrics = Metrics(brokers.RUNS)

    def page(self) -> Figures:
        return figures(self.metrics.page(State()).decode())

    def __call__(self, name: str, *labels: str) -> float:
        """The figure of a series."""
        return self.page()[f"carillon_{name}", labels]


@pytest.fixture
def shown() -> Iterator[Observed]:
    observed = Observed()
    stop = count_events(observed.metrics)
    yield observed
    stop()


def test_attempts_are_shown_by_outcome_with_their_delays_and_durations(system: GivenSystem, shown: Observed) -> None:
    for task_type in ("greet", "greet", "greet", "part"):
        first_run(system, task_type=task_type)
    system.clock.advance(3)
    works = claim(system)
    system.clock.advance(20)
    results: list[Result] = [succeeded(), refused(), failed(), succeeded()]
    for work, result in zip(works, results, strict=True):
        record(system, work, result)
    assert shown("attempts_total", "succeeded", QUEUE) == 2
    assert shown("attempts_total", "failed", QUEUE) == 2
    assert shown("runs_ended_total", QUEUE, "completed") == 2
    assert shown("runs_ended_total", QUEUE, "failed") == 1
    assert shown("start_delay_seconds_count", "app_a", "greet") == 3
    assert shown("start_delay_seconds_sum", "app_a", "greet") == 3 * 3
    assert shown("start_delay_seconds_bucket", "app_a", "2.5", "greet") == 0
    assert shown("start_delay_seconds_bucket", "app_a", "5.0", "greet") == 3
    assert shown("attempt_duration_seconds_count", "app_a", "part") == 1
    assert shown("attempt_duration_seconds_sum", "app_a", "part") == 20
    assert (shown("claim_runs_count"), shown("claim_runs_sum")) == (1, 4)
    assert (shown("record_attempts_count"), shown("record_attempts_sum")) == (4, 4)


def test_a_second_attempt_is_late_only_against_the_instant_of_its_retry(system: GivenSystem, shown: Observed) -> None:
    run = first_run(system)
    record(system, claim(system)[0], failed())
    make_due_again(system, run.id)
    system.clock.advance(2)
    record(system, claim(system)[0], succeeded())
    assert shown("start_delay_seconds_count", "app_a", "greet") == 2
    assert shown("start_delay_seconds_sum", "app_a", "greet") == 2


def test_the_time_for_which_a_run_was_held_is_no_delay(system: GivenSystem, shown: Observed) -> None:
    job_id = first_run(system).job_id
    lifecycle.pause(LOCAL, system, job_id)
    system.clock.advance(3600)
    lifecycle.resume(LOCAL, system, job_id)
    record(system, claim(system)[0], succeeded())
    assert shown("attempts_total", "succeeded", QUEUE) == 1
    assert ("carillon_start_delay_seconds_count", ("app_a", "greet")) not in shown.page()


def test_attempts_that_are_lost_or_handed_back_are_shown(system: GivenSystem, shown: Observed) -> None:
    lost, handed_back = first_run(system), first_run(system)
    works = {work.run_id: work for work in claim(system)}
    record(system, works[handed_back.id], SHUTDOWN)
    take_back(system, [lost.id], only_expired=False)
    assert shown("attempts_total", "released", QUEUE) == 1
    assert shown("attempts_total", "lost", QUEUE) == 1
    assert record(system, works[lost.id], succeeded()) is None
    assert shown("attempts_total", "succeeded", QUEUE) == 0


def test_an_engine_shows_how_many_it_claims_and_records_together(system: GivenSystem, shown: Observed) -> None:
    for _ in range(3):
        first_run(system)
    engine = Engine(system, workers.register(system))
    engine.start()
    work = engine.exchange(QUEUE).work
    while work is not None:
        work = engine.exchange(QUEUE, (work, succeeded())).work
    engine.stop()
    assert (shown("claim_runs_sum"), shown("claim_runs_bucket", "0.0")) == (3, 1)
    assert shown("record_attempts_sum") == 3
    assert shown("attempts_total", "succeeded", QUEUE) == 3


def test_occurrences_are_shown_from_their_plan_to_their_fate(system: GivenSystem, shown: Observed) -> None:
    job_id = creating.create(LOCAL, system, new_job(Cron("* * * * *")))
    planned = len(runs_of(job_id))
    assert shown("occurrences_planned_total") == planned > 0
    system.clock.advance(61)
    dispatching.make_due(system, [run.id for run in runs_of(job_id)])
    assert shown("runs_dispatched_total", "start") == 1
    system.clock.advance(60)
    dispatching.make_due(system, [run.id for run in runs_of(job_id)])
    assert shown("runs_dispatched_total", "skip_overlap") == 1
    system.clock.advance(86_400)
    planning.plan(system)
    assert shown("occurrences_missed_total") > 1000


def test_a_plan_that_is_taken_back_is_not_shown(system: GivenSystem, shown: Observed) -> None:
    with database.rolled_back():
        creating.create(LOCAL, system, new_job(Cron("* * * * *")))
    assert shown("occurrences_planned_total") == 0


def test_the_backlog_is_shown_by_queue_and_hold_with_its_oldest_run(system: GivenSystem, shown: Observed) -> None:
    first_run(system)
    system.clock.advance(90)
    first_run(system)
    lifecycle.pause(LOCAL, system, first_run(system).job_id)
    first_run(system, DelayFromNow(600))
    count_backlog(system)
    assert shown("backlog_runs", "", QUEUE) == 2
    assert shown("backlog_oldest_seconds", "", QUEUE) == 90
    assert shown("backlog_runs", "paused", QUEUE) == 1
    assert shown("backlog_runs", "overlap", QUEUE) == 0
    assert shown("backlog_runs", "", brokers.RUNS_EMAIL) == 0
    claim(system)
    count_backlog(system)
    assert shown("backlog_runs", "", QUEUE) == 0


def test_the_backlog_names_each_queue_with_every_hold(system: GivenSystem) -> None:
    assert Backlog(QUEUE, "rate_limit", 0, 0.0) in backlog.read(system)
    assert len(backlog.read(system)) == len(brokers.RUNS) * (1 + len(Hold))


def test_a_loop_that_fails_is_shown_beside_one_that_does_not(system: GivenSystem, shown: Observed) -> None:
    def fail() -> float:
        raise ZeroDivisionError

    stopping = threading.Event()
    loops = Loops([Loop("good", lambda: 3600.0), Loop("bad", fail)], system.clock, stopping)
    loops.start()
    until(lambda: shown.page().get(("carillon_loop_turns_total", ("good",))), "the good loop to turn")
    until(lambda: shown.page().get(("carillon_loop_faults_total", ("bad",))), "the bad loop to fail")
    loops.stop()
    assert (shown("loop_turns_total", "good"), shown("loop_faults_total", "good")) == (1, 0)
    assert shown("loop_turns_total", "bad") == 0
    assert shown("loop_last_turn_timestamp_seconds", "good") > 0


def test_rings_are_shown_that_were_sent_dropped_or_topped_up(system: GivenSystem, shown: Observed) -> None:
    run = first_run(system)
    carrier = brokers.InProcessBroker()
    carrier.declare_queue(QUEUE)
    doorbell = BrokerDoorbell(carrier, system.clock)
    doorbell.ring([Ring(run.id, QUEUE), Ring(run.id, "runs.nowhere")])
    doorbell.start()
    until(lambda: shown.page().get(("carillon_rings_lost_total", ("runs.nowhere",))), "the second ring to be dropped")
    doorbell.close(timeout_seconds=10)
    assert shown("rings_sent_total", QUEUE) == 1
    dispatching.top_up(system, brokers.InProcessBroker())
    assert shown("rings_topped_up_total", QUEUE) == 1
