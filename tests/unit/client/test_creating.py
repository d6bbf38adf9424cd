"""From options to the request: exactly one way to say when, and times in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import typer

from client import schedule_options
from client.job_fields import json_or_file

NO_REFINEMENTS: dict[str, Any] = {"timezone": None}


@pytest.mark.parametrize(
    ("chosen", "schedule"),
    [
        ({"--now": True}, {"type": "immediate"}),
        ({"--at": "2027-03-01T09:00"}, {"type": "run_at", "timestamp": "2027-03-01T09:00"}),
        ({"--in": "5m"}, {"type": "delay_from_now", "duration_seconds": 300}),
        ({"--cron": "0 9 * * 1"}, {"type": "cron", "expression": "0 9 * * 1"}),
        ({"--every": "1.5h"}, {"type": "interval", "every_seconds": 5400}),
        ({"--every": "daily"}, {"type": "interval", "frequency": "daily"}),
        ({"--poll": "30"}, {"type": "polling", "interval_seconds": 30}),
    ],
)
def test_each_way_to_say_when_makes_a_schedule(chosen: dict[str, Any], schedule: dict[str, Any]) -> None:
    assert schedule_options.schedule(chosen, NO_REFINEMENTS) == schedule
    assert schedule_options.schedule(chosen, {"timezone": "Asia/Tokyo"}) == {**schedule, "timezone": "Asia/Tokyo"}


@pytest.mark.parametrize("chosen", [{}, {"--now": True, "--in": "5m"}, {"--cron": "0 9 * * 1", "--every": "1h"}])
def test_no_way_and_two_ways_are_refused(chosen: dict[str, Any]) -> None:
    with pytest.raises(typer.BadParameter, match="exactly one"):
        schedule_options.schedule(chosen, NO_REFINEMENTS)


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("90s", 90), ("0.5m", 30), ("2h", 7200), ("1d", 86400)])
def test_times_are_read(text: str, seconds: float) -> None:
    assert schedule_options.seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "-5", "5 m", "1w", "1e3", "m", "inf"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="no length of time"):
        schedule_options.seconds(text)


def test_json_is_taken_itself_or_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "data.json"
    file.write_text('{"a": "ü"}', "utf-8")
    assert json_or_file("--data", f"@{file}") == json_or_file("--data", '{"a": "ü"}') == {"a": "ü"}
    for wrong in ("{a: 1}", f"@{tmp_path}/none.json", f"@{tmp_path}"):
        with pytest.raises(typer.BadParameter, match="neither JSON nor"):
            json_or_file("--data", wrong)
