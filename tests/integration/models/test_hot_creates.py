"""The hot create on both databases: it stores what peewee's own INSERT of the same job stores, column by column."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from core.policies import CatchUp, Overlap
from core.principals import LOCAL
from core.schedules import Cron, DelayFromNow, Immediate, Interval, Polling, RunAt, Schedule
from core.states import Hold
from core.trace_context import TraceContext
from models import database
from models.fields import new_id
from models.hot import creates
from models.hot.rows import NewRows, Stored
from models.tables import App, Installation, Job, JobTag, Run, db
from services.jobs import accepting, creating
from services.jobs.definition import NewJob
from tests.factories import NOON, GivenSystem, new_job

SCHEDULES: tuple[Schedule, ...] = (
    Immediate(),
    RunAt(NOON + timedelta(hours=1)),
    DelayFromNow(0.5),
    Cron("* * * * *"),
    Interval(every_seconds=20),
    Polling(interval_seconds=30),
)
PLAIN = new_job()
FULL = new_job(
    user_id=2**70,
    board_id="ü",
    name="Ümlaut",
    title="a title",
    metadata={"a": {"\u0000": [1, 2.5, None, True]}},
    tags=("one", "two", "one"),
    data={"b": "ü\u2028", "a": 1e300},
    callback_url="http://127.0.0.1:9/x",
    priority=9,
    max_retries=0,
    retry_backoff_base=0.1,
    retry_backoff_max=1 / 3,
    time_limit_seconds=1e-7,
    catch_up=CatchUp.ALL,
    catch_up_window_seconds=12.34,
    overlap=Overlap.QUEUE_ONE,
    limit_key="{{data.b}}",
    paused=True,
)


@pytest.mark.parametrize("given", [PLAIN, FULL], ids=["plain", "full"])
@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda schedule: schedule.kind)
def test_the_rows_are_those_that_the_tables_own_insert_stores(
    system: GivenSystem, given: NewJob, schedule: Schedule, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted: list[NewRows] = []
    insert = creates.insert

    def note(rows: NewRows) -> Stored:
        noted.append(rows)
        return insert(rows)

    monkeypatch.setattr(creates, "insert", note)
    fixed = isinstance(schedule, RunAt)
    instant = datetime(2026, 11, 21, 8, 0, 0, 123456, tzinfo=UTC)
    wanted = replace(
        given, schedule=schedule, deadline_at=instant if fixed else None, deadline_seconds=None if fixed else 60.5
    )
    job_id = creating.create(replace(LOCAL, trace=TraceContext("1" * 32, "2" * 16)), system, wanted)
    stored = _stored(job_id)
    _delete(job_id)
    _store_by_the_tables(noted[0])
    assert _stored(job_id) == stored


def test_a_job_whose_name_is_taken_is_left_out_with_its_tags_and_runs(system: GivenSystem) -> None:
    creating.create(LOCAL, system, new_job(name="taken"))
    with system.transaction() as unit:
        wanted = [new_job(name="TAKEN", tags=("a",)), new_job(name="free", tags=("b",))]
        [refusal, job_id], rows = accepting.insert(system, wanted, unit)
    assert not isinstance(refusal, UUID)
    assert [row["job"] for row in rows] == [job_id]
    assert [tag.job_id for tag in JobTag.select()] == [job_id]
    assert Run.select().count() == 2


def test_nothing_to_store_stores_nothing(system: GivenSystem) -> None:
    assert creates.insert(NewRows([], {}, [])).jobs == set()


def test_an_app_is_found_by_its_own_spelling_first_and_paused_with_everything(system: GivenSystem) -> None:
    creating.create(LOCAL, system, new_job(app_name="App"))
    with database.transaction():
        [shared] = creates.apps_by_names(["aPP"]).values()
        assert (shared.name, shared.hold) == ("App", None)
        App.insert(id=new_id(), name="APP", name_key="app\x1fAPP", created_at=NOON, updated_at=NOON).execute()
        App.update(restored_at=NOON).where(App.name == "APP").execute()
        assert creates.apps_by_names(["APP"])["APP"].hold is Hold.RESTORED
        Installation.update(paused_at=NOON).execute()
        found = creates.apps_by_names(["APP", "app", "none"])
        Installation.update(paused_at=None).execute()
    assert {name: (app.name, app.hold) for name, app in found.items()} == {
        "APP": ("APP", Hold.PAUSED),
        "app": ("App", Hold.PAUSED),
    }


def _stored(job_id: UUID) -> list[Any]:
    """All that is stored of a job, as the database has it."""
    return [_rows(table, job_id) for table in (Job, Run, JobTag)]


def _rows(table: Any, job_id: UUID) -> list[dict[str, Any]]:
    order = {Job: "id", Run: "id", JobTag: "tag"}[table]
    column = "id" if table is Job else "job_id"
    key, mark = (job_id.hex, "?") if database.is_sqlite() else (str(job_id), "%s")
    with database.reading():
        text = f"SELECT * FROM {table._meta.table_name} WHERE {column} = {mark} ORDER BY {order}"  # noqa: S608
        cursor = db.execute_sql(text, (key,))
        names = [one[0] for one in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _delete(job_id: UUID) -> None:
    with database.transaction():
        for table, column in ((JobTag, JobTag.job), (Run, Run.job), (Job, Job.id)):
            table.delete().where(column == job_id).execute()


def _store_by_the_tables(rows: NewRows) -> None:
    """Store rows by peewee's own INSERT, which fills in the tables' own defaults."""
    with database.transaction():
        Job.insert_many([_by_field(job) for job in rows.jobs]).execute()
        Run.insert_many(rows.runs).execute()
        for job_id, tags in rows.tags.items():
            JobTag.insert_many([{"job": job_id, "tag": tag} for tag in tags]).execute()


def _by_field(job: Mapping[str, Any]) -> dict[str, Any]:
    return {"app" if name == "app_id" else name: value for name, value in job.items()}
