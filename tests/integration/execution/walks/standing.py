"""What holds at any moment, whatever was done in whatever order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from uuid import UUID

from core.policies import Overlap
from core.rates import Rate
from core.schedules import Polling
from core.states import ENDED, GOING, KEYED_HOLDS, LIVE, JobState, RunStatus, Trigger
from settings import Settings
from tests.integration.execution.walks.claiming import account
from tests.integration.execution.walks.rows import Row, Rows, recurs, waits_for_turn

REPLACED = "replaced by a newer occurrence"


def assert_all(
    before: Rows,
    after: Rows,
    settings: Settings,
    kept: Mapping[UUID, int],
    holds: Mapping[UUID, Sequence[Row]],
) -> None:
    """All of the below."""
    assert_what_has_ended_stays(before, after)
    assert_attempts_are_counted(after, kept)
    assert_keys_have_one_state(after)
    assert_running_runs_have_leases(after)
    assert_limits_hold(after, settings.max_concurrent_runs, settings.account_rate)
    assert_pauses_hold(after)
    assert_jobs_end_with_their_runs(after)
    assert_overlap_holds(after)
    assert_holds_are_on_record(after, holds)


def assert_attempts_are_counted(rows: Rows, kept: Mapping[UUID, int]) -> None:
    """A run has as many attempts as it has counted; while it runs, the last is current, and alone has no row."""
    made = Counter(run_id for run_id, _ in rows.attempts)
    lasting = Counter(one["run"] for one in rows.attempts.values() if one["finished_at"] is None)
    for run_id, run in rows.runs.items():
        assert made[run_id] == run["attempt_count"], run
        runs = run["status"] is RunStatus.RUNNING
        assert (lasting[run_id], kept.get(run_id, 0)) == (runs, run["attempt_count"] - runs), run
    for one in rows.attempts.values():
        assert one["fence"] <= rows.runs[one["run"]]["fence"], one
        assert (one["outcome"] is None) == (one["finished_at"] is None), one


def assert_keys_have_one_state(rows: Rows) -> None:
    """No run, and so no idempotency key, was sent with two states of polling."""
    sent: dict[UUID, set[int | None]] = {}
    for one in rows.attempts.values():
        sent.setdefault(one["run"], set()).add(one["polling_version"])
    for run_id, versions in sent.items():
        assert len(versions) == 1, rows.runs[run_id]


def assert_running_runs_have_leases(rows: Rows) -> None:
    """A run that runs has a lease and somebody at it; no other has."""
    for run in rows.runs.values():
        runs = run["status"] is RunStatus.RUNNING
        assert (run["lease_expires_at"] is not None, run["worker_id"] is not None) == (runs, runs), run
        assert runs or run["reports_until"] is None, run
        assert (run["finished_at"] is None) == (run["status"] in LIVE), run


def assert_limits_hold(rows: Rows, most: int | None, rate: Rate | None) -> None:
    """No more run at once than may, and no account is called more often than at the rate."""
    assert most is None or len(rows.running()) <= most
    if rate is None:
        return
    begun: dict[str, list[Row]] = {}
    for one in sorted(rows.attempts.values(), key=lambda one: (one["started_at"], one["run"])):
        begun.setdefault(account(rows, rows.runs[one["run"]]), []).append(one)
    for of_account in begun.values():
        for one, later in zip(of_account, of_account[rate.calls :], strict=False):
            assert one["started_at"] + rate.span <= later["started_at"], (one, later)


def assert_pauses_hold(rows: Rows) -> None:
    """Nothing of a job that is paused may be claimed."""
    for run in rows.runs.values():
        claimable = run["status"] is RunStatus.QUEUED and run["held_by"] is None
        assert not (claimable and rows.is_paused(run["job"])), run


def assert_holds_are_on_record(rows: Rows, holds: Mapping[UUID, Sequence[Row]]) -> None:
    """The last hold of a run that is held is open and says why; of one that goes on none is; none began before it."""
    for run_id, run in rows.runs.items():
        of_run = holds.get(run_id, ())
        lasting = [(one["held_by"], one["key"]) for one in of_run if one["until"] is None]
        key = run["held_key"] if run["held_by"] in KEYED_HOLDS else None
        if run["held_by"] is not None:
            assert lasting == [(run["held_by"], key)], run
        assert run["status"] not in GOING or run["held_by"] is not None or not lasting, run
        for one, following in pairwise(of_run):
            assert one["since"] <= one["until"] <= following["since"], run


def assert_jobs_end_with_their_runs(rows: Rows) -> None:
    """A job that has ended has nothing left to run, one that has not has; one is cancelled before its run stops."""
    for job_id, job in rows.jobs.items():
        live = {run["status"] for run in rows.runs_of(job_id, *LIVE)}
        if job["state"] not in ENDED:
            assert live or job["next_run_at"] is not None, job
            continue
        assert job["next_run_at"] is None, job
        assert live <= ({RunStatus.RUNNING} if job["state"] is JobState.CANCELLED else set()), (job, live)


def assert_overlap_holds(rows: Rows) -> None:
    """Unless all may go at once, one occurrence goes at most, and one waits where one may; polls come singly."""
    for job_id, job in rows.jobs.items():
        going = [run for run in rows.runs_of(job_id, *GOING) if run["trigger"] is Trigger.SCHEDULE]
        waiting = [run for run in going if waits_for_turn(run)]
        if recurs(job) and job["overlap"] is not Overlap.ALLOW:
            assert len(waiting) <= (0 if job["overlap"] is Overlap.SKIP else 1), going
            assert len(going) - len(waiting) <= 1, going
        if job["schedule_kind"] == Polling.kind:
            assert len(rows.runs_of(job_id, *LIVE)) <= 1, job


class Starts:
    """Which occurrences count against `max_runs`: those that became claimable, but for those replaced unbegun."""

    def __init__(self) -> None:
        self._counted: dict[UUID, UUID] = {}  # the job by its run

    def follow(self, before: Rows, after: Rows) -> None:
        """Count the occurrences that have started in a step."""
        for run_id, run in after.runs.items():
            was = before.runs.get(run_id)
            if run["trigger"] is not Trigger.SCHEDULE or not recurs(after.jobs[run["job"]]):
                continue
            if run["status"] is RunStatus.QUEUED and not waits_for_turn(run):
                self._counted[run_id] = run["job"]
            was_waiting = was is not None and was["status"] is RunStatus.QUEUED and was["attempt_count"] == 0
            if was_waiting and run["reason"] == REPLACED and run["finished_at"] is not None:
                self._counted.pop(run_id, None)

    def assert_counted(self, rows: Rows) -> None:
        """Each job has counted as many."""
        counted = Counter(self._counted.values())
        for job_id, job in rows.jobs.items():
            assert job["runs_started"] == counted[job_id], job


def assert_what_has_ended_stays(before: Rows, after: Rows) -> None:
    """What has ended stays as it was."""
    for run_id, run in before.runs.items():
        if run["finished_at"] is not None:
            assert after.runs[run_id] == run
    for key, attempt in before.attempts.items():
        if attempt["finished_at"] is not None:
            assert after.attempts[key] == {**attempt, "report": after.attempts[key]["report"]}
