"""Looking ahead: what a schedule that is not yet a job would do."""

from __future__ import annotations

from typing import Any, cast

import pytest

from tests.integration.api.client import Client


def _preview(client: Client, schedule: dict[str, Any], **more: Any) -> list[str]:
    result = client.simulate_post("/api/schedules/preview", json={"schedule": schedule, **more})
    assert result.status_code == 200, result.text
    assert result.json["description"]
    return cast("list[str]", result.json["next"])


@pytest.mark.parametrize(
    ("expression", "after", "instants"),
    [
        ("30 2 * * *", "2026-03-28T12:00:00Z", ["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]),
        ("30 2 * * *", "2026-10-24T12:00:00Z", ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]),
        ("*/30 * * * *", "2026-10-25T00:00:00Z", ["2026-10-25T00:30:00Z", "2026-10-25T01:00:00Z"]),
    ],
)
def test_a_preview_knows_both_clock_changes(client: Client, expression: str, after: str, instants: list[str]) -> None:
    berlin = {"type": "cron", "expression": expression, "timezone": "Europe/Berlin"}
    assert _preview(client, berlin, after=after, count=2) == instants


def test_a_preview_of_a_time_in_the_gap_or_twice(client: Client) -> None:
    once = {"type": "run_at", "timezone": "Europe/Berlin"}
    gap, twice = "2026-03-29T02:30:00", "2026-10-25T02:30:00"
    before = "2026-01-01T00:00:00"
    assert _preview(client, {**once, "timestamp": gap}, after=before) == ["2026-03-29T01:30:00Z"]
    assert _preview(client, {**once, "timestamp": twice}, after=before) == ["2026-10-25T00:30:00Z"]


def test_a_preview_of_the_other_kinds_is_one_instant(client: Client) -> None:
    assert _preview(client, {"type": "immediate"}) == ["2026-11-20T12:00:00Z"]
    assert _preview(client, {"type": "polling", "interval_seconds": 5}) == ["2026-11-20T12:00:00Z"]
    delay = {"type": "delay_from_now", "duration_seconds": 90}
    assert _preview(client, delay, after="2026-01-01T00:00:00") == ["2026-01-01T00:01:30Z"]


def test_a_preview_ends_with_the_schedule(client: Client) -> None:
    each_minute = {"type": "cron", "expression": "* * * * *"}
    assert len(_preview(client, each_minute)) == 5
    assert len(_preview(client, each_minute, count=100)) == 100
    assert len(_preview(client, {**each_minute, "max_runs": 2})) == 2
    assert len(_preview(client, {**each_minute, "ends_at": "2026-11-20T12:03:00Z"})) == 2
    assert _preview(client, {**each_minute, "ends_at": "2020-01-01T00:00:00Z"}) == []


def test_a_preview_tells_the_latest_instant_at_which_jitter_may_make_each_due(client: Client) -> None:
    jittered = {"type": "cron", "expression": "0 * * * *", "jitter_seconds": 90.5}
    shown = client.simulate_post("/api/schedules/preview", json={"schedule": jittered, "count": 2}).json
    assert shown == {
        "next": ["2026-11-20T13:00:00Z", "2026-11-20T14:00:00Z"],
        "occurrences": [
            {"scheduled_for": "2026-11-20T13:00:00Z", "latest_due_at": "2026-11-20T13:01:30.500000Z"},
            {"scheduled_for": "2026-11-20T14:00:00Z", "latest_due_at": "2026-11-20T14:01:30.500000Z"},
        ],
        "description": "Every hour, UTC, each up to 90.5 s later",
    }
    once = client.simulate_post("/api/schedules/preview", json={"schedule": {"type": "immediate"}}).json
    assert once["occurrences"] == [{"scheduled_for": once["next"][0], "latest_due_at": once["next"][0]}]


@pytest.mark.parametrize("after", ["1970-01-01", "2199-12-31T23:59:59.999999-12:00"])
def test_a_preview_survives_the_edges_of_time(client: Client, after: str) -> None:
    _preview(client, {"type": "cron", "expression": "0 0 29 2 *"}, after=after, count=100)
    _preview(client, {"type": "delay_from_now", "duration_seconds": 315_360_000}, after=after)
