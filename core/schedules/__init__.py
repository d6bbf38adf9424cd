"""The kinds of schedule. Each is declared once, in a file of its own, and listed in `KINDS`.

The stored form, the API's schemas and filters, the command line's options and the descriptions derive from this list.
"""

from __future__ import annotations

from core.schedules.cron import Cron
from core.schedules.delay_from_now import DelayFromNow
from core.schedules.immediate import Immediate
from core.schedules.interval import Frequency, Interval
from core.schedules.kind import Nature, Schedule
from core.schedules.polling import Polling
from core.schedules.recurring import Recurring
from core.schedules.run_at import RunAt

__all__ = [
    "KINDS",
    "RECURRING_KINDS",
    "Cron",
    "DelayFromNow",
    "Frequency",
    "Immediate",
    "Interval",
    "Nature",
    "Polling",
    "Recurring",
    "RunAt",
    "Schedule",
    "is_recurring",
    "of_nature",
    "recurs",
]

KINDS: dict[str, type[Schedule]] = {
    kind.kind: kind for kind in (Immediate, RunAt, DelayFromNow, Cron, Interval, Polling)
}


def of_nature(nature: Nature) -> tuple[str, ...]:
    """Returns the names of the kinds of a nature."""
    return tuple(name for name, kind in KINDS.items() if kind.nature is nature)


RECURRING_KINDS = of_nature(Nature.RECURRING)


def is_recurring(kind: str) -> bool:
    """Whether a stored job of this kind of schedule recurs, as `recurs` says of a schedule."""
    return kind in RECURRING_KINDS


def recurs(schedule: Schedule) -> bool:
    """Whether the schedule's occurrences are known ahead, so that they can be planned."""
    return schedule.nature is Nature.RECURRING
