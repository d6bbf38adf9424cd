"""The clocks on which the instants of a job are named, besides those of the reader."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from services.reading.views import JobView


def of_job(view: JobView) -> ZoneInfo | None:
    """Returns the zone on whose clocks a job's schedule names its instants, if it has one."""
    named = getattr(view.schedule, "timezone", None)
    return None if named is None else ZoneInfo(named)
