"""Things that tests need: a clock that is set, a doorbell that remembers, jobs to ask for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from core import schedules
from core.errors import PermanentFailure, TransientFailure
from core.principals import LOCAL
from core.receiver_answers import PollAnswer
from models import attempts, database
from models.tables import AnyAttempt, Job, Run, db
from services.execution import claiming, recording, workers
from services.execution.rotation import Rotation
from services.execution.work import Failed, Result, Succeeded, Work
from services.execution.workers import WorkerIdentity
from services.jobs import accepting, creating
from services.jobs.creation_outcomes import Created, Refusal
from services.jobs.definition import NewJob
from services.maintenance.heard_beats import HeardBeats
from services.messaging import broker as brokers
from services.messaging.doorbell import Ring
from services.scheduling.run_endings import RunOutcome
from services.system import System
from settings import Settings
from tests.waiting import LONGEST

Returned = TypeVar("Returned")

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
CALLBACK_BASE_URL = "http://127.0.0.1:9"


class GivenClock:
    """A clock that stands where it is set."""

    def __init__(self, now: datetime = NOON) -> None:
        self._now = now
        self._monotonic = 1_000.0
        self._lock = threading.Lock()

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    def advance(self, seconds: float) -> datetime:
        """Advance both clocks; several threads may do so at once. Returns the new instant."""
        with self._lock:
            self._now += timedelta(seconds=seconds)
            self._monotonic += seconds
            return self._now

    def set(self, now: datetime) -> None:
        """Set the wall clock, and leave the monotonic one alone."""
        self._now = now


class RecordingDoorbell:
    """A doorbell that keeps what it is asked to ring."""

    def __init__(self) -> None:
        self.rings: list[Ring] = []
        self._lock = threading.Lock()

    def ring(self, rings: Iterable[Ring]) -> None:
        with self._lock:
            self.rings.extend(rings)

    def waiting(self) -> int:
        """Nothing ever waits here."""
        return 0

    def heard(self) -> list[Ring]:
        """What was rung since the last time this was asked."""
        with self._lock:
            heard, self.rings = self.rings, []
            return heard


class GivenSystem(System):
    """A system whose clock and doorbell a test holds in its hands."""

    clock: GivenClock
    doorbell: RecordingDoorbell


own_data_dir = Path("/nowhere")
"""Where the systems of the test at hand keep files: a folder of its own, that a fixture sets before each test."""


def given_system(**overrides: Any) -> GivenSystem:
    """A system with a clock set to noon; settings as given over the defaults."""
    defaults = {"callback_base_url": CALLBACK_BASE_URL, "account_rate": None, "data_dir": own_data_dir}
    settings = Settings(**{**defaults, **overrides})
    return GivenSystem(settings, GivenClock(), RecordingDoorbell())


def new_job(schedule: schedules.Schedule | None = None, **overrides: Any) -> NewJob:
    """A job to ask for: at once, unless a schedule is given."""
    values: dict[str, Any] = {
        "app_name": "app_a",
        "account_id": "acc1",
        "user_id": "user1",
        "task_type": "greet",
        "schedule": schedule or schedules.Immediate(),
        "data": {"some_key": "some_value"},
    }
    return NewJob(**{**values, **overrides})


def create_jobs(system: System, wanted: Sequence[NewJob | Refusal], *, all_or_none: bool) -> list[Created]:
    """Validate and create jobs in one transaction, as one request to create many does."""
    validated = accepting.all_validated(LOCAL, system, wanted)
    return creating.create_many_validated(LOCAL, system, validated, all_or_none=all_or_none)


class RunningClock(GivenClock):
    """A clock that runs on from noon as fast as the machine's; `advance` and `set` move it besides."""

    def __init__(self, now: datetime = NOON) -> None:
        super().__init__(now)
        self._began = time.monotonic()

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=time.monotonic() - self._began)

    def monotonic(self) -> float:
        return super().monotonic() + time.monotonic() - self._began


def in_threads(count: int, work: Callable[[int], Returned]) -> list[Returned]:
    """Do this in so many threads that begin together; what each returned. Raises what one of them raised."""
    together = threading.Barrier(count, timeout=LONGEST)

    def begin(number: int) -> Returned:
        together.wait()
        try:
            return work(number)
        finally:
            if db.obj is not None:
                database.disconnect()

    with ThreadPoolExecutor(count) as pool:
        return [future.result() for future in [pool.submit(begin, number) for number in range(count)]]


def first_run(system: System, schedule: schedules.Schedule | None = None, **overrides: Any) -> Run:
    """The first run of a job made now."""
    return runs_of(creating.create(LOCAL, system, new_job(schedule, **overrides)))[0]


def runs_of(job_id: UUID) -> list[Run]:
    """A job's runs, in the order of their instants."""
    with database.reading():
        return list(Run.select().where(Run.job == job_id).order_by(Run.scheduled_for, Run.id))


def stored_run(run_id: UUID) -> Run:
    """A run as it is stored now."""
    with database.reading():
        return Run.get_by_id(run_id)


def stored_job(job_id: UUID) -> Job:
    """A job as it is stored now."""
    with database.reading():
        return Job.get_by_id(job_id)


def attempts_at(run_id: UUID) -> list[AnyAttempt]:
    """The attempts at a run, in order, with the current attempt."""
    with database.reading():
        return attempts.of_run(run_id)


def claim(
    system: System, limit: int = 1_000, worker: WorkerIdentity | None = None, rotation: Rotation | None = None
) -> list[Work]:
    """What a worker gets that asks for so many runs."""
    return claiming.claim(system, worker or workers.register(system), brokers.RUNS_HTTP, limit, rotation)


def claim_one(system: System, worker: WorkerIdentity | None = None) -> Work:
    """The most urgent run, claimed."""
    [work] = claim(system, 1, worker)
    return work


def record(system: System, work: Work, result: Result) -> RunOutcome | None:
    """What followed from one result; None if it was refused."""
    [recorded] = recording.record(system, [(work, result)])
    return recorded if isinstance(recorded, RunOutcome) else None


def succeeded(poll: PollAnswer | None = None) -> Succeeded:
    """A good answer."""
    return Succeeded(200, "{}", poll)


def polled(
    state: dict[str, Any] | None = None, *, done: bool = False, next_in_seconds: float | None = None
) -> Succeeded:
    """A good answer to a poll."""
    return succeeded(PollAnswer(state, done, next_in_seconds, progress=None, message=None))


def failed(retry_after_seconds: float | None = None) -> Failed:
    """An answer that is worth another try."""
    return Failed(TransientFailure("The receiver is down.", status_code=503, retry_after_seconds=retry_after_seconds))


def refused(status_code: int = 400) -> Failed:
    """An answer that no other try can mend."""
    return Failed(PermanentFailure("The receiver will not have it.", status_code=status_code))


def hear_of(system: System, told: Any) -> None:
    """Store that a process is alive which tells of itself with its messages."""
    heard = HeardBeats(system)
    heard.hear_sender(told)
    heard.store()
