"""What every service is handed: the settings, a clock and the doorbell."""

from __future__ import annotations

from dataclasses import dataclass

from services.messaging.doorbell import Doorbell
from services.runtime.clock import Clock
from settings import Settings


@dataclass(frozen=True)
class System:
    """The parts that services share."""

    settings: Settings
    clock: Clock
    doorbell: Doorbell
