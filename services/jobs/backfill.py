"""Backfill: run the occurrences of a schedule in a past span of time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice, takewhile
from uuid import UUID

from core import instants, schedules
from core.auditing import Thing
from core.errors import Conflict, InvalidInput
from core.policies import Overlap
from core.principals import Principal
from core.schedules import Recurring
from core.scopes import Scope
from core.states import DID_NOT_RUN, ENDED, LIVE, Hold, JobState, Trigger
from models import edits, jobs, repeats, runs
from models.hot import due_rows
from models.runs import NewRun
from models.tables import Job, Run
from services.apps import quotas
from services.jobs import requested_runs
from services.reading import visibility
from services.scheduling import pauses, stored_schedule
from services.system import System

MOST = 1_000


@dataclass(frozen=True)
class Backfilled:
    """How many occurrences a schedule has in a span, the first and the last of them, and how many runs were created."""

    occurrences: int
    made: int
    first: datetime | None
    last: datetime | None


def backfill(
    principal: Principal,
    system: System,
    job_id: UUID,
    start: datetime,
    end: datetime,
    *,
    again: bool = False,
    dry_run: bool = False,
) -> Backfilled:
    """Run the occurrences of a job from `start` until before `end` or now; those that already ran, only if `again`.

    The runs take turns unless the job's runs may overlap. A dry run creates none. Raises `NotFound`, `Conflict` if the
    job is cancelled or more runs would wait than its app's quota allows, `InvalidInput` if its schedule does not recur
    or has more occurrences there than one call allows.
    """
    with system.transaction() as unit:
        now = unit.now
        job = _found(principal, job_id)
        end = min(end, now, job.next_run_at or now)  # catch-up decides about occurrences that are not planned yet
        named = _named(job, start, end)
        rows = _rows(job, named, repeats.of_span(job, start, end), now, again=again)
        if rows and not dry_run:
            quotas.take_waiting(system, job, len(rows))
            rows = _in_turn(job, rows)
            _store(job, rows, now)
            span = {"from": instants.shown(start), "to": instants.shown(end), "runs": len(rows)}
            unit.audit(principal, "job.backfilled", Thing.job(job), after=span)
            unit.ring(rows)
    return Backfilled(len(named), len(rows), named[0] if named else None, named[-1] if named else None)


def _found(principal: Principal, job_id: UUID) -> Job:
    job = visibility.expected(principal, jobs.lock_whole(job_id), job_id, Scope.OPERATE)
    if job.state is JobState.CANCELLED:
        raise Conflict(f"The job {job_id} is cancelled and cannot be backfilled; create a new job instead.")
    return job


def _named(job: Job, start: datetime, end: datetime) -> list[datetime]:
    """Returns the occurrences in the span. Raises `InvalidInput`."""
    schedule = stored_schedule.read(job.schedule)
    if not isinstance(schedule, Recurring):
        kinds = " and ".join(schedules.RECURRING_KINDS)
        raise InvalidInput.at("schedule.type", f"of this job is {schedule.kind}; only {kinds} have a past.")
    named = list(islice(takewhile(lambda instant: instant < end, schedule.starting_at(start)), MOST + 1))
    if len(named) > MOST:
        until = instants.shown(named[MOST])
        raise InvalidInput.at("to", f"takes in more than {MOST} occurrences; give {until} or an earlier instant.")
    return named


def _rows(job: Job, named: Sequence[datetime], made: Sequence[Run], now: datetime, *, again: bool) -> list[NewRun]:
    """Returns a run for each of these instants that may be backfilled, in their order.

    If an instant was backfilled before, the new run is stored as a retry of that one.
    """
    taken = {run.scheduled_for for run in made if run.trigger != Trigger.SCHEDULE and run.status in LIVE}
    if not again:
        taken |= {run.scheduled_for for run in made if run.status not in DID_NOT_RUN}
    before = {run.scheduled_for: run.id for run in made if run.trigger == Trigger.BACKFILL}
    return [_row(job, instant, before.get(instant), now) for instant in named if instant not in taken]


def _row(job: Job, instant: datetime, before: UUID | None, now: datetime) -> NewRun:
    why = Trigger.BACKFILL if before is None else Trigger.RETRY
    return requested_runs.draft(job, why, instant, now, retry_of=before)


def _in_turn(job: Job, rows: list[NewRun]) -> list[NewRun]:
    """Hold all runs except the first until their turn; also the first while another run of the job is going."""
    if job.overlap is Overlap.ALLOW:
        return pauses.held_if_paused([job], rows)
    may_start = 0 if due_rows.going([job.id]) else 1
    in_turn = [row | {"held_by": Hold.OVERLAP} for row in rows[may_start:]]
    return [*pauses.held_if_paused([job], rows[:may_start]), *in_turn]


def _store(job: Job, rows: list[NewRun], now: datetime) -> None:
    """Store the runs; a job that has ended becomes active again for them."""
    if job.state in ENDED:
        edits.reopen(job, now)
    runs.insert(rows)
