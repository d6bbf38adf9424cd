"""A run held, paused, delayed or early is never stranded.

One test for each way in which a ring can be spent without its run. Each ends with the run executed, or claimable
with a ring out.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any
from uuid import UUID

import dramatiq
import pytest
from dramatiq.common import current_millis, dq_name

from actors import execution
from actors.execution import QUEUE, RunExecutor
from actors.middleware import AttemptFailed, RowDecidedRetries
from core.errors import AbortReason, DatabaseUnavailable
from core.schedules import DelayFromNow, Immediate, Polling, Schedule
from core.states import Outcome, RunStatus, Trigger
from local.receiver import Entry, Receiver
from models import database, runs
from models.tables import Run
from services import dispatching, executing, upkeep
from services import jobs as job_service
from services.broker import InProcessBroker
from services.doorbell import EXECUTE_RUN, BrokerDoorbell, Ring
from services.leases import Leases
from tests.factories import (
    NOON,
    GivenClock,
    GivenSystem,
    RecordingDoorbell,
    RunningClock,
    attempts_at,
    claim_one,
    failed,
    first_run,
    given_system,
    record,
    runs_of,
    stored_job,
    stored_run,
    succeeded,
)

PATIENCE_SECONDS = 10
WINDOW = timedelta(seconds=30)
NOBODY_LISTENS = "http://127.0.0.1:9/"


class ScriptedReceiver(Receiver):
    """A receiver that does something first, such as hang, before it answers."""

    first: Callable[[], object] | None = None

    def receive(self, entry: Entry) -> tuple[HTTPStatus, dict[str, Any]]:
        if self.first is not None:
            self.first()
        return super().receive(entry)

    def calls_for(self, run_id: UUID) -> int:
        return [entry.headers["idempotency-key"] for entry in self.journal].count(str(run_id))


class House:
    """A worker process: the real executor on a broker inside the process. A test hands it each ring."""

    def __init__(self, system: GivenSystem) -> None:
        self.broker = InProcessBroker()
        worker = executing.register_worker(system)
        self.leases = Leases(system, worker)
        self.executor = RunExecutor(system, worker, self.leases)
        self.broker.add_middleware(RowDecidedRetries(system))
        self.executor.declare(self.broker)
        self._worker = dramatiq.Worker(self.broker, worker_timeout=5, worker_threads=1)

    def start(self) -> None:
        self._worker.start()

    def stop(self) -> None:
        self.executor.stop()
        self._worker.stop()
        self.broker.close()

    def take(self, ring: Ring) -> None:
        """Have this ring arrive now."""
        due = {} if ring.due_at is None else {"due_at": ring.due_at.isoformat()}
        self.broker.enqueue(self.broker.get_actor(EXECUTE_RUN).message(run_id=str(ring.run_id), **due))

    def answer(self, *rings: Ring) -> None:
        """Have these rings arrive one after the other, until each has been dealt with."""
        for ring in rings:
            self.take(ring)
            self.finish()

    def finish(self) -> None:
        self.broker.join(QUEUE, timeout=PATIENCE_SECONDS * 1000, fail_fast=False)

    @property
    def unacknowledged(self) -> int:
        return int(self.broker.queues[QUEUE].unfinished_tasks)


class Carrier:
    """A broker of which only the number of rings lying ready is asked."""

    def __init__(self, ready: int = 0) -> None:
        self._ready = ready

    def ready(self, queue: str) -> int:
        assert queue == QUEUE
        return self._ready

    def keep_alive(self) -> None:
        """Nothing to keep alive."""


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[ScriptedReceiver]:
    made = ScriptedReceiver(folder=tmp_path)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def house(system: GivenSystem) -> Iterator[House]:
    made = House(system)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def run_to_execute(system: GivenSystem, receiver: ScriptedReceiver) -> Callable[..., Run]:
    """Makes a job whose calls the receiver answers; its first run."""

    def make(schedule: Schedule | None = None, **overrides: Any) -> Run:
        return first_run(system, schedule, callback_url=f"{receiver.url}/internal/jobs/greet", **overrides)

    return make


Make = Callable[..., Run]


def executed(receiver: ScriptedReceiver, run: Run) -> bool:
    """Whether the run was executed, once, and nothing of it is left."""
    return stored_run(run.id).status is RunStatus.COMPLETED and receiver.calls_for(run.id) == 1


def dispatch(system: GivenSystem) -> None:
    dispatching.make_due(system, [run_id for run_id, _ in dispatching.due_soon(system)])


# --- Lost, doubled -----------------------------------------------------------------------------------------


def test_a_ring_that_is_lost_is_sent_again_by_the_top_up(
    system: GivenSystem, house: House, receiver: ScriptedReceiver, run_to_execute: Make
) -> None:
    run = run_to_execute()
    assert len(system.doorbell.heard()) == 1, "and it is lost"
    assert dispatching.top_up(system, Carrier()) == 1
    house.answer(*system.doorbell.heard())
    assert executed(receiver, run)


def test_a_ring_that_comes_twice_finds_nothing_the_second_time(
    system: GivenSystem, house: House, receiver: ScriptedReceiver, run_to_execute: Make
) -> None:
    run = run_to_execute()
    [ring] = system.doorbell.heard()
    house.answer(ring, ring)
    assert executed(receiver, run)


def test_a_ring_for_a_run_that_is_gone_does_no_harm(
    system: GivenSystem, house: House, receiver: ScriptedReceiver, run_to_execute: Make
) -> None:
    house.answer(Ring(UUID(int=0), QUEUE), Ring(UUID(int=0), QUEUE, NOON))
    run = run_to_execute()
    house.answer(*system.doorbell.heard())
    assert executed(receiver, run)


def test_rings_deleted_with_their_queue_are_sent_again(
    system: GivenSystem, receiver: ScriptedReceiver, run_to_execute: Make
) -> None:
    made = [run_to_execute() for _ in range(3)]
    house = House(system)
    for ring in system.doorbell.heard():
        house.take(ring)
    assert dispatching.top_up(system, house.broker) == 0
    house.broker.flush(QUEUE)
    assert dispatching.top_up(system, house.broker) == 3
    house.start()
    house.answer(*system.doorbell.heard())
    house.stop()
    assert all(executed(receiver, run) for run in made)


# --- Early -------------------------------------------------------------------------------------------------


@pytest.fixture
def running_system(store: str) -> GivenSystem:
    """A system whose clock runs."""
    return GivenSystem(given_system().settings, RunningClock(), RecordingDoorbell())


class Wavering(GivenClock):
    """A clock that is put back a little whenever someone waited for it, so many times; then the instant comes."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self._left = times

    def now(self) -> datetime:
        if self._left == 0:
            return super().now() + timedelta(seconds=1)
        return super().now()

    def waver(self) -> None:
        self._left -= 1


