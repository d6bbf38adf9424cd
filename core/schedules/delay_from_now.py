"""`delay_from_now`: due a number of seconds after acceptance."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import ClassVar

from core.schedules import periods
from core.schedules.kind import Nature, OneInstant, Option
from core.schedules.members import TEN_YEARS_SECONDS, Number, member


@dataclass(frozen=True)
class DelayFromNow(OneInstant):
    """Due a number of seconds after acceptance."""

    kind: ClassVar[str] = "delay_from_now"
    nature: ClassVar[Nature] = Nature.ONE_SHOT
    option: ClassVar[Option] = Option("--in", "Run it after a time: 90, 90s, 5m, 2h, 1d.", ("duration_seconds",))

    duration_seconds: float = field(metadata=member(Number(at_least=0, at_most=TEN_YEARS_SECONDS)))

    def first_after(self, accepted_at: datetime) -> datetime:
        return accepted_at + timedelta(seconds=self.duration_seconds)

    def describe(self) -> str:
        return f"Once, {periods.in_words(self.duration_seconds)} after it is accepted"

    def brief(self) -> str:
        return f"after {periods.in_words(self.duration_seconds)}"
