"""A job that kills its worker, again and again: it fails in the end, and the jobs beside it complete."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance import promises
from tests.acceptance.conftest import QUICK
from tests.acceptance.installation import IMMEDIATE, Installation
from tests.acceptance.journal import Answer, Call, Journal
from tests.waiting import LONGEST, until

# The command's parents are the two processes of its keeper; theirs is the worker.
KILL = """
read go < {fifo}
read -r _ _ _ keeper _ < /proc/$PPID/stat
read -r _ _ _ worker _ < /proc/$keeper/stat
kill -9 $worker
"""
MAX_BACKOFF_SECONDS = 2.2  # after the second loss


class Held:
    """A behaviour that holds certain calls, by task type and attempt, each until it is let go."""

    def __init__(self, *calls: tuple[str, int]) -> None:
        self._go = {call: threading.Event() for call in calls}

    def __call__(self, call: Call) -> Answer:
        if go := self._go.get((call.task_type, call.attempt)):
            go.wait(LONGEST)
        return Answer()

    def let_go(self, task_type: str, attempt: int) -> None:
        self._go[task_type, attempt].set()


@pytest.fixture
def carillon(tmp_path: Path, postgresql: str, rabbitmq_url: str, journal: Journal) -> Iterator[Installation]:
    """With one worker, in which all jobs are beside each other."""
    environment = {
        **QUICK,
        "DATABASE_URL": postgresql,
        "RABBITMQ_URL": rabbitmq_url,
        "CALLBACK_BASE_URL": journal.url,
        "COMMANDS_ALLOWED": "sh",
    }
    with Installation(tmp_path, {"web": 1, "worker": 1, "coordinator": 1}, environment) as carillon:
        yield carillon


def test_a_job_that_kills_its_worker_fails_after_three_and_the_jobs_beside_it_complete(
    tmp_path: Path, carillon: Installation, journal: Journal
) -> None:
    """One job is beside it at the first two deaths, in calls that would last; another one at the third."""
    held = journal.behave = Held(("early", 1), ("early", 2), ("early", 3), ("late", 1))
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    argv = ["sh", "-c", KILL.format(fifo=fifo)]
    killer = carillon.create(IMMEDIATE, task_type="run_command", data={"argv": argv}, max_retries=9)
    early = carillon.create(IMMEDIATE, task_type="early", max_retries=0)
    killed_at = []
    for attempt in (1, 2):
        wait_for_call(journal, early, attempt)
        killed_at.append(kill_by(fifo, carillon))
        held.let_go("early", attempt)
    late = carillon.create(IMMEDIATE, task_type="late", max_retries=0)
    wait_for_call(journal, late, 1)
    both = killer, early
    until(lambda: any(waits_apart(carillon, one) for one in both) or are_running(carillon, both), "a third attempt")
    assert not are_running(carillon, both), "both have lost two workers, and are beside each other again"
    held.let_go("early", 3)
    killed_at.append(kill_by(fifo, carillon))
    held.let_go("late", 1)

    until(lambda: carillon.count("failed") + carillon.count("completed") == 3, "all to end")
    assert ended(carillon, killer) == ("failed", ["lost"] * 3)
    message = "3 workers in turn died or lost their lease while running this; it is not tried again."
    assert run_of(carillon, killer)["error_message"] == message
    assert ended(carillon, early) == ("completed", ["lost", "lost", "succeeded"])
    assert ended(carillon, late) == ("completed", ["lost", "succeeded"])
    assert carillon.killed("worker") == 3
    promises.one_key_a_run(journal)
    promises.no_overlap(journal, killed_at=tuple(killed_at))


def kill_by(fifo: Path, carillon: Installation) -> float:
    """Wait for the command to run and kill its worker. Returns the monotonic instant at which the worker was gone."""
    pid, before = carillon.pids()["worker"], carillon.killed("worker")
    ends: list[int] = []

    def is_read() -> bool:
        try:
            ends.append(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK))
        except OSError:  # ENXIO: nobody reads it
            return False
        return True

    until(is_read, "the command to wait")
    os.write(ends[0], b"go\n")
    os.close(ends[0])
    until(lambda: carillon.pids()["worker"] != pid, "the worker to die")
    gone = time.monotonic()
    until(lambda: carillon.killed("worker") == before + 1, "the death to be seen")
    return gone


def wait_for_call(journal: Journal, job_id: str, attempt: int) -> None:
    journal.wait_for(lambda calls: any((one.job_id, one.attempt) == (job_id, attempt) for one in calls), "the call")


def waits_apart(carillon: Installation, job_id: str) -> bool:
    """Whether a run that was lost twice has been put off for longer than by its backoff."""
    run = run_of(carillon, job_id)
    lost = carillon.attempts(run["id"])[:2]
    if len(lost) < 2 or lost[1]["finished_at"] is None:
        return False
    waits = datetime.fromisoformat(run["due_at"]) - datetime.fromisoformat(lost[1]["finished_at"])
    return waits.total_seconds() > MAX_BACKOFF_SECONDS


def are_running(carillon: Installation, job_ids: tuple[str, ...]) -> bool:
    """Whether each of these jobs is in its third attempt."""
    runs = [run_of(carillon, job_id) for job_id in job_ids]
    return all((run["status"], run["attempt_count"]) == ("running", 3) for run in runs)


def run_of(carillon: Installation, job_id: str) -> dict[str, Any]:
    """A job's only run."""
    [run] = carillon.runs([job_id])[job_id]
    return run


def ended(carillon: Installation, job_id: str) -> tuple[str, list[str]]:
    """How a job's run has ended, and each attempt at it."""
    run = run_of(carillon, job_id)
    return run["status"], [one["outcome"] for one in carillon.attempts(run["id"])]
