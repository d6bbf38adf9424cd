"""The rows that must follow from the ends of attempts: several as if they had come one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from core import attempt_endings, fairness
from core.alerting import Condition, judge
from core.attempt_endings import Ending
from core.overlap_queue import JobFacts, WaitingRun, give_turns
from core.policies import Overlap
from core.schedules import Recurring, Schedule
from core.states import ENDED, GOING, LIVE, Hold, JobState, RunStatus, Trigger
from tests.integration.execution.walks.decisions import Decisions, End
from tests.integration.execution.walks.rows import Row, Rows, recurs, waits_for_turn

REPORT_LEASE = timedelta(seconds=60)
REPORT_LIMIT = timedelta(seconds=200)
_OF_ATTEMPT = ("claimed_at", "claimed_token_hash", "claimed_polling_version")
AT_REST = dict.fromkeys(("lease_expires_at", "worker_id", "reports_until", "report_lease_at", *_OF_ATTEMPT))
SPENT = "the schedule has had its max_runs"


def rows_after(decisions: Decisions, ends: Sequence[End], *, turns: bool = True) -> Rows:
    """The rows once all of these attempts have ended; with turns given to runs that waited for them."""
    before = decisions.rows
    following = _After(before.copy(), decisions.schedules, decisions.now)
    over = [(before.runs[end.run_id], end.ending) for end in ends if end.ending is not None]
    for end in ends:
        following.run_ended(end.run_id, end.ending)
    for job_id in dict.fromkeys(run["job"] for run, _ in over):
        mine = [(run, ending) for run, ending in over if run["job"] == job_id]
        happened = [attempt_endings.health_event(decisions.facts(run), ending) for run, ending in mine]
        following.job_follows(mine, happened)
        if turns and recurs(before.jobs[job_id]):
            following.turn_given(job_id)
    return following.rows


@dataclass(frozen=True)
class _After:
    """Rows that are brought to where they must be."""

    rows: Rows
    schedules: dict[UUID, Schedule]
    now: datetime

    def run_ended(self, run_id: UUID, ending: Ending | None) -> None:
        run, attempt = self.rows.runs[run_id], self.rows.open_attempt(run_id)
        if ending is None:
            until, lease = self.now + REPORT_LIMIT, self.now + REPORT_LEASE
            run |= {"reports_until": until, "lease_expires_at": min(until, max(lease, run["report_lease_at"] or lease))}
            return
        assert attempt is not None
        run |= {**AT_REST, **ending.changes}
        attempt |= ending.attempt

    def job_follows(self, ended: Sequence[tuple[Row, Ending]], events: Sequence[Any]) -> None:
        last, endings = ended[-1][0], [ending for _, ending in ended]
        job = self.rows.jobs[last["job"]]
        condition, raised = judge(Condition(job["failures_in_row"], job["late_since"]), events, self.now)
        job |= {"failures_in_row": condition.failures_in_row, "late_since": condition.late_since}
        self.rows.alerts += [
            {"job": job["id"], "kind": one.kind, "failures": one.failures, "words": one.words} for one in raised
        ]
        if any(ending.job_pauses for ending in endings):
            self._pause(job)
        for ending in endings:
            self._polled(job, ending)
        if (job_ends := endings[-1].job_ends) is not None:  # before the last of them the job was not over
            stays_completed = job_ends is JobState.CANCELLED and self._is_replay_of_completed(last)
            self._end_if_over(job, JobState.COMPLETED if recurs(job) or stays_completed else job_ends)

    def turn_given(self, job_id: UUID) -> None:
        """Start the run that waits longest, if no other run of its job is going."""
        job = self.rows.jobs[job_id]
        waiting = [run for run in self.rows.runs_of(job_id, RunStatus.QUEUED) if waits_for_turn(run)]
        busy = any(not waits_for_turn(run) for run in self.rows.runs_of(job_id, *GOING))
        schedule = self.schedules[job_id]
        most = schedule.max_runs if isinstance(schedule, Recurring) else None
        hold = Hold.PAUSED if self.rows.is_paused(job_id) else None
        overlaps = job["overlap"] == Overlap.ALLOW
        stands = JobFacts(busy, overlaps, hold, job["runs_started"], most)
        turns = give_turns([WaitingRun(run["id"], job_id, run["trigger"]) for run in waiting], {job_id: stands})
        for run_id, held_by in turns.given.items():
            self.rows.runs[run_id] |= {"held_by": held_by, "was_held": True}
        refused = {"status": RunStatus.CANCELLED, "held_by": None, "reason": SPENT, "finished_at": self.now}
        for run_id in turns.refused:
            self.rows.runs[run_id] |= refused
        job["runs_started"] += turns.starts.get(job_id, 0)
        if job_id in turns.spent:
            self._end_schedule(job)

    def _is_replay_of_completed(self, run: Row) -> bool:
        former = self.rows.runs.get(run["retry_of"])
        return former is not None and former["status"] == RunStatus.COMPLETED

    def _pause(self, job: Row) -> None:
        if job["state"] not in ENDED:
            job |= {"state": JobState.PAUSED, "updated_at": self.now}
        for run in self.rows.runs_of(job["id"], RunStatus.QUEUED):
            run["held_by"] = run["held_by"] or Hold.PAUSED

    def _polled(self, job: Row, ending: Ending) -> None:
        polled = ending.polled
        job["end_reason"] = ending.end_reason or job["end_reason"]
        if polled is not None:
            job["polls"] += 1
        if polled is not None and polled.from_version == job["polling_version"]:
            job |= {"polling_state": polled.state, "polling_version": job["polling_version"] + 1}
        if ending.next_poll_at is not None:
            self.rows.runs[uuid4()] = _next_poll(job, ending.next_poll_at, self.now)

    def _end_if_over(self, job: Row, state: JobState) -> None:
        if job["state"] in ENDED or job["next_run_at"] is not None or self.rows.runs_of(job["id"], *LIVE):
            return
        job |= {"state": state, "finished_at": self.now, "updated_at": self.now}

    def _end_schedule(self, job: Row) -> None:
        planned = [run for run in self.rows.runs_of(job["id"], RunStatus.PENDING) if run["trigger"] is Trigger.SCHEDULE]
        for run in planned:
            del self.rows.runs[run["id"]]
        job["next_run_at"] = None
        self._end_if_over(job, JobState.COMPLETED)


def _next_poll(job: Row, instant: datetime, now: datetime) -> Row:
    seconds = job["deadline_seconds"]
    deadline_at = job["deadline_at"] if seconds is None else instant + timedelta(seconds=seconds)
    of_job = {name: job[name] for name in ("account_id", "queue", "priority", "expire")}
    of_job["party"] = fairness.party(job["app_name"], job["account_id"])
    names = (
        "retry_of data trace deadline_missed_at late_at held_by held_key held_until rate_limited_at rate_wait_seconds "
        "reason cancel_requested_at started_at finished_at error_type error_message result progress message"
    )
    return {
        **dict.fromkeys((*names.split(), *AT_REST)),
        **dict.fromkeys(("attempt_count", "failure_count", "loss_count", "fence"), 0),
        **of_job,
        **dict.fromkeys(("scheduled_for", "due_at", "aged_at"), instant),
        "job": job["id"],
        "job_version": job["version"],
        "trigger": Trigger.POLL,
        "status": RunStatus.PENDING,
        "deadline_at": deadline_at,
        "was_held": False,
        "occurrences": 1,
        "created_at": now,
    }
