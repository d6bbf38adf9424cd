"""A worker that is frozen past its lease: what it brings when it wakes is refused."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import Any

import psycopg2

from tests.acceptance import promises
from tests.acceptance.conftest import SHARED, THREADS
from tests.acceptance.installation import IMMEDIATE, Installation
from tests.acceptance.journal import Answer, Call, Gate, Journal
from tests.acceptance.kept_services import KeptServices
from tests.lengths import JOBS
from tests.waiting import until

CUT_WORKERS = """
    SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'carillon worker'
"""
COUNT_WAITING_WORKERS = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'carillon worker' AND wait_event_type = 'Lock'
"""


@SHARED
def test_a_worker_frozen_past_its_lease_is_refused(services: KeptServices, journal: Journal) -> None:
    """A worker that has its answers is frozen before it can record them; when it wakes, another is at the same runs.

    What keeps it from recording is a lock on the jobs. Its sessions are cut before the lock goes, so that no statement
    of its own is carried out while it is frozen: on waking it finds its connections closed, and tries again.
    """
    first, second = Gate(_tell_attempt), Gate(_tell_attempt)
    journal.behave = lambda call: first(call) if call.attempt == 1 else second(call)
    first.close(after=JOBS // 4)
    second.close()
    with ThreadPoolExecutor(1) as pool:
        creating = pool.submit(services.create_many, JOBS, IMMEDIATE)
        held = first.wait_until_held(2 * THREADS)
        with _locked(services.database_url, held) as blocker:
            first.open()
            until(lambda: _waiting_for_locks(blocker) == 2, "both workers to wait with their results")
            until(lambda: all(call.ended for call in held), "all answers to be given")
            services.signal("worker.1", signal.SIGSTOP)
            blocker.execute(CUT_WORKERS)
        second.wait_until_held(THREADS)
        services.signal("worker.1", signal.SIGCONT)
        # A result that had not come all the way in is given up by its own worker; the others are refused.
        until(lambda: sum(_late(services)) == THREADS, "the late results to be refused")
        assert _late(services)[0] >= 1
        second.open()
        promises.all_complete(services, creating.result())
    promises.one_key_a_run(journal)
    promises.no_overlap(journal)
    again = promises.again_only_after_loss(services, journal)
    assert len(again) == THREADS
    assert {attempt["answer"] for attempts in again.values() for attempt in attempts} == {None, '{"attempt": 2}'}


def _late(services: Installation) -> tuple[int, int]:
    """How many results of the frozen worker were refused, and how many it gave up itself."""
    return services.logged("worker.1", "result_refused"), services.logged("worker.1", "lease_lost")


def _tell_attempt(call: Call) -> Answer:
    return Answer(body={"attempt": call.attempt})


@contextmanager
def _locked(url: str, calls: list[Call]) -> Iterator[Any]:
    """Hold the locks of these calls' jobs; a cursor in the transaction that does."""
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        job_ids = [call.job_id for call in calls]
        cursor.execute("SELECT id FROM jobs WHERE id = ANY(%s::uuid[]) ORDER BY id FOR UPDATE", (job_ids,))
        yield cursor


def _waiting_for_locks(cursor: Any) -> int:
    cursor.execute("SELECT pg_stat_clear_snapshot()")  # a transaction would see the same activity for ever
    cursor.execute(COUNT_WAITING_WORKERS)
    return int(cursor.fetchone()[0])
