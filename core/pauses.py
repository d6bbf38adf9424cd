"""The instants until which a pause may be requested."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from core.errors import InvalidInput
from core.instants import shown

LONGEST = timedelta(days=366)


class Paused(StrEnum):
    """What can be paused."""

    JOB = "job"
    APP = "app"
    EVERYTHING = "everything"


def expect_until(until: datetime | None, now: datetime) -> None:
    """Raise `InvalidInput` if a pause cannot end by itself at an instant; with None it is ended by hand."""
    if until is None:
        return
    if until <= now:
        fault = f"is {shown(until)}, which has passed; give a later instant, or leave it out to resume by hand."
        raise InvalidInput.at("until", fault)
    if until > now + LONGEST:
        fault = f"is {shown(until)}, more than {LONGEST.days} days ahead; give an earlier one, or leave it out."
        raise InvalidInput.at("until", fault)
