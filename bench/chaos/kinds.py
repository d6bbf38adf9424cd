"""The kinds of jobs in the load: how many of each, and the body that creates one."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from bench.chaos.answers import GREET, LATER, POLL
from bench.chaos.scenario import APP, TENANTS, Scenario

Body = dict[str, Any]
_IMMEDIATE = {"type": "immediate"}
_INTERVAL_SECONDS = 5


@dataclass(frozen=True)
class Kind:
    """One kind of job: how many of it there are in ten minutes, and what makes its body."""

    name: str
    of_ten_minutes: int
    at_least: int
    body: Callable[[Scenario, random.Random, int, datetime], Body]


def _new(draws: random.Random, number: int, task_type: str, schedule: Body, **more: Any) -> Body:
    account = draws.choices(list(TENANTS), list(TENANTS.values()))[0]
    return {
        "app_name": APP,
        "user_id": "u",
        "account_id": account,
        "task_type": task_type,
        "schedule": schedule,
        "retry_backoff_max": 4,
        "data": {"n": number, "edition": 0},
        **more,
    }


def _immediate(_: Scenario, draws: random.Random, number: int, __: datetime) -> Body:
    return _new(draws, number, GREET, _IMMEDIATE)


def _timed(_: Scenario, draws: random.Random, number: int, __: datetime) -> Body:
    return _new(draws, number, GREET, {"type": "delay_from_now", "duration_seconds": draws.uniform(2, 12)})


def _later(_: Scenario, draws: random.Random, number: int, __: datetime) -> Body:
    return _new(draws, number, LATER, _IMMEDIATE)


def _polling(_: Scenario, draws: random.Random, number: int, __: datetime) -> Body:
    return _new(draws, number, POLL, {"type": "polling", "interval_seconds": 1})


def _interval(scenario: Scenario, draws: random.Random, number: int, now: datetime) -> Body:
    rule = {"type": "interval", "every_seconds": _INTERVAL_SECONDS, "starts_at": _shown(now + timedelta(seconds=2))}
    return _recurring(scenario, draws, number, now, rule)


def _cron(scenario: Scenario, draws: random.Random, number: int, now: datetime) -> Body:
    expression = draws.choice(["* * * * *", "*/2 * * * *", "1-59/2 * * * *"])
    return _recurring(scenario, draws, number, now, {"type": "cron", "expression": expression})


def _recurring(scenario: Scenario, draws: random.Random, number: int, now: datetime, rule: Body) -> Body:
    ends_at = now + timedelta(seconds=scenario.load_seconds)
    schedule = {**rule, "ends_at": _shown(ends_at)}
    return _new(draws, number, GREET, schedule, overlap=draws.choice(["skip", "allow"]))


def _email(_: Scenario, draws: random.Random, number: int, __: datetime) -> Body:
    letter = {"recipient": f"user{number}@example.com", "subject": "News", "body": "Dear reader", "context": {}}
    return {**_new(draws, number, "send_email", _IMMEDIATE), "data": letter}


def _shown(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat()


KINDS = (
    Kind("immediate", 2_400, 1, _immediate),
    Kind("timed", 600, 1, _timed),
    Kind("interval", 40, 12, _interval),
    Kind("cron", 20, 6, _cron),
    Kind("polling", 60, 8, _polling),
    Kind("later", 120, 12, _later),
    Kind("email", 100, 10, _email),
)
