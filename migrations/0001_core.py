"""The core: apps, jobs, runs, attempts, workers, signals.

The checks make impossible states impossible; each index says which question it answers.
"""

from __future__ import annotations

from typing import Any

import peewee

POSTGRESQL = {"uuid": "UUID", "instant": "TIMESTAMPTZ", "float": "DOUBLE PRECISION"}
SQLITE = {"uuid": "TEXT", "instant": "TEXT", "float": "REAL"}

STATEMENTS = (
    """
    CREATE TABLE apps (
        id {uuid} NOT NULL PRIMARY KEY,
        name TEXT NOT NULL CONSTRAINT apps_name_once UNIQUE,
        callback_base_url TEXT,
        created_at {instant} NOT NULL,
        updated_at {instant} NOT NULL
    )
    """,
    """
    CREATE TABLE app_task_types (
        app_id {uuid} NOT NULL REFERENCES apps (id),
        name TEXT NOT NULL,
        max_retries INTEGER CHECK (max_retries >= 0),
        retry_backoff_base {float} CHECK (retry_backoff_base > 0),
        PRIMARY KEY (app_id, name)
    )
    """,
    """
    CREATE TABLE jobs (
        id {uuid} NOT NULL PRIMARY KEY,
        app_id {uuid} NOT NULL REFERENCES apps (id),
        account_id TEXT NOT NULL,
        user_id TEXT NOT NULL,
        board_id TEXT,
        task_type TEXT NOT NULL,
        queue TEXT NOT NULL,
        callback_url TEXT,
        data TEXT,
        schedule_kind TEXT NOT NULL
            CHECK (schedule_kind IN ('immediate', 'run_at', 'delay_from_now', 'cron', 'interval', 'polling')),
        schedule TEXT NOT NULL,
        priority SMALLINT NOT NULL CHECK (priority BETWEEN 0 AND 9),
        max_retries INTEGER CHECK (max_retries >= 0),
        retry_backoff_base {float} CHECK (retry_backoff_base > 0),
        time_limit_seconds {float} CHECK (time_limit_seconds > 0),
        version INTEGER NOT NULL CHECK (version >= 1),
        state TEXT NOT NULL CHECK (state IN ('active', 'paused', 'completed', 'failed', 'cancelled')),
        next_run_at {instant},
        runs_started INTEGER NOT NULL CHECK (runs_started >= 0),
        polling_state TEXT,
        polling_version INTEGER NOT NULL CHECK (polling_version >= 0),
        polls INTEGER NOT NULL CHECK (polls >= 0),
        end_reason TEXT,
        created_at {instant} NOT NULL,
        updated_at {instant} NOT NULL,
        finished_at {instant},
        CONSTRAINT jobs_ended_has_end
            CHECK ((state IN ('completed', 'failed', 'cancelled')) = (finished_at IS NOT NULL)),
        CONSTRAINT jobs_ended_plans_nothing
            CHECK (next_run_at IS NULL OR state IN ('active', 'paused')),
        CONSTRAINT jobs_polling_has_state
            CHECK ((schedule_kind = 'polling') = (polling_state IS NOT NULL))
    )
    """,
    # Plan: whose next occurrence is not planned yet, soonest first.
    "CREATE INDEX jobs_to_plan ON jobs (next_run_at) WHERE next_run_at IS NOT NULL",
    # GET /api/jobs of one app or one account, newest first: ids are in order of creation.
    "CREATE INDEX jobs_of_app ON jobs (app_id, id)",
    "CREATE INDEX jobs_of_account ON jobs (account_id, id)",
    """
    CREATE TABLE runs (
        id {uuid} NOT NULL PRIMARY KEY,
        job_id {uuid} NOT NULL REFERENCES jobs (id),
        job_version INTEGER NOT NULL,
        account_id TEXT NOT NULL,
        queue TEXT NOT NULL,
        trigger TEXT NOT NULL CHECK (trigger IN ('schedule', 'poll', 'manual', 'retry', 'backfill')),
        scheduled_for {instant} NOT NULL,
        due_at {instant} NOT NULL,
        priority SMALLINT NOT NULL CHECK (priority BETWEEN 0 AND 9),
        deadline_at {instant},
        status TEXT NOT NULL CHECK (status IN (
            'pending', 'queued', 'running', 'retrying',
            'completed', 'failed', 'cancelled', 'skipped', 'missed')),
        held_by TEXT CHECK (held_by IN ('paused')),
        held_until {instant},
        reason TEXT,
        occurrences INTEGER NOT NULL CHECK (occurrences >= 1),
        attempt_count INTEGER NOT NULL,
        failure_count INTEGER NOT NULL,
        loss_count INTEGER NOT NULL,
        fence BIGINT NOT NULL,
        worker_id {uuid},
        lease_expires_at {instant},
        cancel_requested_at {instant},
        started_at {instant},
        finished_at {instant},
        error_type TEXT CHECK (error_type IN ('transient', 'permanent', 'lost', 'cancelled')),
        error_message TEXT,
        progress TEXT,
        message TEXT,
        created_at {instant} NOT NULL,
        CONSTRAINT runs_once_each UNIQUE (job_id, trigger, scheduled_for),
        CONSTRAINT runs_running_is_leased CHECK (
            (status = 'running') = (lease_expires_at IS NOT NULL)
            AND (status = 'running') = (worker_id IS NOT NULL)),
        CONSTRAINT runs_held_is_queued CHECK (held_by IS NULL OR status = 'queued'),
        CONSTRAINT runs_ended_has_end CHECK (
            (status IN ('completed', 'failed', 'cancelled', 'skipped', 'missed')) = (finished_at IS NOT NULL)),
        CONSTRAINT runs_counts_add_up CHECK (
            failure_count >= 0 AND loss_count >= 0 AND failure_count + loss_count <= attempt_count)
    )
    """,
    # Claim: the most urgent run of a queue that is due and not held. Nothing else is in this index, so it stays flat.
    """
    CREATE INDEX runs_to_claim ON runs (queue, priority DESC, (deadline_at IS NULL), deadline_at, due_at, id)
        WHERE status = 'queued' AND held_by IS NULL
    """,
    # Dispatch: what becomes due next.
    "CREATE INDEX runs_to_make_due ON runs (due_at) WHERE status IN ('pending', 'retrying')",
    # Rescue: whose lease has run out.
    "CREATE INDEX runs_leased ON runs (lease_expires_at) WHERE status = 'running'",
    # Overlap, pause, cancel, and what a job shows: its runs that are not over.
    """
    CREATE INDEX runs_live ON runs (job_id, status)
        WHERE status IN ('pending', 'queued', 'running', 'retrying')
    """,
    # A job's history, newest first.
    "CREATE INDEX runs_of_job ON runs (job_id, id)",
    # Prune: what ended long ago.
    "CREATE INDEX runs_ended ON runs (finished_at) WHERE finished_at IS NOT NULL",
    """
    CREATE TABLE attempts (
        run_id {uuid} NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
        number INTEGER NOT NULL CHECK (number >= 1),
        fence BIGINT NOT NULL,
        worker_id {uuid} NOT NULL,
        started_at {instant} NOT NULL,
        finished_at {instant},
        outcome TEXT CHECK (outcome IN ('succeeded', 'failed', 'lost', 'released')),
        error_type TEXT CHECK (error_type IN ('transient', 'permanent', 'lost', 'cancelled')),
        error_message TEXT,
        status_code INTEGER,
        answer TEXT,
        PRIMARY KEY (run_id, number),
        CONSTRAINT attempts_ended_has_outcome CHECK ((finished_at IS NULL) = (outcome IS NULL))
    )
    """,
    # No two attempts of one run at once.
    "CREATE UNIQUE INDEX attempts_one_at_a_time ON attempts (run_id) WHERE finished_at IS NULL",
    """
    CREATE TABLE workers (
        id {uuid} NOT NULL PRIMARY KEY,
        host TEXT NOT NULL,
        pid INTEGER NOT NULL,
        threads INTEGER NOT NULL,
        started_at {instant} NOT NULL,
        heartbeat_at {instant} NOT NULL,
        stopped_at {instant}
    )
    """,
    "CREATE TABLE signals (name TEXT NOT NULL PRIMARY KEY, at {instant} NOT NULL)",
)


def up(_migrator: Any, database: Any) -> None:
    """Create every table of the core."""
    types = SQLITE if isinstance(database, peewee.SqliteDatabase) else POSTGRESQL
    for statement in STATEMENTS:
        database.execute_sql(statement.format(**types))
