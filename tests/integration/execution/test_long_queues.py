"""What a claim reads of a long queue: what it takes, not what waits."""

from __future__ import annotations

import pytest

from models import database
from models.pauses import Gate
from models.tables import db
from services.execution import claiming, workers
from services.execution.rotation import Rotation
from services.messaging.broker import RUNS_HTTP
from tests.factories import GivenSystem, first_run, given_system

pytestmark = pytest.mark.servers
WAIT, TAKEN = 12_000, 8  # so many that of two indexes that fit, the right one has a level more
AT_ONCE = 2_000
MAX_READ_OF_A_RUN = 20
COPY_RUN = """
    WITH numbered AS (  -- in the order of their making, as in life
        SELECT '00000000-0000-7000-8000-' || lpad(to_hex(number), 12, '0') AS new
        FROM generate_series(%s, %s) number
    ), made AS (
        INSERT INTO jobs SELECT copy.* FROM first_job, numbered,
            jsonb_populate_record(first_job, jsonb_build_object('id', new)) copy
    )
    INSERT INTO runs SELECT copy.* FROM first_run, numbered,
        jsonb_populate_record(first_run, jsonb_build_object('id', new, 'job_id', new)) copy
"""
READ = "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'runs'"


def _make_many_of_the_run() -> None:
    with database.transaction():
        # No foreign key is checked 12,000 times, and no statement comes near the limit of its time.
        db.execute_sql("SET LOCAL session_replication_role = replica")
        db.execute_sql("CREATE TEMPORARY TABLE first_job ON COMMIT DROP AS TABLE jobs")
        db.execute_sql("CREATE TEMPORARY TABLE first_run ON COMMIT DROP AS TABLE runs")
        for first in range(1, WAIT, AT_ONCE):
            db.execute_sql(COPY_RUN, (first, first + AT_ONCE - 1))


@pytest.fixture
def system(postgresql: str) -> GivenSystem:
    return given_system()


def test_a_claim_reads_only_about_as_many_runs_as_it_takes(system: GivenSystem) -> None:
    db.execute_sql("TRUNCATE jobs, runs CASCADE")  # dead rows of other tests would be read as well
    first_run(system)
    _make_many_of_the_run()
    db.execute_sql("ANALYZE runs")  # as autovacuum does: the plans are those for a long queue
    worker = workers.register(system)
    with system.transaction(Gate.UNUSED):
        works = claiming.claim_within(system, worker, RUNS_HTTP, TAKEN, Rotation()).works
        [read] = db.execute_sql(READ).fetchone()
    assert len(works) == TAKEN
    assert read < TAKEN * MAX_READ_OF_A_RUN
