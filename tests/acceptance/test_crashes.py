"""kill -9 of every process in its worst moment, among many jobs each time: every job completes, one key a run.

A run may be lost twice and fails the third time, so each test bounds the losses that one run can have.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.acceptance import promises
from tests.acceptance.conftest import FATAL, QUICK, SHARED, THREADS
from tests.acceptance.installation import IMMEDIATE, WITHOUT_BEATS, Installation, new_job
from tests.acceptance.journal import Answer, Call, Gate, Journal
from tests.acceptance.promises import CLOCKS_APART
from tests.lengths import DEATHS, JOBS
from tests.waiting import LONGEST, until

AT_ONCE = 3
POLLS = 30  # two seconds apart; the last kill must find every job still polling


@pytest.fixture
def gate(journal: Journal) -> Gate:
    """Lets the test hold the journal's calls."""
    gate = Gate()
    journal.behave = gate
    return gate


@pytest.fixture
def fault_points() -> str:
    """Where the processes of `mortal` die; each test says."""
    pytest.fail("a test that wants mortal processes says where they die")


@pytest.fixture
def mortal(
    tmp_path: Path, postgresql: str, rabbitmq_url: str, journal: Journal, fault_points: str
) -> Iterator[Installation]:
    """Like `services`, with processes that kill themselves at a fault point, again after every restart."""
    environment = {
        **QUICK,
        "DATABASE_URL": postgresql,
        "RABBITMQ_URL": rabbitmq_url,
        "CALLBACK_BASE_URL": journal.url,
        "FAULT_POINTS": fault_points,
    }
    with Installation(tmp_path, WITHOUT_BEATS, environment) as carillon:
        yield carillon


