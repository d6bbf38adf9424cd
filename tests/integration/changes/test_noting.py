"""Whatever changes what is shown of jobs and runs notes it, in one row for each transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields
from typing import Any
from uuid import UUID

import pytest

from core.principals import LOCAL
from core.rates import Rate
from models import changes, database
from models.tables import Change, Job, Run
from services.jobs import lifecycle
from services.reading.views import JobView, RunView
from services.scheduling import pauses
from tests.factories import (
    GivenSystem,
    claim,
    first_run,
    given_system,
    stored_job,
)
from tests.integration.changes import job_stories, run_stories
from tests.integration.changes.watching import Watcher

JOBS, RUNS = "jobs", "runs"
RATE = Rate(calls=1, seconds=60)
SHOWN_OF_JOBS = ({one.name for one in fields(JobView)} & Job._meta.fields.keys()) | {
    "state",
    "deadline_at",
    "deleted_at",
}
SHOWN_OF_RUNS = ({one.name for one in fields(RunView)} & Run._meta.fields.keys()) | {"reports_until"}

Story = Callable[[GivenSystem], Iterator[None]]
"""What was before, then a yield, then what is done."""
STORIES: tuple[Story, ...] = (*run_stories.STORIES, *job_stories.STORIES)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_what_is_changed_is_noted(store: str, story: Story) -> None:
    system = given_system(account_rate=RATE)
    told = story(system)
    next(told)
    watcher, before = Watcher(), shown()
    next(told, None)
    news, after = watcher.look(), shown()
    changed = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
    assert changed, "the story changes nothing"
    for table, key, job_id in changed:
        assert job_id in news.jobs, table
        if table == RUNS and (table, key, job_id) in after:
            assert key in news.runs


def shown() -> dict[tuple[str, UUID, UUID], list[Any]]:
    """What is shown of each job and each run that is stored, by table, id and job."""
    with database.reading():
        jobs = {(JOBS, row.id, row.id): [getattr(row, name) for name in SHOWN_OF_JOBS] for row in Job.select()}
        runs = {(RUNS, row.id, row.job_id): [getattr(row, name) for name in SHOWN_OF_RUNS] for row in Run.select()}
    return {**jobs, **runs}


def test_a_transaction_has_one_row_whatever_is_done_in_it(system: GivenSystem) -> None:
    watcher = Watcher()
    with system.transaction():
        made = [first_run(system) for _ in range(3)]
    assert stored_rows() == 1
    assert watcher.look().runs == {run.id: run.job_id for run in made}


def test_what_is_rolled_back_is_not_noted(system: GivenSystem) -> None:
    run = first_run(system)
    watcher = Watcher()
    with system.transaction(dry_run=True):
        lifecycle.pause(LOCAL, system, run.job_id)
    assert (watcher.look().jobs, stored_rows()) == (frozenset(), 1)


def test_a_transaction_that_changes_nothing_has_no_row(system: GivenSystem) -> None:
    with system.transaction():
        pass
    assert claim(system) == []
    assert stored_rows() == 0


def test_of_more_than_a_thousand_ids_only_the_apps_are_noted(system: GivenSystem) -> None:
    run = first_run(system)
    watcher = Watcher()
    with system.transaction():
        changes.note(jobs=[run.job_id], runs=(UUID(int=number) for number in range(changes.MAX_IDS)))
    news = watcher.look()
    assert (news.jobs, news.runs) == (frozenset(), {})
    assert news.apps == {stored_job(run.job_id).app_id}


def test_a_paused_app_is_noted_as_a_whole(system: GivenSystem) -> None:
    app_id = stored_job(first_run(system).job_id).app_id
    other_id = stored_job(first_run(system, app_name="app_b").job_id).app_id
    watcher = Watcher()
    pauses.pause_app(LOCAL, system, "app_a")
    news = watcher.look()
    assert (news.is_of_app(app_id), news.is_of_app(other_id)) == (True, False)
    pauses.pause_everything(LOCAL, system)
    assert watcher.look().is_of_app(other_id)


def stored_rows() -> int:
    with database.reading():
        return int(Change.select().count())
