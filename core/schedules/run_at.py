"""`run_at`: due at one instant."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from core import instants
from core.schedules.kind import Nature, OneInstant, Option
from core.schedules.members import Instant, Member, Zone, member


@dataclass(frozen=True)
class RunAt(OneInstant):
    """Due at one instant; one that has passed runs at once.

    A time in the spring gap moves past it: 02:30 means 03:30. One that comes twice means the first.
    """

    kind: ClassVar[str] = "run_at"
    nature: ClassVar[Nature] = Nature.ONE_SHOT
    option: ClassVar[Option] = Option("--at", "Run it at an instant, on the clocks of --tz.", ("timestamp",))
    only_read: ClassVar[tuple[Member, ...]] = (
        Member("timezone", Zone(), field=None, default=None, words="an IANA time zone", shown=False),
    )

    at: datetime = field(metadata=member(Instant(), "one that has passed runs at once", name="timestamp"))

    def first_after(self, _accepted_at: datetime) -> datetime:
        return self.at

    def describe(self) -> str:
        return f"Once, at {self.at:%Y-%m-%d %H:%M:%S} UTC"

    def brief(self) -> str:
        return f"at {instants.shown(self.at)}"
