"""Two hours of a company's Tuesday, lived through by the real services on a clock that is set from event to event.

So the pictures of the pages have something to show, and much the same each time: apps, accounts, an outage, failures
with causes, a polling job at 60 %, an account at its rate.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from core.principals import Principal, PrincipalKind
from local.plausible_tuesday import JOBS, RECEIVERS, behaviour_of, jobs_of_minute
from local.simulation import Simulation, minutes_of
from services.apps import apps
from services.apps.app_views import AppDefinition
from services.jobs import creating
from settings import Settings

BEGIN = datetime(2026, 12, 1, 11, 30, tzinfo=UTC)
# The account that asks for too much has its next calls in a second.
END = BEGIN + timedelta(hours=2, minutes=3, seconds=21)
MARA = Principal(PrincipalKind.LOCAL, name="mara")


class Day:
    """Simulates the day, once; afterwards the clock of its system is at its end."""

    def __init__(self, settings: Settings) -> None:
        self._simulation = Simulation(settings, BEGIN, behaviour_of)
        self.system = self._simulation.system

    def live(self) -> None:
        """Make apps and jobs, and let everything happen that happens until the end."""
        for name, address in RECEIVERS.items():
            apps.create(MARA, self.system, name, AppDefinition(address))
        self._simulation.start_workers()
        for job in JOBS:
            creating.create(MARA, self.system, job)
        minute = BEGIN
        for until in minutes_of(BEGIN, END):
            for job in jobs_of_minute(minute, self._simulation.lots):
                creating.create(MARA, self.system, job)
            self._simulation.sum_up_minutes()
            self._simulation.pass_until(until)
            minute = until
        self._simulation.give_signs_of_life()
