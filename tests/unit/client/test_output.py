"""What is printed: ids stay whole, and nothing that is shown can steer a terminal."""

from __future__ import annotations

import re

import pytest

from client import output, words

ID = "01a1fc26-c998-7695-a86d-5d4b59740130"


def test_ids_stay_whole_in_a_narrow_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    output.table(("id", "name", "schedule"), [[ID, "a name of some length", "every 30 s and more"]])
    shown = re.sub(r"\x1b\[\d*m", "", capsys.readouterr().out)
    assert ID in shown
    assert max(len(line) for line in shown.splitlines()) <= 60


def test_without_a_terminal_each_row_is_one_line_without_colour(capsys: pytest.CaptureFixture[str]) -> None:
    output.table(("id", "name"), [[ID, "x" * 300], [ID, None]])
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["id" + " " * 36 + "name", f"{ID}  {'x' * 300}", f"{ID}  -"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\nb", "a\nb"),
        ("[bold]", "[bold]"),
        (None, "-"),
        (True, "true"),
        ({"a": "ü"}, '{"a": "ü"}'),
        ("\u202e", "\\u202e"),
    ],
)
def test_values_are_shown_as_they_are(value: object, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert output.plain(value) == text
    output.fields({"name": value})
    shown = capsys.readouterr().out.strip()
    assert shown == "" if value is None else text.splitlines()[0] in shown.removeprefix("name")


@pytest.mark.parametrize(
    ("schedule", "text"),
    [
        ({"type": "immediate"}, "immediate"),
        ({"type": "run_at", "timestamp": "2027-01-01T00:00:00Z"}, "at 2027-01-01T00:00:00Z"),
        ({"type": "delay_from_now", "duration_seconds": 90.0}, "after 90 s"),
        ({"type": "cron", "expression": "0 9 * * 1", "timezone": "Europe/Paris"}, "0 9 * * 1 (Europe/Paris)"),
        ({"type": "interval", "frequency": "daily", "every_seconds": None, "timezone": "UTC"}, "daily (UTC)"),
        ({"type": "interval", "frequency": None, "every_seconds": 300.0}, "every 5 min"),
        ({"type": "polling", "interval_seconds": 30.0}, "polls every 30 s"),
    ],
)
def test_schedules_are_told_in_short(schedule: dict[str, object], text: str) -> None:
    assert words.schedule(schedule) == text
