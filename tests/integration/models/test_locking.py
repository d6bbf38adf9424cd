"""Lock jobs: what decides about them is read, what they carry is not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest

from core import schedules
from core.errors import LockTimeout
from core.principals import LOCAL
from models import database, jobs
from models.postgresql import TIME_OUTS
from models.tables import Job
from services.jobs import creating
from tests import statements
from tests.factories import NOON, GivenSystem, given_system, new_job
from tests.integration.locked_rows import locked

PAYLOAD = ("data", "user_id", "board_id", "metadata")


@pytest.mark.parametrize(
    "lock",
    [
        pytest.param(lambda job_id: jobs.lock([job_id])[job_id], id="one of these"),
        pytest.param(lambda _: jobs.lock_to_plan(NOON, NOON + timedelta(days=1), 1)[0], id="one to plan"),
    ],
)
def test_who_locks_a_job_reads_no_payload(system: GivenSystem, lock: Callable[[UUID], Job]) -> None:
    job_id = creating.create(LOCAL, system, new_job(schedules.Interval(every_seconds=3600)))
    with statements.noted() as sent, database.transaction():
        job = lock(job_id)
    assert (job.id, job.task_type) == (job_id, "greet")
    [select] = [sql for sql, _ in sent if sql.startswith("SELECT")]
    assert [name for name in PAYLOAD if f'"{name}"' in select] == []


def test_who_has_waited_too_long_for_a_lock_keeps_the_connection(
    postgresql: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is tried again soon, by many loops, each of which would open a new one."""
    monkeypatch.setitem(TIME_OUTS, "lock_timeout", "1ms")
    job_id = creating.create(LOCAL, given_system(), new_job())
    before = database.rows("SELECT pg_backend_pid()")
    with locked(postgresql, "jobs", job_id), pytest.raises(LockTimeout), database.transaction():
        jobs.lock([job_id])
    assert database.rows("SELECT pg_backend_pid()") == before
    with database.transaction():
        assert list(jobs.lock([job_id])) == [job_id]
