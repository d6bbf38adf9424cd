"""Runs that failed alike are found by what their errors share, on both databases."""

from __future__ import annotations

import pytest

from core import failure_groups
from core.errors import PermanentFailure
from core.filters import RunFilter
from core.principals import LOCAL
from models import chosen_runs
from services.execution.work import Failed
from services.jobs import bulk_actions, creating
from services.jobs.bulk_actions import BulkOptions, RunAction
from services.reading.failures import failed_runs
from tests.factories import GivenSystem, claim, given_system, new_job, record

ERRORS = (
    "100% of 5 \\ _ are gone.",
    "100% of 6 \\ _ are gone.",
    "100X of 5 \\ _ are gone.",
    "Gone.",
    "",
    "The receiver was silent for 30 seconds.",
    "It took longer than its limit of 30 s.",
)


@pytest.fixture
def system(store: str) -> GivenSystem:
    return given_system()


def test_each_group_selects_just_its_runs(system: GivenSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chosen_runs, "_READ_AT_ONCE", 1)
    jobs = {creating.create(LOCAL, system, new_job()): error for error in ERRORS}
    for work in claim(system):
        record(system, work, Failed(PermanentFailure(jobs[work.job_id], status_code=422)))
    groups = failed_runs.grouped(LOCAL, system, 24).groups
    assert sorted(one.count for one in groups) == [1, 1, 1, 2, 2]
    for one in groups:
        wanted = RunFilter(failure=one.reason, app_name=one.app_name)
        outcome = bulk_actions.act_on_runs(LOCAL, system, RunAction.DISMISS, wanted, BulkOptions(dry_run=False))
        assert (outcome.matched, outcome.changed) == (one.count, one.count)
    assert failed_runs.grouped(LOCAL, system, 24).count == 0


def test_where_few_of_those_alike_fit_so_many_are_read_and_the_rest_is_gone_on_with(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chosen_runs, "_READ_AT_ONCE", 2)
    monkeypatch.setattr(chosen_runs, "_MAX_PAGES", 1)
    for message in ("1 of x is gone", "1 of 2 is gone", "3 of x is gone", "3 of 4 is gone"):
        creating.create(LOCAL, system, new_job())
        [work] = claim(system)
        record(system, work, Failed(PermanentFailure(message, status_code=422)))
    wanted = RunFilter(failure="… of … is gone", app_name="app_a")
    matched, last = [], None
    for _ in range(3):
        outcome = bulk_actions.act_on_runs(
            LOCAL, system, RunAction.DISMISS, wanted, BulkOptions(dry_run=False, after=last)
        )
        matched.append(outcome.matched)
        last = outcome.last
    assert matched == [1, 1, 0]
    assert last is None


def test_those_of_other_groups_count_among_the_runs_that_one_action_reads(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chosen_runs, "_READ_AT_ONCE", 1)
    monkeypatch.setattr(chosen_runs, "_MAX_PAGES", 2)
    for message in ("Lost.", "Lost.", "Lost.", "Gone."):
        creating.create(LOCAL, system, new_job())
        [work] = claim(system)
        record(system, work, Failed(PermanentFailure(message, status_code=422)))
    wanted = RunFilter(failure="Gone.", app_name="app_a")
    first = bulk_actions.act_on_runs(LOCAL, system, RunAction.REPLAY, wanted, BulkOptions(dry_run=False))
    assert (first.matched, first.last is None) == (0, False)
    rest = bulk_actions.act_on_runs(
        LOCAL, system, RunAction.REPLAY, wanted, BulkOptions(dry_run=False, after=first.last)
    )
    assert (rest.matched, rest.changed) == (1, 1)


def test_ids_and_numbers_differ_within_a_group() -> None:
    ids = ("018f0000-0000-7000-8000-000000000001", "018f0000-0000-7000-8000-000000000002")
    assert len({failure_groups.reason(None, f"Lock {one} is held, 12:30.") for one in ids}) == 1
