"""Sends noted alerts to owners by e-mail: one message for all of one kind to one address.

At least once: if a coordinator dies between sending and recording, they are sent again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import structlog

from core.alerting import AlertKind
from core.errors import PermanentFailure, TransientFailure
from core.letters import Letter, address_of, written
from models import alerts
from models.pauses import Gate
from models.tables import Alert
from services.email import mail
from services.email.reaching import reached
from services.system import System

BATCH = 100
AGAIN_AFTER = timedelta(seconds=60)
HELD_FOR = timedelta(minutes=20)  # longer than to send one e-mail takes, or another coordinator would send it too
SUBJECTS = {
    AlertKind.FAILING: "Task Failed Multiple Times",
    AlertKind.LATE: "Task Did Not Run When It Should Have",
}
_WHAT = {
    AlertKind.FAILING: "has failed {failures} times in a row.",
    AlertKind.LATE: "did not run in time.",
}
_ONCE = "You get this alert once; the next one comes only after the job has recovered."
log = structlog.get_logger()


def send_oldest(system: System) -> int:
    """Send the oldest alert, with all others of its kind and address. Returns how many alerts were taken up.

    What could not be sent is tried again after a minute; without an address it is only logged.
    """
    with system.transaction(Gate.UNUSED) as unit:
        now = unit.now
        taken = alerts.take(now, now + HELD_FOR, BATCH)
    if taken:
        _log(taken)
        are_done = _send(system, taken)
        with system.transaction(Gate.UNUSED) as unit:
            now = unit.now
            if are_done:
                alerts.mark_done(taken, now)
            else:
                alerts.put_off(taken, now + AGAIN_AFTER)
    return len(taken)


def _log(alike: Sequence[Alert]) -> None:
    """Log these alerts, unless that was done before an earlier try to send them."""
    for alert in alike:
        if alert.taken_until is None:
            of_alert = {"kind": alert.kind.value, "job_id": str(alert.job_id)}
            log.warning("alert", failures=alert.failures, words=alert.words, **of_alert)


def _send(system: System, alike: Sequence[Alert]) -> bool:
    """Send these alerts in one message. Returns whether they are done: sent, refused for good, or no address."""
    address = alerts.address(alike[0]) or system.settings.alert_email
    if address is None or not mail.can_send(system.settings):
        return True
    try:
        with mail.sending(system.settings, lambda host, port: reached(system, host, port)) as sender:
            sender.send(written(_letter(system, address, alike), system.clock.now()), address)
    except TransientFailure as error:
        log.warning("alert_not_sent", error=error.message)
        return False
    except PermanentFailure as error:
        log.error("alert_refused", error=error.message)  # noqa: TRY400  the server's words say all
    return True


def _letter(system: System, address: str, alike: Sequence[Alert]) -> Letter:
    sender = system.settings.email_from
    return Letter(
        message_id=f"<alert.{alike[0].id}@{address_of(sender).rpartition('@')[2]}>",
        sender=sender,
        recipient=address,
        subject=SUBJECTS[alike[0].kind],
        text="\n\n".join([*map(_paragraph, alike), _ONCE, ""]),
    )


def _paragraph(alert: Alert) -> str:
    job = alert.job
    name = f"The job {job.name or job.id} (app {job.app.name}, task type {job.task_type})"
    what = _WHAT[alert.kind].format(failures=alert.failures)
    return "\n".join([f"{name} {what}", *filter(None, [alert.words]), f"Job: {job.id}"])
