"""Cron and polls on time: with everything twice, with periodiq absent, with no coordinator for a while."""

from __future__ import annotations

import itertools
import os
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from processes.supervisor import Backoff, Supervisor
from tests.acceptance.conftest import QUICK
from tests.acceptance.installation import ROOT, Installation
from tests.acceptance.journal import Answer, Call, Journal
from tests.acceptance.minutes import begin_well_before_a_minute_ends
from tests.lengths import JOBS, MINUTES
from tests.waiting import LONGEST, until

EVERY_MINUTE = {"type": "cron", "expression": "* * * * *"}
MINUTE = timedelta(minutes=1)
EARLY = timedelta(seconds=1)  # what the measured difference to the database's clock may be wrong by


class Timetable(Journal):
    """A journal that also notes which occurrence each call is for, and when it came."""

    def __init__(self) -> None:
        super().__init__()
        self.occurrences: list[tuple[str, datetime, datetime]] = []

    def begin(self, request: BaseHTTPRequestHandler, body: dict[str, Any]) -> Call:
        scheduled_for = datetime.fromisoformat(request.headers["X-Carillon-Scheduled-For"])
        self.occurrences.append((request.headers["X-Carillon-Job-Id"], scheduled_for, datetime.now(UTC)))
        return super().begin(request, body)

    def calls_for(self, minutes: list[datetime]) -> Counter[tuple[str, datetime]]:
        """How many calls came for each job and minute."""
        return Counter((job_id, at) for job_id, at, _ in self.occurrences.copy() if at in minutes)


@pytest.fixture
def journal() -> Iterator[Timetable]:
    with Timetable() as journal:
        yield journal


@pytest.fixture
def environment(postgresql: str, rabbitmq_url: str, journal: Timetable) -> dict[str, str]:
    """What every process of these installations is told."""
    return {
        **QUICK,
        "DATABASE_URL": postgresql,
        "RABBITMQ_URL": rabbitmq_url,
        "CALLBACK_BASE_URL": journal.url,
    }


@pytest.mark.timeout(900)
def test_with_everything_twice_no_occurrence_comes_twice_and_none_is_missing(
    tmp_path: Path, environment: dict[str, str], postgresql: str, journal: Timetable
) -> None:
    everything_twice = {"web": 1, "worker": 2, "coordinator": 2, "periodic": 2}
    with Installation(tmp_path, everything_twice, environment) as carillon:
        job_ids = carillon.create_many(JOBS, EVERY_MINUTE)
        first = _this_minute() + MINUTE
        minutes = [first + number * MINUTE for number in range(MINUTES)]
        expected = sorted((job_id, minute) for job_id in job_ids for minute in minutes)
        journal.wait_for(
            lambda _calls: len(journal.calls_for(minutes)) >= len(expected), "the last minute's calls", timeout=600
        )
        until(lambda: _unfinished(postgresql, minutes) == 0, "every occurrence to be recorded")
        occurrences = _occurrences(postgresql, minutes)
    assert sorted((job_id, at) for job_id, at, _, _ in occurrences) == expected
    assert {(status, attempts) for _, _, status, attempts in occurrences} == {("completed", 1)}
    assert journal.calls_for(minutes) == dict.fromkeys(expected, 1)
    assert all(at - came <= EARLY for _, at, came in journal.occurrences), "a callback came before its minute"
    assert len({call.key for call in journal.calls}) == len(journal.calls)


def test_the_plan_goes_on_when_no_beat_comes(tmp_path: Path, environment: dict[str, str], postgresql: str) -> None:
    patience = {"BEAT_PATIENCE_SECONDS": "1", "PLAN_AHEAD_SECONDS": "60"}
    nobody_else = {"web": 1, "coordinator": 1}
    with Installation(tmp_path, nobody_else, {**environment, **patience}) as carillon:
        begin_well_before_a_minute_ends()
        carillon.create(EVERY_MINUTE)
        planned = [at for _, at, _, _ in _occurrences(postgresql)]
        assert len(planned) == 1, "creating plans the coming minute alone"
        until(lambda: len(_occurrences(postgresql)) == 2, "the coordinator to plan by itself", timeout=LONGEST)
        [_, (_, following, status, _)] = _occurrences(postgresql)
        assert following == planned[0] + MINUTE
        assert status == "pending", "a row is made before its instant"
        assert carillon.readiness()["last_beat_age_seconds"] is None


