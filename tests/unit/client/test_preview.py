"""`carillon preview` needs no server."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
import typer
from typer.testing import CliRunner

from client import commands
from core import schedules

APP = typer.Typer(rich_markup_mode=None)
commands.add_to(APP)


def test_the_next_instants_are_those_of_the_core() -> None:
    before = datetime.now(UTC)
    result = CliRunner().invoke(APP, ["preview", "0 9 * * 1", "--tz", "Europe/Paris", "--count", "3", "--json"])
    shown = json.loads(result.stdout)
    schedule = schedules.Cron("0 9 * * 1", timezone="Europe/Paris")
    assert shown["description"] == schedule.describe()
    instants = [datetime.fromisoformat(text) for text in shown["next"]]
    expected = list(islice(schedule.upcoming(before), 4))
    assert instants in (expected[:3], expected[1:])


def test_people_see_the_clocks_of_the_zone() -> None:
    result = CliRunner().invoke(APP, ["preview", "30 9 * * 1", "--tz", "Asia/Tokyo"])
    words, _, *rows = result.stdout.splitlines()
    assert words == "At 09:30 on Monday, Asia/Tokyo"
    assert len(rows) == 5
    assert all(row.startswith("Mon ") and "09:30:00 +0900" in row for row in rows)
    first = datetime.fromisoformat(rows[0].split()[-1]).astimezone(ZoneInfo("Asia/Tokyo"))
    assert (first.weekday(), first - datetime.now(UTC) <= timedelta(days=7)) == (0, True)


def test_jitter_is_said_and_when_each_is_due_at_the_latest() -> None:
    words, titles, *rows = CliRunner().invoke(APP, ["preview", "30 9 * * 1", "--jitter", "90"]).stdout.splitlines()
    assert words == "At 09:30 on Monday, UTC, each up to 90 s later"
    assert titles.rstrip().endswith("due by, UTC")
    assert all(row.rstrip().endswith("T09:31:30Z") for row in rows)
    result = CliRunner().invoke(APP, ["preview", "30 9 * * 1", "--jitter", "90", "--count", "1", "--json"])
    [one] = json.loads(result.stdout)["occurrences"]
    scheduled_for, latest_due_at = (datetime.fromisoformat(one[name]) for name in ("scheduled_for", "latest_due_at"))
    assert latest_due_at - scheduled_for == timedelta(seconds=90)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["61 * * * *"], "61"),
        (["0 9 * * 1", "--tz", "Mars/Base"], "'Mars/Base' is no IANA"),
        (["* * * * *", "--count", "0"], "'--count'"),
        (["* * * * *", "--jitter", "-1"], "'--jitter'"),
    ],
)
def test_what_is_wrong_is_told_with_exit_code_2(words: list[str], told: str) -> None:
    result = CliRunner().invoke(APP, ["preview", *words])
    assert (result.exit_code, result.stdout) == (2, "")
    assert told in result.stderr
