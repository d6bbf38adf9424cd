"""What comes, counted by minute: few runs anew each time, many twice a minute at most."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.filters import JobFilter
from core.principals import LOCAL
from core.schedules import Cron
from services.jobs import creating
from services.reading.upcoming import upcoming_minutes, upcoming_runs
from services.reading.upcoming.upcoming_minutes import KEPT_SECONDS, ComingMinutes
from tests.factories import NOON, GivenSystem, new_job

HOUR = 3600.0


def test_each_minute_has_its_runs_and_nothing_is_known_beyond_the_last_that_was_looked_at(system: GivenSystem) -> None:
    for _ in range(2):
        creating.create(LOCAL, system, new_job(Cron("*/20 * * * *")))
    found = ComingMinutes(system, HOUR + 60, 5).of(LOCAL, JobFilter())
    at = [NOON + timedelta(minutes=minutes) for minutes in (20, 40, 60)]
    assert (found.counts, found.total, found.until) == ({at[0]: 2, at[1]: 2, at[2]: 1}, 5, at[2])
    assert ComingMinutes(system, HOUR, 7).of(LOCAL, JobFilter()).until is None


def test_where_not_every_job_is_looked_at_nothing_is_known_beyond_the_last_of_them(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upcoming_runs, "MAX_JOBS", 2)
    for minutes in (10, 20, 30):
        creating.create(LOCAL, system, new_job(Cron(f"{minutes} * * * *")))
    assert ComingMinutes(system, HOUR, 100).of(LOCAL, JobFilter()).until == NOON + timedelta(minutes=20)


@pytest.mark.parametrize(("many", "seen"), [(3, 3), (4, 6)])
def test_what_is_new_shows_at_once_among_few_and_later_among_many(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch, many: int, seen: int
) -> None:
    monkeypatch.setattr(upcoming_minutes, "MANY", many)
    minutes = ComingMinutes(system, HOUR, 100)
    creating.create(LOCAL, system, new_job(Cron("*/20 * * * *")))
    assert minutes.of(LOCAL, JobFilter()).total == 3
    creating.create(LOCAL, system, new_job(Cron("*/20 * * * *")))
    assert minutes.of(LOCAL, JobFilter()).total == seen
    assert minutes.of(LOCAL, JobFilter(app_name="app_a")).total == 6, "kept for what was asked for alone"
    system.clock.advance(KEPT_SECONDS)
    assert minutes.of(LOCAL, JobFilter()).total == 6