def test_polls_and_retries_need_no_coordinator_and_occurrences_that_are_late_without_one_still_run(
    tmp_path: Path, environment: dict[str, str], postgresql: str, journal: Timetable
) -> None:
    journal.behave = _fail_thrice
    coordinators = Supervisor(
        {"coordinator": f"{sys.executable} {ROOT / 'cli.py'} coordinator"},
        {**os.environ, **environment},
        concurrency={"coordinator": 2},
        folder=ROOT,
        output=(tmp_path / "coordinators.log").open("w"),
        backoff=Backoff(first_seconds=20),
    )
    with Installation(tmp_path, {"web": 1, "worker": 2}, environment) as carillon:
        _polls_and_retries_go_on(carillon, journal)
        coordinators.start()
        try:
            until(lambda: carillon.readiness()["last_tick_age_seconds"] is not None, "a coordinator's tick")
            job_ids = carillon.create_many(50, EVERY_MINUTE)
            polling = carillon.create({"type": "polling", "interval_seconds": 0.5}, task_type="poll")
            minute = _minute_at_least_15_seconds_away()
            until(lambda: minute - datetime.now(UTC) < timedelta(seconds=8), "the end of the minute")
            for name in ("coordinator.1", "coordinator.2"):
                pid = coordinators.pid(name)
                assert pid is not None
                os.kill(pid, signal.SIGKILL)
            until(lambda: not any(map(coordinators.pid, ("coordinator.1", "coordinator.2"))), "both to be dead")
            dead_from = datetime.now(UTC)
            dead_until = _seen_dead_last(coordinators)
            until(lambda: len(_ended(postgresql, minute)) == 50, "the late occurrences to be through")
            rows = _ended(postgresql, minute)
        finally:
            coordinators.stop()
    assert dead_from < minute < dead_until, "the minute turned while no coordinator was up"
    assert sorted(job_id for job_id, _, _, _ in rows) == sorted(job_ids)
    assert {status for _, _, status, _ in rows} == {"completed"}
    assert journal.calls_for([minute]) == {(job_id, minute): 1 for job_id in job_ids}
    came = [at for job_id, scheduled_for, at in journal.occurrences if scheduled_for == minute and job_id != polling]
    assert min(came) >= dead_until - EARLY, "nobody made them due before"

    polls = [at for job_id, _, at in journal.occurrences if job_id == polling and dead_from <= at <= dead_until]
    assert len(polls) > 5, "polls follow each other without a coordinator"


def _seen_dead_last(coordinators: Supervisor) -> datetime:
    """Wait for one of two coordinators to come back; the last instant at which neither was there."""
    looked_at = [datetime.now(UTC)]

    def one_is_back() -> bool:
        now = datetime.now(UTC)
        if any(map(coordinators.pid, ("coordinator.1", "coordinator.2"))):
            return True
        looked_at.append(now)
        return False

    until(one_is_back, "one to come back")
    return looked_at[-1]


def _fail_thrice(call: Call) -> Answer:
    """Answers: a job that is to be retried succeeds at its fourth attempt, and polls go on."""
    return Answer(500) if call.task_type == "retry" and call.attempt < 4 else Answer(body={"polling_state": {}})


def _polls_and_retries_go_on(carillon: Installation, journal: Timetable) -> None:
    """Assert that they do where no coordinator ever was."""
    polling = carillon.create({"type": "polling", "interval_seconds": 0.5}, task_type="poll")
    retrying = carillon.create({"type": "immediate"}, task_type="retry", retry_backoff_base=0.5)
    journal.wait_for(lambda calls: sum(call.job_id == polling for call in calls) >= 10, "ten polls")
    until(lambda: carillon.get(f"/api/jobs/{retrying}")["status"] == "completed", "the fourth attempt")
    tries = [at for job_id, _, at in journal.occurrences if job_id == retrying]
    for (former, latter), wait in zip(itertools.pairwise(tries), (0.5, 1, 2), strict=True):
        assert (latter - former).total_seconds() >= wait
    carillon.session.post(f"{carillon.url}/api/jobs/{polling}/cancel", timeout=LONGEST).raise_for_status()


def _this_minute() -> datetime:
    return datetime.now(UTC).replace(second=0, microsecond=0)


def _minute_at_least_15_seconds_away() -> datetime:
    return (datetime.now(UTC) + timedelta(seconds=15)).replace(second=0, microsecond=0) + MINUTE


def _occurrences(url: str, minutes: list[datetime] | None = None) -> list[tuple[str, datetime, str, int]]:
    """The rows of cron jobs: job, nominal instant, status, attempts; of these minutes, or all."""
    rows = _rows(
        url,
        "SELECT runs.job_id::text, scheduled_for, status, attempt_count FROM runs JOIN jobs ON jobs.id = runs.job_id"
        " WHERE schedule_kind = 'cron' ORDER BY scheduled_for, runs.job_id",
    )
    return [
        (job_id, at.astimezone(UTC), status, attempts)
        for job_id, at, status, attempts in rows
        if minutes is None or minutes[0] <= at <= minutes[-1]
    ]


def _unfinished(url: str, minutes: list[datetime]) -> int:
    return sum(status in {"pending", "queued", "running", "retrying"} for _, _, status, _ in _occurrences(url, minutes))


def _ended(url: str, minute: datetime) -> list[tuple[str, datetime, str, int]]:
    return [row for row in _occurrences(url, [minute]) if row[2] not in {"pending", "queued", "running", "retrying"}]


def _rows(url: str, query: str) -> list[tuple[Any, ...]]:
    with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()
