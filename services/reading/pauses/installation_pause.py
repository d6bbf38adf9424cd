"""The installation's own pause, for administrators."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from core.principals import Principal
from models import database, pause_ends, pauses


@dataclass(frozen=True)
class InstallationPause:
    """The installation's own pause; `paused_until` is None if there is no pause, or if it must be ended by hand."""

    paused_at: datetime | None
    paused_until: datetime | None = None


def current(principal: Principal) -> InstallationPause:
    """Returns the installation's own pause. Raises `Forbidden` for others than administrators."""
    principal.expect_administration()
    with database.reading():
        paused_at = pauses.everything_paused_at()
        until = None if paused_at is None else pause_ends.of([pause_ends.EVERYTHING]).get(pause_ends.EVERYTHING)
        return InstallationPause(paused_at, until)
