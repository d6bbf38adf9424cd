"""Tables of jobs: tags, former versions, polling states."""

from __future__ import annotations

from uuid import UUID

import peewee

from core.policies import CATCH_UP_WINDOW_SECONDS, CatchUp, Overlap
from core.states import JobState
from models.fields import EnumField, InstantField, JsonField, WordsField, new_id
from models.tables.apps import App
from models.tables.base import Table


class Job(Table):
    """What to do and when; `version` counts the definition's edits."""

    id = peewee.UUIDField(primary_key=True, default=new_id)
    app = peewee.ForeignKeyField(App, column_name="app_id")
    app_id: UUID  # what peewee keeps of `app` without reading it
    owner_id = peewee.UUIDField(null=True)
    account_id = peewee.TextField()
    name = peewee.TextField(null=True)
    name_key = peewee.TextField(null=True)
    title = peewee.TextField(null=True)
    search_text = peewee.TextField(default="")
    metadata = JsonField(null=True)
    user_id = JsonField()
    board_id = JsonField(null=True)
    task_type = peewee.TextField()
    queue = peewee.TextField()
    callback_url = peewee.TextField(null=True)
    data = JsonField(null=True)
    schedule_kind = peewee.TextField()
    schedule = JsonField()
    priority = peewee.SmallIntegerField()
    max_retries = peewee.IntegerField(null=True)
    retry_backoff_base = peewee.DoubleField(null=True)
    retry_backoff_max = peewee.DoubleField(null=True)
    time_limit_seconds = peewee.DoubleField(null=True)
    catch_up = EnumField(CatchUp, default=CatchUp.LATEST)
    catch_up_window_seconds = peewee.DoubleField(default=CATCH_UP_WINDOW_SECONDS)
    overlap = EnumField(Overlap, default=Overlap.SKIP)
    deadline_at = InstantField(null=True)
    deadline_seconds = peewee.DoubleField(null=True)
    expire = peewee.BooleanField(default=False)
    keep_days = peewee.DoubleField(null=True)
    keep_last = peewee.IntegerField(null=True)
    limit_key = peewee.TextField(null=True)
    version = peewee.IntegerField(default=1)
    state = EnumField(JobState)
    next_run_at = InstantField(null=True)
    runs_started = peewee.IntegerField(default=0)
    polling_state = JsonField(null=True)
    polling_version = peewee.IntegerField(default=0)
    polls = peewee.IntegerField(default=0)
    end_reason = WordsField(null=True)
    created_at = InstantField()
    updated_at = InstantField()
    finished_at = InstantField(null=True)
    deleted_at = InstantField(null=True)
    reopened_at = InstantField(null=True)
    failures_in_row = peewee.IntegerField(default=0)
    late_since = InstantField(null=True)
    created_by = peewee.TextField(null=True)
    put_off_until = InstantField(null=True)  # its occurrences cannot be planned: when to try again
    trace = peewee.TextField(null=True)  # of the request that created it: `core.trace_context`

    class Meta:
        table_name = "jobs"


class JobTag(Table):
    """One of a job's tags."""

    job = peewee.ForeignKeyField(Job, column_name="job_id")
    job_id: UUID
    tag = peewee.TextField()

    class Meta:
        table_name = "job_tags"
        primary_key = peewee.CompositeKey("job", "tag")


class JobVersion(Table):
    """A job's definition before an edit, and who made the edit; the newest version is in the job itself."""

    job = peewee.ForeignKeyField(Job, column_name="job_id")
    job_id: UUID
    version = peewee.IntegerField()
    account_id = peewee.TextField(null=True)  # None of versions that the former release stored
    definition = JsonField()
    replaced_at = InstantField()
    replaced_by = peewee.TextField(null=True)
    reason = peewee.TextField(null=True)

    class Meta:
        table_name = "job_versions"
        primary_key = peewee.CompositeKey("job", "version")


class PollingState(Table):
    """A state that a polling job went through."""

    job = peewee.ForeignKeyField(Job, column_name="job_id")
    version = peewee.IntegerField()
    state = JsonField()
    created_at = InstantField()

    class Meta:
        table_name = "polling_states"
        primary_key = peewee.CompositeKey("job", "version")
