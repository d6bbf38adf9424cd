"""Declare a restore in the database itself, before any process is started on it."""

from __future__ import annotations

from core.principals import LOCAL
from services.messaging.broker import InProcessBroker
from services.messaging.doorbell import BrokerDoorbell
from services.restoring import declaring
from services.restoring.declaring import RestoreView
from services.runtime.clock import DatabaseClock
from services.system import System
from settings import Settings


def declare(settings: Settings, reason: str | None) -> RestoreView:
    """Hold everything in the connected database, whose schema is the newest. Sends no rings."""
    clock = DatabaseClock()
    clock.follow()
    doorbell = BrokerDoorbell(InProcessBroker(), clock)
    return declaring.declare(LOCAL, System(settings, clock, doorbell), reason)
