"""Runs of accounts, for the tests of limits."""

from __future__ import annotations

from core.principals import LOCAL
from services.jobs import creating
from tests.factories import (
    GivenSystem,
    new_job,
)


def create(system: GivenSystem, count: int, account_id: str = "acc1", priority: int = 5) -> list[str]:
    job = new_job(account_id=account_id, priority=priority)
    return [str(creating.create(LOCAL, system, job)) for _ in range(count)]
