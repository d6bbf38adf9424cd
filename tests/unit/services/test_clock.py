"""The clock follows the database's, and steps no further than the database's answer demands."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo

import pytest
from structlog.testing import capture_logs

from core.errors import DatabaseUnavailable
from models import database
from services.runtime import clock as clocks
from services.runtime.clock import DatabaseClock


def ahead_of_here(clock: DatabaseClock) -> float:
    """By how many seconds the clock is ahead of this machine's."""
    return (clock.now() - datetime.now(UTC)).total_seconds()


def answer(monkeypatch: pytest.MonkeyPatch, offset: float, doubt: float) -> None:
    """Make the database answer that it is this far ahead, give or take the doubt."""
    known = (timedelta(seconds=offset), timedelta(seconds=doubt))
    monkeypatch.setattr(database, "clock_offset", lambda: known)


def test_a_database_that_is_ahead_is_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = DatabaseClock()
    answer(monkeypatch, 100, 0.5)
    clock.follow()
    assert ahead_of_here(clock) == pytest.approx(99.5, abs=0.1)
    answer(monkeypatch, -100, 0)
    clock.follow()
    assert ahead_of_here(clock) == pytest.approx(-100, abs=0.1)


def test_an_answer_too_slow_to_tell_a_difference_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = DatabaseClock()
    answer(monkeypatch, 2, 2.5)
    clock.follow()
    assert ahead_of_here(clock) == pytest.approx(0, abs=0.1)


def test_a_database_that_is_away_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise DatabaseUnavailable("away")

    clock = DatabaseClock()
    answer(monkeypatch, 100, 0)
    clock.follow()
    monkeypatch.setattr(database, "clock_offset", away)
    clock.follow()
    assert ahead_of_here(clock) == pytest.approx(100, abs=0.1)


@pytest.mark.parametrize(("offset", "reported"), [(1.5, [1.5]), (-100, [-100.0]), (0.5, [])])
def test_a_step_of_more_than_a_second_is_reported_once(
    monkeypatch: pytest.MonkeyPatch, offset: float, reported: list[float]
) -> None:
    clock = DatabaseClock()
    answer(monkeypatch, offset, 0)
    with capture_logs() as logs:
        clock.follow()
        clock.follow()
    assert [(one["event"], one["log_level"]) for one in logs] == [("clock_stepped", "warning")] * len(reported)
    assert [one["seconds"] for one in logs] == pytest.approx(reported, abs=0.1)


def test_a_step_of_this_machines_own_clock_moves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = DatabaseClock()
    before = clock.now()

    class Stepped(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Stepped:
            return cls(2030, 1, 1, tzinfo=tz)

    monkeypatch.setattr(clocks, "datetime", Stepped)
    assert timedelta(0) <= clock.now() - before < timedelta(seconds=5)
