"""Alerts: what a job's owner is to be told, noted with what happened, and told afterwards by e-mail.

`note` writes rows within the caller's transaction; `tell` sends what waits, outside of any. So nothing that happened
goes untold, and a coordinator that dies between sending and recording tells it again.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from core.alerting import Alarm, AlertKind, Condition, Event, after
from core.errors import PermanentFailure, TransientFailure
from core.letters import Letter, address_of, written
from models import alerts, database
from models.fields import new_id
from models.tables import Alert, Job
from services.email import mail
from services.system import System

BATCH = 100
AGAIN_AFTER = timedelta(seconds=60)
SUBJECTS = {
    AlertKind.FAILING: "Task Failed Multiple Times",
    AlertKind.LATE: "Task Did Not Run When It Should Have",
}
_ONCE = "You are told once: again only after it has recovered."
log = structlog.get_logger()


def note(happened: Iterable[tuple[Job, Event]], now: datetime) -> None:
    """Count what happened to these locked jobs, and write down what their owners are to be told of it.

    For a job that is well and stays so nothing is written.
    """
    events: dict[UUID, tuple[Job, list[Event]]] = {}
    for job, event in happened:
        events.setdefault(job.id, (job, []))[1].append(event)
    changed: dict[Condition, list[UUID]] = {}
    rows = []
    for job, of_job in events.values():
        before = Condition(job.failures_in_row, job.late_since)
        condition, alarms = after(before, of_job, now)
        if condition != before:
            job.failures_in_row, job.late_since = condition.failures_in_row, condition.late_since
            changed.setdefault(condition, []).append(job.id)
        if job.deleted_at is None:
            rows += [_row(job, alarm, now) for alarm in alarms]
    for condition, job_ids in changed.items():
        alerts.set_condition(job_ids, condition)
    alerts.insert(rows)


def tell(system: System) -> int:
    """Tell owners what waits to be told, in one e-mail for all that is alike; how many alerts were taken up.

    What could not be sent is taken up again after a minute; without an address it is a line in the log.
    """
    now = system.clock.now()
    with database.transaction():
        taken = alerts.take(now, now + AGAIN_AFTER, BATCH)
    alike: dict[tuple[str | None, AlertKind], list[Alert]] = {}
    for alert in taken:
        alike.setdefault((_address(system, alert), alert.kind), []).append(alert)
    for (address, kind), group in alike.items():
        if _told(system, address, kind, group):
            with database.transaction():
                alerts.record_told([alert.id for alert in group], system.clock.now())
    return len(taken)


def _row(job: Job, alarm: Alarm, now: datetime) -> dict[str, object]:
    return {
        "id": new_id(),
        "job": job.id,
        "kind": alarm.kind,
        "failures": alarm.failures,
        "words": alarm.words,
        "created_at": now,
    }


def _address(system: System, alert: Alert) -> str | None:
    """Whom to tell: the job's owner, else whom the settings name."""
    if not mail.can_send(system.settings):
        return None
    owner = getattr(alert.job, "owner", None)
    return getattr(owner, "owner_email", None) or system.settings.alert_email


def _told(system: System, address: str | None, kind: AlertKind, group: Sequence[Alert]) -> bool:
    """Whether there is nothing more to do: it was sent, refused for good, or there is nobody to send it to."""
    for alert in group:
        log.warning("alert", kind=kind.value, job_id=str(alert.job_id), failures=alert.failures, words=alert.words)
    if address is None:
        return True
    try:
        with mail.sending(system.settings, lambda host, port: _reached(system, host, port)) as sender:
            sender.send(written(_letter(system, address, kind, group), system.clock.now()), address)
    except TransientFailure as error:
        log.warning("alert_not_sent", error=error.message)
        return False
    except PermanentFailure as error:
        log.error("alert_refused", error=error.message)  # noqa: TRY400  the server's words say all
    return True


def _letter(system: System, address: str, kind: AlertKind, group: Sequence[Alert]) -> Letter:
    sender = system.settings.email_from
    return Letter(
        message_id=f"<alert.{group[0].id}@{address_of(sender).rpartition('@')[2]}>",
        sender=sender,
        recipient=address,
        subject=SUBJECTS[kind],
        text="\n\n".join([*map(_paragraph, group), _ONCE, ""]),
    )


def _paragraph(alert: Alert) -> str:
    job = alert.job
    name = f"The job {job.name or job.id} (app {job.app.name}, task type {job.task_type})"
    what = f"has failed {alert.failures} times in a row." if alert.kind == AlertKind.FAILING else "did not run in time."
    return "\n".join([f"{name} {what}", *filter(None, [alert.words]), f"Job: {job.id}"])


def _reached(system: System, host: str, port: int) -> socket.socket:
    return socket.create_connection((host, port), system.settings.connect_seconds)
