"""Stored schedules: as an object and as a text; one that can no longer be read raises one of a few errors."""

from __future__ import annotations

import json

import pytest
from structlog.testing import capture_logs

from core.schedules import Immediate, Interval
from services.scheduling import stored_schedule

INTERVAL = Interval(every_seconds=300, max_runs=3)
TOO_DEEP = "[" * 100_000


def test_a_schedule_is_read_from_its_object_and_parsed_from_its_text() -> None:
    stored = stored_schedule.write(INTERVAL)
    assert stored_schedule.read(stored) == INTERVAL
    assert stored_schedule.parse(json.dumps(stored)) == INTERVAL
    assert stored_schedule.parse_or_log(json.dumps(stored)) == INTERVAL


@pytest.mark.parametrize("text", ["no JSON", TOO_DEEP], ids=["no JSON", "too deep"])
def test_a_text_that_is_no_json_is_logged_and_raises_one_of_the_unreadable(text: str) -> None:
    with capture_logs() as logged, pytest.raises(stored_schedule.UNREADABLE):
        stored_schedule.parse_or_log(text)
    assert [(one["event"], one["column"]) for one in logged] == [("json_unreadable", "schedule")]


def test_max_runs_is_none_for_a_schedule_without_it_or_that_cannot_be_read() -> None:
    texts = [json.dumps(stored_schedule.write(one)) for one in (INTERVAL, Immediate())]
    assert [*map(stored_schedule.max_runs, [*texts, "no JSON", TOO_DEEP, '{"type":"moon"}'])] == [3, *[None] * 4]
