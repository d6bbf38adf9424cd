"""Occurrences of a cron expression are counted as one by one, also over changes of the clock, but few are found."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import takewhile

import pytest

from core.schedules import Cron, cron_expression
from core.schedules.cron_expression import CronExpression

# The clock changes at 1:00 UTC in Berlin, at midnight in São Paulo, by half an hour on Lord Howe, by a day in Apia.
CHANGES = {
    "Europe/Berlin": (datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC)),
    "America/Sao_Paulo": (datetime(2018, 2, 18, 2, tzinfo=UTC), datetime(2018, 11, 4, 3, tzinfo=UTC)),
    "Australia/Lord_Howe": (datetime(2018, 3, 31, 15, tzinfo=UTC), datetime(2018, 10, 6, 15, 30, tzinfo=UTC)),
    "Pacific/Apia": (datetime(2011, 12, 30, 10, tzinfo=UTC),),
    "UTC": (datetime(2026, 2, 28, tzinfo=UTC),),
}
EXPRESSIONS = ("*/30 * * * *", "30 2 * * *", "0 0 * * *", "15,45 23,0-3 * * *", "30 */2 13 * fri", "0 1 */2 * sun")


@pytest.mark.parametrize("zone", CHANGES)
@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_they_are_counted_at_once_as_they_are_one_by_one(expression: str, zone: str) -> None:
    cron = Cron(expression, timezone=zone)
    for change in CHANGES[zone]:
        for before, after in ((100, 100), (50.25, 0), (0, 50.25), (26.01, 1.5), (0.2, 75), (3, -1)):
            first, end = change - timedelta(hours=before), change + timedelta(hours=after)
            walked = list(takewhile(lambda instant: instant < end, cron.starting_at(first)))  # noqa: B023
            assert cron.count_at_once(first, end) == len(walked), (first, end)


def test_none_counts_before_the_start_of_the_schedule_or_from_its_end_on() -> None:
    begin = datetime(2026, 5, 1, 12, 30, tzinfo=UTC)
    cron = Cron("0 * * * *", starts_at=begin, ends_at=begin + timedelta(days=2, minutes=30))
    assert cron.count_at_once(begin - timedelta(days=9), begin + timedelta(days=9)) == 48
    assert cron.count_at_once(begin - timedelta(days=9), begin - timedelta(days=8)) == 0


def test_over_a_year_only_those_near_changes_of_the_clock_are_found_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[datetime] = []
    find = CronExpression.next_after

    def note(self: CronExpression, after: datetime, *more: object) -> datetime | None:
        found.append(after)
        return find(self, after, *more)  # type: ignore[arg-type]  # as given

    monkeypatch.setattr(cron_expression.CronExpression, "next_after", note)
    first = datetime(2026, 1, 1, 0, 0, 30, tzinfo=UTC)
    minutes = timedelta(days=400) // timedelta(minutes=1)
    assert Cron("* * * * *", timezone="Europe/Berlin").count_at_once(first, first + timedelta(days=400)) == minutes
    assert len(found) < minutes / 100
