"""Periods in words."""

from __future__ import annotations

import pytest

from core.schedules import Interval, periods


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0.5, "0.5 s"), (59, "59 s"), (60, "1 min"), (90, "90 s"), (300, "5 min"), (3600, "1 h"), (86_400, "24 h")],
)
def test_a_period_is_told_in_the_largest_unit_of_which_it_is_a_whole_number(seconds: float, told: str) -> None:
    assert periods.in_words(seconds) == told


def test_a_preset_of_minutes_is_told_in_minutes() -> None:
    assert Interval(every_seconds=300).describe() == "Every 5 min"
