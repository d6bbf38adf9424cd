"""Runs come at the instants that their schedules name."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.acceptance.examples.asking import EARLY, LATE, PRINTED, ended, greet, post, status_of
from tests.acceptance.examples.listener import Listener
from tests.acceptance.installation import Installation
from tests.acceptance.minutes import begin_well_before_a_minute_ends

pytestmark = pytest.mark.xdist_group("examples")  # they share two installations


def _naive(at: datetime) -> dict[str, Any]:
    return {"type": "run_at", "timestamp": at.replace(tzinfo=None).isoformat()}


def _with_offset(at: datetime) -> dict[str, Any]:
    return {"type": "run_at", "timestamp": at.astimezone(ZoneInfo("Asia/Kolkata")).isoformat()}


def _in_zone(at: datetime) -> dict[str, Any]:
    local = at.astimezone(ZoneInfo("America/New_York")).replace(tzinfo=None)
    return {"type": "run_at", "timestamp": local.isoformat(), "timezone": "America/New_York"}


@pytest.mark.parametrize("written", [_naive, _with_offset, _in_zone])
def test_run_at_runs_at_its_instant(
    carillon: Installation, listener: Listener, written: Callable[[datetime], dict[str, Any]]
) -> None:
    at = datetime.now(UTC) + timedelta(seconds=8)
    job_id = post(carillon, {**PRINTED, "schedule": written(at), **greet()})
    status = status_of(carillon, job_id)
    assert datetime.fromisoformat(status["scheduled_at"]) == at
    assert (status["status"], status["logs"]) == ("pending", [])
    [call] = listener.wait_for(job_id)
    assert at - EARLY <= call.at < at + LATE
    assert datetime.fromisoformat(call.headers["X-Carillon-Scheduled-For"]) == at
    ended(carillon, job_id, "completed")


def test_run_at_in_the_past_runs_at_once(carillon: Installation, listener: Listener) -> None:
    posted_at = datetime.now(UTC)
    job_id = post(carillon, {**PRINTED, "schedule": _naive(posted_at - timedelta(days=400)), **greet()})
    [call] = listener.wait_for(job_id)
    assert call.at - posted_at < LATE
    ended(carillon, job_id, "completed")


@pytest.mark.parametrize("seconds", [0, 1.5, 4])
def test_a_delay_is_counted_from_acceptance(carillon: Installation, listener: Listener, seconds: float) -> None:
    schedule = {"type": "delay_from_now", "duration_seconds": seconds}
    job_id = post(carillon, {**PRINTED, "schedule": schedule, **greet()})
    status = status_of(carillon, job_id)
    at = datetime.fromisoformat(status["created_at"]) + timedelta(seconds=seconds)
    assert datetime.fromisoformat(status["scheduled_at"]) == at
    [call] = listener.wait_for(job_id)
    assert at - EARLY <= call.at < at + LATE
    ended(carillon, job_id, "completed")


def test_cron_runs_on_the_minute_and_ends_after_its_runs(carillon: Installation, listener: Listener) -> None:
    schedule = {"type": "cron", "expression": "* * * * *", "max_runs": 1}
    begin_well_before_a_minute_ends()
    job_id = post(carillon, {**PRINTED, "schedule": schedule, **greet()})
    status = status_of(carillon, job_id)
    at = datetime.fromisoformat(status["scheduled_at"])
    accepted_at = datetime.fromisoformat(status["created_at"])
    assert at == accepted_at.replace(second=0, microsecond=0) + timedelta(minutes=1)
    [call] = listener.wait_for(job_id)
    assert at - EARLY <= call.at < at + LATE
    assert datetime.fromisoformat(call.headers["X-Carillon-Scheduled-For"]) == at
    assert "polling_state" not in call.body
    ended(carillon, job_id, "completed")
