"""Which jobs skipped or missed occurrences lately: what was due and made no run that could fail, or be late."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.figures import whole_minute
from core.filters import JobFilter
from core.principals import Principal
from core.states import RunStatus
from models import database, not_fired
from models.not_fired import NotFired
from services.reading.visibility import visible
from services.system import System

MAX_READ = 1_000


@dataclass(frozen=True)
class NotFiredLately:
    """The jobs since an instant, by most occurrences; `is_cut` if more was skipped or missed than was read."""

    since: datetime | None = None
    jobs: Sequence[NotFired] = ()
    is_cut: bool = False

    @property
    def read(self) -> int:
        """Returns how many rows were read."""
        return sum(one.runs for one in self.jobs)

    def of(self, status: RunStatus) -> list[NotFired]:
        """Returns the jobs of which occurrences were skipped, or missed."""
        return [one for one in self.jobs if one.status is status]


NOTHING = NotFiredLately()


def lately(principal: Principal, system: System, minutes: int) -> NotFiredLately:
    """Returns the jobs of the newest 1,000 such occurrences of the last minutes that the principal may see."""
    since = whole_minute(system.clock.now() - timedelta(minutes=minutes))
    with database.reading():
        found = not_fired.newest(visible(principal, JobFilter()), since, MAX_READ + 1)
    return NotFiredLately(since, found, sum(one.runs for one in found) > MAX_READ)
