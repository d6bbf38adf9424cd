"""The instants until which a pause may be requested."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from core.errors import InvalidInput

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
        raise InvalidInput.at("until", "has passed; give an instant to come, or leave it out to resume by hand.")
    if until > now + LONGEST:
        raise InvalidInput.at(
            "until", f"is more than {LONGEST.days} days ahead; give a nearer one, or leave it out to resume by hand."
        )
