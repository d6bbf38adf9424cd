"""Apply what follows for runs and their jobs when attempts have ended: decided one by one, written together.

`facts` returns the facts, `core.attempt_endings` decides, `consequences` returns what follows, `carry_out` writes it.
The caller has locked the jobs, in its transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

import structlog

from core import attempt_endings, fairness, schedules
from core.alerting import Alert, Condition, HealthEvent, judge_job
from core.attempt_endings import Ending, Facts
from core.polls import PollingFacts
from core.states import ENDED, JobState, RunStatus, Trigger
from models import database, fields, jobs, pauses, polling_states, repeats, runs
from models.hot import endings
from models.hot.rows import EndingJob, EndingRun, EndRow, EndRows, JobChange, MaybeOver
from models.tables import Job
from services.alerts import noting
from services.runtime import events
from services.runtime.events import ObservedEnd
from services.scheduling import stored_schedule

ANSWER_KEPT = 64 * 1024
LONGEST_RESULT = 64 * 1024  # as JSON

Step = Callable[[], object]
_JSON_OF_RUN = ("result", "progress")
log = structlog.get_logger()


@dataclass(frozen=True)
class RunOutcome:
    """The result for callers: the run's new status, the instant of its retry, and the poll that follows it."""

    status: RunStatus
    retry_at: datetime | None = None
    next_poll: dict[str, Any] | None = None


@dataclass(frozen=True)
class DecidedEnd:
    """The decided end of an attempt, with what follows for its run and its job."""

    run: EndingRun
    job: EndingJob
    ending: Ending
    health_event: HealthEvent
    next_poll: dict[str, Any] | None = None

    @property
    def lets_another_start(self) -> bool:
        """Whether another run of the job waits for this one to end."""
        return self.job.a_run_waits and schedules.is_recurring(self.job.schedule_kind)

    @property
    def outcome(self) -> RunOutcome:
        """Returns the part that callers get."""
        return RunOutcome(RunStatus(self.ending.changes["status"]), self.ending.retry_at, self.next_poll)


def facts(run: EndingRun, job: EndingJob, polling_version: int | None) -> Facts:
    """Returns the facts that decide what follows from an attempt at a locked run of a locked job.

    `polling_version` is that of the state with which the attempt was made; None if the job does not poll.
    """
    return Facts(
        run_id=run.id,
        scheduled_for=run.scheduled_for,
        failure_count=run.failure_count,
        loss_count=run.loss_count,
        fence=run.fence,
        expire=run.expire,
        deadline_at=run.deadline_at,
        deadline_missed_at=run.deadline_missed_at,
        late_at=run.late_at,
        cancel_requested_at=run.cancel_requested_at,
        job_state=job.state,
        job_recurs=schedules.is_recurring(job.schedule_kind),
        polling=_polling(job),
        polling_version=job.polling_version if polling_version is None else polling_version,
    )


def consequences(run: EndingRun, job: EndingJob, decided_by: Facts, ending: Ending, now: datetime) -> DecidedEnd:
    """Returns the rows that follow from a decision; writes nothing."""
    next_at = ending.next_poll_at
    next_poll = None if next_at is None else runs.draft(job, Trigger.POLL, next_at, now, status=RunStatus.PENDING)
    if next_poll is not None and ending.polled_anew_at is not None:
        next_poll["data"] = runs.data_of(run.id)  # as a retry would have it
    return DecidedEnd(run, job, ending, attempt_endings.health_event(decided_by, ending), next_poll)


def carry_out(ends: Sequence[DecidedEnd], now: datetime, *, best_effort: bool = False) -> None:
    """Write what follows. `best_effort` skips parts that cannot be written, except the ends of the runs themselves."""
    database.after_commit(partial(_emit_ends, ends, now))
    changes, raised = _changes(ends, now)
    rows = EndRows(
        [_row(one) for one in ends],
        changes,
        [_following(one.job, one.next_poll) for one in ends if one.next_poll is not None],
        _maybe_over(ends),
    )
    seldom = [partial(_pause, ends, now), partial(noting.insert, raised, now)]
    if best_effort:
        _carry_out_in_parts(ends, rows, seldom, now)
        return
    endings.write(rows, now)
    for part in seldom:  # after the ends: a pause also holds the runs that were just handed back
        part()


def _emit_ends(ends: Sequence[DecidedEnd], now: datetime) -> None:
    events.emit("attempts.ended", ends=[_observed(one, now) for one in ends])


def _observed(one: DecidedEnd, now: datetime) -> ObservedEnd:
    began_at, due_at = one.run.began_at or now, one.run.claimable_since
    return ObservedEnd(
        app=one.job.app_name,
        task_type=one.job.task_type,
        queue=one.run.queue,
        outcome=one.ending.attempt["outcome"],
        status=one.ending.changes["status"],
        duration_seconds=max(0.0, (now - began_at).total_seconds()),
        delay_seconds=None if due_at is None else max(0.0, (began_at - due_at).total_seconds()),
    )


def _carry_out_in_parts(ends: Sequence[DecidedEnd], rows: EndRows, seldom: Sequence[Step], now: datetime) -> None:
    endings.write(EndRows(runs=rows.runs), now)
    consequences: list[Step] = [
        *(partial(endings.write, EndRows(jobs=[change]), now) for change in rows.jobs),
        *seldom,
        partial(endings.write, EndRows(following=rows.following), now),
        partial(endings.write, EndRows(maybe_over=rows.maybe_over), now),
    ]
    failed = [part for part in consequences if not _written(part)]
    if failed:  # a job may be over now that its next run could not be stored
        over = [_over(one.job, one.ending.job_ends or JobState.FAILED) for one in ends]
        _written(partial(endings.write, EndRows(maybe_over=over), now))


