"""kill -9 of every process in its worst moment, with 2,000 jobs each: every job completes, one key a run."""

from __future__ import annotations

import time

from tests.acceptance import promises
from tests.acceptance.installation import Installation
from tests.acceptance.journal import Journal

JOBS = 2_000
IMMEDIATE = {"type": "immediate"}


def test_a_worker_killed_in_a_callback(services: Installation, journal: Journal) -> None:
    job_ids = services.create_many(JOBS, IMMEDIATE)
    journal.wait_for(lambda calls: len(calls) >= JOBS // 4, "a quarter of the calls")
    services.kill("worker.1")
    killed_at = time.monotonic()
    promises.all_complete(services, job_ids, timeout=90)
    promises.one_key_a_run(journal)
    promises.no_overlap(journal, killed_at=(killed_at,))
