"""Every wrong field of a body or a query is named, with the rule and the remedy."""

from __future__ import annotations

from typing import Any

import pytest

from api import validation
from api.schemas.apps import NewApp
from api.schemas.jobs import NewJob
from api.schemas.paging import JobsQuery
from api.schemas.schedules import Preview
from core.errors import InvalidInput
from tests.unit.api.parsing import LEFT_OUT, LONG, cron, job_with, schedule, wrong_fields

BAD_JOBS: list[tuple[dict[str, Any], set[str]]] = [
    ({"app_name": LEFT_OUT}, {"app_name"}),
    (
        dict.fromkeys(("app_name", "user_id", "task_type", "schedule"), LEFT_OUT),
        {"app_name", "user_id", "task_type", "schedule"},
    ),
    ({"app_name": ""}, {"app_name"}),
    ({"app_name": LONG}, {"app_name"}),
    ({"app_name": "a/b"}, {"app_name"}),
    ({"app_name": ".."}, {"app_name"}),
    ({"app_name": " a"}, {"app_name"}),
    ({"app_name": "a\nb"}, {"app_name"}),
    ({"app_name": "a\0b"}, {"app_name"}),
    ({"app_name": "\ud800"}, {"app_name"}),
    ({"app_name": 7}, {"app_name"}),
    ({"user_id": None}, {"user_id"}),
    ({"user_id": True}, {"user_id"}),
    ({"user_id": 1.5}, {"user_id"}),
    ({"user_id": []}, {"user_id"}),
    ({"user_id": 2**63}, {"user_id"}),
    ({"account_id": ""}, {"account_id"}),
    ({"account_id": LONG}, {"account_id"}),
    ({"account_id": {}}, {"account_id"}),
    ({"board_id": False}, {"board_id"}),
    ({"task_type": "a b"}, {"task_type"}),
    ({"task_type": "../x"}, {"task_type"}),
    ({"task_type": ".."}, {"task_type"}),
    ({"task_type": ""}, {"task_type"}),
    ({"task_type": "x" * 101}, {"task_type"}),
    ({"task_type": "name\n"}, {"task_type"}),
    ({"data": []}, {"data"}),
    ({"data": "text"}, {"data"}),
    ({"data": {"deep": [{"text": "\0"}]}}, {"data.deep.0.text"}),
    ({"data": {"a\0": 1}}, {"data"}),
    ({"priority": 10}, {"priority"}),
    ({"priority": -1}, {"priority"}),
    ({"priority": True}, {"priority"}),
    ({"priority": "urgent"}, {"priority"}),
    ({"priority": 5.0}, {"priority"}),
    ({"priority": None}, {"priority"}),
    ({"max_retries": -1}, {"max_retries"}),
    ({"max_retries": 101}, {"max_retries"}),
    ({"max_retries": "3"}, {"max_retries"}),
    ({"max_retries": 3.5}, {"max_retries"}),
    ({"max_retries": True}, {"max_retries"}),
    ({"max_retries": 10**400}, {"max_retries"}),
    ({"retry_backoff_base": 0}, {"retry_backoff_base"}),
    ({"retry_backoff_base": "60"}, {"retry_backoff_base"}),
    ({"retry_backoff_base": 10**400}, {"retry_backoff_base"}),
    ({"retry_backoff_base": 1e12}, {"retry_backoff_base"}),
    ({"retry_backoff_base": 5e-324}, {"retry_backoff_base"}),
    ({"retry_backoff_max": 1e12}, {"retry_backoff_max"}),
    ({"retry_backoff_max": 5e-324}, {"retry_backoff_max"}),
    (schedule("polling", interval_seconds=5e-324), {"schedule.interval_seconds"}),
    ({"time_limit_seconds": 0}, {"time_limit_seconds"}),
    ({"time_limit_seconds": 3601}, {"time_limit_seconds"}),
    ({"time_limit_seconds": False}, {"time_limit_seconds"}),
    ({"limit_key": "{{data.x"}, {"limit_key"}),
    ({"limit_key": ""}, {"limit_key"}),
    ({"limit_key": "{{secret.KEY}}"}, {"limit_key"}),
    ({"id": "x", "status": "completed"}, {"id", "status"}),
    ({"Priority": 5}, {"Priority"}),
]
BAD_SCHEDULES: list[tuple[dict[str, Any], set[str]]] = [
    ({"schedule": None}, {"schedule"}),
    ({"schedule": []}, {"schedule"}),
    ({"schedule": "immediate"}, {"schedule"}),
    ({"schedule": {}}, {"schedule.type"}),
    (schedule("weekly"), {"schedule.type"}),
    (schedule("Cron"), {"schedule.type"}),
    ({"schedule": {"type": 5}}, {"schedule.type"}),
    ({"schedule": {"type": ["cron"]}}, {"schedule.type"}),
    (schedule("immediate", timestamp="2026-01-01T00:00:00Z"), {"schedule.timestamp"}),
    (schedule("interval"), {"schedule"}),
    (schedule("interval", every_seconds=60, frequency="daily"), {"schedule"}),
    (schedule("interval", every_seconds=0.5), {"schedule.every_seconds"}),
    (schedule("interval", frequency="yearly"), {"schedule.frequency"}),
    (schedule("interval", every_seconds=60, jitter_seconds=-1), {"schedule.jitter_seconds"}),
    (schedule("interval", every_seconds=60, max_runs=0), {"schedule.max_runs"}),
    (schedule("interval", every_seconds=60, anchor_at="2026-01-01T00:00:00Z"), {"schedule.anchor_at"}),
    (schedule("polling", interval_seconds=30, max_polls=0), {"schedule.max_polls"}),
    (schedule("polling", interval_seconds=30, give_up_after_seconds=0), {"schedule.give_up_after_seconds"}),
    (schedule("polling"), {"schedule.interval_seconds"}),
    (schedule("polling", interval_seconds=0), {"schedule.interval_seconds"}),
    (schedule("polling", interval_seconds=-1), {"schedule.interval_seconds"}),
    (schedule("polling", interval_seconds="30"), {"schedule.interval_seconds"}),
    (schedule("polling", interval_seconds=1e300), {"schedule.interval_seconds"}),
    (schedule("polling", interval_seconds=30, expression="* * * * *"), {"schedule.expression"}),
    (schedule("delay_from_now", duration_seconds=-1), {"schedule.duration_seconds"}),
    (schedule("delay_from_now", duration_seconds=1e300), {"schedule.duration_seconds"}),
    (schedule("delay_from_now", duration_seconds=None), {"schedule.duration_seconds"}),
    (schedule("delay_from_now", interval_seconds=1), {"schedule.duration_seconds", "schedule.interval_seconds"}),
    (schedule("run_at"), {"schedule.timestamp"}),
    (schedule("run_at", timestamp=1767225600), {"schedule.timestamp"}),
    (schedule("run_at", timestamp="tomorrow"), {"schedule.timestamp"}),
    (schedule("run_at", timestamp="2026-02-30T00:00:00"), {"schedule.timestamp"}),
    (schedule("run_at", timestamp="9999-12-31T23:59:59Z"), {"schedule.timestamp"}),
    (schedule("run_at", timestamp="9999-12-31T23:59:59-23:59"), {"schedule.timestamp"}),
    (schedule("run_at", timestamp="0001-01-01T00:00:00+23:59"), {"schedule.timestamp"}),
    (schedule("run_at", timestamp="2200-01-01T00:00:00Z"), {"schedule.timestamp"}),
    (schedule("run_at", timestamp="2026-01-01T00:00:00", timezone="Mars/Base"), {"schedule.timezone"}),
    (schedule("run_at", timestamp="2026-01-01T00:00:00", timezone="../../etc/passwd"), {"schedule.timezone"}),
    (schedule("run_at", timestamp="x", timezone="x"), {"schedule.timestamp", "schedule.timezone"}),
    (schedule("cron"), {"schedule.expression"}),
    (cron(expression="0 0 31 2 *"), {"schedule.expression"}),
    (cron(expression="* * * * * *"), {"schedule.expression"}),
    (cron(expression="@reboot"), {"schedule.expression"}),
    (cron(expression="*" * 1000), {"schedule.expression"}),
    (cron(expression=5), {"schedule.expression"}),
    (cron(timezone=None), {"schedule.timezone"}),
    (cron(timezone="America"), {"schedule.timezone"}),
    (cron(timezone="localtime"), {"schedule.timezone"}),
    (cron(max_runs=0), {"schedule.max_runs"}),
    (cron(max_runs=2**70), {"schedule.max_runs"}),
    (cron(starts_at="never"), {"schedule.starts_at"}),
    (cron(starts_at="2026-02-01T00:00:00Z", ends_at="2026-02-01T00:00:00Z"), {"schedule.ends_at"}),
    (cron(every_seconds=5, jitter=1), {"schedule.every_seconds", "schedule.jitter"}),
]
BAD_URLS = [
    "",
    "/hooks",
    "app.example.com",
    "ftp://app.example.com/",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "http://",
    "http:///path",
    "http://:80/",
    "http://user:canary@app.example.com/",
    "http://canary@app.example.com/",
    "http://app.example.com:0/",
    "http://app.example.com:99999/",
    "http://app.example.com:x/",
    "http://[::1",
    "http://app.example.com/a b",
    "http://app.example.com\\@evil.example.com/",
    "http://app.example.com/\r\nX: y",
    "http://app.example.com/\t",
    "http://münchen.example.com/",
    f"http://app.example.com/{'x' * 2000}",
]


