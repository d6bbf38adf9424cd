"""The tables as peewee sees them. Constraints and indexes stand in `migrations/`, each with its reason."""

from __future__ import annotations

from uuid import UUID

import peewee

from core.accounts import TokenKind
from core.alerting import AlertKind
from core.policies import CATCH_UP_WINDOW_SECONDS, CatchUp, Overlap
from core.states import Hold, JobState, Outcome, RunStatus, Trigger
from models.fields import EnumField, InstantField, JsonField, WordsField, new_id

db = peewee.DatabaseProxy()


class Table(peewee.Model):
    """The base of every table: all share one database."""

    class Meta:
        database = db
        legacy_table_names = False


class App(Table):
    """A tenant's application: whom to call."""

    id = peewee.UUIDField(primary_key=True, default=new_id)
    name = peewee.TextField()
    name_key = peewee.TextField()
    callback_base_url = peewee.TextField(null=True)
    paused_at = InstantField(null=True)
    created_at = InstantField()
    updated_at = InstantField()

    class Meta:
        table_name = "apps"


class AppTaskType(Table):
    """How an app wants one of its task types retried."""

    app = peewee.ForeignKeyField(App, column_name="app_id", backref="task_types")
    name = peewee.TextField()
    max_retries = peewee.IntegerField(null=True)
    retry_backoff_base = peewee.DoubleField(null=True)
    request = JsonField(null=True)

    class Meta:
        table_name = "app_task_types"
        primary_key = peewee.CompositeKey("app", "name")


class User(Table):
    """Someone who can log in."""

    id = peewee.UUIDField(primary_key=True, default=new_id)
    username = peewee.TextField()
    username_key = peewee.TextField()
    email = peewee.TextField()
    password_hash = peewee.TextField()
    created_at = InstantField()

    class Meta:
        table_name = "users"


class Token(Table):
    """What a user shows instead of a password, as its hash: a token of the API, or a browser's session."""

    hash = peewee.TextField(primary_key=True)
    user = peewee.ForeignKeyField(User, column_name="user_id")
    kind = EnumField(TokenKind)
    created_at = InstantField()
    used_at = InstantField()
    expires_at = InstantField()

    class Meta:
        table_name = "tokens"


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
    """What a job was before an edit; the newest version is the job itself."""

    job = peewee.ForeignKeyField(Job, column_name="job_id")
    job_id: UUID
    version = peewee.IntegerField()
    definition = JsonField()
    replaced_at = InstantField()

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


class Run(Table):
    """One execution of a job, for an occurrence, a poll, or someone's wish."""

    id = peewee.UUIDField(primary_key=True, default=new_id)
    job = peewee.ForeignKeyField(Job, column_name="job_id")
    job_id: UUID  # what peewee keeps of `job` without reading it
    job_version = peewee.IntegerField()
    account_id = peewee.TextField()
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
    started_at = InstantField(null=True)
    finished_at = InstantField(null=True)
    error_type = peewee.TextField(null=True)
    error_message = WordsField(null=True)
    result = JsonField(null=True)
    progress = JsonField(null=True)
    message = WordsField(null=True)
    created_at = InstantField()

    class Meta:
        table_name = "runs"


class Attempt(Table):
    """One try at a run; `outcome` is null while it lasts."""

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
    polling_version = peewee.IntegerField(null=True)
    report = peewee.TextField(null=True)
    account_id = peewee.TextField(null=True)

    class Meta:
        table_name = "attempts"
        primary_key = peewee.CompositeKey("run", "number")


class Delivery(Table):
    """What became of one of a run's e-mails, as far as that is final."""

    run = peewee.ForeignKeyField(Run, column_name="run_id")
    run_id: UUID
    position = peewee.IntegerField()
    recipient = peewee.TextField()
    refusal = WordsField(null=True)
    settled_at = InstantField()

    class Meta:
        table_name = "deliveries"
        primary_key = peewee.CompositeKey("run", "position")


class Alert(Table):
    """Something that a job's owner is to be told; `told_at` is null until that is done."""

    id = peewee.UUIDField(primary_key=True, default=new_id)
    job = peewee.ForeignKeyField(Job, column_name="job_id")
    job_id: UUID
    kind = EnumField(AlertKind)
    failures = peewee.IntegerField(default=0)
    words = WordsField(null=True)
    created_at = InstantField()
    taken_until = InstantField(null=True)
    told_at = InstantField(null=True)

    class Meta:
        table_name = "alerts"


class Upload(Table):
    """A file that a job is to store, or has stored; `host_url` tells whose spool has it until then."""

    id = peewee.UUIDField(primary_key=True)
    job = peewee.ForeignKeyField(Job, column_name="job_id")
    job_id: UUID
    file_name = peewee.TextField()
    size = peewee.BigIntegerField()
    host_url = peewee.TextField()
    object_name = peewee.TextField()
    fetch_hash = peewee.TextField(null=True)
    stored_at = InstantField(null=True)
    created_at = InstantField()

    class Meta:
        table_name = "uploads"


class RateLimitedAccount(Table):
    """An account that has runs which wait for a permit; none is free before `until`."""

    account_id = peewee.TextField(primary_key=True)
    until = InstantField()

    class Meta:
        table_name = "rate_limited_accounts"


class Worker(Table):
    """A process that executes runs."""

    id = peewee.UUIDField(primary_key=True)
    host = peewee.TextField()
    pid = peewee.IntegerField()
    threads = peewee.IntegerField()
    started_at = InstantField()
    heartbeat_at = InstantField()
    stopped_at = InstantField(null=True)

    class Meta:
        table_name = "workers"


class Signal(Table):
    """When a beat or a tick was last seen, so that its age shows."""

    name = peewee.TextField(primary_key=True)
    at = InstantField()

    class Meta:
        table_name = "signals"


class Installation(Table):
    """What holds for all apps at once: the only row has the id 1."""

    id = peewee.SmallIntegerField(primary_key=True)
    paused_at = InstantField(null=True)
    timezone_data = peewee.TextField(null=True)

    class Meta:
        table_name = "installation"


class IdempotencyKey(Table):
    """An answer given under an Idempotency-Key, so that the same request gets the same answer."""

    scope = peewee.TextField()
    key = peewee.TextField()
    fingerprint = peewee.TextField()
    answer = JsonField(null=True)
    created_at = InstantField()

    class Meta:
        table_name = "idempotency_keys"
        primary_key = peewee.CompositeKey("scope", "key")


class Minute(Table):
    """What happened in one minute that has passed."""

    minute = InstantField(primary_key=True)
    started = peewee.IntegerField()
    completed = peewee.IntegerField()
    failed = peewee.IntegerField()
    waiting = peewee.IntegerField()
    lateness_p95_seconds = peewee.DoubleField(null=True)

    class Meta:
        table_name = "minutes"


# Every table that a test may empty; `installation` keeps its row.
ALL: tuple[type[Table], ...] = (
    App,
    AppTaskType,
    User,
    Token,
    Job,
    JobTag,
    JobVersion,
    PollingState,
    Run,
    Attempt,
    Upload,
    Delivery,
    Alert,
    RateLimitedAccount,
    Worker,
    Signal,
    IdempotencyKey,
    Minute,
)