def _written(part: Step) -> bool:
    error = database.attempt(part)
    if error is not None:
        log.error("outcome_recorded_in_part", exc_info=error)
    return error is None


def _row(one: DecidedEnd) -> EndRow:
    written = {
        name: fields.json_text(value) for name in _JSON_OF_RUN if (value := one.ending.changes.get(name)) is not None
    }
    return EndRow(one.run.id, one.ending.attempt, {**one.ending.changes, **written})


def _following(job: EndingJob, row: Mapping[str, Any]) -> dict[str, Any]:
    data = None if row["data"] is None else fields.json_text(row["data"])
    return {**row, "job_id": row["job"], "data": data, "party": fairness.party(job.app_name, job.account_id)}


def _maybe_over(ends: Sequence[DecidedEnd]) -> list[MaybeOver]:
    """Returns the jobs that end if this was their last run."""
    cancelled = [one.run.id for one in ends if one.ending.job_ends is JobState.CANCELLED]
    of_cancelled = state_if_cancelled(cancelled)
    over = {
        one.job.id: _over(one.job, of_cancelled.get(one.run.id, end))
        for one in ends
        if (end := one.ending.job_ends) is not None
    }
    return list(over.values())


def state_if_cancelled(run_ids: Collection[UUID]) -> dict[UUID, JobState]:
    """Returns how the job of each of these runs ends if that run is cancelled and was its last.

    A job that had completed stays so: only the replay was cancelled.
    """
    of_completed = repeats.of_completed(run_ids) if run_ids else set()
    return {one: JobState.COMPLETED if one in of_completed else JobState.CANCELLED for one in run_ids}


def _over(job: EndingJob, state: JobState) -> MaybeOver:
    return MaybeOver(id=job.id, state=JobState.COMPLETED if schedules.is_recurring(job.schedule_kind) else state)


def _changes(ends: Sequence[DecidedEnd], now: datetime) -> tuple[list[JobChange], list[tuple[UUID, Alert]]]:
    """Returns the changes of the jobs, and the alerts to note; a job that stays healthy does not change."""
    of_jobs: dict[UUID, list[DecidedEnd]] = {}
    for one in ends:
        of_jobs.setdefault(one.job.id, []).append(one)
    changes: list[JobChange] = []
    alerts: list[tuple[UUID, Alert]] = []
    uncounted = _failed_replays(ends)
    for of_job in of_jobs.values():
        job = of_job[0].job
        events_of_job = [
            one.health_event.uncounted() if one.run.id in uncounted else one.health_event for one in of_job
        ]
        condition, raised, is_changed = judge_job(job, events_of_job, now)
        if is_changed or any(one.ending.polled or one.ending.end_reason for one in of_job):
            changes.append(_change(job, condition, [one.ending for one in of_job]))
        alerts += [(job.id, alert) for alert in raised]
    return changes, alerts


def _failed_replays(ends: Sequence[DecidedEnd]) -> set[UUID]:
    """Returns the replays that failed, of jobs that recur: somebody ran them again, the schedule did not."""
    failed = [
        one.run.id
        for one in ends
        if one.health_event.succeeded is False and schedules.is_recurring(one.job.schedule_kind)
    ]
    return repeats.among(failed) if failed else set()


def _change(job: EndingJob, condition: Condition, ends: Sequence[Ending]) -> JobChange:
    """Replace the polling state, unless it was rewound meanwhile: then polling continues from the rewound one."""
    polls = [end.polled for end in ends if end.polled is not None]
    newest = next((poll for poll in polls if poll.from_version == job.polling_version), None)  # the first answer counts
    state = None if newest is None or newest.state is None else fields.json_text(newest.state)
    return JobChange(
        id=job.id,
        failures_in_row=condition.failures_in_row,
        late_since=condition.late_since,
        polls=len(polls),
        moves=newest is not None,
        polling_state=state,
        oldest_kept=job.polling_version + 2 - polling_states.KEPT,
        end_reason=next((end.end_reason for end in reversed(ends) if end.end_reason is not None), None),
    )


def _pause(ends: Sequence[DecidedEnd], now: datetime) -> None:
    paused = [one.job.id for one in ends if one.ending.job_pauses]
    if paused:
        pauses.hold(paused, now)
        jobs.pause(paused, now)


def end_schedules(spent: Collection[Job], now: datetime) -> None:
    """Stop planning these recurring jobs; each ends with its last run."""
    if not spent:
        return
    runs.delete_pending(spent)
    jobs.set_next_runs([(job, None) for job in spent])
    end_if_over([(job, JobState.COMPLETED) for job in spent], now)


def end_if_over(candidates: Iterable[tuple[Job, JobState]], now: datetime) -> None:
    """End those of these jobs that have no more runs to come: recurring ones as `completed`, others as given."""
    over = [(job, state) for job, state in candidates if job.state not in ENDED and job.next_run_at is None]
    live = jobs.with_live_run([job.id for job, _ in over])
    ends: dict[UUID, tuple[Job, JobState]] = {}  # if a job is given twice, the first state counts
    for job, state in over:
        if job.id not in live:
            ends.setdefault(job.id, (job, JobState.COMPLETED if schedules.is_recurring(job.schedule_kind) else state))
    jobs.end(ends.values(), now)


def _polling(job: EndingJob) -> PollingFacts:
    try:
        schedule = stored_schedule.parse(job.schedule)
    except stored_schedule.UNREADABLE:
        schedule = None
    since = job.reopened_at or job.created_at
    return PollingFacts(schedule, job.polling_state, job.polling_version, job.polls, since)
