"""Repair what was written while the clock was ahead: instants that are further off than any that are meant.

If the clock was a day ahead and was set right, then for a day a rate would count the calls that ended meanwhile, a key
that holds runs would not be rechecked, an open breaker not be probed, and a run whose worker died not be rescued. Each
such instant is set to the present, or to the end of a usual lease, which whoever lives renews.

A clock that is behind for a moment makes what is right look too far ahead: see `ClockRepairs`.
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


class ClockRepairs:
    """Repairs, but only what a clock shows that has run evenly for a minute.

    A machine may start with a clock that is behind, until it is set right. What was written before would then be set
    back to that clock's present, and a rate would no more count calls that ended a moment ago.
    """

    def __init__(self, system: System) -> None:
        self._system = system
        self._seen = (system.clock.now(), system.clock.monotonic())
        self._from = 0.0
        self._postpone()

    def turn(self) -> int:
        """Repair a bounded number of each, about every minute. Returns how many instants were set."""
        now, monotonic = self._system.clock.now(), self._system.clock.monotonic()
        jumped = (now - self._seen[0]).total_seconds() - (monotonic - self._seen[1])
        self._seen = (now, monotonic)
        if abs(jumped) > self._system.settings.heartbeat_seconds:
            self._postpone()
        return repair(self._system) if monotonic >= self._from else 0

    def _postpone(self) -> None:
        self._from = self._system.clock.monotonic() + REPAIR_SECONDS


def repair(system: System) -> int:
    """Repair what lies too far ahead, a bounded number of each. Returns how many instants were set."""
    with system.transaction(Gate.UNUSED) as unit:
        now, ahead = unit.now, unit.now + CLOCKS_APART
        usual, usual_report = _usual_leases(system.settings)
        found = {
            "uses": limits.end_by(now, ahead, _AT_ONCE),
            "breakers": breakers.probe_by(now, ahead + timedelta(seconds=LONGEST_WAIT_SECONDS)),
            "held_keys": held_keys.recheck_by(now, ahead),  # after the breakers, as whoever moves one locks them
            "leases": claims.end_leases_by(now + usual, ahead + _LONGEST, _AT_ONCE),
            "report_leases": claims.end_report_leases_by(now + usual_report, ahead + _LONGEST_REPORT, _AT_ONCE),
        }
        accounts = held_keys.recheck_accounts_by(now, ahead + _default_span(system.settings))
    if any(found.values()):
        log.warning("clock_was_ahead", **found)
    return sum(found.values()) + accounts  # not logged: a restart may have shortened `ACCOUNT_RATE`


def _usual_leases(settings: Settings) -> tuple[timedelta, timedelta]:
    """Returns how long a worker's lease lasts, and a receiver's at most."""
    of_receiver = max(settings.report_lease_seconds, settings.max_report_lease_seconds)
    return timedelta(seconds=settings.lease_seconds), timedelta(seconds=of_receiver)


def _default_span(settings: Settings) -> timedelta:
    """Returns the span of the rate of accounts that have none of their own."""
    return timedelta() if settings.account_rate is None else settings.account_rate.span
