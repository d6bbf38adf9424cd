"""A worker that is drained finishes its runs and takes no more, until it takes some again or is started anew."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import dramatiq.worker
import pytest

from actors.execution import RunExecutor
from actors.handling import HANDLERS
from actors.main import RunWorker
from core.principals import LOCAL
from core.states import RunStatus
from services.execution import draining, workers
from services.execution.engine import Engine
from services.execution.exchanges import ExchangeAnswer
from services.execution.leases import Leases
from services.execution.work import Result, Succeeded
from services.jobs import creating
from services.messaging import broker as brokers
from services.messaging.broker import InProcessBroker, RabbitBroker
from services.messaging.doorbell import BrokerDoorbell
from services.reading.installation import workers as shown
from services.runtime.clock import DatabaseClock
from services.scheduling import dispatching
from services.system import System
from settings import Settings
from tests import factories
from tests.factories import new_job, runs_of
from tests.waiting import LONGEST, until

THREADS = 2


class Busy:
    """A handler whose runs last until the test lets them end."""

    def __init__(self) -> None:
        self.begun = threading.Semaphore(0)
        self.goes_on = threading.Event()

    def __call__(self, *_about: Any) -> Result:
        self.begun.release()
        assert self.goes_on.wait(LONGEST)
        return Succeeded(200, "{}")


@pytest.fixture
def busy(monkeypatch: pytest.MonkeyPatch) -> Busy:
    made = Busy()
    monkeypatch.setitem(HANDLERS, brokers.RUNS_HTTP, made)
    return made


@pytest.fixture(autouse=True)
def quick_consumers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dramatiq.worker, "CONSUMER_RESTART_DELAY_SECS", 0.01)


@pytest.fixture
def carrier() -> brokers.Broker:
    return InProcessBroker()


@pytest.fixture
def system(sqlite: str, carrier: brokers.Broker) -> Iterator[System]:
    clock = DatabaseClock()
    doorbell = BrokerDoorbell(carrier, clock)
    doorbell.start()
    settings = Settings(
        account_rate=None,
        worker_threads=THREADS,
        heartbeat_seconds=0.1,
        lease_seconds=30,
        data_dir=factories.own_data_dir,
    )
    yield System(settings, clock, doorbell)
    doorbell.close(timeout_seconds=1)
    carrier.close()


@pytest.fixture
def worker(system: System, carrier: brokers.Broker, busy: Busy) -> Iterator[RunWorker]:
    made = RunWorker(system, carrier, threading.Event())
    made.start()
    yield made
    busy.goes_on.set()
    made.stop()


def the_one(system: System) -> shown.WorkerView:
    [found] = shown.known(LOCAL, system)
    return found


def made(system: System) -> UUID:
    return creating.create(LOCAL, system, new_job(callback_url="http://127.0.0.1:9/"))


def status(job_id: UUID) -> RunStatus:
    return RunStatus(runs_of(job_id)[0].status)


def test_it_finishes_its_runs_takes_no_more_and_later_takes_some_again(
    system: System, worker: RunWorker, busy: Busy, carrier: brokers.Broker
) -> None:
    first = made(system)
    assert busy.begun.acquire(timeout=LONGEST)
    assert draining.drain(LOCAL, system, the_one(system).id).status == "draining"
    until(worker._drain._is_draining.is_set, "the worker to hear of it")
    second = made(system)
    busy.goes_on.set()
    until(lambda: status(first) is RunStatus.COMPLETED, "the run under way to end")
    threads = worker._dramatiq
    until(lambda: all(one.paused_event.is_set() for one in threads.consumers.values()), "rings to be left to others")
    dispatching.top_up(system, carrier)
    assert (status(second), the_one(system).running, worker.under_way()) == (RunStatus.QUEUED, 0, 0)
    assert draining.end_drain(LOCAL, system, the_one(system).id).draining_at is None
    dispatching.top_up(system, carrier)
    until(lambda: status(second) is RunStatus.COMPLETED, "it to take runs again")


def test_a_drained_worker_ends_in_order_and_one_that_is_started_anew_takes_runs(
    system: System, busy: Busy, carrier: brokers.Broker
) -> None:
    busy.goes_on.set()
    former = RunWorker(system, carrier, threading.Event())
    former.start()
    draining.drain(LOCAL, system, the_one(system).id)
    until(former._drain._is_draining.is_set, "the worker to hear of it")
    former.finish()
    former.stop()
    assert the_one(system).status == "stopped"
    anew = workers.register(system)
    assert [(one.id, one.status) for one in shown.known(LOCAL, system)][:1] == [(anew.id, "alive")]


@pytest.mark.parametrize("which", ["stopping", "draining"])
def test_a_run_that_is_claimed_as_the_process_is_told_to_take_no_more_is_performed(
    system: System, busy: Busy, monkeypatch: pytest.MonkeyPatch, which: str
) -> None:
    busy.goes_on.set()
    worker, job_id = workers.register(system), made(system)
    engine, told = Engine(system, worker), {"stopping": threading.Event(), "draining": threading.Event()}
    exchange = engine.exchange

    def claim_and_tell(*given: Any, **more: Any) -> ExchangeAnswer:
        answer = exchange(*given, **more)
        told[which].set()
        return answer

    monkeypatch.setattr(engine, "exchange", claim_and_tell)
    engine.start()
    RunExecutor(system, engine, Leases(system, worker), brokers.RUNS_HTTP, **told).execute_run(str(uuid4()))
    engine.stop()
    assert status(job_id) is RunStatus.COMPLETED


class TestOnRabbitMQ:
    """What a worker has fetched is no longer its own once it is drained."""

    @pytest.fixture
    def carrier(self, rabbitmq_url: str) -> brokers.Broker:
        return RabbitBroker(rabbitmq_url, "test")

    def test_the_rings_that_it_has_fetched_go_to_others(
        self, system: System, worker: RunWorker, busy: Busy, carrier: brokers.Broker
    ) -> None:
        jobs = [made(system) for _ in range(THREADS)]
        for _ in jobs:
            assert busy.begun.acquire(timeout=LONGEST)
        later = [made(system) for _ in range(THREADS)]  # it fetches rings for as many runs again
        draining.drain(LOCAL, system, the_one(system).id)
        until(worker._drain._is_draining.is_set, "the worker to hear of it")
        busy.goes_on.set()
        until(lambda: carrier.ready(brokers.RUNS_HTTP) >= len(later), "the rings to be there for others")
        assert {status(one) for one in later} == {RunStatus.QUEUED}
        assert {status(one) for one in jobs} == {RunStatus.COMPLETED}
