"""Schedules that many want, to begin the form of a new job with."""

from __future__ import annotations

from typing import NamedTuple


class Preset(NamedTuple):
    """A schedule that many want: what people call it, and its members."""

    label: str
    values: dict[str, str]


PRESETS: dict[str, Preset] = {
    "five_minutes": Preset("every 5 minutes", {"type": "interval", "every_seconds": "300"}),
    "hourly": Preset("every hour", {"type": "cron", "expression": "0 * * * *"}),
    "nightly": Preset("every night at 02:00", {"type": "cron", "expression": "0 2 * * *"}),
    "weekdays": Preset("every weekday at 09:00", {"type": "cron", "expression": "0 9 * * mon-fri"}),
    "monthly": Preset("on the 1st of each month at 06:00", {"type": "cron", "expression": "0 6 1 * *"}),
}
