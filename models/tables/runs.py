"""Tables of runs and their attempts."""

from __future__ import annotations

from uuid import UUID

import peewee

from core.states import Hold, Outcome, RunStatus, Trigger
from models.fields import EnumField, InstantField, JsonField, WordsField, new_id
from models.tables.base import Table
from models.tables.jobs import Job


class Run(Table):
    """One execution of a job: for an occurrence, a poll, or on request."""

    id = peewee.UUIDField(primary_key=True, default=new_id)
    job = peewee.ForeignKeyField(Job, column_name="job_id")
    job_id: UUID  # what peewee keeps of `job` without reading it
    job_version = peewee.IntegerField()
    account_id = peewee.TextField()
    party = peewee.TextField(default="")  # `core.fairness`; empty for runs of a former release
    queue = peewee.TextField()
    trigger = EnumField(Trigger)
    retry_of = peewee.UUIDField(null=True)
    data = JsonField(null=True)
    scheduled_for = InstantField()
    due_at = InstantField()
    priority = peewee.SmallIntegerField()
    deadline_at = InstantField(null=True)
    expire = peewee.BooleanField(default=False)
    deadline_missed_at = InstantField(null=True)
    aged_at = InstantField(null=True)
    late_at = InstantField(null=True)
    was_held = peewee.BooleanField(default=False)
    status = EnumField(RunStatus)
    held_by = EnumField(Hold, null=True)
    held_key = peewee.TextField(null=True)
    held_until = InstantField(null=True)
    rate_limited_at = InstantField(null=True)
    rate_wait_seconds = peewee.DoubleField(null=True)
    reason = peewee.TextField(null=True)
    occurrences = peewee.IntegerField(default=1)
    attempt_count = peewee.IntegerField(default=0)
    failure_count = peewee.IntegerField(default=0)
    loss_count = peewee.IntegerField(default=0)
    fence = peewee.BigIntegerField(default=0)
    worker_id = peewee.UUIDField(null=True)
    lease_expires_at = InstantField(null=True)
    cancel_requested_at = InstantField(null=True)
    reports_until = InstantField(null=True)
    report_lease_at = InstantField(null=True)
    claimed_at = InstantField(null=True)  # this and the next two: of the current attempt
    claimed_token_hash = peewee.TextField(null=True)
    claimed_polling_version = peewee.IntegerField(null=True)
    started_at = InstantField(null=True)
    finished_at = InstantField(null=True)
    error_type = peewee.TextField(null=True)
    error_message = WordsField(null=True)
    result = JsonField(null=True)
    progress = JsonField(null=True)
    message = WordsField(null=True)
    created_at = InstantField()
    trace = peewee.TextField(null=True)  # of the request that made it; without one, the run begins its own

    class Meta:
        table_name = "runs"


class DismissedFailure(Table):
    """A run that failed for good, and that somebody has dismissed: it is no longer shown among the failures."""

    run = peewee.ForeignKeyField(Run, column_name="run_id", primary_key=True)
    run_id: UUID
    dismissed_at = InstantField()
    dismissed_by = peewee.TextField()

    class Meta:
        table_name = "dismissed_failures"


class _OfAttempt(Table):
    """The columns of an attempt; `outcome` is null while it lasts."""

    run = peewee.ForeignKeyField(Run, column_name="run_id")
    run_id: UUID
    number = peewee.IntegerField()
    fence = peewee.BigIntegerField()
    worker_id = peewee.UUIDField()
    started_at = InstantField()
    finished_at = InstantField(null=True)
    outcome = EnumField(Outcome, null=True)
    error_type = peewee.TextField(null=True)
    error_message = WordsField(null=True)
    status_code = peewee.IntegerField(null=True)
    answer = WordsField(null=True)
    token_hash = peewee.TextField(null=True)
    polling_version = peewee.IntegerField(null=True)  # null where the job does not poll
    report = peewee.TextField(null=True)

    class Meta:
        primary_key = peewee.CompositeKey("run", "number")


class Attempt(_OfAttempt):
    """One try at a run, stored when it ends; by workers of the former release, when it begins."""

    account_id = peewee.TextField(null=True)  # no longer written: limits have keys now

    class Meta:
        table_name = "attempts"


class AnyAttempt(_OfAttempt):
    """A view of all tries at runs: those stored, and the current attempts, which their runs keep."""

    class Meta:
        table_name = "all_attempts"


class RunHold(Table):
    """A period in which a run was held: the reason, the key, and up to five runs that it waited for.

    `until` is null while it lasts, and if the run ended while it was held.
    """

    run = peewee.ForeignKeyField(Run, column_name="run_id")
    run_id: UUID
    number = peewee.IntegerField()
    held_by = EnumField(Hold)
    key = peewee.TextField(null=True)
    since = InstantField()
    until = InstantField(null=True)
    holders = JsonField(null=True)

    class Meta:
        table_name = "run_holds"
        primary_key = peewee.CompositeKey("run", "number")


class KeptCall(Table):
    """What the HTTP call of an attempt sent and got, and how long its phases took, as JSON."""

    run = peewee.ForeignKeyField(Run, column_name="run_id")
    run_id: UUID
    number = peewee.IntegerField()
    call = peewee.TextField()

    class Meta:
        table_name = "calls"
        primary_key = peewee.CompositeKey("run", "number")


class RunLine(Table):
    """A line that a receiver logged, or a command wrote, while it worked; a run keeps its newest."""

    run = peewee.ForeignKeyField(Run, column_name="run_id")
    run_id: UUID
    number = peewee.IntegerField()
    attempt = peewee.IntegerField()
    logged_at = InstantField()
    text = WordsField()

    class Meta:
        table_name = "run_lines"
        primary_key = peewee.CompositeKey("run", "number")
