"""Rows as former releases wrote them, put into tables that migrations have brought so far."""

from __future__ import annotations

from typing import Any

from core.states import RunStatus
from models import database
from models.tables import db

APP, JOB = "018f000000007000800000000000000a", "018f000000007000800000000000000b"
STATUSES = [status.value for status in RunStatus]
ENDED = {"completed", "failed", "cancelled", "skipped", "missed"}
INSTANT = "2026-11-20T12:00:00.000000Z"


def fill() -> None:
    """An app and a job of it, with a run in every status and an attempt at each that had one."""
    row("apps", id=APP, name="app_a", created_at=INSTANT, updated_at=INSTANT)
    fill_job(id=JOB)
    for number, status in enumerate(STATUSES):
        _fill_run(number, status)


def fill_job(**values: Any) -> None:
    """A job that comes every minute."""
    row(
        "jobs",
        app_id=APP,
        account_id="acc1",
        user_id='"user1"',
        task_type="greet",
        queue="runs.http",
        schedule_kind="interval",
        schedule='{"type":"interval","every_seconds":60,"anchor_at":"2026-11-20T12:00:00+00:00"}',
        priority=5,
        version=1,
        state="active",
        next_run_at="2026-11-20T13:00:00.000000Z",
        runs_started=0,
        polling_version=0,
        polls=0,
        created_at=INSTANT,
        updated_at=INSTANT,
        **values,
    )


def _fill_run(number: int, status: str) -> None:
    run_id = f"018f00000000700080000000000001{number:02}"
    running = {"lease_expires_at": INSTANT, "worker_id": APP} if status == "running" else {}
    row(
        "runs",
        id=run_id,
        job_id=JOB,
        job_version=1,
        account_id="acc1",
        queue="runs.http",
        trigger="schedule",
        scheduled_for=f"2026-11-20T12:{number:02}:00.000000Z",
        due_at=INSTANT,
        priority=5,
        status=status,
        held_by="paused" if status == "queued" else None,
        finished_at=INSTANT if status in ENDED else None,
        occurrences=1,
        attempt_count=1,
        failure_count=0,
        loss_count=0,
        fence=1,
        created_at=INSTANT,
        **running,
    )
    over = {} if status == "running" else {"finished_at": INSTANT, "outcome": "released"}
    row("attempts", run_id=run_id, number=1, fence=1, worker_id=APP, started_at=INSTANT, **over)


def row(table: str, **values: Any) -> None:
    """A row of a table that the models need not know any more."""
    mark = "?" if database.is_sqlite() else "%s"
    marks = ", ".join([mark] * len(values))
    statement = f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks})"  # noqa: S608  names of our own
    db.execute_sql(statement, tuple(values.values()))
