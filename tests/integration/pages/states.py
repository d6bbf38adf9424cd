"""States of the system that pages show."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from core import breakers as rules
from core import limit_keys, schedules
from core.principals import LOCAL
from core.signs_of_life import TICK
from models import apps, breakers, signals
from services.execution import workers
from services.jobs import editing
from services.jobs.definition import Definition
from services.reading.views import JobView
from tests.factories import GivenSystem, new_job


def opened(system: GivenSystem, host: str = "app.example.com", app_name: str = "app_a") -> str:
    """Open the breaker of a host that an app calls. Returns its key."""
    with system.transaction():
        app = apps.by_name(app_name)
        assert app is not None
        key = limit_keys.of_destination(app_name, host)
        breakers.open_new(key, app.id, host, rules.opened(system.clock.now()), system.clock.now())
    return key


def alive(system: GivenSystem) -> None:
    """Have every part give a sign of life."""
    workers.register(system)
    with system.transaction():
        signals.mark(TICK, system.clock.now())


def edited(system: GivenSystem, job_id: UUID, priority: int) -> None:
    def amend(view: JobView) -> Definition:
        return replace(new_job(schedules.Cron("0 9 * * *")), priority=priority, data=view.data)

    editing.edit(LOCAL, system, job_id, amend, reason=f"To {priority}")