def test_a_ring_less_than_a_second_early_waits_for_its_instant(
    running_system: GivenSystem, receiver: ScriptedReceiver
) -> None:
    system = running_system
    url = f"{receiver.url}/internal/jobs/greet"
    run = first_run(system, DelayFromNow(0.3), callback_url=url)
    [ring] = system.doorbell.heard()
    house = House(system)
    house.start()
    house.answer(ring)
    house.stop()
    assert executed(receiver, run)
    [attempt] = attempts_at(run.id)
    assert attempt.started_at >= run.due_at


def test_a_ring_that_waited_and_is_still_early_waits_again(
    store: str, receiver: ScriptedReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock follows the database's, so it may be put back while someone waits for an instant."""
    clock = Wavering(times=3)
    system = GivenSystem(given_system().settings, clock, RecordingDoorbell())
    run = first_run(system, DelayFromNow(0.01), callback_url=f"{receiver.url}/internal/jobs/greet")
    [ring] = system.doorbell.heard()
    arrive = dispatching.arrive

    def arrive_again(*arguments: Any) -> float:
        early = arrive(*arguments)
        clock.waver()
        return early

    monkeypatch.setattr(dispatching, "arrive", arrive_again)
    house = House(system)
    house.start()
    house.answer(ring)
    house.stop()
    assert executed(receiver, run)


def test_a_ring_more_than_a_second_early_is_sent_again_for_its_instant(
    system: GivenSystem, house: House, receiver: ScriptedReceiver, run_to_execute: Make
) -> None:
    run = run_to_execute(DelayFromNow(1.5))
    [ring] = system.doorbell.heard()
    house.answer(ring)
    assert stored_run(run.id).status is RunStatus.PENDING
    assert system.doorbell.heard() == [Ring(run.id, QUEUE, NOON + timedelta(seconds=1.5))]
    system.clock.advance(1.5)
    house.answer(ring)
    assert executed(receiver, run)


def test_an_early_ring_taken_by_a_worker_that_is_told_to_stop_is_sent_again(
    system: GivenSystem, house: House, run_to_execute: Make
) -> None:
    run = run_to_execute(DelayFromNow(0.5))
    [ring] = system.doorbell.heard()
    house.executor.stop()
    house.answer(ring)
    assert stored_run(run.id).status is RunStatus.PENDING
    assert system.doorbell.heard() == [ring]


@pytest.mark.parametrize("drift_seconds", [-3600, -5, 0, 5, 3600])
def test_a_delay_counts_from_the_databases_clock_however_wrong_this_machines_is(drift_seconds: float) -> None:
    """Else a machine ahead of the database would send an early ring again and again, without any delay."""
    clock, broker = RunningClock(), InProcessBroker()
    clock.advance(drift_seconds)
    broker.declare_queue(QUEUE)
    bell = BrokerDoorbell(broker, clock)
    bell.start()
    before = current_millis()
    bell.ring([Ring(UUID(int=1), QUEUE, clock.now() + timedelta(seconds=20))])
    bell.close(PATIENCE_SECONDS)
    message = dramatiq.Message.decode(broker.queues[dq_name(QUEUE)].get_nowait())
    assert 19_900 <= message.options["eta"] - before <= 20_000 + (current_millis() - before)


# --- Spent on another run, held, running -------------------------------------------------------------------


def test_a_ring_spent_on_a_more_urgent_run_leaves_that_runs_ring_for_its_own(
    system: GivenSystem, house: House, receiver: ScriptedReceiver, run_to_execute: Make
) -> None:
    ordinary, urgent = run_to_execute(), run_to_execute(priority=9)
    first, second = system.doorbell.heard()
    assert first.run_id == ordinary.id
    receiver.first = lambda: system.clock.advance(2)  # a second has passed: the message is let go
    house.answer(first)
    assert executed(receiver, urgent)
    assert stored_run(ordinary.id).status is RunStatus.QUEUED
    house.answer(second)
    assert executed(receiver, ordinary)


def test_one_ring_is_enough_for_all_that_a_worker_can_do_within_a_second(
    system: GivenSystem, house: House, receiver: ScriptedReceiver, run_to_execute: Make
) -> None:
    made = [run_to_execute() for _ in range(4)]
    house.answer(system.doorbell.heard()[0])
    assert all(executed(receiver, run) for run in made)


def test_a_run_whose_ring_came_while_it_was_paused_is_rung_for_at_the_resume(
    system: GivenSystem, house: House, receiver: ScriptedReceiver, run_to_execute: Make
) -> None:
    run = run_to_execute()
    job_service.pause(system, run.job_id)
    house.answer(*system.doorbell.heard())
    assert receiver.calls_for(run.id) == 0
    job_service.resume(system, run.job_id)
    house.answer(*system.doorbell.heard())
    assert executed(receiver, run)


def test_a_run_whose_delayed_ring_came_while_it_was_paused_is_rung_for_at_the_resume(
    system: GivenSystem, house: House, receiver: ScriptedReceiver, run_to_execute: Make
) -> None:
    run = run_to_execute(DelayFromNow(1))
    job_service.pause(system, run.job_id)
    system.clock.advance(1)
    house.answer(*system.doorbell.heard())
    assert stored_run(run.id).held_by == "paused"
    job_service.resume(system, run.job_id)
    house.answer(*system.doorbell.heard())
    assert executed(receiver, run)


def test_a_ring_spent_while_its_run_is_running_is_followed_by_that_of_the_retry(
    system: GivenSystem, house: House, receiver: ScriptedReceiver, run_to_execute: Make
) -> None:
    run = run_to_execute()
    elsewhere = claim_one(system)
    house.answer(*system.doorbell.heard())
    assert receiver.calls_for(run.id) == 0
    record(system, elsewhere, failed())
    system.clock.advance(120)
    dispatch(system)
    house.answer(*system.doorbell.heard())
    assert executed(receiver, run)


def test_a_run_whose_worker_died_is_rung_for_when_its_wait_is_over(
    system: GivenSystem, house: House, receiver: ScriptedReceiver, run_to_execute: Make
) -> None:
    run = run_to_execute()
    claim_one(system)
    house.answer(*system.doorbell.heard())
    system.clock.advance(61)
    upkeep.rescue(system)
    system.clock.advance(2)
    dispatch(system)
    house.answer(*system.doorbell.heard())
    assert executed(receiver, run)


# --- Delayed -----------------------------------------------------------------------------------------------


def test_a_delayed_ring_that_is_lost_is_made_good_by_the_dispatcher(
    system: GivenSystem, house: House, receiver: ScriptedReceiver, run_to_execute: Make
) -> None:
    run = run_to_execute(DelayFromNow(1.5))
    assert len(system.doorbell.heard()) == 1, "and it is lost"
    system.clock.advance(1.5)
    dispatch(system)
    house.answer(*system.doorbell.heard())
    assert executed(receiver, run)


def test_a_delayed_ring_makes_its_run_due_while_no_coordinator_is_up(
    system: GivenSystem, house: House, receiver: ScriptedReceiver, run_to_execute: Make
) -> None:
    run = run_to_execute(DelayFromNow(1.5))
    system.clock.advance(1.5)
    house.answer(*system.doorbell.heard())
    assert executed(receiver, run)


def test_polls_go_on_to_their_end_while_no_coordinator_is_up(
    system: GivenSystem, house: House, receiver: ScriptedReceiver, run_to_execute: Make
) -> None:
    run = run_to_execute(Polling(20))
    for _ in range(3):
        house.answer(*system.doorbell.heard())
        system.clock.advance(20)
    assert stored_job(run.job_id).state == "completed"
    assert [receiver.calls_for(poll.id) for poll in runs_of(run.job_id)] == [1, 1, 1]


@pytest.mark.parametrize(("interval", "rung"), [(1, True), (30, True), (30.001, False), (3600, False)])
def test_the_next_poll_is_rung_for_within_the_window_and_not_beyond_it(
    system: GivenSystem, house: House, run_to_execute: Make, interval: float, rung: bool
) -> None:
    run = run_to_execute(Polling(interval))
    house.answer(*system.doorbell.heard())
    following = runs_of(run.job_id)[1]
    due_at = NOON + timedelta(seconds=interval)
    assert following.due_at == due_at
    assert system.doorbell.heard() == ([Ring(following.id, QUEUE, due_at)] if rung else [])
    system.clock.advance(interval)
    dispatch(system)
    assert following.id in {ring.run_id for ring in system.doorbell.heard()}


def test_a_retry_is_rung_for_within_the_window(system: GivenSystem, house: House) -> None:
    run = first_run(system, callback_url=NOBODY_LISTENS, retry_backoff_base=5)
    house.answer(*system.doorbell.heard())
    stored = stored_run(run.id)
    assert stored.status is RunStatus.RETRYING
    assert system.doorbell.heard() == [Ring(run.id, QUEUE, stored.due_at)]


def test_a_retry_beyond_the_window_is_the_dispatchers(system: GivenSystem, house: House) -> None:
    run = first_run(system, callback_url=NOBODY_LISTENS, retry_backoff_base=31)
    house.answer(*system.doorbell.heard())
    assert system.doorbell.heard() == []
    system.clock.advance(40)
    dispatch(system)
    assert system.doorbell.heard() == [Ring(run.id, QUEUE)]


def test_retries_go_on_to_their_end_while_no_coordinator_is_up(system: GivenSystem, house: House) -> None:
    run = first_run(system, callback_url=NOBODY_LISTENS, retry_backoff_base=1, max_retries=3)
    for number in range(1, 5):
        house.answer(*system.doorbell.heard())
        assert stored_run(run.id).attempt_count == number
        system.clock.advance(10)
    assert stored_run(run.id).status is RunStatus.FAILED
    assert [ring for ring in system.doorbell.heard() if ring.due_at is not None] == []


def after_message(system: GivenSystem, exception: BaseException | None) -> list[Ring]:
    """What is rung when a message has been processed so."""
    RowDecidedRetries(system).after_process_message(InProcessBroker(), None, exception=exception)
    return system.doorbell.heard()


@pytest.mark.parametrize(
    ("retry_at", "rung"),
    [(None, False), (NOON, True), (NOON + WINDOW, True), (NOON + WINDOW + timedelta(microseconds=1), False)],
)
def test_the_middleware_rings_for_what_the_row_decided(retry_at: datetime | None, rung: bool) -> None:
    run_id = UUID(int=1)
    expected = [Ring(run_id, QUEUE, retry_at)] if rung else []
    assert after_message(given_system(), AttemptFailed(run_id, QUEUE, retry_at)) == expected


@pytest.mark.parametrize("exception", [None, ValueError("a fault"), DatabaseUnavailable("away")])
def test_the_middleware_rings_for_nothing_else(exception: BaseException | None) -> None:
    assert after_message(given_system(), exception) == []


# --- Workers that stop, servers that are away --------------------------------------------------------------


def test_a_ring_taken_by_a_worker_that_is_told_to_stop_is_made_good_by_the_top_up(
    system: GivenSystem, house: House, receiver: ScriptedReceiver, run_to_execute: Make
) -> None:
    run = run_to_execute()
    house.executor.stop()
    house.answer(*system.doorbell.heard())
    assert stored_run(run.id).status is RunStatus.QUEUED
    assert dispatching.top_up(system, house.broker) == 1
    other = House(system)
    other.start()
    other.answer(*system.doorbell.heard())
    other.stop()
    assert executed(receiver, run)


def test_a_run_handed_back_at_shutdown_is_rung_for(
    system: GivenSystem, house: House, receiver: ScriptedReceiver, run_to_execute: Make
) -> None:
    run = run_to_execute()
    [ring] = system.doorbell.heard()
    called, let_go = threading.Event(), threading.Event()

    def hang() -> None:
        called.set()
        let_go.wait(PATIENCE_SECONDS)

    receiver.first = hang
    house.take(ring)
    assert called.wait(PATIENCE_SECONDS)
    house.executor.stop()
    house.leases.abort_all(AbortReason.SHUTDOWN)
    house.finish()
    let_go.set()
    assert stored_run(run.id).status is RunStatus.QUEUED
    assert [attempt.outcome for attempt in attempts_at(run.id)] == [Outcome.RELEASED]
    assert system.doorbell.heard() == [ring]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """No long rests while the database is away."""
    monkeypatch.setattr(execution, "_FIRST_REST_SECONDS", 0.001)
    return monkeypatch


class Away:
    """Stands before a function of the database: away for the first few calls."""

    def __init__(self, real: Callable[..., Any], times: int) -> None:
        self._real = real
        self._left = times
        self.seen_while_away: list[object] = []
        self.look: Callable[[], object] = lambda: None

    def __call__(self, *arguments: Any) -> Any:
        if self._left > 0:
            self._left -= 1
            self.seen_while_away.append(self.look())
            raise DatabaseUnavailable("The database is away.")
        return self._real(*arguments)


@pytest.mark.parametrize("step", ["claim", "record"])
def test_a_ring_taken_while_the_database_is_away_is_kept_and_tried_again(
    house: House, receiver: ScriptedReceiver, run_to_execute: Make, quick: pytest.MonkeyPatch, step: str
) -> None:
    run = run_to_execute()
    away = Away(getattr(executing, step), times=3)
    away.look = lambda: house.unacknowledged
    quick.setattr(executing, step, away)
    house.answer(Ring(run.id, QUEUE))
    assert away.seen_while_away == [1, 1, 1], "the message stays unacknowledged meanwhile"
    assert executed(receiver, run)


def test_a_delayed_ring_taken_while_the_database_is_away_is_kept_and_tried_again(
    system: GivenSystem, house: House, receiver: ScriptedReceiver, run_to_execute: Make, quick: pytest.MonkeyPatch
) -> None:
    run = run_to_execute(DelayFromNow(1))
    system.clock.advance(1)
    quick.setattr(dispatching, "make_due", Away(dispatching.make_due, times=3))
    house.answer(*system.doorbell.heard())
    assert executed(receiver, run)


def test_a_worker_told_to_stop_while_the_database_is_away_leaves_its_run_to_the_top_up(
    system: GivenSystem, house: House, run_to_execute: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_to_execute()
    away = Away(executing.claim, times=1)
    away.look = house.executor.stop
    monkeypatch.setattr(executing, "claim", away)
    house.answer(*system.doorbell.heard())
    assert stored_run(run.id).status is RunStatus.QUEUED
    assert dispatching.top_up(system, house.broker) == 1


# --- Top-up ------------------------------------------------------------------------------------------------


def many_runs(system: GivenSystem, count: int) -> UUID:
    """One job with so many runs that are due; its id."""
    job_id = first_run(system).job_id
    job, now = stored_job(job_id), system.clock.now()
    with database.transaction():
        instants = [now - timedelta(seconds=number) for number in range(1, count)]
        runs.insert([runs.draft(job, Trigger.MANUAL, instant, now) for instant in instants])
    system.doorbell.heard()
    return job_id


@pytest.mark.parametrize(("ready", "rung"), [(0, 7), (1, 6), (6, 1), (7, 0), (50, 0)])
def test_the_top_up_rings_only_for_the_difference(system: GivenSystem, ready: int, rung: int) -> None:
    many_runs(system, 7)
    assert dispatching.top_up(system, Carrier(ready)) == rung
    assert len({ring.run_id for ring in system.doorbell.heard()}) == rung


def test_the_top_up_rings_for_a_thousand_at_most(system: GivenSystem) -> None:
    many_runs(system, 1_005)
    assert dispatching.top_up(system, Carrier()) == 1_000
    assert len({ring.run_id for ring in system.doorbell.heard()}) == 1_000
    assert dispatching.top_up(system, Carrier(1_000)) == 0


def test_the_top_up_never_rings_for_held_runs(system: GivenSystem) -> None:
    job_service.pause(system, many_runs(system, 5))
    free = first_run(system)
    system.doorbell.heard()
    assert dispatching.top_up(system, Carrier()) == 1
    assert system.doorbell.heard() == [Ring(free.id, QUEUE)]


def test_the_top_up_rings_for_nothing_that_waits_runs_or_is_over(system: GivenSystem) -> None:
    first_run(system, Immediate())
    record(system, claim_one(system), succeeded())
    first_run(system)
    record(system, claim_one(system), failed())
    first_run(system)
    claim_one(system)
    first_run(system, DelayFromNow(1))
    system.clock.advance(1)
    system.doorbell.heard()
    assert dispatching.top_up(system, Carrier()) == 0
    assert system.doorbell.heard() == []


# --- Stopped from outside, end to end ----------------------------------------------------------------------


def test_a_call_that_outlasts_its_time_limit_is_a_transient_failure_saying_the_limit(
    running_system: GivenSystem, receiver: ScriptedReceiver
) -> None:
    system, let_go = running_system, threading.Event()
    receiver.first = lambda: let_go.wait(PATIENCE_SECONDS)
    url = f"{receiver.url}/internal/jobs/greet"
    run = first_run(system, callback_url=url, time_limit_seconds=0.2)
    house = House(system)
    house.leases.start()
    house.start()
    house.answer(*system.doorbell.heard())
    let_go.set()
    house.stop()
    house.leases.stop()
    stored = stored_run(run.id)
    assert (stored.status, stored.failure_count, stored.error_type) == (RunStatus.RETRYING, 1, "transient")
    assert "0.2 s" in str(stored.error_message)


def test_a_call_whose_job_is_cancelled_is_cut_and_ends_cancelled(
    system: GivenSystem, house: House, receiver: ScriptedReceiver, run_to_execute: Make
) -> None:
    run = run_to_execute()
    called, let_go = threading.Event(), threading.Event()

    def hang() -> None:
        called.set()
        let_go.wait(PATIENCE_SECONDS)

    receiver.first = hang
    [ring] = system.doorbell.heard()
    house.take(ring)
    assert called.wait(PATIENCE_SECONDS)
    job_service.cancel(system, run.job_id)
    house.leases.renew()
    house.finish()
    let_go.set()
    assert stored_run(run.id).status is RunStatus.CANCELLED
    assert system.doorbell.heard() == []


def test_a_call_whose_lease_is_lost_records_nothing(
    system: GivenSystem, house: House, receiver: ScriptedReceiver, run_to_execute: Make
) -> None:
    run = run_to_execute()

    def freeze() -> None:
        receiver.first = None
        system.clock.advance(61)
        upkeep.rescue(system)
        house.leases.renew()

    receiver.first = freeze
    house.answer(*system.doorbell.heard())
    stored = stored_run(run.id)
    assert (stored.status, stored.loss_count, stored.failure_count) == (RunStatus.RETRYING, 1, 0)
    assert [attempt.outcome for attempt in attempts_at(run.id)] == [Outcome.LOST]