@SHARED
def test_only_what_a_killed_worker_was_calling_is_called_again(
    services: Installation, journal: Journal, gate: Gate
) -> None:
    gate.close(after=JOBS // 4)
    with ThreadPoolExecutor(1) as pool:
        creating = pool.submit(services.create_many, JOBS, IMMEDIATE)
        under_way = {call.run_id for call in gate.wait_until_held(2 * THREADS)}
        killed_at = services.kill_and_wait("worker.1")
        gate.open()
        promises.all_complete(services, creating.result())
    promises.one_key_a_run(journal)
    promises.no_overlap(journal, killed_at=(killed_at,))
    again = promises.again_only_after_loss(services, journal)
    assert len(again) == THREADS
    assert set(again) <= under_way
    assert all(len(attempts) == 2 for attempts in again.values())


# Jobs that are created at the same moment share a commit: a third of JOBS commits at least, and one for each at most.
# So the web process, which takes long to come back, dies once at least and about four times at most.
@pytest.mark.parametrize("fault_points", [f"create.committed:{JOBS // 4}"])
def test_no_stored_job_is_lost_when_the_api_dies_between_commit_and_ring(
    mortal: Installation, journal: Journal
) -> None:
    job_ids = mortal.create_each(JOBS, IMMEDIATE, at_once=AT_ONCE)
    stored = promises.all_stored_complete(mortal, journal, job_ids)
    promises.one_key_a_run(journal)
    promises.no_overlap(journal)
    assert not journal.called_again()
    assert mortal.killed("web") >= 1
    assert stored >= JOBS + mortal.killed("web"), "a job that was stored without an answer is missing"


@pytest.mark.parametrize("fault_points", ["create.committed:1"])
def test_a_job_whose_ring_was_never_sent_is_rung_by_the_top_up(mortal: Installation, journal: Journal) -> None:
    body = {"app_name": "app_a", "user_id": "u", "account_id": "a", "task_type": "greet", "schedule": IMMEDIATE}
    for number in range(1, DEATHS + 1):
        until(mortal.is_ready, "the API to be back")
        with pytest.raises(requests.ConnectionError):
            requests.post(f"{mortal.url}/api/jobs/create", json=body, timeout=LONGEST)
        journal.wait_for(lambda calls, number=number: len(calls) >= number, "the call")  # type: ignore[misc]
        until(lambda number=number: mortal.killed("web") == number, "the death to be seen")  # type: ignore[misc]


@pytest.mark.parametrize("fault_points", [f"attempt.executed:{FATAL}"])
def test_what_a_worker_executed_and_had_not_recorded_when_it_died_is_executed_again(
    mortal: Installation, journal: Journal
) -> None:
    promises.all_complete(mortal, mortal.create_many(JOBS, IMMEDIATE))
    promises.one_key_a_run(journal)
    promises.no_overlap(journal)
    deaths = mortal.killed("worker")
    again = promises.again_only_after_loss(mortal, journal)
    assert deaths in (1, 2)
    assert deaths <= len(again) <= deaths * THREADS, "what was executed and not recorded is executed again, and no more"
    assert all(calls[0].ended is not None for calls in journal.called_again().values())


@pytest.mark.parametrize("fault_points", [f"attempt.recorded:{FATAL}"])
def test_what_a_worker_had_recorded_when_it_died_is_not_executed_again(mortal: Installation, journal: Journal) -> None:
    promises.all_complete(mortal, mortal.create_many(JOBS, IMMEDIATE))
    promises.one_key_a_run(journal)
    promises.no_overlap(journal)
    deaths = mortal.killed("worker")
    again = promises.again_only_after_loss(mortal, journal)
    assert deaths in (1, 2)
    assert len(again) <= deaths * (THREADS - 1), "the one that was recorded is executed again"


def test_only_what_the_embedded_server_was_calling_when_it_died_is_called_again(
    embedded: Installation, journal: Journal, gate: Gate
) -> None:
    """Each time, what was lost comes after all that was due before it, so it is not caught again by the next."""
    killed_at, held = [], set()
    with ThreadPoolExecutor(1) as pool:
        creating = pool.submit(embedded.create_many, JOBS, IMMEDIATE)
        for _ in range(DEATHS):
            gate.close(after=JOBS // 5)
            held |= {call.run_id for call in gate.wait_until_held(THREADS)}
            killed_at.append(embedded.kill_and_wait("serve"))
            gate.open()
        promises.all_stored_complete(embedded, journal, creating.result())
    promises.one_key_a_run(journal)
    promises.no_overlap(journal, killed_at=tuple(killed_at))
    assert set(promises.again_only_after_loss(embedded, journal)) == held


@SHARED
def test_delayed_jobs_come_once_and_never_early_though_the_coordinator_is_killed(
    services: Installation, journal: Journal
) -> None:
    """Each death has a batch of its own, whose jobs come due while the coordinator lives, dies and is back."""
    delays = [4 + number % 40 * 0.3 for number in range(JOBS // DEATHS)]
    job_ids: list[str] = []
    for _ in range(DEATHS):
        before = len(job_ids)
        job_ids += services.create_all([new_job({"type": "delay_from_now", "duration_seconds": one}) for one in delays])
        journal.wait_for(lambda calls, before=before: len(calls) > before, "the first call")  # type: ignore[misc]
        services.kill("coordinator")
        assert services.count("pending") > 0, "killed too late: nothing was left to dispatch"
        promises.all_complete(services, job_ids)
    promises.one_key_a_run(journal)
    assert not journal.called_again()
    runs = [run for of_job in services.runs(job_ids).values() for run in of_job]
    assert len(runs) == len(job_ids)
    early = [_instant(run["due_at"]) - _instant(run["started_at"]) for run in runs]
    assert max(early) <= CLOCKS_APART


@SHARED
def test_polling_states_only_grow_while_workers_are_killed(services: Installation, journal: Journal) -> None:
    """Polls beside other work; a worker is killed three times, each time when what the last one lost is over.

    Two seconds between polls: one that is lost comes again after eight, when the jobs beside it are polls ahead.
    """
    gate = Gate(_answer_poll)
    journal.behave = gate
    polling = {"type": "polling", "interval_seconds": 2}
    pollers = services.create_many(20, polling, task_type="poll")
    killed_at = []
    with ThreadPoolExecutor(1) as pool:
        creating = pool.submit(services.create_many, JOBS - len(pollers), IMMEDIATE)
        for name in ("worker.1", "worker.2", "worker.1"):
            _wait_for_another_poll_of_each(journal, pollers)
            gate.close()
            gate.wait_until_held(2 * THREADS)
            killed_at.append(services.kill_and_wait(name))
            gate.open()
        promises.all_complete(services, pollers + creating.result())
    promises.one_key_a_run(journal)
    promises.no_overlap(journal, killed_at=tuple(killed_at))
    assert promises.again_only_after_loss(services, journal)
    for job_id in pollers:
        _state_only_grew([call for call in journal.calls if call.job_id == job_id])


def _answer_poll(call: Call) -> Answer:
    """Count the polls in the state, which the server keeps for us."""
    if call.task_type != "poll":
        return Answer()
    polls = call.body["polling_state"].get("polls", 0) + 1
    return Answer(body={"polling_state": {"polls": polls}, "done": polls == POLLS})


def _wait_for_another_poll_of_each(journal: Journal, job_ids: list[str]) -> None:
    """Return when each job has had a poll more, so that the one now under way or lost is over."""
    before = _polls(journal.calls)

    def all_went_on(calls: list[Call]) -> bool:
        now = _polls(calls)
        return all(len(now[job_id]) > len(before[job_id]) for job_id in job_ids)

    journal.wait_for(all_went_on, "another poll of each job")


def _polls(calls: list[Call]) -> dict[str, set[str]]:
    """The runs of each polling job that have been called."""
    polls: dict[str, set[str]] = defaultdict(set)
    for call in calls:
        if call.task_type == "poll":
            polls[call.job_id].add(call.run_id)
    return polls


def _state_only_grew(calls: list[Call]) -> None:
    """What a job's receiver was sent only grew, by one each poll, each under a key of its own."""
    sent: list[int] = [call.body["polling_state"].get("polls", 0) for call in calls]
    assert sent == sorted(sent)
    assert set(sent) == set(range(POLLS))
    keys: dict[int, set[Any]] = defaultdict(set)
    for state, call in zip(sent, calls, strict=True):
        keys[state].add(call.key)
    assert all(len(of_state) == 1 for of_state in keys.values())
    assert len(set.union(*keys.values())) == POLLS


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
