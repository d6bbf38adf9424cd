"""What is pruned and what is kept, by age and by the job's own rule, on both databases."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from core.errors import DatabaseUnavailable
from core.principals import LOCAL
from core.schedules import Interval
from core.states import RunStatus
from models import database
from models import pruning as queries
from models.fields import new_id
from models.pruning import OldRun
from models.tables import Attempt, Job, Run, db
from services.archive import storing
from services.jobs import creating, lifecycle
from services.maintenance import pruning
from services.maintenance.pruning import Pruning
from services.scheduling import dispatching, planning
from tests.factories import (
    NOON,
    GivenSystem,
    claim_one,
    failed,
    first_run,
    given_system,
    new_job,
    record,
    runs_of,
    succeeded,
)
from tests.integration.locked_rows import locked

DAY = 86_400.0
DAILY = Interval(every_seconds=DAY)


@pytest.fixture
def system(store: str) -> GivenSystem:
    return given_system(keep_history_days=30)


def run_daily(system: GivenSystem, days: int, *, failing_from: int | None = None, **fields: object) -> UUID:
    """A daily job after so many days, a run each; from one day on its runs fail for good."""
    job_id = creating.create(LOCAL, system, new_job(DAILY, max_retries=0, **fields))
    for day in range(days):
        planning.plan(system)
        dispatching.make_due(system, [run.id for run in runs_of(job_id) if run.status == RunStatus.PENDING])
        fails = failing_from is not None and day >= failing_from
        record(system, claim_one(system), failed() if fails else succeeded())
        system.clock.advance(DAY)
    return job_id


def let_pass_paused(system: GivenSystem, job_id: UUID, days: int) -> None:
    """Pause a daily job, and let so many days pass: each of its occurrences is skipped."""
    lifecycle.pause(LOCAL, system, job_id)
    for _ in range(days):
        planning.plan(system)
        dispatching.make_due(system, [run.id for run in runs_of(job_id) if run.status == RunStatus.PENDING])
        system.clock.advance(DAY)


def ages(system: GivenSystem, job_id: UUID) -> list[int]:
    """How many days ago each run of the job ended that is still there, newest first."""
    ended = [run.finished_at for run in runs_of(job_id) if run.finished_at is not None]
    return sorted((system.clock.now() - at) // timedelta(days=1) for at in ended)


def test_runs_go_by_their_age_with_their_attempts(system: GivenSystem) -> None:
    job_id = run_daily(system, 34)
    sum(pruning.sweep(system))
    assert ages(system, job_id) == list(range(1, 31))
    assert Attempt.select().count() == 30


def test_the_last_run_and_the_last_success_of_a_job_that_goes_on_are_kept_however_old(system: GivenSystem) -> None:
    job_id = run_daily(system, 4, failing_from=2)
    system.clock.advance(100 * DAY)
    sum(pruning.sweep(system))
    assert [run.status for run in runs_of(job_id) if run.finished_at] == [RunStatus.COMPLETED, RunStatus.FAILED]
    assert ages(system, job_id) == [101, 103]


def test_occurrences_that_never_ran_go_by_their_age_though_no_run_follows_them(system: GivenSystem) -> None:
    job_id = run_daily(system, 3, failing_from=2)
    let_pass_paused(system, job_id, 34)
    sum(pruning.sweep(system))
    assert ages(system, job_id) == [*range(1, 31), 35, 36]
    assert {run.status for run in runs_of(job_id)[:2]} == {RunStatus.COMPLETED, RunStatus.FAILED}


def test_occurrences_that_never_ran_keep_no_older_run_from_being_pruned_by_its_own_rule(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruning, "WINDOW", 2)
    job_id = run_daily(system, 5, keep_last=3)
    let_pass_paused(system, job_id, 8)
    sum(pruning.sweep(system))
    assert ages(system, job_id) == [1, 2, 3, 9]


def test_a_window_of_runs_that_stay_does_not_keep_the_next_from_being_pruned_by_its_own_rule(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruning, "WINDOW", 2)
    job_id = run_daily(system, 8, failing_from=7, keep_days=0.5)  # its last run and its last success fill a window
    looked_at = counted(monkeypatch)
    sum(pruning.sweep(system))
    assert ages(system, job_id) == [1, 2]
    assert len(looked_at) == len(set(looked_at)) == 8, "each is looked at once"


def test_runs_that_cannot_be_archived_do_not_keep_older_ones_from_being_pruned_by_their_own_rule(
    store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = given_system(keep_history_days=30, archive_history=True)
    monkeypatch.setattr(pruning, "WINDOW", 2)
    job_id = run_daily(system, 9, keep_days=0.5)
    odd = [run.id for run in runs_of(job_id)[4:8]]
    monkeypatch.setattr(storing, "store", lambda _, run_ids: [one for one in run_ids if one not in odd])
    looked_at = counted(monkeypatch)
    sum(pruning.sweep(system))
    assert ages(system, job_id) == [1, 2, 3, 4, 5]
    assert len(looked_at) == len(set(looked_at)) == 9, "each is looked at once"


def test_for_each_of_many_that_never_ran_the_others_are_not_read_once_more(sqlite: str) -> None:
    job_id = run_daily(given_system(), 1)
    [first, *_] = runs_of(job_id)
    skipped = {**first.__data__, "status": RunStatus.SKIPPED}
    thousands: list[None] = []
    with database.transaction():
        instants = [NOON + timedelta(seconds=later) for later in range(1, 501)]
        Run.insert_many([{**skipped, "id": new_id(), "scheduled_for": instant} for instant in instants]).execute()
        db.connection().set_progress_handler(lambda: thousands.append(None), 1_000)  # of steps of the database
        assert len(queries.beyond(job_id, 0, None, 500)) == 500
        db.connection().set_progress_handler(None, 0)
    assert len(thousands) < 100


def counted(monkeypatch: pytest.MonkeyPatch) -> list[UUID]:
    """The ids of the runs that are looked at by their jobs' own rules from now on."""
    looked_at: list[UUID] = []
    beyond = queries.beyond

    def noted(*args: Any) -> list[OldRun]:
        found = beyond(*args)
        looked_at.extend(run.id for run in found)
        return found

    monkeypatch.setattr(queries, "beyond", noted)
    return looked_at


