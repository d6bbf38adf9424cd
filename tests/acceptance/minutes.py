"""Full minutes, at which cron jobs run."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.waiting import until

LAST_SECONDS = 15


def begin_well_before_a_minute_ends() -> None:
    """Wait for the next minute in the last seconds of one, so that no minute begins while the test makes its jobs."""
    until(lambda: datetime.now(UTC).second < 60 - LAST_SECONDS, "the next minute")
