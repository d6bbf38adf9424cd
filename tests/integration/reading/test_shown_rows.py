"""Reads that build no models show what the rows have, column by column, on both databases."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import peewee
import pytest

from core.filters import RunFilter
from core.listing import Mark, Stretch
from core.principals import LOCAL, VisibleJobs
from core.schedules import Cron, DelayFromNow, Immediate, RunAt
from core.states import GOING, RunStatus, shown_status
from models import attempts, database, lists, run_holds, run_lines, shown_jobs, shown_runs
from models.fields import InstantField, JsonField
from models.hot import statuses, whose
from models.shown_jobs import LastStarted, ShownJob
from models.shown_runs import Execution, ShownRun
from models.tables import App, Attempt, Job, JobTag, Run, RunHold, RunLine
from services.execution.work import Result
from services.jobs import creating
from services.reading import records
from tests.factories import NOON, GivenSystem, claim, failed, new_job, record, refused, runs_of, succeeded
from tests.integration.jobs.principals import user

_OF_LOG = ("number", "started_at", "finished_at", "outcome", "error_type", "error_message", "status_code")
_OF_JOB = {"job_name", "job_title", "task_type", "owner_id", "app_id", "account_id", "app_name"}
_ELSEWHERE = {*_OF_JOB, "run_account_id", "result_left_out"}
FULL: dict[str, Any] = {
    "title": "a title",
    "metadata": {"a": [1, 2.5, None, True]},
    "data": {"b": "ü\u2028", "a": 1e300},
    "tags": ("two", "one"),
    "user_id": 2**70,
    "board_id": "ü",
    "retry_backoff_max": 1 / 3,
    "time_limit_seconds": 1e-7,
}


# What a row has after its columns: found otherwise, or put together.
NOT_COLUMNS = {
    (),
    ("result_left_out",),
    ("schedule", "app_name", "going", "next_due", "delayed_until", "paused_until", "tags", "last_started"),
}


@pytest.fixture
def filled(system: GivenSystem) -> list[UUID]:
    """Jobs whose runs are to come, wait, have ended well, failed, and are to be tried again."""
    made = [
        new_job(RunAt(NOON + timedelta(days=1)), name="to come", **FULL),
        new_job(Cron("* * * * *"), name="recurring"),
        *(new_job(Immediate(), name=name, **FULL) for name in ("well", "refused", "again")),
    ]
    jobs = [creating.create(LOCAL, system, one) for one in made]
    ends: dict[UUID, Result] = {jobs[2]: succeeded(), jobs[3]: refused(), jobs[4]: failed()}
    for work in claim(system):
        record(system, work, ends[work.job_id])
    jobs.append(creating.create(LOCAL, system, new_job(DelayFromNow(60), name="delayed")))
    jobs.append(creating.create(LOCAL, system, new_job(Immediate(), name="under way")))
    claim(system)
    jobs.append(creating.create(LOCAL, system, new_job(Immediate(), name="waits", paused=True)))
    return jobs


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        (shown_jobs._COLUMNS, ShownJob._fields),
        (shown_jobs._LAST, LastStarted._fields),
        (shown_runs._SHOWN, tuple(one.name for one in fields(ShownRun))),
        (shown_runs._OF_EXECUTION, tuple(one.name for one in fields(Execution))),
    ],
    ids=["job", "last started", "run", "execution"],
)
def test_columns_are_asked_for_in_the_order_in_which_rows_have_them(asked: Any, shown: tuple[str, ...]) -> None:
    of_runs = {Run.account_id: "run_account_id", Job.name: "job_name", Job.title: "job_title", App.name: "app_name"}
    renamed = of_runs if asked is shown_runs._SHOWN else {}
    found = tuple(renamed.get(one) or getattr(one, "object_id_name", one.name) for one in asked)
    assert shown[: len(found)] == found
    assert shown[len(found) :] in NOT_COLUMNS


def test_what_may_be_null_is_shown_each_in_its_place(system: GivenSystem, filled: list[UUID]) -> None:
    """A different value in each column that is shown and may be null, but for those that no ended run has."""
    job_id = filled[2]
    [run] = runs_of(job_id)
    in_job = _all_different(Job, shown_jobs._COLUMNS, without={"next_run_at"}, owner_id=user(system, "anna").user_id)
    in_run = _all_different(Run, shown_runs._SHOWN, without={"held_by", "worker_id"}, error_type="transient")
    with database.transaction():
        Job.update(schedule_kind="polling", **in_job).where(Job.id == job_id).execute()
        Run.update(in_run).where(Run.id == run.id).execute()
    [run] = runs_of(job_id)
    for shown in (lists.run(run.id), *lists.run_page(RunFilter(job_id=job_id), Stretch(limit=5))):
        assert shown is not None
        _expect_same(shown, run)
    [execution] = lists.executions(job_id, Stretch(limit=5))
    assert all(getattr(execution, one.name) == getattr(run, one.name) for one in fields(execution))
    _expect_same_jobs(filled)
    # What only jobs and runs have that go on, those of the other tests have.
    [waits], [lasts] = runs_of(filled[-1]), runs_of(filled[-2])
    assert waits.held_by
    assert lasts.worker_id
    assert shown_jobs.by_ids(filled[1:2])[filled[1]].next_run_at


def test_runs_are_shown_as_their_rows_are(filled: list[UUID]) -> None:
    runs = {run.id: run for job_id in filled for run in runs_of(job_id)}
    listed = lists.run_page(RunFilter(), Stretch(limit=100))
    assert [one.id for one in listed] == sorted(runs, reverse=True)
    for shown in [*listed, *lists.runs_by_ids(runs), *filter(None, map(lists.run, runs))]:
        _expect_same(shown, runs[shown.id])
    ended = {one.id for one in lists.ended_runs(runs)}
    assert ended == {run.id for run in runs.values() if run.finished_at is not None}


def test_jobs_are_shown_as_their_rows_are(filled: list[UUID]) -> None:
    _expect_same_jobs(filled)


def test_a_status_is_that_of_its_job_and_its_log_that_of_its_rows(filled: list[UUID]) -> None:
    for job_id in filled:
        found, view = records.job_with_log(LOCAL, job_id), records.job(LOCAL, job_id)
        assert all(getattr(found.job, one.name) == getattr(view, one.name) for one in fields(found.job))
        assert replace(found, job=view) == records.with_log(LOCAL, view)
        stored = statuses.of_job(job_id, 20)
        assert stored is not None
        assert shown_status(stored.state, stored.going) == view.status
        with database.reading():
            rows = [one for run in runs_of(job_id) for one in attempts.of_run(run.id)]
        newest = sorted(rows, key=lambda one: (one.started_at, one.number), reverse=True)
        assert [_of_log(one) for one in stored.log.attempts] == [_of_log(one) for one in newest]


def test_a_wait_for_a_permit_is_logged_to_the_last_digit(filled: list[UUID]) -> None:
    [run] = runs_of(filled[2])
    with database.transaction():
        values = {"rate_wait_seconds": 0.1 + 0.2, "rate_limited_at": NOON + timedelta(microseconds=120)}
        Run.update(**values).where(Run.id == run.id).execute()
    [wait] = statuses.of_job(filled[2], 20).log.waits  # type: ignore[union-attr]
    assert (wait.rate_wait_seconds, wait.rate_limited_at) == tuple(values.values())
    assert (wait.held_by, wait.attempt_count, wait.started_at) == (run.held_by, run.attempt_count, run.started_at)


def test_owners_are_those_of_the_job(filled: list[UUID]) -> None:
    for job_id in filled:
        with database.reading():
            job = Job.get_by_id(job_id)
        owners = [whose.job(job_id), *(whose.run(run.id) for run in runs_of(job_id))]
        for one in owners:
            assert one is not None
            assert (one.owner_id, one.app_id, one.account_id) == (job.owner_id, job.app_id, job.account_id)
    assert whose.job(runs_of(filled[0])[0].id) is None
    with database.transaction():
        Job.update(deleted_at=NOON).where(Job.id == filled[0]).execute()
    assert (whose.job(filled[0]), whose.run(runs_of(filled[0])[0].id)) == (None, None)
    assert statuses.of_job(filled[0], 20) is None


def test_lines_and_holds_are_read_in_their_order(filled: list[UUID]) -> None:
    [run] = runs_of(filled[-1])
    with database.transaction():
        run_lines.add(run.id, 1, ["one", "two\n", "ü"], NOON, most=10, characters=100)
    with database.reading():
        lines = list(RunLine.select().where(RunLine.run == run.id).order_by(RunLine.number))
        held = list(RunHold.select().where(RunHold.run == run.id).order_by(RunHold.number))
    assert [(one.number, one.text, one.logged_at) for one in run_lines.newest(run.id, 2)] == [
        (one.number, one.text, one.logged_at) for one in lines[1:]
    ]
    found = run_holds.of_run(run.id)
    assert held
    assert found == run_holds.of_runs([run.id])[run.id]
    assert [(one.held_by, one.since, one.until) for one in found] == [(a.held_by, a.since, a.until) for a in held]


def test_a_question_that_was_kept_answers_others_of_its_shape(filled: list[UUID]) -> None:
    ids = [run.id for job_id in filled for run in runs_of(job_id)]
    [one, two] = [lists.run_page(RunFilter(job_id=job_id), Stretch(limit=5)) for job_id in filled[2:4]]
    assert [[run.job_id for run in page] for page in (one, two)] == [[filled[2]], [filled[3]]]
    for limit in (1, 3):
        after = max(ids)
        page = lists.run_page(RunFilter(), Stretch(limit=limit, after=Mark(after)))
        assert [run.id for run in page] == sorted(ids, reverse=True)[1 : limit + 2]
    app, account = one[0].app_id, one[0].account_id
    for seen, count in (
        (VisibleJobs(None, frozenset({app})), len(ids)),
        (VisibleJobs(None, frozenset({filled[0]})), 0),
        (VisibleJobs(None, frozenset({app, filled[0]}), account), len(ids)),
        (VisibleJobs(None, frozenset({app}), "another"), 0),
        (VisibleJobs(filled[0]), 0),
        (VisibleJobs(), 0),
    ):
        assert len(lists.run_page(RunFilter(visible=seen), Stretch(limit=100))) == count


def _expect_same_jobs(filled: list[UUID]) -> None:
    found = shown_jobs.by_ids(filled)
    assert set(found) == set(filled)
    for job_id, shown in found.items():
        with database.reading():
            job, of_job = Job.get_by_id(job_id), list(Run.select().where(Run.job == job_id))
            tags = sorted(one.tag for one in JobTag.select().where(JobTag.job == job_id))
        plain = [name for name in shown._fields if name in job.__data__ and name != "schedule"]
        assert {name: getattr(shown, name) for name in plain} == {name: getattr(job, name) for name in plain}
        assert list(shown.tags) == tags
        assert shown.going == {run.status for run in of_job if run.status in GOING}
        assert shown.next_due == min((run.due_at for run in of_job if run.status == RunStatus.PENDING), default=None)
        delayed = [run.scheduled_for for run in of_job if job.schedule_kind == "delay_from_now"]
        assert [shown.delayed_until] == (delayed or [None])
        began = [run for run in of_job if run.started_at is not None]
        if began:
            newest, last = max(began, key=lambda run: run.id), shown.last_started
            assert last is not None
            assert last == tuple(getattr(newest, name) for name in last._fields)
        else:
            assert shown.last_started is None


def _expect_same(shown: ShownRun, run: Run) -> None:
    own = [one.name for one in fields(shown) if one.name not in _ELSEWHERE]
    assert {name: getattr(shown, name) for name in own} == {name: getattr(run, name) for name in own}
    with database.reading():
        job = Job.get_by_id(run.job_id)
        assert shown.app_name == job.app.name
    assert (shown.job_name, shown.job_title) == (job.name, job.title)
    assert (shown.task_type, shown.owner_id) == (job.task_type, job.owner_id)
    assert (shown.app_id, shown.account_id) == (job.app_id, job.account_id)
    assert (shown.run_account_id, shown.result_left_out) == (run.account_id, False)


def _all_different(table: Any, columns: Any, *, without: set[str], **given: Any) -> dict[str, Any]:
    nullable = [one for one in columns if one.null and one.model is table and one.name not in without]
    return {one.name: _different(one, number) for number, one in enumerate(nullable, 1)} | given


def _different(column: Any, number: int) -> Any:
    """A value for a column, unlike those of all other numbers."""
    match column:
        case InstantField():
            return NOON + timedelta(days=number, microseconds=number)
        case peewee.UUIDField():
            return UUID(int=number)
        case JsonField():
            return {"number": number}
        case peewee.TextField():
            return f"text {number}"
    return number


def _of_log(one: Attempt | object) -> dict[str, Any]:
    return {name: getattr(one, name) for name in _OF_LOG}
