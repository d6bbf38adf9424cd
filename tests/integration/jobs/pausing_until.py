"""Pauses of a job, an app and everything, each with an end, and what the audit log has of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from core.auditing import AuditFilter
from core.principals import LOCAL
from services.access import audit
from services.access.audit import AuditView
from services.jobs import lifecycle
from services.scheduling import pauses
from services.system import System
from tests.factories import (
    NOON,
)

IN_A_MINUTE = NOON + timedelta(minutes=1)
LATER = NOON + timedelta(minutes=2)


def pause_job(system: System, job_id: UUID, **given: Any) -> None:
    lifecycle.pause(LOCAL, system, job_id, **given)


def pause_app(system: System, _job_id: UUID, **given: Any) -> None:
    pauses.pause_app(LOCAL, system, "app_a", **given)


def pause_everything(system: System, _job_id: UUID, **given: Any) -> None:
    pauses.pause_everything(LOCAL, system, **given)


def resume(kind: str, system: System, job_id: UUID) -> None:
    match kind:
        case "job":
            lifecycle.resume(LOCAL, system, job_id)
        case "app":
            pauses.resume_app(LOCAL, system, "app_a")
        case _:
            pauses.resume_everything(LOCAL, system)


PAUSES: dict[str, Callable[..., None]] = {"job": pause_job, "app": pause_app, "installation": pause_everything}


def newest(thing: str) -> AuditView:
    found, _more = audit.listed(LOCAL, AuditFilter(thing=thing), None, 1)
    return found[0]


def entries() -> int:
    return len(audit.listed(LOCAL, AuditFilter(), None, 100)[0])