@pytest.mark.parametrize(("changes", "fields"), [*BAD_JOBS, *BAD_SCHEDULES])
def test_every_wrong_field_of_a_job_is_named(changes: dict[str, Any], fields: set[str]) -> None:
    found = wrong_fields(NewJob, job_with(**changes))
    assert set(found) == fields
    assert all(message.endswith((".", "?")) for message in found.values())
    assert not any("pydantic" in message or "Value error" in message for message in found.values())


@pytest.mark.parametrize("url", BAD_URLS)
def test_a_url_that_cannot_be_called_is_refused_and_not_repeated(url: str) -> None:
    for model, value, field in (
        (NewJob, job_with(callback_url=url), "callback_url"),
        (NewApp, {"callback_base_url": url}, "callback_base_url"),
    ):
        found = wrong_fields(model, value)
        assert list(found) == [field]
        assert "canary" not in found[field]


@pytest.mark.parametrize(
    ("value", "fields"),
    [
        ({"callback_base_url": "http://a.example.com/?x=1"}, {"callback_base_url"}),
        ({"callback_base_url": "http://a.example.com/#x"}, {"callback_base_url"}),
        ({"task_types": []}, {"task_types"}),
        ({"task_types": {"a b": {}}}, {"task_types.a b"}),
        ({"task_types": {"a": {"max_retries": -1, "x": 1}}}, {"task_types.a.max_retries", "task_types.a.x"}),
        ({"task_types": {str(number): {} for number in range(1001)}}, {"task_types"}),
        ({"name": "other"}, {"name"}),
    ],
)
def test_every_wrong_field_of_an_app_is_named(value: dict[str, Any], fields: set[str]) -> None:
    assert set(wrong_fields(NewApp, value)) == fields


