"""Large indexes: built beside the work, by one at a time, and used; without them the same is found."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from unittest.mock import Mock

import psycopg2
import pytest

from core.filters import JobFilter, RunFilter
from core.listing import NEWEST_FIRST, Stretch
from core.principals import LOCAL
from migrations import large_indexes
from migrations.large_indexes import LargeIndex
from models import database, lists
from models.tables import db
from services.jobs import creating
from tests import statements
from tests.factories import GivenSystem, first_run, given_system, new_job
from tests.waiting import until

pytestmark = pytest.mark.servers
INDEX = "jobs_searched"
IS_VALID = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)"


@pytest.fixture
def system(postgresql: str) -> Iterator[GivenSystem]:
    """A system on an empty database without the index, which it has again afterwards."""
    db.execute_sql(f"DROP INDEX IF EXISTS {INDEX}")
    yield given_system()
    large_indexes.build()


def found(search: str) -> int:
    with database.reading():
        return len(lists.job_page(JobFilter(search=search), NEWEST_FIRST, Stretch(limit=50)).ids)


def is_valid() -> bool:
    with database.reading():
        return bool(db.execute_sql(IS_VALID, (INDEX,)).fetchone()[0])


def plan_of(search: str) -> str:
    """How a page of a search is read, by a planner that reads no table as a whole."""
    with statements.noted() as sent:
        found(search)
    with database.reading():
        db.execute_sql("SET LOCAL enable_seqscan = off")
        asked = [(sql, params) for sql, params in sent if sql.startswith("WITH")]
        [(sql, params)] = asked
        return "\n".join(str(row) for row in db.execute_sql(f"EXPLAIN {sql}", params))


def test_a_search_reads_the_index_once_it_is_built_and_finds_the_same(system: GivenSystem) -> None:
    for name in ("nightly", "weekly"):
        creating.create(LOCAL, system, new_job(name=name, task_type="Make.Report"))
    searches = {"night": 1, "NIGHT": 1, "make.r": 2, "app_a": 2, "ly": 2, "nobody": 0}
    assert {text: found(text) for text in searches} == searches
    assert INDEX not in plan_of("night")
    assert large_indexes.build() == [INDEX]
    assert {text: found(text) for text in searches} == searches
    assert f"Bitmap Index Scan on {INDEX}" in plan_of("night")
    assert large_indexes.build() == []


def test_the_runs_of_an_account_are_read_from_their_index(postgresql: str) -> None:
    made = [first_run(given_system(), account_id=account).id for account in ("acc1", "acc2")]
    with statements.noted() as sent, database.reading():
        assert [one.id for one in lists.run_page(RunFilter(account_id="acc2"), Stretch(limit=50))] == made[1:]
    with database.reading():
        db.execute_sql("SET LOCAL enable_seqscan = off")
        [plan] = [db.execute_sql(f"EXPLAIN {sql}", params).fetchall() for sql, params in sent if "runs" in sql]
    assert "runs_of_account" in str(plan)


def test_what_an_interrupted_build_has_left_is_built_anew(system: GivenSystem) -> None:
    assert large_indexes.build() == [INDEX]
    db.execute_sql("UPDATE pg_index SET indisvalid = FALSE WHERE indexrelid = to_regclass(%s)", (INDEX,))
    assert large_indexes.build() == [INDEX]
    assert is_valid()


def test_a_build_that_fails_leaves_searches_as_they_are(system: GivenSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    creating.create(LOCAL, system, new_job(name="nightly"))
    broken = LargeIndex(INDEX, "jobs", "USING gin (no_such_column {trigrams})", "Searches are slow.")
    with monkeypatch.context() as patch:
        patch.setattr(large_indexes, "INDEXES", [broken])
        assert large_indexes.build() == []
    assert found("night") == 1


def test_jobs_are_created_while_it_is_built_and_only_one_builds_it(system: GivenSystem, postgresql: str) -> None:
    creating.create(LOCAL, system, new_job(name="nightly"))
    with closing(psycopg2.connect(postgresql)) as writer, writer.cursor() as cursor, ThreadPoolExecutor(1) as threads:
        cursor.execute("UPDATE jobs SET title = 'slowly'")  # a build waits for those who write until they are done
        building = threads.submit(_build)
        until(lambda: _is_under_way(building), "the build to begin")
        creating.create(LOCAL, system, new_job(name="weekly"))
        assert large_indexes.build() == []
        writer.rollback()
        assert building.result() == [INDEX]
    assert found("weekly") == 1


def _build() -> list[str]:
    try:
        return large_indexes.build()
    finally:
        database.disconnect()


# The view tells of all databases of the server, and so of the tests beside this one.
_UNDER_WAY = "SELECT COUNT(*) FROM pg_stat_progress_create_index WHERE datname = current_database()"


def _is_under_way(building: Future[list[str]]) -> bool:
    assert not building.done(), building.result()
    with database.reading():
        return bool(db.execute_sql(_UNDER_WAY).fetchone()[0])


def test_an_index_that_replaces_another_takes_its_place_also_after_an_interruption(postgresql: str) -> None:
    former, index = "jobs_name_once", "jobs_name_once_of_owner"
    make = f"CREATE UNIQUE INDEX {former} ON jobs (app_id, name_key) WHERE name_key IS NOT NULL AND deleted_at IS NULL"
    for is_left in (False, True):
        db.execute_sql(make)
        if not is_left:
            db.execute_sql(f"DROP INDEX {index}")
        assert large_indexes.build() == ([] if is_left else [index])
        with database.reading():
            there = [db.execute_sql("SELECT to_regclass(%s)", (one,)).fetchone()[0] for one in (former, index)]
        assert there == [None, index]


def test_an_index_stays_until_the_one_that_replaces_it_is_valid(
    postgresql: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where two processes build, and the one that the other waited for dies."""
    former, index = "jobs_name_once", "jobs_name_once_of_owner"
    db.execute_sql(f"CREATE UNIQUE INDEX {former} ON jobs (app_id, name_key)")
    db.execute_sql(f"DROP INDEX {index}")
    monkeypatch.setattr(large_indexes, "_build_anew", Mock())
    assert large_indexes.build() == []
    monkeypatch.undo()
    with database.reading():
        assert db.execute_sql("SELECT to_regclass(%s)", (former,)).fetchone()[0] == former
    assert large_indexes.build() == [index]
    with database.reading():
        assert db.execute_sql("SELECT to_regclass(%s)", (former,)).fetchone()[0] is None
