"""The schema: what the migrations make is what the tables say, on both databases."""

from __future__ import annotations

import re
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import peewee
import pytest

from core import schedules
from core.filters import RunFilter
from core.listing import Stretch
from core.principals import LOCAL
from core.states import Trigger
from migrations import functions, large_indexes, runner
from models import (
    by_metadata,
    database,
    jobs,
    lists,
    runs,
)
from models.hot import postgresql
from models.tables import ALL, Attempt, Run, db
from services.jobs import creating
from tests.factories import NOON, GivenSystem, first_run, new_job


def test_every_column_of_the_tables_is_in_the_database_and_the_other_way_round(store: str) -> None:
    for table in ALL:
        stored = {column.name: column.null for column in db.get_columns(table._meta.table_name)}
        known = {field.column_name: field.null for field in table._meta.sorted_fields}
        assert stored == known, table.__name__


def test_migrating_again_changes_nothing(store: str) -> None:
    assert runner.upgrade() == []


def test_eight_processes_that_migrate_at_once_do_it_once(postgresql: str) -> None:
    db.execute_sql("DROP SCHEMA public CASCADE")
    db.execute_sql("CREATE SCHEMA public")
    applied: list[str] = []

    def migrate() -> None:
        applied.extend(runner.upgrade())
        database.disconnect()

    threads = [threading.Thread(target=migrate) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(applied) == [path.stem for path in sorted(Path(runner.__file__).parent.glob("0*.py"))]
    large_indexes.build()  # the tests after this one have them


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"status": "running"}, "runs_running_is_leased"),
        ({"status": "completed"}, "runs_ended_has_end"),
        ({"held_by": "paused", "status": "pending"}, "runs_held_is_queued"),
        ({"failure_count": 1}, "runs_counts_add_up"),
    ],
)
def test_the_database_refuses_a_run_in_an_impossible_state(
    system: GivenSystem, change: dict[str, object], constraint: str
) -> None:
    creating.create(LOCAL, system, new_job(schedules.DelayFromNow(60)))
    with pytest.raises(Exception, match=constraint), database.transaction():
        Run.update(change).execute()


def test_runs_are_found_by_when_they_were_created_though_their_ids_are_of_another_clock(
    system: GivenSystem,
) -> None:
    run = first_run(system)
    made_at = datetime.fromtimestamp((run.id.int >> 80) / 1_000, UTC)
    for apart in (timedelta(), timedelta(seconds=59), timedelta(seconds=-59)):
        Run.update(created_at=made_at + apart).execute()
        asked = RunFilter(created_from=made_at + apart, created_before=made_at + apart + timedelta(milliseconds=1))
        assert [one.id for one in lists.run_page(asked, Stretch(limit=10))] == [run.id]
    first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    for nothing in (RunFilter(created_from=last), RunFilter(created_before=first)):
        assert lists.run_page(nothing, Stretch(limit=10)) == []


def test_the_database_refuses_a_second_open_attempt(system: GivenSystem) -> None:
    """Workers of the release before store attempts when they begin, and rely on it."""
    run = first_run(system)
    opened = {"run": run.id, "fence": 1, "worker_id": run.id, "started_at": NOON}
    with database.transaction():
        Attempt.insert(number=1, **opened).execute()
    with pytest.raises(peewee.IntegrityError), database.transaction():
        Attempt.insert(number=2, **opened).execute()


def test_one_occurrence_has_one_row(system: GivenSystem) -> None:
    job_id = creating.create(LOCAL, system, new_job())
    with database.transaction():
        job = jobs.by_id(job_id)
        assert job is not None
        again = runs.draft(job, Trigger.SCHEDULE, system.clock.now(), system.clock.now())
        runs.insert([again])
    with database.reading():
        assert lists.run_count(RunFilter(job_id=job_id)) == 1


def test_text_comes_back_as_it_was_given(system: GivenSystem) -> None:
    data = {"b": [1, 2.5, None, True], "a": {"\u0000": "ü\u2028"}, "big": 2**70}
    job_id = creating.create(LOCAL, system, new_job(data=data, board_id=17, user_id="ü"))
    with database.reading():
        job = jobs.by_id(job_id)
    assert job is not None
    assert (job.data, list(job.data), job.board_id, job.user_id) == (data, ["b", "a", "big"], 17, "ü")


@pytest.mark.parametrize("store", ["postgresql"], indirect=True)
def test_the_database_keeps_no_function_that_nobody_calls(store: str) -> None:
    stored = {name for (name,) in db.execute_sql("SELECT proname FROM pg_proc WHERE proname ~ '^carillon_.*_v[0-9]+$'")}
    sources = (postgresql.__file__, by_metadata.__file__)
    waiting, called = [Path(one).read_text() for one in sources], set[str]()
    while waiting:
        for name in set(re.findall(r"carillon_(\w+_v\d+)", waiting.pop())) - called:
            called.add(name)
            waiting.append((Path(functions.__file__).parent / f"{name}.sql").read_text())
    # Of processes of former releases, which go on while a migration is applied.
    of_former = {"create_v1", "create_v2", "create_v3", "claim_v2", "claim_v3", "start_v3"}
    of_former |= {"candidates_v1", "pick_v1", "limited_v1", "claim_v4", "start_v4", "lock_ended_v2", "end_v1", "end_v2"}
    assert stored == {f"carillon_{name}" for name in called | of_former}
