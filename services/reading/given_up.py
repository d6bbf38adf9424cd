"""Jobs that failed though none of their runs did: they polled as often, or as long, as they were to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from core.filters import JobFilter
from core.principals import Principal
from models import database, given_up
from models.given_up import GivenUp
from services.reading.visibility import visible
from services.system import System

MOST_LISTED = 100


@dataclass(frozen=True)
class GivenUpJobs:
    """The jobs, the last to give up first; `is_cut` if there are more."""

    results: list[GivenUp]
    is_cut: bool


def listed(principal: Principal, system: System, hours: float, wanted: JobFilter | None = None) -> GivenUpJobs:
    """Returns the first 100 matching jobs that gave up within the last hours and that the principal may see."""
    since = system.clock.now() - timedelta(hours=hours)
    with database.reading():
        found = given_up.newest(visible(principal, wanted or JobFilter()), since, MOST_LISTED + 1)
    return GivenUpJobs(found[:MOST_LISTED], len(found) > MOST_LISTED)
