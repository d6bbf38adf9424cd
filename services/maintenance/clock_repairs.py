"""Repair what was written while the clock was ahead: instants that are further off than any that are meant.

If the clock was a day ahead and was set right, then for a day a rate would count the calls that ended meanwhile, a key
that holds runs would not be rechecked, an open breaker not be probed, and a run whose worker died not be rescued. Each
such instant is set to the present, or to the end of a usual lease, which whoever lives renews.
"""

from __future__ import annotations

from datetime import timedelta

import structlog

from core.breakers import LONGEST_WAIT_SECONDS
from models import breakers, claims, held_keys, limits
from models.filtering import CLOCKS_APART
from models.pauses import Gate
from services.system import System
from settings import LONGEST_LEASE_SECONDS, LONGEST_REPORT_LEASE_SECONDS, Settings

REPAIR_SECONDS = 60.0
_AT_ONCE = 10_000
_LONGEST = timedelta(seconds=LONGEST_LEASE_SECONDS)
_LONGEST_REPORT = timedelta(seconds=LONGEST_REPORT_LEASE_SECONDS)
log = structlog.get_logger()


def repair(system: System) -> int:
    """Repair what lies too far ahead, a bounded number of each. Returns how many instants were set."""
    with system.transaction(Gate.UNUSED) as unit:
        now, ahead = unit.now, unit.now + CLOCKS_APART
        usual, usual_report = _usual_leases(system.settings)
        found = {
            "uses": limits.end_by(now, ahead, _AT_ONCE),
            "held_keys": held_keys.recheck_by(now, ahead + _longest_span(system.settings)),
            "breakers": breakers.probe_by(now, ahead + timedelta(seconds=LONGEST_WAIT_SECONDS)),
            "leases": claims.end_leases_by(now + usual, ahead + _LONGEST, _AT_ONCE),
            "report_leases": claims.end_report_leases_by(now + usual_report, ahead + _LONGEST_REPORT, _AT_ONCE),
        }
    if any(found.values()):
        log.warning("clock_was_ahead", **found)
    return sum(found.values())


def _usual_leases(settings: Settings) -> tuple[timedelta, timedelta]:
    """Returns how long a worker's lease lasts, and a receiver's at most."""
    of_receiver = max(settings.report_lease_seconds, settings.max_report_lease_seconds)
    return timedelta(seconds=settings.lease_seconds), timedelta(seconds=of_receiver)


def _longest_span(settings: Settings) -> timedelta:
    """Returns the longest span of any rate."""
    by_default = 0 if settings.account_rate is None else settings.account_rate.seconds
    return timedelta(seconds=max(limits.longest_span(), by_default))
