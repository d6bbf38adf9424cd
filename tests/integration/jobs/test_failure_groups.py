"""Runs that failed alike are found by what their errors share, on both databases."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from core import failure_groups
from core.errors import PermanentFailure, TransientFailure
from core.filters import RunFilter
from core.principals import LOCAL
from core.schedules import DelayFromNow
from core.states import RunStatus
from models import calls, chosen_runs
from services.execution import claiming, workers
from services.execution.work import Failed
from services.jobs import bulk_actions, creating
from services.jobs.bulk_actions import BulkOptions, RunAction
from services.messaging import broker as brokers
from services.reading.failures import failed_runs
from services.scheduling import dispatching
from tests.factories import GivenSystem, claim, given_system, new_job, record, runs_of, stored_run
from tests.integration.email.conftest import LETTER

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


def fail_at(system: GivenSystem, *urls: str, message: str = "The receiver answered 503.") -> list[UUID]:
    """The runs of jobs that called these addresses and failed alike."""
    jobs = [creating.create(LOCAL, system, new_job(callback_url=url)) for url in urls]
    for work in claim(system):
        record(system, work, Failed(PermanentFailure(message, status_code=503)))
    return [runs_of(job_id)[0].id for job_id in jobs]


def hosts(system: GivenSystem) -> dict[str | None, int]:
    return {one.host: one.count for one in failed_runs.grouped(LOCAL, system, 24).groups}


@pytest.mark.parametrize(
    "wanted",
    [RunFilter(host=failure_groups.NO_HOST), RunFilter(failure=failure_groups.UNKNOWN)],
    ids=["host", "failure"],
)
@pytest.mark.parametrize("are_named", [False, True])
def test_runs_that_were_never_tried_have_called_no_host_for_no_reason(
    system: GivenSystem, wanted: RunFilter, are_named: bool
) -> None:
    planned = runs_of(creating.create(LOCAL, system, new_job(DelayFromNow(60))))[0]
    wanted = replace(wanted, ids=(planned.id,)) if are_named else wanted
    outcome = bulk_actions.act_on_runs(LOCAL, system, RunAction.CANCEL, wanted, BulkOptions(dry_run=False))
    assert (outcome.matched, stored_run(planned.id).status) == (0, RunStatus.PENDING)


def test_two_receivers_that_fail_alike_are_two_groups_and_each_is_acted_on_by_itself(system: GivenSystem) -> None:
    one, same, other = fail_at(system, "https://a.example/x", "https://A.example:444/y", "https://b.example/x")
    assert hosts(system) == {"a.example": 2, "b.example": 1}
    wanted = RunFilter(failure="The receiver answered ….", host="a.example", status=RunStatus.FAILED)
    assert set(failed_runs.runs_of_group(LOCAL, system, wanted).ids) == {one, same}
    dry = bulk_actions.act_on_runs(LOCAL, system, RunAction.REPLAY, wanted, BulkOptions(dry_run=True))
    assert set(dry.first) == {one, same}
    by_host_alone = RunFilter(host="b.example", status=RunStatus.FAILED)
    dismissed = bulk_actions.act_on_runs(LOCAL, system, RunAction.DISMISS, by_host_alone, BulkOptions(dry_run=False))
    assert list(dismissed.first) == [other]
    assert hosts(system) == {"a.example": 2}


def test_the_host_is_that_of_the_last_attempt_whatever_the_job_says_since(system: GivenSystem) -> None:
    fail_at(system, "https://before.example/x", message="Gone.")
    system.clock.advance(1)
    creating.create(LOCAL, system, new_job(callback_url="https://now.example/x", max_retries=1))
    for host in ("first", "last"):
        [work] = claim(system)
        with system.transaction():
            calls.insert([(work.run_id, work.attempt, f'{{"method":"POST","url":"https://{host}.example/x"}}')])
        record(system, work, Failed(TransientFailure("Gone.")))
        system.clock.advance(3_600)
        dispatching.make_due(system, [work.run_id])
    assert hosts(system) == {"before.example": 1, "last.example": 1}


def test_tasks_that_call_no_host_are_a_group_of_their_own(system: GivenSystem) -> None:
    [of_callback] = fail_at(system, "https://a.example/x", message="It is lost.")
    job_id = creating.create(LOCAL, system, new_job(task_type="send_email", data=LETTER))
    [work] = claiming.claim(system, workers.register(system), brokers.RUNS_EMAIL, 1)
    record(system, work, Failed(PermanentFailure("It is lost.")))
    assert hosts(system) == {"a.example": 1, None: 1}
    of_none = RunFilter(failure="It is lost.", host=failure_groups.NO_HOST)
    assert failed_runs.runs_of_group(LOCAL, system, of_none).ids == (runs_of(job_id)[0].id,)
    of_host = RunFilter(failure="It is lost.", host="a.example")
    assert failed_runs.runs_of_group(LOCAL, system, of_host).ids == (of_callback,)
