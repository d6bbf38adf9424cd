"""Everything at once on the same few jobs, on PostgreSQL: no deadlock, and what must hold still holds."""

from __future__ import annotations

import contextlib
import random
import threading
from typing import Any
from uuid import UUID

import pytest

from core.errors import AbortReason, Conflict
from core.principals import LOCAL
from core.schedules import Cron, DelayFromNow, Immediate, Polling, Schedule
from core.states import ENDED, LIVE, JobState, RunStatus
from models import database
from models.tables import AnyAttempt, Job, Run
from services.execution import recording, workers
from services.execution.work import Result, Stopped, Work
from services.jobs import creating, lifecycle
from services.maintenance import rescues
from services.scheduling import dispatching, planning
from tests.factories import (
    GivenSystem,
    claim,
    failed,
    given_system,
    in_threads,
    new_job,
    polled,
    refused,
    succeeded,
)

THREADS = 8
OPERATIONS = 60
SCHEDULES: list[Schedule] = [
    Immediate(),
    DelayFromNow(30),
    Polling(20),
    Cron("* * * * *"),
    Cron("* * * * *", max_runs=3),
]
BAD_RESULTS: list[Result] = [
    failed(),
    failed(),
    refused(),
    refused(410),
    Stopped(AbortReason.SHUTDOWN),
    Stopped(AbortReason.CANCELLED),
]


class Hammer:
    """Does one thing after another, as chance has it, to a few jobs that others hammer too."""

    def __init__(self, system: GivenSystem, job_ids: list[UUID], seed: int) -> None:
        self._system = system
        self._job_ids = job_ids
        self._random = random.Random(seed)
        self._worker = workers.register(system)
        self._works: list[Work] = []

    def strike(self, times: int) -> None:
        strokes = [
            (1, self._create),
            (6, self._claim),
            (6, self._record),
            (1, self._cancel),
            (2, self._pause),
            (3, self._resume),
            (2, self._rescue),
            (4, self._dispatch),
            (2, self._plan),
            (3, self._renew),
            (2, self._let_time_pass),
        ]
        for _ in range(times):
            [stroke] = self._random.choices([stroke for _, stroke in strokes], [weight for weight, _ in strokes])
            with contextlib.suppress(Conflict):
                stroke()

    def _create(self) -> None:
        self._job_ids.append(creating.create(LOCAL, self._system, new_job(self._random.choice(SCHEDULES))))

    def _claim(self) -> None:
        self._works += claim(self._system, self._random.randint(1, 6), self._worker)

    def _record(self) -> None:
        ended = self._random.sample(self._works, self._random.randint(0, len(self._works)))
        recording.record(self._system, [(work, self._result_of(work)) for work in ended])
        if self._random.random() < 0.8:  # else once more later: refused
            self._works = [work for work in self._works if work not in ended]

    def _result_of(self, work: Work) -> Result:
        good = succeeded() if work.polling_state is None else polled({"n": 1}, done=self._random.random() < 0.3)
        return self._random.choice([good, *BAD_RESULTS])

    def _renew(self) -> None:
        leases = {work.run_id: work.fence for work in self._works}
        workers.renew(self._system, self._worker, leases)

    def _cancel(self) -> None:
        lifecycle.cancel(LOCAL, self._system, self._random.choice(self._job_ids))

    def _pause(self) -> None:
        lifecycle.pause(LOCAL, self._system, self._random.choice(self._job_ids))

    def _resume(self) -> None:
        lifecycle.resume(LOCAL, self._system, self._random.choice(self._job_ids))

    def _rescue(self) -> None:
        rescues.rescue(self._system)

    def _dispatch(self) -> None:
        dispatching.make_due(self._system, [run_id for run_id, _ in dispatching.due_soon(self._system)])

    def _plan(self) -> None:
        planning.plan(self._system)

    def _let_time_pass(self) -> None:
        self._system.clock.advance(self._random.choice([1, 10, 61]))


class Watcher:
    """Reads again and again what is over, and remembers it."""

    def __init__(self) -> None:
        self.broken: list[str] = []
        self._runs: dict[UUID, Any] = {}
        self._jobs: dict[UUID, Any] = {}
        self._fences: dict[UUID, int] = {}

    def look(self) -> None:
        with database.reading():
            runs, jobs = list(Run.select()), list(Job.select())
        for run in runs:
            self._check(self._runs, run.id, run.status, run.status not in LIVE)
            if run.fence < self._fences.get(run.id, 0):
                self.broken.append(f"The fence of run {run.id} went back.")
            self._fences[run.id] = run.fence
        for job in jobs:
            self._check(self._jobs, job.id, job.state, job.state in ENDED)

    def _check(self, over: dict[UUID, Any], row_id: UUID, state: Any, is_over: bool) -> None:
        if over.get(row_id, state) != state:
            self.broken.append(f"{row_id} was {over[row_id]} and became {state}.")
        if is_over:
            over[row_id] = state


@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_is_done_at_once_to_the_same_jobs_nothing_breaks(postgresql: str, seed: int) -> None:
    system = given_system(retry_backoff_base=1)
    job_ids = [creating.create(LOCAL, system, new_job(schedule)) for schedule in SCHEDULES * 2]
    watcher, done = Watcher(), threading.Event()

    def watch() -> None:
        while not done.is_set():
            watcher.look()
        watcher.look()
        database.disconnect()

    watching = threading.Thread(target=watch)
    watching.start()
    try:  # a deadlock, or a lock waited for too long, would come out of here as DatabaseUnavailable
        in_threads(THREADS, lambda number: Hammer(system, job_ids, seed * 100 + number).strike(OPERATIONS))
    finally:
        done.set()
        watching.join()
    assert watcher.broken == []
    check_every_run()
    come_to_rest(system, job_ids)
    check_every_run()


def check_every_run() -> None:
    with database.reading():
        runs = {run.id: run for run in Run.select()}
        attempts = list(AnyAttempt.select().order_by(AnyAttempt.run, AnyAttempt.number))
    of_run: dict[UUID, list[AnyAttempt]] = {run_id: [] for run_id in runs}
    for attempt in attempts:
        of_run[attempt.__data__["run"]].append(attempt)
    assert len(attempts) > THREADS, "too little happened"
    for run_id, tried in of_run.items():
        run = runs[run_id]
        assert [attempt.number for attempt in tried] == list(range(1, run.attempt_count + 1))
        fences = [attempt.fence for attempt in tried]
        assert fences == sorted(set(fences)), "each attempt has a fence above those before it"
        assert run.fence >= run.attempt_count
        still_open = [attempt for attempt in tried if attempt.finished_at is None]
        assert [attempt.number for attempt in still_open] == [run.attempt_count] * (run.status is RunStatus.RUNNING)
        assert [attempt.fence for attempt in still_open] == [run.fence] * len(still_open)
        assert run.failure_count == sum(
            attempt.outcome == "failed" and attempt.error_type != "cancelled" for attempt in tried
        )


def come_to_rest(system: GivenSystem, job_ids: list[UUID]) -> None:
    """Cancel all, let every worker be dead: everything is over then, and nothing is left behind."""
    for job_id in job_ids:
        with contextlib.suppress(Conflict):
            lifecycle.cancel(LOCAL, system, job_id)
    system.clock.advance(system.settings.lease_seconds + 1)
    rescues.rescue(system)
    with database.reading():
        assert Run.select().where(Run.status.in_(LIVE)).count() == 0
        assert Job.select().where(Job.state.in_((JobState.ACTIVE, JobState.PAUSED))).count() == 0
