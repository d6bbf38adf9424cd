"""Five hundred runs that wait for reports hold no thread: eight threads go on doing other jobs meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from uuid import UUID

import pytest

from actors.main import RunWorker
from core.states import RunStatus
from models import database
from models.tables import Run
from services.execution import reports
from services.execution.reports import Sender
from services.messaging.broker import InProcessBroker
from services.messaging.doorbell import BrokerDoorbell
from services.runtime.clock import DatabaseClock
from services.system import System
from settings import Settings
from tests import factories
from tests.factories import create_jobs, new_job
from tests.report_receiver import ReportReceiver, receiving
from tests.waiting import until

WAITING = 500
OTHERS = 40
THREADS = 8


@pytest.fixture
def receiver() -> Iterator[ReportReceiver]:
    with receiving() as server:
        yield server


@pytest.fixture
def worker(sqlite: str) -> Iterator[tuple[System, RunWorker]]:
    """A whole worker on a broker inside the process."""
    carrier, clock = InProcessBroker(), DatabaseClock()
    doorbell = BrokerDoorbell(carrier, clock)
    system = System(
        Settings(account_rate=None, worker_threads=THREADS, shutdown_grace_seconds=1, data_dir=factories.own_data_dir),
        clock,
        doorbell,
    )
    made = RunWorker(system, carrier, threading.Event())
    doorbell.start()
    made.start()
    yield system, made
    made.stop()
    doorbell.close(timeout_seconds=1)
    carrier.close()


def counted(status: RunStatus, *, waiting: bool) -> int:
    with database.reading():
        return Run.select().where(Run.status == status, Run.reports_until.is_null(not waiting)).count()


def test_five_hundred_waiting_runs_hold_no_thread(receiver: ReportReceiver, worker: tuple[System, RunWorker]) -> None:
    system, at_work = worker
    later = [new_job(callback_url=receiver.url("later")) for _ in range(WAITING)]
    create_jobs(system, later, all_or_none=True)
    until(lambda: counted(RunStatus.RUNNING, waiting=True) == WAITING, "every run to wait for its report")
    until(lambda: not at_work._leases._held, "the last thread to come free")
    create_jobs(system, [new_job(callback_url=receiver.url("at-once")) for _ in range(OTHERS)], all_or_none=True)
    until(lambda: counted(RunStatus.COMPLETED, waiting=False) == OTHERS, "other jobs to be done meanwhile")
    assert counted(RunStatus.RUNNING, waiting=True) == WAITING
    at_work._leases.renew()
    for address, token in receiver.callbacks:
        run_id = UUID(address.rpartition("/")[2])
        reports.complete(system, Sender(run_id, token), None, None)
    assert counted(RunStatus.COMPLETED, waiting=False) == WAITING + OTHERS
