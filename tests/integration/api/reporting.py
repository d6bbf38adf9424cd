"""Runs whose receivers answered 202, and their reports."""

from __future__ import annotations

from typing import Any

from services.execution.work import Deferred, Work
from tests.factories import GivenSystem, claim_one, record
from tests.integration.api.client import Client

IMMEDIATE = {"type": "immediate"}


def deferred(client: Client, system: GivenSystem, **job: Any) -> Work:
    """A run whose callback was answered with 202."""
    client.create(**{"schedule": IMMEDIATE, **job})
    work = claim_one(system)
    record(system, work, Deferred())
    return work


def report(client: Client, work: Work, kind: str, body: Any = None, **headers: str) -> Any:
    token = {"X-Carillon-Report-Token": work.report_token, **headers}
    return client.simulate_post(f"/reports/{work.run_id}/{kind}", headers=token, json=body)
