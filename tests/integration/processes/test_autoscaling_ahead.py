"""`carillon autoscale` looks ahead: workers are there before a burst that is planned, also without the database."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import requests
import structlog

from core.autoscaling import NO_LOAD, Load
from core.database_faults import DatabaseFault
from core.errors import DatabaseUnavailable
from core.schedules import DelayFromNow
from processes.autoscale import Autoscaler, ImaginedWorkers, QueuesUnknown
from processes.needed_threads import NeededThreads
from services.reading.upcoming.thread_demand import ComingThreads
from services.runtime.clock import DatabaseClock
from services.runtime.troubles import Troubles
from services.scheduling import dispatching
from tests import factories
from tests.acceptance.installation import free_port
from tests.factories import GivenSystem, claim, create_jobs, given_system, new_job, record, succeeded
from tests.servers import needed
from tests.waiting import LONGEST, until

ROOT = Path(__file__).parents[3]
AWAY = DatabaseUnavailable("nobody there", DatabaseFault.AWAY)


class Source:
    """Threads that the coming minutes need, or the error that reading them raises."""

    def __init__(self, answer: float | Exception) -> None:
        self.answer = answer

    def __call__(self) -> dict[str, float]:
        if isinstance(self.answer, Exception):
            raise self.answer
        return {"a": self.answer, "b": 1.0}


def burst(system: GivenSystem, runs: int, seconds: float) -> None:
    """Have so many runs be due after some seconds; without a history, each counts as a second."""
    jobs = [new_job(DelayFromNow(seconds)) for _ in range(runs)]
    create_jobs(system, jobs, all_or_none=True)


def all_end(system: GivenSystem) -> None:
    """Have all runs of the burst, which are due, end at once."""
    dispatching.make_due(system, [run_id for run_id, _ in dispatching.due_soon(system)])
    for work in claim(system):
        record(system, work, succeeded())


def scaler(planned: NeededThreads, workers: ImaginedWorkers, said: list[str], load: Load = NO_LOAD) -> Autoscaler:
    return Autoscaler(lambda: load, workers, said.append, planned.latest, threads_each=2)


def test_the_workers_of_a_burst_are_there_before_it_and_go_one_by_one_after_it(system: GivenSystem) -> None:
    burst(system, 300, 600)  # five threads for a minute, of workers with two
    workers, said = ImaginedWorkers(), list[str]()
    planned = NeededThreads(ComingThreads(system.clock).by_queue, Troubles(), system.clock.monotonic)
    autoscaler = scaler(planned, workers, said)
    counts = []
    for minutes in (0, 4, 2, 3.9, 0.2, 1, 1, 1):
        system.clock.advance(60 * minutes)
        planned.read()
        autoscaler.look()
        counts.append(workers.count)
        if len(counts) == 5:
            all_end(system)
    assert counts == [1, 1, 3, 3, 3, 3, 2, 1]
    assert said[1] == "0 waiting, 0 taken, 5.0 threads needed: adding 2 workers, 3 in all"


def test_workers_that_are_busy_stay_and_more_come_at_once_for_what_waits(system: GivenSystem) -> None:
    create_jobs(system, [new_job()] * 3, all_or_none=True)
    for work in claim(system):
        record(system, work, succeeded())
        system.clock.advance(30)  # the next one takes so long
    create_jobs(system, [new_job()] * 4, all_or_none=True)
    claim(system, 4)
    workers, said = ImaginedWorkers(), list[str]()
    planned = NeededThreads(ComingThreads(system.clock).by_queue, Troubles(), system.clock.monotonic)
    autoscaler = scaler(planned, workers, said)
    planned.read()
    autoscaler.look()
    assert workers.count == 2, "for four threads that are busy"
    create_jobs(system, [new_job()] * 12, all_or_none=True)
    planned.read()
    autoscaler.look()
    assert workers.count == 5, "and six for a minute, for runs that took half a minute on average"
    assert said[1] == "0 waiting, 0 taken, 10.0 threads needed: adding 3 workers, 5 in all"


def test_while_the_database_is_away_the_queues_alone_decide_and_that_is_logged_once() -> None:
    now, source, troubles, workers, said = [100.0], Source(7.0), Troubles(), ImaginedWorkers(), list[str]()
    planned = NeededThreads(source, troubles, lambda: now[0])
    planned.read()
    scaler(planned, workers, said).look()
    assert workers.count == 4
    with structlog.testing.capture_logs() as logged:
        source.answer = AWAY
        for _ in range(3):
            planned.read()
        assert [one.fault for one in troubles.present()] == ["away"]
        scaler(planned, workers, said).look()
        assert workers.count == 4, "what was read within a minute counts"
        now[0] += 61
        assert planned.latest() is None
        scaler(planned, workers, said).look()
        assert workers.count == 3
        scaler(planned, workers, said, Load(11, 0)).look()
        assert workers.count == 4
        source.answer = 3.0
        planned.read()
    assert [one["event"] for one in logged] == ["trouble", "trouble_over"]
    assert "the length of the queues alone decides" in logged[0]["detail"]
    assert planned.latest() == 4.0
    assert troubles.present() == []


def test_tables_that_are_not_made_yet_are_no_end_of_the_autoscaler() -> None:
    troubles = Troubles()
    planned = NeededThreads(Source(ValueError('relation "runs" does not exist')), troubles)
    planned.read()
    assert planned.latest() is None
    [trouble] = troubles.present()
    assert "carillon migrate" in trouble.remedy


def test_the_highest_number_of_the_last_minute_counts() -> None:
    now, source = [100.0], Source(3.0)
    planned = NeededThreads(source, Troubles(), lambda: now[0])
    assert planned.latest() is None
    planned.read()
    now[0] += 30
    source.answer = 0.0
    planned.read()
    assert planned.latest() == 4.0, "its burst may just have become due"
    now[0] += 31
    assert planned.latest() == 1.0
    now[0] += 30
    assert planned.latest() is None


def test_a_database_that_is_silent_delays_no_look() -> None:
    answers, asked, stopping = threading.Event(), threading.Event(), threading.Event()

    def silent() -> dict[str, float]:
        asked.set()
        answers.wait(LONGEST)
        return {}

    planned = NeededThreads(silent, Troubles())
    planned.start(stopping)
    assert asked.wait(LONGEST)
    workers = ImaginedWorkers()
    scaler(planned, workers, []).look()
    assert workers.count == 1
    stopping.set()
    answers.set()


def test_lengths_that_rabbitmq_does_not_return_are_a_trouble_until_it_does() -> None:
    troubles, answers = Troubles(), [QueuesUnknown("it answered 500"), None]

    def load() -> Load:
        error = answers.pop(0)
        if error is not None:
            raise error
        return NO_LOAD

    autoscaler = Autoscaler(load, ImaginedWorkers(), lambda _: None, troubles=troubles)
    autoscaler.look()
    assert [one.part for one in troubles.present()] == ["management"]
    autoscaler.look()
    assert troubles.present() == []


# --- real processes ----------------------------------------------------------------------------------------


def test_the_process_prepares_for_a_burst_and_tells_its_health(
    postgresql: str, rabbitmq_url: str, tmp_path: Path
) -> None:
    system = given_system()
    burst_at = DatabaseClock()
    burst_at.follow()
    system.clock.set(burst_at.now())
    burst(system, 300, 250)
    log, port = tmp_path / "log", free_port()
    surroundings = {
        **os.environ,
        "DATABASE_URL": postgresql,
        "RABBITMQ_URL": rabbitmq_url,
        "RABBITMQ_MANAGEMENT_URL": needed("TEST_RABBITMQ_MANAGEMENT_URL"),
        "SHUTDOWN_GRACE_SECONDS": "1",
        "WORKER_THREADS": "3",
        "HEALTH_PORT": str(port),
        "DATA_DIR": str(factories.own_data_dir),
    }
    command = [sys.executable, str(ROOT / "cli.py"), "autoscale"]
    process = subprocess.Popen(command, env=surroundings, stdout=log.open("wb"), stderr=subprocess.STDOUT, cwd=ROOT)
    try:
        until(lambda: "threads needed: adding" in log.read_text(), "workers for the burst")
        assert requests.get(f"http://127.0.0.1:{port}/healthz", timeout=LONGEST).status_code == 200
        page = requests.get(f"http://127.0.0.1:{port}/metrics", timeout=LONGEST).text
        assert "carillon_database_up 1.0" in page
        assert "carillon_broker_up" not in page, "it does not use it"
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(LONGEST) == 0
    assert "2 in all" in log.read_text()
