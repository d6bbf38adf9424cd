"""RabbitMQ and PostgreSQL stopped, killed and frozen under load: what was accepted completes, nobody gives up.

The tests have servers of their own, since they stop them, and one installation for each server, which begins while that
is away; one after another in one process.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import psycopg2
import pytest
import requests

from local.postgres import PrivatePostgres
from local.rabbitmq import PrivateRabbit
from tests.acceptance import promises
from tests.acceptance.conftest import QUICK, THREADS
from tests.acceptance.installation import IMMEDIATE, Installation
from tests.acceptance.journal import Call, Gate, Journal
from tests.acceptance.kept_services import KeptServices
from tests.acceptance.load import Load
from tests.acceptance.queues import consumers, delete_queues
from tests.lengths import JOBS
from tests.servers import new_database, virtual_host
from tests.waiting import until

pytestmark = pytest.mark.xdist_group("outages")

# A worker hangs up one heartbeat before its leases end: a busy machine may be that late.
LEASE, HEARTBEAT = 16.0, 4.0
LONGEST_ANSWER_SECONDS = 60  # an answer that waits for the database's return takes for ever
OUTAGE_SECONDS = 10


@pytest.fixture(scope="module")
def postgres() -> Iterator[PrivatePostgres]:
    """A database server that the tests may stop, not started yet. What is committed survives a kill."""
    with closing(PrivatePostgres(durable=True)) as postgres:
        yield postgres


@pytest.fixture(scope="module")
def rabbit() -> Iterator[PrivateRabbit]:
    """A broker that the tests may stop, not started yet."""
    with closing(PrivateRabbit()) as rabbit:
        yield rabbit


@pytest.fixture(scope="module")
def environment(listening: Journal) -> dict[str, str]:
    """What every installation is told, but where its servers are."""
    leases = {"LEASE_SECONDS": str(LEASE), "HEARTBEAT_SECONDS": str(HEARTBEAT)}
    return {**QUICK, **leases, "CALLBACK_BASE_URL": listening.url}


@pytest.fixture(scope="module")
def begun_without_rabbit(
    tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str], rabbit: PrivateRabbit
) -> Iterator[KeptServices]:
    """An installation whose broker may be stopped, on the shared database server; begun while it is away."""
    folder = tmp_path_factory.mktemp("rabbit")
    with (
        new_database(f"carillon_outages_{uuid4().hex[:12]}") as database_url,
        KeptServices(folder, environment, database_url, rabbit.url) as carillon,
    ):
        yield carillon


@pytest.fixture(scope="module")
def begun_without_postgres(
    tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str], postgres: PrivatePostgres
) -> Iterator[KeptServices]:
    """An installation whose database server may be stopped, on the shared broker; begun while it is away."""
    folder = tmp_path_factory.mktemp("postgres")
    with (
        virtual_host() as rabbitmq_url,
        KeptServices(folder, environment, postgres.url, rabbitmq_url, wait=False) as carillon,
    ):
        yield carillon


@pytest.fixture
def on_rabbit(begun_without_rabbit: KeptServices, rabbit: PrivateRabbit, journal: Journal) -> Iterator[Installation]:
    """The installation whose broker may be stopped, without a job, and all its servers there."""
    rabbit.start()
    begun_without_rabbit.empty()
    until(lambda: consumers(rabbit) == 2, "the workers to listen")
    yield begun_without_rabbit
    rabbit.start()


@pytest.fixture
def on_postgres(
    begun_without_postgres: KeptServices, postgres: PrivatePostgres, journal: Journal
) -> Iterator[Installation]:
    """The installation whose database server may be stopped, without a job, and all its servers there."""
    postgres.start()
    until(begun_without_postgres.is_ready, "the API to answer")
    begun_without_postgres.empty()
    yield begun_without_postgres
    postgres.thaw()
    postgres.start()


def test_jobs_that_are_accepted_without_rabbitmq_run_once_it_is_there(
    begun_without_rabbit: KeptServices, rabbit: PrivateRabbit, journal: Journal
) -> None:
    """The first test of this installation."""
    carillon = begun_without_rabbit
    assert rabbit.pid is None
    before = carillon.pids()
    job_ids = carillon.create_many(JOBS, IMMEDIATE)
    assert carillon.readiness()["status"] == "degraded"
    assert not carillon.readiness()["broker"]
    assert not journal.calls
    rabbit.start()
    promises.all_complete(carillon, job_ids)
    promises.one_key_a_run(journal)
    promises.no_overlap(journal)
    until(lambda: carillon.readiness()["broker"], "readyz to say that the broker is back")
    assert carillon.pids() == before


def test_no_job_is_lost_though_rabbitmq_is_killed_and_its_queues_are_deleted(
    on_rabbit: Installation, rabbit: PrivateRabbit, journal: Journal
) -> None:
    carillon = on_rabbit
    before = carillon.pids()
    with Load(carillon) as load:
        load.wait_for(JOBS // 10)
        rabbit.kill()
        over_at = time.monotonic() + OUTAGE_SECONDS
        until(lambda: not carillon.readiness()["broker"], "readyz to say that the broker is away")
        assert carillon.readiness()["status"] == "degraded"
        until(lambda: time.monotonic() >= over_at, "the end of the outage")
        load.wait_for(JOBS // 20)
        rabbit.start()
        delete_queues(rabbit)
        until(lambda: consumers(rabbit) == 2, "the workers to be back")
        delete_queues(rabbit)
    promises.all_complete(carillon, load.job_ids)
    assert load.refused == []
    promises.one_key_a_run(journal)
    promises.no_overlap(journal)
    assert not journal.called_again()
    assert carillon.pids() == before
    until(lambda: carillon.readiness()["broker"], "readyz to say that the broker is back")


def test_every_process_waits_for_a_postgresql_that_is_away_at_the_start(
    begun_without_postgres: KeptServices, postgres: PrivatePostgres, journal: Journal
) -> None:
    """The first test of this installation."""
    carillon = begun_without_postgres
    assert postgres.pid is None
    waiting = ("web", "worker.1", "worker.2", "coordinator")
    until(lambda: all(carillon.logged(name, "waiting_for_database") for name in waiting), "all to say they wait")
    before = carillon.pids()
    assert requests.get(f"{carillon.url}/healthz", timeout=LONGEST_ANSWER_SECONDS).status_code == 200
    assert not carillon.is_ready()
    postgres.start()
    until(carillon.is_ready, "the API to answer")
    promises.all_complete(carillon, carillon.create_many(JOBS, IMMEDIATE))
    promises.one_key_a_run(journal)
    promises.no_overlap(journal)
    assert carillon.pids() == before


def test_two_restarts_of_postgresql_lose_no_job(
    on_postgres: Installation, postgres: PrivatePostgres, journal: Journal
) -> None:
    carillon = on_postgres
    before = carillon.pids()
    with Load(carillon) as load:
        for _ in range(2):
            load.wait_for(JOBS // 5)
            postgres.restart()
    _nobody_gave_up(carillon, load, journal, before)


def test_requests_are_refused_and_no_accepted_job_is_lost_while_postgresql_is_away(
    on_postgres: Installation, postgres: PrivatePostgres, journal: Journal
) -> None:
    carillon = on_postgres
    before = carillon.pids()
    with Load(carillon) as load:
        load.wait_for(JOBS // 5)
        postgres.kill()
        until(lambda: load.refused, "a request to be refused")
        until(lambda: not carillon.is_ready(), "readyz to say so")
        postgres.start()
        load.wait_for(JOBS // 5)
    assert load.refused
    _nobody_gave_up(carillon, load, journal, before)
    assert all(len(runs) == 1 for runs in carillon.runs(load.job_ids).values()), "an accepted job is gone"


def test_workers_hang_up_before_their_leases_end_while_postgresql_is_frozen(
    on_postgres: Installation, postgres: PrivatePostgres, journal: Journal
) -> None:
    """The workers, who cannot renew, hang up before their leases end; nothing is taken from them until one after."""
    carillon = on_postgres
    before = carillon.pids()
    gate = Gate()
    journal.behave = gate
    with Load(carillon) as load:
        load.wait_for(JOBS // 5)
        gate.close()
        held = gate.wait_until_held(2 * THREADS)
        lease_ends = _freeze_with_leases(postgres)
        with ThreadPoolExecutor(len(held)) as pool:
            hung_up = dict(zip((call.run_id for call in held), pool.map(Call.abandoned_at, held), strict=True))
        until(lambda: datetime.now(UTC) > max(lease_ends.values()) + timedelta(seconds=HEARTBEAT), "the leases to end")
        gate.open()
        thawed_at = datetime.now(UTC)
        postgres.thaw()
    left = {run_id: (lease_ends[run_id] - at).total_seconds() for run_id, at in hung_up.items()}
    assert min(left.values()) > 0, f"a worker went on when its lease had ended: {left}"
    assert max(left.values()) < 2 * HEARTBEAT, f"a worker gave up while it could still have renewed: {left}"
    _nobody_gave_up(carillon, load, journal, before)
    again = promises.again_only_after_loss(carillon, journal)
    assert {call.run_id for call in held} <= set(again)
    assert len(again) <= 2 * len(held), "what was claimed when the database woke may be lost too, and no more"
    lost_at = [datetime.fromisoformat(attempts[0]["finished_at"]) for attempts in again.values()]
    assert min(lost_at) >= thawed_at + timedelta(seconds=LEASE - 1), "rescued before the workers could renew"


def _freeze_with_leases(postgres: PrivatePostgres) -> dict[str, datetime]:
    """Freeze the server. Returns when the lease of each run under way ends; a lock keeps them from being renewed."""
    with closing(psycopg2.connect(postgres.url)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT id::text, lease_expires_at FROM runs WHERE status = 'running' FOR UPDATE")
        lease_ends = dict(cursor.fetchall())
        postgres.freeze()
    return lease_ends


def _nobody_gave_up(carillon: Installation, load: Load, journal: Journal, before: dict[str, int | None]) -> None:
    """After PostgreSQL was away: all requests got a decent answer in time, all processes live, all jobs complete."""
    promises.all_stored_complete(carillon, journal, load.job_ids)
    promises.one_key_a_run(journal)
    promises.no_overlap(journal)
    assert load.refused_politely(), {one.status_code for one in load.refused}
    assert load.slowest_seconds < LONGEST_ANSWER_SECONDS
    assert carillon.pids() == before
