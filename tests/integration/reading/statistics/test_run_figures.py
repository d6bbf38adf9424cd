"""How many runs ended and how long they took, on both databases: by app, type and job, bounded, and only one's own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.filters import JobFilter
from core.principals import LOCAL, Principal
from core.scopes import Role
from core.states import RunStatus
from models import database
from models.tables import Job, Run
from services.apps import apps
from services.jobs import creating, requested_runs
from services.reading.statistics import ended_runs
from services.reading.statistics.run_figures import By, Figures, FiguresView, RunFigures, WantedFigures
from tests import statements
from tests.factories import GivenSystem, claim_one, failed, new_job, record, runs_of, succeeded
from tests.integration.execution.attempting import make_due_again
from tests.integration.jobs.principals import user
from tests.integration.reading.durations import YEARLY, ran
from tests.integration.reading.statistics.usage import of

LISTED = "took"
"""What the queries for ended runs name."""


def asked(system: GivenSystem, by: By = By.APP, who: Principal = LOCAL, **wanted: object) -> Figures:
    minutes = {"minutes": 1_440, **wanted}
    return RunFigures(system).of(who, replace(WantedFigures(by), **minutes))  # type: ignore[arg-type]  # as given


def counts(found: Figures) -> list[tuple[str, int]]:
    return [(one.job_title or one.task_type or one.app_name, one.ended) for one in found.results]


def test_runs_are_counted_by_app_type_and_job_with_how_long_half_and_most_of_them_took(system: GivenSystem) -> None:
    first = ran(system, *range(1, 21), failures=1, title="First", task_type="build")
    second = ran(system, 0.25, 0.001, title="Second", task_type="sync")
    third = ran(system, failures=1, title="Third", app_name="app_b", task_type="sync")
    of_first = FiguresView("app_a", "build", first, None, "First", 21, 20, 1, 10.0, 19.0)
    of_second = FiguresView("app_a", "sync", second, None, "Second", 2, 2, 0, 0.001, 0.25)
    of_third = FiguresView("app_b", "sync", third, None, "Third", 1, 0, 1, None, None)
    by_job = [of_first, of_second, of_third]
    assert asked(system, By.JOB).results == by_job
    by_type = [replace(one, job_id=None, job_title=None) for one in by_job]
    assert asked(system, By.TASK_TYPE).results == by_type
    of_b = replace(by_type[2], task_type=None)
    assert asked(system).results == [FiguresView("app_a", None, None, None, None, 23, 22, 1, 9.0, 19.0), of_b]


def test_a_run_took_as_long_as_the_attempt_that_ended_it(system: GivenSystem) -> None:
    job_id = creating.create(LOCAL, system, new_job(YEARLY, max_retries=2))
    requested_runs.trigger(LOCAL, system, job_id)
    for result in (failed(), failed(), succeeded()):
        if runs_of(job_id)[0].status is RunStatus.RETRYING:
            make_due_again(system, runs_of(job_id)[0].id)
        work = claim_one(system)
        system.clock.advance(7)
        record(system, work, result)
    for by in By:
        [one] = asked(system, by).results
        assert (one.ended, one.p50_seconds, one.p95_seconds) == (1, 7.0, 7.0)


def test_cancelled_runs_are_among_those_that_ended_and_skipped_ones_are_not(system: GivenSystem) -> None:
    job_id = ran(system, 1, 2, 3)
    with database.transaction():
        for run, status in zip(runs_of(job_id), (RunStatus.CANCELLED, RunStatus.SKIPPED), strict=False):
            assert Run.update(status=status).where(Run.id == run.id).execute() == 1
    for by in By:
        [one] = asked(system, by).results
        assert (one.ended, one.completed, one.failed) == (2, 1, 0)


def test_runs_that_ended_before_the_span_and_those_of_deleted_jobs_do_not_count(system: GivenSystem) -> None:
    ran(system, 1, title="Old")
    system.clock.advance(600)
    gone = ran(system, 1, title="Gone")
    ran(system, 1, title="New")
    with database.transaction():
        Job.update(deleted_at=system.clock.now()).where(Job.id == gone).execute()
    assert counts(asked(system, By.JOB, minutes=10)) == [("New", 1)]
    assert counts(asked(system, minutes=10)) == [("app_a", 1)]
    assert [one.ended for one in asked(system, minutes=11).results] == [2]


def test_an_app_a_task_type_and_an_account_may_be_asked_for(system: GivenSystem) -> None:
    ran(system, 1, title="One", task_type="build", account_id="acme")
    ran(system, 1, title="Two", task_type="sync", account_id="globex")
    ran(system, 1, title="Three", task_type="sync", app_name="app_b", account_id="acme")
    for wanted, expected in (
        (JobFilter(app_name="APP_A"), {"One", "Two"}),
        (JobFilter(task_type="sync"), {"Two", "Three"}),
        (JobFilter(account_id="acme"), {"One", "Three"}),
        (JobFilter(app_name="app_a", task_type="sync", account_id="acme"), set()),
    ):
        assert {one.job_title for one in asked(system, By.JOB, jobs=wanted).results} == expected
        assert sum(one.ended for one in asked(system, jobs=wanted).results) == len(expected)


def test_the_first_of_many_are_listed_and_all_are_counted(system: GivenSystem) -> None:
    for number in (1, 2, 3):
        ran(system, *[1.0] * number, title=f"job {number}", task_type=f"type {number}", app_name=f"app {number}")
    for by, name in ((By.APP, "app"), (By.TASK_TYPE, "type"), (By.JOB, "job")):
        found = asked(system, by, limit=2)
        assert (counts(found), found.count) == ([(f"{name} 3", 3), (f"{name} 2", 2)], 3)
        assert not found.runs_are_cut


def test_each_sees_figures_of_their_own_runs_alone(system: GivenSystem) -> None:
    ran(system, 1, title="Acme's", account_id="acme")
    ran(system, 100, 100, title="Globex's", account_id="globex")
    ran(system, 1_000, title="Theirs", app_name="app_b")
    anna = user(system, "anna")
    ran(system, 5, title="Anna's", app_name="app_b", owner_id=anna.user_id)
    for who, expected in (
        (of(system, "app_a"), [("Globex's", 2, 100.0), ("Acme's", 1, 1.0)]),
        (of(system, "app_a", Role.OWNER, "acme"), [("Acme's", 1, 1.0)]),
        (anna, [("Anna's", 1, 5.0)]),
        (user(system, "nobody"), []),
    ):
        by_job = asked(system, By.JOB, who).results
        assert [(one.job_title, one.ended, one.p95_seconds) for one in by_job] == expected
        for by in (By.APP, By.TASK_TYPE):
            found = asked(system, by, who)
            assert sum(one.ended for one in found.results) == sum(count for _, count, _ in expected)
            assert [one.p95_seconds for one in found.results] == [seconds for *_, seconds in expected[:1]]


def test_a_key_of_an_account_sees_no_figures_of_runs_that_were_made_for_another(system: GivenSystem) -> None:
    ran(system, 1, account_id="acme")
    with database.transaction():
        Job.update(account_id="other").execute()
    for account in ("acme", "other"):
        for by in By:
            assert asked(system, by, of(system, "app_a", Role.OWNER, account)).results == []


def test_of_more_runs_than_are_read_the_newest_count_and_it_is_said_since_when(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ended_runs, "MAX_ENDED", 2)
    ran(system, 1, 2, 3)
    for by in By:
        found = asked(system, by)
        assert [(one.ended, one.p50_seconds) for one in found.results] == [(2, 2.0)]
        assert found.runs_are_cut
        assert (system.clock.now() - found.counted_since).total_seconds() == 5


def queries_for(figures: RunFigures, who: Principal, wanted: WantedFigures) -> int:
    """How many queries for ended runs a question makes."""
    with statements.noted() as sent:
        figures.of(who, wanted)
    return sum(LISTED in sql for sql, _ in sent)


def test_many_runs_are_read_once_for_everybody_by_app_and_type_and_by_job_once_for_each_question(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ended_runs, "MANY", 2)
    ran(system, 1, 1)
    apps.ensure(LOCAL, system, "app_b")
    figures, tenant = RunFigures(system), of(system, "app_b")
    assert queries_for(figures, tenant, WantedFigures()) == 1
    for who in (tenant, LOCAL):
        for by in (By.APP, By.TASK_TYPE):
            assert queries_for(figures, who, WantedFigures(by, JobFilter(task_type="any"), 7)) == 0
        for queries in (1, 0):
            assert queries_for(figures, who, WantedFigures(By.JOB)) == queries
            assert queries_for(figures, who, WantedFigures(By.JOB, limit=3)) == 0
    system.clock.advance(ended_runs.KEPT_SECONDS)
    for by in By:
        assert queries_for(figures, LOCAL, WantedFigures(by)) == (by is not By.TASK_TYPE)


def test_few_runs_are_read_anew_by_each_question(system: GivenSystem) -> None:
    figures = RunFigures(system)
    for count in (1, 2):
        ran(system, 1, title="any")
        for by in By:
            assert sum(one.ended for one in figures.of(LOCAL, WantedFigures(by)).results) == count


def test_postgresql_compiles_none_of_what_reads_many_runs(system: GivenSystem) -> None:
    for by in By:
        with statements.noted() as sent:
            asked(system, by)
        first, *_ = [sql for sql, _ in sent if "jit" in sql or "runs" in sql]
        assert database.is_sqlite() or first == "SET LOCAL jit = off"
