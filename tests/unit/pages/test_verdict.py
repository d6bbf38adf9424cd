"""The verdict: the worst that holds, with its reason and where more is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from core.states import Hold
from pages import verdict
from pages.verdict import Facts
from services.reading.parts import PartView
from services.reading.statistics import MinuteFigures
from services.reading.waiting import Waiting, WaitView
from tests.factories import NOON

NOTHING_WAITS = Waiting([], 0, is_cut=False)
WELL = Facts(
    now=NOON,
    zone=ZoneInfo("UTC"),
    paused_at=None,
    parts=[PartView("database", is_well=True, detail="answers")],
    waiting=NOTHING_WAITS,
    minutes=[MinuteFigures(NOON, completed=1_201, failed=3, lateness_p95_seconds=0.012)],
)


def waits(seconds: float, held_by: Hold | None = None) -> Waiting:
    due = NOON - timedelta(seconds=seconds)
    group = WaitView("crm", "acc7", "runs.http", held_by, 412, due, NOON + timedelta(seconds=190))
    return Waiting([group], 412, is_cut=False)


def text(**changes: Any) -> str:
    return verdict.of(replace(WELL, **changes)).text


def test_all_is_well_is_said_with_figures() -> None:
    assert (
        text()
        == "All is well. 1,204 runs in the last hour, 3 failed, 95 % began within 12 ms even in the worst minute."
    )
    assert text(minutes=[]) == "All is well. Nothing has run in the last hour."
    assert text(minutes=None) == "All is well."


def test_runs_that_wait_for_long_have_a_reason() -> None:
    said = text(waiting=waits(61, Hold.RATE_LIMIT))
    assert said == "412 runs wait: account acc7 has used up its rate until Fri 20 Nov 2026 12:03:10."
    assert "no worker has been free for those of crm on runs.http for 2 min" in text(waiting=waits(120))


def test_short_waits_and_those_that_somebody_wanted_are_no_news() -> None:
    for waiting in (waits(59), waits(3_600, Hold.PAUSED), waits(3_600, Hold.OVERLAP)):
        assert text(waiting=waiting).startswith("All is well.")


def test_a_part_that_is_amiss_comes_before_what_follows_from_it() -> None:
    amiss = [PartView("workers", is_well=False, detail="none is alive")]
    found = verdict.of(replace(WELL, parts=amiss, waiting=waits(600)))
    assert (found.tone, found.path) == ("bad", "#parts")
    assert "workers" in found.text


def test_a_pause_of_everything_comes_first() -> None:
    found = verdict.of(replace(WELL, paused_at=NOON - timedelta(minutes=5), waiting=waits(600, Hold.PAUSED)))
    assert found.text == "Everything is paused since 5 min ago; 412 runs wait."
    assert found.path == "/dashboard/queues"


def test_many_failures_and_lateness_are_told() -> None:
    failing = [MinuteFigures(NOON, completed=9, failed=1)]
    assert text(minutes=failing) == "1 of 10 runs in the last hour failed for good."
    assert text(minutes=[MinuteFigures(NOON, completed=9, lateness_p95_seconds=61.0)]).startswith("Runs begin late")
    long_ago = [MinuteFigures(NOON, completed=9, lateness_p95_seconds=61.0), *[MinuteFigures(NOON)] * 5]
    assert text(minutes=long_ago).startswith("All is well")
