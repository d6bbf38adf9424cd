"""`immediate`: due at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from core.schedules.kind import Nature, OneInstant, Option


@dataclass(frozen=True)
class Immediate(OneInstant):
    """Due at once."""

    kind: ClassVar[str] = "immediate"
    nature: ClassVar[Nature] = Nature.ONE_SHOT
    option: ClassVar[Option] = Option("--now", "Run it at once.")

    def first_after(self, accepted_at: datetime) -> datetime:
        return accepted_at

    def describe(self) -> str:
        return "At once"

    def brief(self) -> str:
        return self.kind