@pytest.mark.parametrize(
    ("value", "fields"),
    [
        ({}, {"schedule"}),
        ({**schedule("immediate"), "count": 0}, {"count"}),
        ({**schedule("immediate"), "count": 101}, {"count"}),
        ({**schedule("immediate"), "after": "yesterday"}, {"after"}),
        ({**schedule("immediate"), "after": "9999-01-01"}, {"after"}),
    ],
)
def test_every_wrong_field_of_a_preview_is_named(value: dict[str, Any], fields: set[str]) -> None:
    assert set(wrong_fields(Preview, value)) == fields


@pytest.mark.parametrize(
    ("parameters", "fields"),
    [
        ({"limit": "0"}, {"limit"}),
        ({"limit": "101"}, {"limit"}),
        ({"limit": "many"}, {"limit"}),
        ({"limit": ["1", "2"]}, {"limit"}),
        ({"cursor": ""}, {"cursor"}),
        ({"cursor": "nonsense"}, {"cursor"}),
        ({"cursor": "A" * 21 + "B"}, {"cursor"}),  # decodes, but is not how we write it
        ({"cursor": "é" * 22}, {"cursor"}),
        ({"status": "done"}, {"status"}),
        ({"app_name": ""}, {"app_name"}),
        ({"account_id": "a\0"}, {"account_id"}),
        ({"offset": "2", "q": "x"}, {"offset", "q"}),
    ],
)
def test_every_wrong_query_parameter_is_named(parameters: dict[str, str | list[str]], fields: set[str]) -> None:
    with pytest.raises(InvalidInput) as refused:
        validation.query(JobsQuery, parameters)
    assert {fault.field for fault in refused.value.fields} == fields


def test_messages_name_the_value_the_rule_and_the_remedy() -> None:
    found = wrong_fields(NewJob, job_with(priority=11, **schedule("weekly")))
    assert found["priority"] == "must be a whole number from 0 to 9, or high, medium or low, not 11."
    assert found["schedule.type"] == (
        "is 'weekly', which is none of immediate, run_at, delay_from_now, cron, interval, polling."
    )
    found = wrong_fields(NewJob, job_with(**cron(expression="0 25 * * *")))
    assert "25" in found["schedule.expression"]


def test_messages_stay_short_whatever_is_sent() -> None:
    found = wrong_fields(NewJob, job_with(priority="x" * 10_000, task_type="y" * 10_000))
    assert all(len(message) < 300 for message in found.values())