def test_a_job_that_has_ended_goes_with_all_its_runs(system: GivenSystem) -> None:
    run_daily(system, 2)
    lifecycle.cancel(LOCAL, system, Job.get().id)
    system.clock.advance(100 * DAY)
    sum(pruning.sweep(system))
    assert (Job.select().count(), Run.select().count()) == (0, 0)


def test_a_job_may_keep_its_runs_for_fewer_or_for_more_days(system: GivenSystem) -> None:
    short = run_daily(system, 6, keep_days=2.5)
    sum(pruning.sweep(system))
    assert ages(system, short) == [1, 2]
    lifecycle.cancel(LOCAL, system, short)
    long = run_daily(system, 40, keep_days=365)
    sum(pruning.sweep(system))
    assert ages(system, long) == list(range(1, 41))


def test_a_job_may_keep_its_newest_runs_however_old_and_no_others(system: GivenSystem) -> None:
    job_id = run_daily(system, 6, keep_last=3)
    sum(pruning.sweep(system))
    assert ages(system, job_id) == [1, 2, 3]
    system.clock.advance(300 * DAY)
    sum(pruning.sweep(system))
    assert ages(system, job_id) == [301, 302, 303]


def test_with_both_what_either_keeps_is_kept(system: GivenSystem) -> None:
    job_id = run_daily(system, 6, keep_days=4.5, keep_last=2)
    sum(pruning.sweep(system))
    assert ages(system, job_id) == [1, 2, 3, 4]
    system.clock.advance(50 * DAY)
    sum(pruning.sweep(system))
    assert ages(system, job_id) == [51, 52]


def test_the_last_success_is_kept_beside_the_newest(system: GivenSystem) -> None:
    job_id = run_daily(system, 6, failing_from=2, keep_last=1)
    sum(pruning.sweep(system))
    assert ages(system, job_id) == [1, 5]


def test_a_job_that_has_ended_keeps_its_runs_as_long_as_its_rule_says(system: GivenSystem) -> None:
    run = first_run(system, keep_days=90)
    record(system, claim_one(system), succeeded())
    system.clock.advance(60 * DAY)
    sum(pruning.sweep(system))
    assert ages(system, run.job_id) == [60]
    system.clock.advance(40 * DAY)
    sum(pruning.sweep(system))
    sum(pruning.sweep(system))
    assert Job.select().count() == 0


def test_what_is_kept_in_one_window_does_not_keep_the_next_from_being_pruned(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruning, "WINDOW", 2)
    jobs = [run_daily(system, 1) for _ in range(5)]  # each with its last run alone
    job_id = run_daily(system, 34)
    for one in (*jobs, job_id):
        lifecycle.pause(LOCAL, system, one)
    system.clock.advance(40 * DAY)
    passes = Pruning(system)
    count = 1
    while passes.turn():
        count += 1
    assert ages(system, job_id) == [41]
    assert all(len(ages(system, one)) == 1 for one in jobs)
    assert count > 10


def test_a_sweep_begins_anew_after_its_end_and_after_a_fault(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    passes = Pruning(system)
    while passes.turn():
        pass
    job_id = run_daily(system, 34)
    with monkeypatch.context() as patch:
        patch.setattr(queries, "ended_runs", _away)
        with pytest.raises(DatabaseUnavailable):
            passes.turn()
    assert passes.turn()
    assert ages(system, job_id) == list(range(1, 31))


def _away(*_: object) -> None:
    raise DatabaseUnavailable("away")


@pytest.mark.parametrize("strength", ["FOR NO KEY UPDATE", "FOR KEY SHARE"])
def test_a_run_that_somebody_has_locked_or_refers_to_just_now_keeps_no_other_from_being_pruned(
    postgresql: str, strength: str
) -> None:
    system = given_system(keep_history_days=30)
    ended = [first_run(system) for _ in range(3)]
    for _ in ended:
        record(system, claim_one(system), succeeded())
    system.clock.advance(40 * DAY)
    with locked(postgresql, "runs", ended[1].id, strength=strength):
        list(pruning.sweep(system))
        assert [run.id for run in Run.select(Run.id)] == [ended[1].id]
    list(pruning.sweep(system))
    assert (Run.select().count(), Job.select().count()) == (0, 0)
